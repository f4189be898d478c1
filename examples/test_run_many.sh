#!/bin/sh
# Runs commands with run_many, and holds what it prints and how it ends against what it must: test_run_many.sh RUN_MANY...
# Exit status: 0 when all is as it must be.

set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

# check NAME STATUS EXPECTED OPTION... -- runs it, with the standard input of this function.
check() {
    name=$1 expected_status=$2 expected=$3
    shift 3
    status=0
    "$@" >out 2>err || status=$?
    printf "$expected" >expected
    if [ "$status" -ne "$expected_status" ] || ! diff -u expected out; then
        echo "$name: exit status $status, not $expected_status, or other output; on stderr:"
        cat err
        exit 1
    fi
}

check "all succeed" 0 '[1] exit 0: echo a\na\n[2] exit 0: printf b\nb\n' "$@" -k 'echo a' 'printf b'
check "one fails" 1 '[1] exit 0: true\n[2] exit 3: echo bad >&2; exit 3\nbad\n' "$@" -k true 'echo bad >&2; exit 3'
check "quiet" 1 '[2] exit 1: false\n' "$@" --quiet --keep-order true false true
check "a signal" 1 '[1] killed by SIGUSR1: kill -USR1 $$\n' "$@" 'kill -USR1 $$'
check "no such program" 1 '[1] exit 127: /no/such/program 2>&-\n' "$@" '/no/such/program 2>&-'
check "nothing to do" 0 '' "$@" </dev/null
check "lines of the standard input" 0 '[1] exit 0: echo a\na\n[2] exit 0: echo b\nb\n' "$@" -k <<'LINES'
echo a

   
echo b
LINES
check "in the order of their ends" 0 '[2] exit 0: true\n[1] exit 0: sleep 0.5\n' "$@" -j2 'sleep 0.5' true
check "one at a time" 0 '[1] exit 0: sleep 0.2\n[2] exit 0: true\n' "$@" -j1 'sleep 0.2' true
check "a timeout" 1 '[1] timed out: echo begun; sleep 60 | cat\nbegun\n[2] exit 0: true\n' \
    "$@" -k --timeout=0.5 'echo begun; sleep 60 | cat' true
check "one that does not want to end" 1 '[1] timed out: trap "" TERM; sleep 60; sleep 60\n' \
    "$@" -t 0.2 'trap "" TERM; sleep 60; sleep 60'
check "help" 0 "$("$@" --help | sed 's/%/%%/g; s/\\/\\\\/g')\n" "$@" --help
check "no number of jobs" 2 '' "$@" --jobs=many true
check "no jobs" 2 '' "$@" -j 0 true
check "no seconds" 2 '' "$@" -t soon true
check "no such option" 2 '' "$@" --frobnicate

# Many commands, with an output that is more than a pipe holds.
seq 200 | sed 's/.*/head -c 100000 \/dev\/zero | tr "\\0" x; exit 0/' >many
"$@" -j 20 <many >out
[ "$(tr -cd x <out | wc -c)" -ge 20000000 ] || {
    echo "output of many commands is missing"
    exit 1
}

# Whether a process is there and no zombie, which nobody may be there to reap.
lives() {
    grep -q '^State:[^Z]*$' "/proc/$1/status" 2>/dev/null
}

# Interrupted, it ends its commands, and what those have started.
for signal in INT TERM; do
    # A shell lets what it starts in the background ignore SIGINT; on a terminal, nothing does.
    env --default-signal=INT "$@" "echo \$\$ >shell; sleep 1000 & echo \$! >sleep; wait; sleep 1000" >out 2>err &
    pid=$!
    tries=200
    until [ -s sleep ] || [ $tries -eq 0 ]; do
        sleep 0.05
        tries=$((tries - 1))
    done
    kill -$signal $pid
    status=0
    wait $pid || status=$?
    if [ "$status" -ne 130 ] || ! grep -q '^run_many: interrupted, 0 of 1 commands done$' err; then
        echo "SIG$signal: exit status $status, not 130"
        cat err
        exit 1
    fi
    for left in shell sleep; do
        if lives "$(cat $left)"; then
            echo "SIG$signal: the $left is left"
            exit 1
        fi
        rm $left
    done
done
