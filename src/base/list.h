/*
 * An intrusive doubly linked list: the link lives inside the thing that is listed, so that putting in and taking out
 * cost a few stores, never allocate, and need no search. A list is its own sentinel: the head is a link like any other.
 * A link that is in no list points at itself, so taking it out once more does no harm.
 */
#ifndef CI_BASE_LIST_H
#define CI_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ci_list {
    struct ci_list *next;
    struct ci_list *prev;
};

#define ci_container_of(pointer, type, member) ((type *)((uintptr_t)(pointer)-offsetof(type, member)))

static inline void ci_list_init(struct ci_list *list)
{
    list->next = list;
    list->prev = list;
}

static inline bool ci_list_empty(const struct ci_list *list)
{
    return list->next == list;
}

static inline void ci_list_append(struct ci_list *list, struct ci_list *link)
{
    link->next = list;
    link->prev = list->prev;
    list->prev->next = link;
    list->prev = link;
}

static inline void ci_list_remove(struct ci_list *link)
{
    link->prev->next = link->next;
    link->next->prev = link->prev;
    ci_list_init(link);
}

/* Takes the first link out; the list must not be empty. */
static inline struct ci_list *ci_list_pop(struct ci_list *list)
{
    struct ci_list *first = list->next;

    ci_list_remove(first);
    return first;
}

#endif
