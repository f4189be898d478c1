#!/bin/sh
# test_conformance_run.sh CONFORMANCE_RUN...: what README.md promises of the program itself: its exit statuses, its
# options, the batch protocol, and that the check of a corpus notices what differs.

set -eu

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

die()
{
    echo "test_conformance_run: $1" >&2
    exit 1
}

# expect STATUS WHAT COMMAND...: standard output and error are left in $scratch/out
expect()
{
    expected=$1
    what=$2
    shift 2
    status=0
    "$@" >"$scratch/out" 2>&1 || status=$?
    [ "$status" -eq "$expected" ] || die "$what: status $status, expected $expected: $(cat "$scratch/out")"
}

prints()
{
    printf '%b' "$1" >"$scratch/expected"
    cmp -s "$scratch/expected" "$scratch/out" || die "$2: $(diff "$scratch/expected" "$scratch/out")"
}

program=$scratch/program
echo '(prog (co 0 (sleep 1 2)))' >"$program"
trace='t0 T0 start C0
t2 T0 sleep 2 = 2
t2 T0 end C0 = 0
t2 * MAIN 0
t2 * CLEANUP ok
t2 T0 final done
'
numbered='I1 t0 T0 start C0
I3 t2 T0 sleep 2 = 2
I3 t2 T0 end C0 = 0
I4 t2 * MAIN 0
I4 t2 * CLEANUP ok
I4 t2 T0 final done
'

expect 0 "a program" "$@" "$program" --fifo
prints "$numbered" "a program's trace"
expect 0 "--noiter" "$@" --noiter "$program"
prints "$trace" "a trace without iterations"
expect 0 "--rank" "$@" --rank "$program"
prints "$(echo "$numbered" | sed 's/^I1/I0/; s/^I3/I1/; s/^I4/I2/')\n" "a trace with ranked iterations"

echo '(prog (co 0 (try all ((nosuch 1 0 1)) () ())))' >"$program"
expect 3 "an operation that is not supported" "$@" "$program"
prints 'unsupported nosuch\n' "an operation that is not supported"
for text in '(prog (co 0 (sleep 1 2))' '(prog (co 0 (spawn 0 1)))' '(prog (co 0 (sleep 1)))' \
    '(prog (co 0 (soon 0 ((sleep 1 1)))))' '(prog (co 0 (rcts 0 0)))' '(prog (co 0) (ext 1 (sleep 1 1)))' '(prog (co 0 (state 300)))' '(prog)' ''; do
    echo "$text" >"$program"
    expect 2 "the text '$text'" "$@" "$program"
done

printf 'program 25\n(prog (co 0 (sleep 1 2)))program 6\n(prog)program 22\n(prog (co 0 (nosuch)))' >"$scratch/requests"
expect 0 "a batch" "$@" --batch --noiter <"$scratch/requests"
prints "trace ${#trace} 0\n${trace}trace 30 2\na program without coroutine 0\n\
trace 19 3\nunsupported nosuch\n" "a batch"

printf 'program 1 c 25 %d\n(prog (co 0 (sleep 1 2)))%s' "${#numbered}" "$numbered" >"$scratch/corpus"
expect 0 "a corpus" "$@" --check-corpus "$scratch/corpus"
sed 's/sleep 2 = 2/sleep 2 = 3/' "$scratch/corpus" >"$scratch/wrong"
expect 1 "a corpus with a difference" "$@" --check-corpus "$scratch/wrong"
grep -q 'seed 1 features c differs from line 2 on' "$scratch/out" || die "not shown: $(cat "$scratch/out")"
head -c 100 "$scratch/corpus" >"$scratch/cut"
expect 1 "a corpus that is cut off" "$@" --check-corpus "$scratch/cut"
