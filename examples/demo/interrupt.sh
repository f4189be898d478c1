#!/bin/sh
# Sends a Ctrl-C to the demo after a while: interrupt.sh SECONDS PROGRAM [ARGUMENT...]
# It has to end, to say that it was interrupted, to complain of nothing, and to leave with a shell's status for that.

set -u

seconds=$1
shift
output=$(mktemp)
errors=$(mktemp)
trap 'rm -f "$output" "$errors"' EXIT

"$@" >"$output" 2>"$errors" &
program=$!
sleep "$seconds"
kill -INT "$program"
wait "$program"
status=$?

if [ "$status" -ne 130 ] || [ -s "$errors" ] || ! grep -q '^Interrupted: ' "$output"; then
    cat "$output" "$errors"
    echo "exit status $status"
    exit 1
fi
