/* S-expressions of words and integers: what a program is written in. What they mean is program.h's. */
#ifndef CONFORMANCE_PARSE_H
#define CONFORMANCE_PARSE_H

#include <stdbool.h>
#include <stddef.h>

struct arena;

enum node_kind { NODE_WORD, NODE_NUMBER, NODE_LIST };

struct node {
    enum node_kind kind;
    const char *word; /* a word, or a number as it was written */
    int number;
    struct node *first; /* a list's first element */
    struct node *next;  /* the list's next element after this one */
};

/* Reads the one list that text is. Returns it, or NULL with a reason in *error. */
struct node *parse(struct arena *arena, const char *text, size_t length, const char **error);

/* Whether node is this word. NULL is none. */
bool node_is_word(const struct node *node, const char *word);

#endif
