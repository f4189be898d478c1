/* Finds operations by their names. */
#include "operations.h"

#include <string.h>

static const struct operation control_operations[] = {
    {.name = "raise", .operands = "i", .kind = OPERATION_RAISE},
    {.name = "return", .operands = "u", .kind = OPERATION_RETURN},
    {0},
};

static const struct operation *const tables[] = {
    act_operations,  call_operations,  await_operations,  block_operations,
    sync_operations, queue_operations, thread_operations, control_operations,
};

const struct operation *operation_find(const char *name)
{
    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
        for (const struct operation *operation = tables[i]; operation->name != NULL; operation++) {
            if (strcmp(operation->name, name) == 0) {
                return operation;
            }
        }
    }
    return NULL;
}
