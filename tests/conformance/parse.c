/*
 * Reads S-expressions. The lists that are open are chained through struct open_list, so that no depth can
 * overflow a stack.
 */
#include "parse.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"

struct open_list {
    struct open_list *outer;
    struct node *node;
    struct node **end; /* where its next element is hung on */
};

struct parser {
    struct arena *arena;
    const char *at;
    const char *end;
    struct open_list *open;
    const char *error;
};

static struct node *add_node(struct parser *parser, enum node_kind kind)
{
    struct node *node = arena_alloc(parser->arena, sizeof(*node));

    node->kind = kind;
    *parser->open->end = node;
    parser->open->end = &node->next;
    return node;
}

static void open_list(struct parser *parser, struct node *node)
{
    struct open_list *list = arena_alloc(parser->arena, sizeof(*list));

    *list = (struct open_list){.outer = parser->open, .node = node, .end = &node->first};
    parser->open = list;
}

static void close_list(struct parser *parser)
{
    if (parser->open->outer == NULL) {
        parser->error = "a ')' that closes nothing";
        return;
    }
    parser->open = parser->open->outer;
}

static bool looks_like_number(const char *word)
{
    return isdigit((unsigned char)*word) || *word == '-';
}

static void read_number(struct parser *parser, struct node *node)
{
    char *end;

    errno = 0;
    long number = strtol(node->word, &end, 10);
    if (*end != '\0' || errno != 0 || number > INT_MAX || number < INT_MIN) {
        parser->error = "neither a word nor an integer";
        return;
    }
    node->kind = NODE_NUMBER;
    node->number = (int)number;
}

static void read_atom(struct parser *parser)
{
    const char *begin = parser->at;

    while (parser->at < parser->end && *parser->at != '(' && *parser->at != ')' &&
           !isspace((unsigned char)*parser->at)) {
        parser->at++;
    }
    size_t length = (size_t)(parser->at - begin);
    char *word = arena_alloc(parser->arena, length + 1);
    memcpy(word, begin, length);
    struct node *node = add_node(parser, NODE_WORD);
    node->word = word;
    if (looks_like_number(word)) {
        read_number(parser, node);
    }
}

static void read_token(struct parser *parser)
{
    char c = *parser->at;

    if (c == '(') {
        parser->at++;
        open_list(parser, add_node(parser, NODE_LIST));
    } else if (c == ')') {
        parser->at++;
        close_list(parser);
    } else if (isspace((unsigned char)c)) {
        parser->at++;
    } else {
        read_atom(parser);
    }
}

struct node *parse(struct arena *arena, const char *text, size_t length, const char **error)
{
    struct parser parser = {.arena = arena, .at = text, .end = text + length};
    struct node top = {.kind = NODE_LIST};

    open_list(&parser, &top);
    while (parser.at < parser.end && parser.error == NULL) {
        read_token(&parser);
    }
    if (parser.error == NULL && parser.open->outer != NULL) {
        parser.error = "a '(' that is never closed";
    }
    if (parser.error == NULL && (top.first == NULL || top.first->kind != NODE_LIST || top.first->next != NULL)) {
        parser.error = "expected one (prog ...)";
    }
    *error = parser.error;
    return parser.error == NULL ? top.first : NULL;
}

bool node_is_word(const struct node *node, const char *word)
{
    return node != NULL && node->kind == NODE_WORD && strcmp(node->word, word) == 0;
}
