/*
 * A log that tests write and compare: what happened, in which order. It knows nothing of who writes it.
 */
#ifndef TESTS_SUPPORT_LOG_H
#define TESTS_SUPPORT_LOG_H

#include <check.h>
#include <string.h>

static char log_text[4096];
static size_t log_length;

/* Writes text to the log; fits coil_callback too. */
static inline void say(void *text)
{
    size_t length = strlen(text);

    ck_assert_uint_lt(log_length + length, sizeof(log_text));
    memcpy(log_text + log_length, text, length + 1);
    log_length += length;
}

static inline void forget_log(void)
{
    log_length = 0;
    log_text[0] = '\0';
}

/* Compares the log with what is expected, and makes it empty. A macro, so that a failure names the caller's line. */
#define assert_said(expected)                 \
    do {                                      \
        ck_assert_str_eq(log_text, expected); \
        forget_log();                         \
    } while (0)

#endif
