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

# Lets gdb carry out the commands of standard input.
commands=$(mktemp)
trap 'rm -f "$commands"' EXIT
run_gdb() {
    cat >"$commands"
    gdb -nx -batch -x "$commands" "$program" 2>&1
}

# Fails unless the backtrace, of which FIRST is the innermost function, is whole.
check() {
    name=$1
    first=$2
    trace=$3
    printf '%s:\n%s\n' "$name" "$trace"
    printf '%s\n' "$trace" | head -n 1 | grep -q "$first" || { echo "it does not begin with $first"; exit 1; }
    printf '%s\n' "$trace" | grep -q count_steps || { echo "the entry is missing"; exit 1; }
    printf '%s\n' "$trace" | tail -n 1 | grep -q ci_context_bottom || { echo "it does not end at the bottom"; exit 1; }
}

check 'a coroutine that runs' climb "$(run_gdb <<'END' | grep '^#'
break climb
run
bt
END
)"

check 'a coroutine that was left' 'ci_context_swap\|count_steps' "$(run_gdb <<'END' | grep '^#'
break look_at
run
set $left_at = pc
set $left_sp = sp
set $left_fp = fp
set $sp = $left_sp
set $pc = $left_at
if $left_fp != 0
    set $rbp = $left_fp
end
bt
END
)"

# Where a switch jumps: at each of its instructions, a backtrace is one of the two that it lies between.
gdb -nx -batch -ex 'print &ci_context_jump' "$program" 2>&1 | grep -q '<ci_context_jump>' || exit 0
steps=$(run_gdb <<'END' | grep -v '^Breakpoint\|^Temporary'
tbreak count_steps
run
break *(char *)&ci_context_jump
continue
set $step = 0
while $step < 9
    bt
    printf "instruction %d of the switch\n", $step
    set $step = $step + 1
    stepi
end
END
)
printf '%s\n' "$steps"
printf '%s\n' "$steps" | awk '
    /^#/ { last = $0; inside = inside || /count_steps/ }
    /^instruction/ {
        if (last !~ (inside ? "ci_context_bottom" : " main ")) { print "cut short: " last; exit 1 }
        inside = 0
        whole++
    }
    END { if (whole != 9) { print "there are " whole " backtraces"; exit 1 } }'
