/* Scopes that tasks begin and end, or forget to: see scope.h. */
#include "task/scope.h"

#include <errno.h>
#include <stdio.h>

#include "task/task.h"

static struct ci_scope *innermost(const struct ci_task *task)
{
    return ci_container_of(task->scopes.prev, struct ci_scope, link);
}

void ci_scope_enter(struct ci_task *task, struct ci_scope *scope, const struct ci_scope_class *klass)
{
    scope->class = klass;
    ci_list_append(&task->scopes, &scope->link);
}

static void abandon_innermost(struct ci_task *task)
{
    struct ci_scope *scope = innermost(task);
    struct coil_report report = {.kind = COIL_REPORT_MISUSE, .error = -EINVAL};
    char line[128];

    (void)snprintf(line, sizeof(line), "a scope was left without %s", scope->class->end); /* cut if it were longer */
    report.message = line;
    ci_report_about(&report, &task->future);
    ci_list_remove(&scope->link);
    ci_loop_report(task->future.loop, &report);
    scope->class->abandon(scope);
}

void ci_scope_leave(struct ci_task *task, struct ci_scope *scope)
{
    while (innermost(task) != scope) {
        abandon_innermost(task);
    }
    ci_list_remove(&scope->link);
}

int ci_scope_is_open(const struct ci_task *task, const struct ci_scope *scope)
{
    for (struct ci_list *link = task->scopes.prev; link != &task->scopes; link = link->prev) {
        if (link == &scope->link) {
            return 1;
        }
    }
    return 0;
}

void ci_scopes_abandon(struct ci_task *task)
{
    while (!ci_list_empty(&task->scopes)) {
        abandon_innermost(task);
    }
}

void ci_scopes_discard(struct ci_task *task)
{
    while (!ci_list_empty(&task->scopes)) {
        struct ci_scope *scope = innermost(task);
        ci_list_remove(&scope->link);
        scope->class->discard(scope);
    }
}
