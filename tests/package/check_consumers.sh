#!/bin/sh
# Installs the library, static and shared, moves what was installed to another place, and builds and runs a
# stranger's program with it: through find_package, through pkg-config, and through add_subdirectory.
# check_consumers.sh SOURCE_FOLDER C_COMPILER CXX_COMPILER

set -eu

source_folder=$1
c_compiler=$2
cxx_compiler=$3
consumer=$source_folder/tests/package/consumer
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export CC="$c_compiler" CXX="$cxx_compiler"
unset DESTDIR CFLAGS CXXFLAGS LDFLAGS PKG_CONFIG_PATH

fail() {
    printf 'FAILED: %s\n' "$1"
    exit 1
}

quietly() {
    "$@" >"$scratch/log" 2>&1 || {
        cat "$scratch/log"
        fail "$*"
    }
}

build() { # FOLDER SOURCE OPTION...
    build_folder=$1
    build_source=$2
    shift 2
    quietly cmake -G Ninja -S "$build_source" -B "$build_folder" "$@"
    quietly cmake --build "$build_folder"
}

run() { # CLAIM PROGRAM
    quietly "$2"
    printf 'ok: %s\n' "$1"
}

check_shared_library() { # LIBRARY
    names=$(nm -D --defined-only "$1" | awk '{ print $3 }' | grep -v '^COIL_')
    strangers=$(printf '%s\n' "$names" | grep -v '^coil_[a-z0-9_]*@@COIL_[0-9.]*$' || true)
    [ -n "$names" ] || fail "the shared library gives out no names"
    [ -z "$strangers" ] || fail "the shared library gives out names that are not its own: $strangers"
    readelf -d "$1" | grep -q 'SONAME.*\[libcoil\.so\.0\.1\]' || fail "the shared library has another SONAME"
    readelf -lW "$1" | grep -q 'GNU_STACK.* RW ' || fail "the shared library asks for an executable stack"
    count=$(printf '%s\n' "$names" | wc -l)
    printf 'ok: the shared library gives out %s names, each coil_* with a version\n' "$count"
}

for kind in static shared; do
    case $kind in
    static) shared=OFF ;;
    shared) shared=ON ;;
    esac
    build "$scratch/$kind" "$source_folder" -D BUILD_SHARED_LIBS="$shared" \
        -D CMAKE_INSTALL_PREFIX="$scratch/first/$kind" -D CMAKE_INSTALL_LIBDIR=lib \
        -D COIL_BUILD_TESTS=OFF -D COIL_BUILD_EXAMPLES=OFF -D COIL_BUILD_BENCH=OFF
    quietly cmake --install "$scratch/$kind"
    mkdir -p "$scratch/second"
    mv "$scratch/first/$kind" "$scratch/second/$kind"
    prefix=$scratch/second/$kind

    build "$scratch/find-$kind" "$consumer" -D CMAKE_PREFIX_PATH="$prefix"
    run "find_package, $kind, C" "$scratch/find-$kind/consumer"
    run "find_package, $kind, C++" "$scratch/find-$kind/consumer_cxx"
    run "exceptions, $kind" "$scratch/find-$kind/consumer_exceptions"

    flags=$(PKG_CONFIG_PATH="$prefix/lib/pkgconfig" pkg-config --cflags --libs coil)
    # shellcheck disable=SC2086  # the flags are words
    quietly "$CC" -std=c11 -pedantic -Wall -Wextra -Werror \
        -o "$scratch/pkg-$kind" "$consumer/consumer.c" $flags
    LD_LIBRARY_PATH=$prefix/lib run "pkg-config, $kind" "$scratch/pkg-$kind"

    if [ $kind = shared ]; then
        check_shared_library "$prefix/lib/libcoil.so"
    fi
done

build "$scratch/sub" "$consumer" -D COIL_SOURCE="$source_folder"
run "add_subdirectory, C" "$scratch/sub/consumer"
run "add_subdirectory, C++" "$scratch/sub/consumer_cxx"
if cmake --build "$scratch/sub" --target help | grep -E '^(test_|coil_check|demo|coil_command|bench)'; then
    fail "add_subdirectory brings more than the library along"
fi
printf 'ok: add_subdirectory brings the library along and nothing else\n'
