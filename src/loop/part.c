/* The list of a loop's parts: see part.h. */
#include "loop/part.h"

#include <stddef.h>

#include "loop/loop.h"

struct ci_part *ci_part_find(const struct coil_loop *loop, const struct ci_part_class *klass)
{
    for (const struct ci_list *link = loop->parts.next; link != &loop->parts; link = link->next) {
        struct ci_part *part = ci_container_of(link, struct ci_part, link);
        if (part->class == klass) {
            return part;
        }
    }
    return NULL;
}

void ci_part_add(struct coil_loop *loop, struct ci_part *part, const struct ci_part_class *klass)
{
    part->class = klass;
    part->loop = loop;
    ci_list_append(&loop->parts, &part->link);
}

void ci_part_remove(struct ci_part *part)
{
    ci_list_remove(&part->link);
}

void ci_parts_ending(struct coil_loop *loop)
{
    for (const struct ci_list *link = loop->parts.next; link != &loop->parts; link = link->next) {
        struct ci_part *part = ci_container_of(link, struct ci_part, link);
        if (part->class->ending != NULL) {
            part->class->ending(part);
        }
    }
}

void ci_parts_close(struct coil_loop *loop)
{
    while (!ci_list_empty(&loop->parts)) {
        struct ci_part *part = ci_container_of(loop->parts.prev, struct ci_part, link);
        ci_part_remove(part);
        part->class->close(part);
    }
}
