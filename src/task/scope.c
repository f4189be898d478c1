/* Scopes that tasks begin and end, or forget to: see scope.h. */
#include "task/scope.h"

#include <errno.h>
#include <stdio.h>

#include "sys/alloc.h"
#include "task/task.h"

static struct ci_scope *innermost(const struct ci_task *task)
{
    return ci_container_of(task->scopes.prev, struct ci_scope, link);
}

struct ci_scope *ci_scope_new(struct ci_runtime *runtime, const struct ci_scope_class *klass)
{
    struct ci_scope *scope = runtime->spare_scopes[klass->kind];

    if (scope != NULL) {
        runtime->spare_scopes[klass->kind] = scope->next_spare;
        return scope;
    }
    scope = ci_alloc(klass->size);
    if (scope != NULL) {
        scope->class = klass;
        scope->serial = 0;
    }
    return scope;
}

void ci_scope_free(struct ci_runtime *runtime, struct ci_scope *scope)
{
    if (runtime->closed) {
        ci_free(scope);
        return;
    }
    scope->serial++;
    scope->next_spare = runtime->spare_scopes[scope->class->kind];
    runtime->spare_scopes[scope->class->kind] = scope;
}

void ci_scopes_free_spares(struct ci_runtime *runtime)
{
    for (int kind = 0; kind < CI_SCOPE_KINDS; kind++) {
        while (runtime->spare_scopes[kind] != NULL) {
            struct ci_scope *scope = runtime->spare_scopes[kind];
            runtime->spare_scopes[kind] = scope->next_spare;
            ci_free(scope);
        }
    }
}

void ci_scope_enter(struct ci_task *task, struct ci_scope *scope)
{
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
