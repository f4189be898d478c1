/* Turns S-expressions into a program: see program.h. */
#include "program.h"

#include <ctype.h>
#include <limits.h>
#include <string.h>

#include "arena.h"
#include "operations.h"
#include "parse.h"

static const struct object_word {
    const char *word;
    enum object_kind kind;
    bool has_value;
} object_words[] = {
    {"lock", LOCK, false},    {"event", EVENT, false},           {"cond", CONDITION, false},
    {"sem", SEMAPHORE, true}, {"bsem", BOUNDED_SEMAPHORE, true}, {"barrier", BARRIER, true},
    {"queue", QUEUE, true},   {"pqueue", PRIORITY_QUEUE, true},  {"lqueue", LIFO_QUEUE, true},
};

/* Reading stops at the first thing that is wrong, however deep inside: result and message say what it was. */
struct reader {
    struct program *program;
    struct arena *arena;
    enum reading result;
    const char *message;
};

static bool failed(const struct reader *reader)
{
    return reader->result != READ;
}

static void fail(struct reader *reader, enum reading result, const char *message)
{
    if (!failed(reader)) {
        reader->result = result;
        reader->message = message;
    }
}

static void unreadable(struct reader *reader, const struct statement *statement, const char *what)
{
    struct text text = {.arena = reader->arena};

    text_put(&text, "%s: %s", statement->operation->name, what);
    fail(reader, UNREADABLE, text_string(&text));
}

/* Where statements stand, which is not everywhere the same. */
enum place { IN_COROUTINE, IN_CALLBACK, IN_ANOTHER_THREAD };

static void read_body(struct reader *reader, struct body *body, const struct node *first, enum place place);

/* ---- operands ---------------------------------------------------------------------------------------------------- */

static bool is_below(int number, int limit)
{
    return number >= 0 && number < limit;
}

static bool is_reference(int number)
{
    return is_below(number, TASK_SLOTS) || is_below(number - FIRST_FUTURE, FUTURES) ||
           is_below(number - FIRST_GATHER, GATHERS);
}

static int semaphores(const struct program *program)
{
    return program->objects[SEMAPHORE].count + program->objects[BOUNDED_SEMAPHORE].count;
}

static int queues(const struct program *program)
{
    const struct objects_declared *objects = program->objects;

    return objects[QUEUE].count + objects[PRIORITY_QUEUE].count + objects[LIFO_QUEUE].count;
}

/* Whether the program declares an object of this number. */
static bool is_object(const struct program *program, char letter, int number)
{
    switch (letter) {
    case 'L':
        return is_below(number, program->objects[LOCK].count);
    case 'E':
        return is_below(number, program->objects[EVENT].count);
    case 'C':
        return is_below(number, program->objects[CONDITION].count);
    case 'S':
        return is_below(number, semaphores(program));
    case 'B':
        return is_below(number, program->objects[BARRIER].count);
    default:
        return is_below(number, queues(program));
    }
}

static bool is_in_range(const struct program *program, char letter, int number)
{
    if (isupper((unsigned char)letter)) {
        return is_object(program, letter, number);
    }
    switch (letter) {
    case 'u':
        return number >= 0;
    case 'p':
        return is_below(number, 2);
    case 's':
        return is_below(number, TASK_SLOTS);
    case 'r':
        return is_reference(number);
    case 'f':
        return is_below(number, FUTURES);
    case 'g':
        return is_below(number, GATHERS);
    case 'c':
        return is_below(number, COROUTINES) && program->coroutines[number] != NULL;
    case 'n':
        return is_below(number, NUMBERS);
    case 'm':
        return is_below(number, 3);
    default:
        return true;
    }
}

/* What reading a statement's operands adds to it. */
struct operands {
    int *numbers;
    size_t bodies;
};

/* The letter of the objects that the word of a `with` means. */
static char letter_of_kind(const char *word)
{
    if (strcmp(word, "lock") == 0) {
        return 'L';
    }
    return strcmp(word, "sem") == 0 ? 'S' : 'C';
}

static void read_operand(struct reader *reader, struct statement *statement, struct operands *operands, char letter,
                         const struct node *node)
{
    if (letter == 'a' || letter == 'b') {
        if (node->kind != NODE_LIST) {
            unreadable(reader, statement, "expected statements");
            return;
        }
        read_body(reader, &statement->bodies[operands->bodies++], node->first,
                  letter == 'a' ? IN_CALLBACK : IN_COROUTINE);
    } else if (letter == 'o') {
        read_operand(reader, statement, operands, letter_of_kind(statement->word), node);
    } else if (letter == 'w') {
        statement->word = node->word;
        if (node->kind != NODE_WORD) {
            unreadable(reader, statement, "expected a word");
        }
    } else if (node->kind != NODE_NUMBER || !is_in_range(reader->program, letter, node->number)) {
        unreadable(reader, statement, "an operand that it cannot have");
    } else {
        operands->numbers[statement->count++] = node->number;
    }
}

static size_t count_nodes(const struct node *node)
{
    size_t count = 0;

    for (; node != NULL; node = node->next) {
        count++;
    }
    return count;
}

static void read_operands(struct reader *reader, struct statement *statement, const struct node *node)
{
    struct operands operands = {.numbers = arena_alloc(reader->arena, count_nodes(node) * sizeof(int))};
    const char *letter = statement->operation->operands;
    bool optional = false;

    statement->numbers = operands.numbers;
    for (; node != NULL && !failed(reader); node = node->next) {
        if (*letter == '?') {
            letter++;
            optional = true;
        }
        if (*letter == '\0') {
            unreadable(reader, statement, "too many operands");
        } else if (*letter == '*') {
            read_operand(reader, statement, &operands, letter[1], node);
        } else {
            read_operand(reader, statement, &operands, *letter++, node);
        }
    }
    if (*letter != '\0' && *letter != '?' && *letter != '*' && !optional) {
        unreadable(reader, statement, "too few operands");
    }
}

/* ---- statements -------------------------------------------------------------------------------------------------- */

/* The words and numbers of a statement, but for the one that says whether errors leave it. */
static const char *title(struct arena *arena, const struct operation *operation, const struct node *operands)
{
    struct text text = {.arena = arena};

    text_put(&text, "%s", operation->name);
    if (operation->kind == OPERATION_AWAIT && operands != NULL) {
        operands = operands->next;
    }
    for (; operands != NULL; operands = operands->next) {
        if (operands->kind != NODE_LIST) {
            text_put(&text, " %s", operands->word);
        }
    }
    return text_string(&text);
}

static bool is_allowed(const struct operation *operation, enum place place)
{
    switch (operation->kind) {
    case OPERATION_ACT:
    case OPERATION_RAISE:
        return true;
    case OPERATION_OUTSIDE:
        return place == IN_ANOTHER_THREAD;
    default:
        return place == IN_COROUTINE;
    }
}

static void read_statement(struct reader *reader, struct statement *statement, const struct node *node,
                           enum place place)
{
    const struct node *name = node->kind == NODE_LIST ? node->first : NULL;

    if (name == NULL || name->kind != NODE_WORD) {
        fail(reader, UNREADABLE, "expected a statement");
        return;
    }
    statement->operation = operation_find(name->word);
    if (statement->operation == NULL) {
        fail(reader, UNSUPPORTED, name->word);
        return;
    }
    if (!is_allowed(statement->operation, place)) {
        unreadable(reader, statement, place == IN_COROUTINE ? "not in a coroutine" : "not in a callback");
        return;
    }
    statement->title = title(reader->arena, statement->operation, name->next);
    read_operands(reader, statement, name->next);
}

static void read_body(struct reader *reader, struct body *body, const struct node *first, enum place place)
{
    size_t count = count_nodes(first);
    struct statement *statements = arena_alloc(reader->arena, count * sizeof(*statements));

    body->statements = statements;
    for (const struct node *node = first; node != NULL && !failed(reader); node = node->next) {
        read_statement(reader, &statements[body->count++], node, place);
    }
}

/* ---- declarations ------------------------------------------------------------------------------------------------ */

/* The number that a declaration begins with; limit is its first value that is too large. */
static int declared_number(struct reader *reader, const struct node *declaration, int limit)
{
    const struct node *number = declaration->first->next;

    if (number == NULL || number->kind != NODE_NUMBER || number->number < 0 || number->number >= limit) {
        fail(reader, UNREADABLE, "a declaration with a number that it cannot have");
        return 0;
    }
    return number->number;
}

static void declare_object(struct reader *reader, const struct node *item)
{
    for (size_t i = 0; i < sizeof(object_words) / sizeof(object_words[0]); i++) {
        const struct object_word *word = &object_words[i];
        struct objects_declared *objects = &reader->program->objects[word->kind];
        if (!node_is_word(item->first, word->word)) {
            continue;
        }
        if (objects->count == OBJECTS) {
            fail(reader, UNREADABLE, "too many objects of one kind");
            return;
        }
        objects->values[objects->count++] = word->has_value ? declared_number(reader, item, INT_MAX) : 0;
        return;
    }
    fail(reader, UNREADABLE, "expected a declaration");
}

/* Coroutines are made known first, because any statement may name any of them. */
static void declare(struct reader *reader, const struct node *item)
{
    struct program *program = reader->program;
    const struct node *word = item->kind == NODE_LIST ? item->first : NULL;

    if (node_is_word(word, "co")) {
        int number = declared_number(reader, item, COROUTINES);
        program->coroutines[number] = arena_alloc(reader->arena, sizeof(struct body));
    } else if (node_is_word(word, "debug")) {
        program->debug = declared_number(reader, item, 2) != 0;
    } else if (node_is_word(word, "eager")) {
        program->eager = declared_number(reader, item, 2) != 0;
    } else if (item->kind != NODE_LIST) {
        fail(reader, UNREADABLE, "expected a declaration");
    } else if (!node_is_word(word, "ext")) {
        declare_object(reader, item);
    }
}

static void define_coroutine(struct reader *reader, const struct node *item)
{
    struct body *body = arena_alloc(reader->arena, sizeof(*body));
    int number = declared_number(reader, item, COROUTINES);

    read_body(reader, body, item->first->next->next, IN_COROUTINE);
    reader->program->coroutines[number] = body;
}

static struct external *define_external(struct reader *reader, const struct node *item)
{
    struct external *external = arena_alloc(reader->arena, sizeof(*external));

    external->when = declared_number(reader, item, 1 << 30);
    if (!failed(reader)) {
        read_body(reader, &external->actions, item->first->next->next, IN_ANOTHER_THREAD);
    }
    return external;
}

static void define(struct reader *reader, const struct node *item, const struct external ***end)
{
    if (node_is_word(item->first, "co")) {
        define_coroutine(reader, item);
    } else if (node_is_word(item->first, "ext")) {
        struct external *external = define_external(reader, item);
        **end = external;
        *end = &external->next;
    }
}

enum reading program_read(struct program *program, struct arena *arena, const char *text, size_t length,
                          const char **message)
{
    struct reader reader = {.program = program, .arena = arena, .result = READ};
    const struct external **end = &program->externals;

    *program = (struct program){0};
    struct node *list = parse(arena, text, length, message);
    if (list == NULL) {
        return UNREADABLE;
    }
    if (!node_is_word(list->first, "prog")) {
        fail(&reader, UNREADABLE, "expected one (prog ...)");
    }
    for (struct node *item = failed(&reader) ? NULL : list->first->next; item != NULL && !failed(&reader);
         item = item->next) {
        declare(&reader, item);
    }
    for (struct node *item = failed(&reader) ? NULL : list->first->next; item != NULL && !failed(&reader);
         item = item->next) {
        define(&reader, item, &end);
    }
    if (!failed(&reader) && program->coroutines[0] == NULL) {
        fail(&reader, UNREADABLE, "a program without coroutine 0");
    }
    *message = reader.message;
    return reader.result;
}
