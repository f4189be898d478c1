#!/bin/sh
# Shows that check_rooms.sh refuses what it must refuse and nothing else, on trees made for it:
# test_check_rooms.sh

set -eu

checker=$(cd "$(dirname "$0")" && pwd)/check_rooms.sh
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
failures=0

# A tree of two rooms, upper on lower, that obeys its table.
new_tree() {
    rm -rf "${scratch:?}/src"
    mkdir -p "$scratch/src/lower" "$scratch/src/upper/arch"
    printf '# a comment\nlower:\nupper: lower  # and another\n' >"$scratch/src/ROOMS"
    printf '#include "lower/a.h"\n#include <stdio.h>\n#include <coil/export.h>\n' >"$scratch/src/lower/a.c"
    printf '#include "upper/b.h"\n\n#include "lower/a.h"\n#include <coil/lower.h>\n' >"$scratch/src/upper/b.c"
    printf '#include "upper/arch/c.h"\n' >"$scratch/src/upper/arch/c.S"
}

# expect CLAIM STATUS [TEXT]: the tree as it stands gives this exit status and, if TEXT is given, a line that
# has it.
expect() {
    status=0
    output=$(cd "$scratch" && "$checker" src/ROOMS src 2>&1) || status=$?
    if [ "$status" -ne "$2" ] || ! printf '%s\n' "$output" | grep -qF -- "${3:-}"; then
        printf 'FAILED: %s: exit status %s, output:\n%s\n' "$1" "$status" "$output"
        failures=$((failures + 1))
    else
        printf 'ok: %s\n' "$1"
    fi
}

new_tree
expect "a tree that obeys is accepted" 0

new_tree
printf '\n#include "upper/b.h"\n' >>"$scratch/src/lower/a.c"
expect "an include of a higher room is refused" 1 'src/lower/a.c:5: lower may not include upper ("upper/b.h")'

new_tree
printf '#  include <coil/upper.h>\n' >>"$scratch/src/lower/a.c"
expect "the public header of a higher room is refused" 1 \
    'src/lower/a.c:4: lower may not include upper (<coil/upper.h>)'

new_tree
printf '#include "b.h"\n' >>"$scratch/src/upper/b.c"
expect "an include without its room is refused" 1 'src/upper/b.c:5: an include is written "room/file.h"'

new_tree
printf '#include "../lower/a.h"\n' >>"$scratch/src/upper/b.c"
expect "an include by way of the parent folder is refused" 1 \
    'src/upper/b.c:5: "../lower/a.h" is in no room of the table'

new_tree
printf '#include <coil.h>\n' >>"$scratch/src/upper/b.c"
expect "the umbrella header is refused" 1 'src/upper/b.c:5: <coil.h> is for programs'

new_tree
mkdir "$scratch/src/attic"
printf '/* old */\n' >"$scratch/src/attic/old.c"
expect "a folder that is no room is refused" 1 'src/attic/old.c:1: attic is no room of the table'

new_tree
printf '#include "upper/arch/d.h"\n#include "lower/a.h"\n#include "nowhere/a.h"\n' \
    >>"$scratch/src/upper/arch/c.S"
expect "assembly is read too" 1 'src/upper/arch/c.S:4: "nowhere/a.h" is in no room of the table'

new_tree
printf 'lower: upper\nmiddle: lower\nupper: middle\n' >"$scratch/src/ROOMS"
expect "a table that goes round in a circle is refused" 1 'src/ROOMS:3: upper may include a circle'

new_tree
printf 'cellar: attic\n' >>"$scratch/src/ROOMS"
expect "a table that names no room is refused" 1 'src/ROOMS:4: cellar may include attic, which is no room'

exit $((failures > 0))
