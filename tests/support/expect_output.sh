#!/bin/sh
# Runs a program and compares what it prints with a file: expect_output.sh EXPECTED_FILE PROGRAM [ARGUMENT...]
# Exit status: 0 when they are equal and the program succeeds.

set -eu

expected=$1
shift
actual=$(mktemp)
trap 'rm -f "$actual"' EXIT

status=0
"$@" >"$actual" </dev/null || status=$?
diff -u "$expected" "$actual" || exit 1
[ "$status" -eq 0 ] || {
    echo "$1: exit status $status"
    exit 1
}
