#!/bin/sh
# Runs a program on one of coil's backends: with_backend.sh TRY_BACKEND BACKEND PROGRAM [ARGUMENT...]
# Exit status: the program's; 77, with a line that says so, where the system has not got that backend.

set -eu

try=$1
export COIL_BACKEND="$2"
shift 2
"$try"
exec "$@"
