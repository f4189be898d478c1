#!/bin/sh
# Builds the manual: docs/build.sh [FOLDER], which is build/docs when it is not given. The pages are in FOLDER/html.
#
# Doxygen reads the headers, Sphinx and Breathe make pages of that and of the .rst files here. A warning of any of
# them is an error, and so is a function that no page describes.

set -eu

cd "$(dirname "$0")/.."
output=${1:-build/docs}
mkdir -p "$output"
output=$(cd "$output" && pwd)

# Sphinx is asked for where Debian installs it: another Python may stand before that in PATH.
sphinx_build=/usr/bin/sphinx-build
[ -x "$sphinx_build" ] || sphinx_build=sphinx-build

PYTHONDONTWRITEBYTECODE=1
export PYTHONDONTWRITEBYTECODE
python3 docs/check_manual.py

rm -rf "$output/doxygen"
COIL_DOCS_OUTPUT=$output doxygen docs/Doxyfile
COIL_DOXYGEN_XML=$output/doxygen/xml "$sphinx_build" -q -W --keep-going -j auto \
    -E -d "$output/doctrees" docs "$output/html"
