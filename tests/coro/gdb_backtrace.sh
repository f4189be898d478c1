#!/bin/sh
# gdb_backtrace.sh PROGRAM: gdb must be able to walk through a coroutine that runs and through one that was
# left, and find an end there. PROGRAM is arch_selftest. Exits with 77, which ctest takes for "skipped", where
# there is no gdb that may trace.
set -eu

program=$1
command -v gdb >/dev/null 2>&1 || { echo "there is no gdb here"; exit 77; }
gdb -nx -batch -ex run -ex 'print 1' --args true 2>&1 | grep -q 'exited normally' || {
    echo "gdb may not trace here"
    exit 77
}

# Prints the backtrace that gdb shows after COMMANDS, and fails unless it is whole.
backtrace() {
    name=$1
    first=$2
    shift 2
    trace=$(gdb -nx -batch "$@" -ex bt "$program" 2>&1 | grep '^#' || true)
    printf '%s:\n%s\n' "$name" "$trace"
    printf '%s\n' "$trace" | head -n 1 | grep -q "$first" || { echo "it does not begin with $first"; exit 1; }
    printf '%s\n' "$trace" | grep -q count_steps || { echo "the entry is missing"; exit 1; }
    printf '%s\n' "$trace" | tail -n 1 | grep -q ci_context_bottom || { echo "it does not end at the bottom"; exit 1; }
}

backtrace 'a coroutine that runs' climb -ex 'break climb' -ex run
backtrace 'a coroutine that was left' ci_context_swap -ex 'break look_at' -ex run \
    -ex 'set $paused = paused->sp' -ex 'set $sp = $paused' -ex 'set $pc = (char *)&ci_context_resumed'
