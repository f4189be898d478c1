#!/bin/sh
# Tries the echo server as a stranger would, with socat for a client: test_echo_server.sh PROGRAM...
# Each check is a claim; the exit status is 0 when all of them hold, and 77 where there is no socat.

set -u

command -v socat >/dev/null || exit 77
scratch=$(mktemp -d)
server=
failures=0
trap 'kill $server $(jobs -p) 2>/dev/null; rm -rf "$scratch"' EXIT
cd "$scratch" || exit 1

claim() { # WORDS STATUS
    if [ "$2" -eq 0 ]; then
        printf 'ok: %s\n' "$1"
    else
        printf 'FAILED: %s\n' "$1"
        tail -n 20 log errors
        failures=$((failures + 1))
    fi
}

# Waits until the server's log has COUNT lines that match PATTERN, at most for 20 seconds.
await_lines() { # PATTERN COUNT
    tries=400
    until [ "$(grep -c -- "$1" log)" -ge "$2" ]; do
        tries=$((tries - 1))
        [ $tries -gt 0 ] || return 1
        sleep 0.05
    done
}

start() { # ARGUMENT...
    : >log
    # A shell lets what it starts in the background ignore the Ctrl-C; on a terminal, nothing does.
    env --default-signal=INT "$@" --verbose 127.0.0.1 0 >log 2>errors &
    server=$!
    await_lines '^at most' 1 || claim "the server starts" 1
    port=$(sed -n 's/^listening on 127.0.0.1 port //p' log)
}

# Ends the server with a Ctrl-C, and returns its exit status.
interrupt() {
    kill -INT "$server"
    wait "$server"
    status=$?
    server=
    return $status
}

client() { # what goes in is sent, what comes back goes out; the server sees the end of the one and ends the other
    socat -t 30 - "TCP4:127.0.0.1:$port"
}

# A client that stays connected, and silent, for as long as what holds its input open lives.
hold_a_connection() {
    mkfifo held
    client <held >/dev/null &
    sleep 300 >held &
    holder=$!
}

let_go() {
    kill "$holder"
    rm held
}

start "$@"

head -c 1000000 /dev/urandom >sent
client <sent >received
cmp -s sent received
claim "every byte of a megabyte comes back" $?

hold_a_connection
await_lines 'accepted, 1 open' 2
clients=
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do
    { head -c 20000 sent && echo "$i"; } >"sent.$i"
    client <"sent.$i" >"received.$i" &
    clients="$clients $!"
done
# shellcheck disable=SC2086  # the process ids are words
wait $clients
same=0
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do
    cmp -s "sent.$i" "received.$i" || same=1
done
claim "clients are served beside each other, and beside one that is silent" $same

"$@" 127.0.0.1 "$port" >/dev/null 2>refused
[ $? -eq 1 ] && grep -q "^echo_server: cannot listen on 127.0.0.1 port $port: Address already in use$" refused
claim "a port that is in use is refused, and named" $?

interrupt && [ ! -s errors ] && grep -q '^18 connections served, 1320.* bytes sent back$' log
claim "a Ctrl-C ends it while a client is connected, and it tells what it did" $?
let_go

start "$@" --connections=1
hold_a_connection
await_lines 'accepted' 1
echo next >sent
client <sent >received &
waiting=$!
sleep 0.3 # a server without the limit would have served it by then
early=$(cat received)
let_go
wait $waiting
[ -z "$early" ] && cmp -s sent received && [ "$(grep -c ', 1 open$' log)" -eq 2 ] && ! grep -q ', 2 open$' log
claim "beyond --connections, a client waits until another has ended" $?
interrupt
claim "a Ctrl-C ends it without clients" $?

for arguments in '' '127.0.0.1' '127.0.0.1 1 2' '127.0.0.1 70000' '127.0.0.1 12x' '-c 0 127.0.0.1 0' '--nonsense'; do
    # shellcheck disable=SC2086  # the arguments are words
    "$@" $arguments >log 2>errors
    [ $? -eq 1 ] && [ ! -s log ] && grep -q "^Try 'echo_server --help'.$" errors
    claim "refused with a reason: echo_server $arguments" $?
done

exit $((failures > 0))
