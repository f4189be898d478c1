/* Many programs: see batch.h. */
#include "batch.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "input.h"
#include "run.h"

enum { LINE_BYTES = 256, DIFFERENCES_SHOWN = 10, LINES_OF_CONTEXT = 4, LENGTH_MAX = 1 << 28 };

/* ---- the batch protocol ------------------------------------------------------------------------------------------ */

static bool answer(FILE *in, FILE *out, const struct trace_options *options, size_t length)
{
    struct arena arena = {0};
    struct text trace = {.arena = &arena};
    char *program = read_bytes(&arena, in, length);
    bool ok = program != NULL;

    if (ok) {
        int status = run_program(program, length, options, &trace);
        ok = fprintf(out, "trace %zu %d\n", trace.length, status) > 0 &&
             fwrite(text_string(&trace), 1, trace.length, out) == trace.length && fflush(out) == 0;
    }
    arena_free(&arena);
    return ok;
}

int serve_batch(FILE *in, FILE *out, const struct trace_options *options)
{
    char line[LINE_BYTES];
    size_t length;

    while (fgets(line, sizeof(line), in) != NULL) {
        if (sscanf(line, "program %zu", &length) != 1 || length > LENGTH_MAX) {
            (void)fprintf(stderr, "conformance_run: not a request: %s", line);
            return EXIT_FAILURE;
        }
        if (!answer(in, out, options, length)) {
            (void)fputs("conformance_run: the connection broke in the middle of a program\n", stderr);
            return EXIT_FAILURE;
        }
    }
    return EXIT_SUCCESS;
}

/* ---- the corpus -------------------------------------------------------------------------------------------------- */

struct entry {
    char seed[32];
    char features[32];
    size_t program_length;
    size_t trace_length;
};

struct tally {
    int same;
    int different;
    int unsupported;
};

/* The features of a seed may be empty, and then there is a word less. */
static bool read_header(const char *line, struct entry *entry)
{
    if (sscanf(line, "program %31s %31s %zu %zu", entry->seed, entry->features, &entry->program_length,
               &entry->trace_length) != 4) {
        (void)strcpy(entry->features, "-");
        if (sscanf(line, "program %31s %zu %zu", entry->seed, &entry->program_length, &entry->trace_length) != 3) {
            return false;
        }
    }
    return entry->program_length <= LENGTH_MAX && entry->trace_length <= LENGTH_MAX;
}

static size_t line_length(const char *text)
{
    return strcspn(text, "\n");
}

static void print_lines(const char *mark, const char *text, int count)
{
    for (int i = 0; i < count && *text != '\0'; i++) {
        (void)printf("  %s %.*s\n", mark, (int)line_length(text), text);
        text += line_length(text);
        text += *text == '\n';
    }
}

static void print_difference(const struct entry *entry, const char *program, const char *expected, const char *found)
{
    int line = 1;

    while (*expected != '\0' && line_length(expected) == line_length(found) &&
           memcmp(expected, found, line_length(expected) + 1) == 0) {
        expected += line_length(expected) + 1;
        found += line_length(found) + 1;
        line++;
    }
    (void)printf("seed %s features %s differs from line %d on\n", entry->seed, entry->features, line);
    print_lines("recorded:", expected, LINES_OF_CONTEXT);
    print_lines("now:     ", found, LINES_OF_CONTEXT);
    print_lines("|", program, LINE_BYTES);
}

static void compare(struct arena *arena, const struct entry *entry, const char *program, const char *expected,
                    struct tally *tally)
{
    const struct trace_options options = {0};
    struct text found = {.arena = arena};
    int status = run_program(program, entry->program_length, &options, &found);

    if (status == EXIT_UNSUPPORTED) {
        tally->unsupported++;
    } else if (status == EXIT_OK && strcmp(text_string(&found), expected) == 0) {
        tally->same++;
    } else {
        tally->different++;
        if (tally->different <= DIFFERENCES_SHOWN) {
            print_difference(entry, program, expected, text_string(&found));
        }
    }
}

static bool check_entry(FILE *corpus, const char *line, struct tally *tally)
{
    struct arena arena = {0};
    struct entry entry;
    bool ok = read_header(line, &entry);
    const char *program = ok ? read_bytes(&arena, corpus, entry.program_length) : NULL;
    const char *expected = program != NULL ? read_bytes(&arena, corpus, entry.trace_length) : NULL;

    ok = expected != NULL;
    if (ok) {
        compare(&arena, &entry, program, expected, tally);
    } else {
        (void)printf("not an entry of a corpus: %s", line);
    }
    arena_free(&arena);
    return ok;
}

int check_corpus(FILE *corpus)
{
    struct tally tally = {0};
    char line[LINE_BYTES];

    while (fgets(line, sizeof(line), corpus) != NULL) {
        if (!check_entry(corpus, line, &tally)) {
            return EXIT_FAILURE;
        }
    }
    (void)printf("%d programs as recorded, %d different, %d unsupported\n", tally.same, tally.different,
                 tally.unsupported);
    return tally.different == 0 && tally.same > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
