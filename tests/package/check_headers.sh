#!/bin/sh
# Compiles each public header alone, as a program that includes nothing else first and includes it twice:
# strictly as C11 and as C++17; and the macros with all that they must take. check_headers.sh INCLUDE_FOLDER
# C_COMPILER CXX_COMPILER

set -eu

include_folder=$1
c_compiler=$2
cxx_compiler=$3
failures=0
macros=$(cd "$(dirname "$0")" && pwd)/macros.c

cd "$include_folder"
headers=$(find . -name '*.h' | sed 's,^\./,,' | LC_ALL=C sort)
[ -n "$headers" ] || { echo "FAILED: there is no header"; exit 1; }
for header in $headers; do
    for language in c c++; do
        case $language in
        c)   compiler=$c_compiler standard=c11 ;;
        c++) compiler=$cxx_compiler standard=c++17 ;;
        esac
        if printf '#include <%s>\n#include <%s>\ntypedef int something;\n' "$header" "$header" |
            "$compiler" -x "$language" -std="$standard" -pedantic -Wall -Wextra -Werror \
                -fsyntax-only -I. -; then
            printf 'ok: <%s> as %s\n' "$header" "$standard"
        else
            printf 'FAILED: <%s> as %s with %s\n' "$header" "$standard" "$compiler"
            failures=$((failures + 1))
        fi
    done
done
if "$c_compiler" -std=c11 -pedantic -Wall -Wextra -Werror -fsyntax-only -I. "$macros"; then
    printf 'ok: the macros\n'
else
    printf 'FAILED: the macros with %s\n' "$c_compiler"
    failures=$((failures + 1))
fi
exit $((failures > 0))
