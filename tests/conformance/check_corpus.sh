#!/bin/sh
# check_corpus.sh CORPUS.gz CONFORMANCE_RUN...: whether every program of the corpus leaves the trace that is recorded.

set -eu

corpus=$1
shift
gzip -dc "$corpus" | "$@" --check-corpus -
