/*
 * The two ways of running many programs in one process; README.md describes the protocol and the format of
 * the corpus.
 */
#ifndef CONFORMANCE_BATCH_H
#define CONFORMANCE_BATCH_H

#include <stdio.h>

struct trace_options;

/* Answers requests from in on out until in ends. Returns an exit status. */
int serve_batch(FILE *in, FILE *out, const struct trace_options *options);

/*
 * Runs the programs of a corpus, compares their traces with the recorded ones, and prints what differs.
 * Returns an exit status.
 */
int check_corpus(FILE *corpus);

#endif
