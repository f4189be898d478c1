/* Operations on queues. What each does is said by the oracle's operations.py. */
#include <errno.h>

#include "machine.h"
#include "objects.h"
#include "operations.h"

/* The queue that the statement's operand at this place names. */
static coil_queue *queue_of(const struct machine *machine, const struct statement *statement, size_t place)
{
    return machine->objects->queues[statement->numbers[place]];
}

static int put(struct machine *machine, const struct statement *statement, struct text *outcome)
{
    (void)outcome;
    return coil_queue_put(queue_of(machine, statement, 1), &statement->numbers[2]);
}

static int get(struct machine *machine, const struct statement *statement, struct text *outcome)
{
    int item;
    int rc = coil_queue_get(queue_of(machine, statement, 1), &item);

    if (rc == 0) {
        text_put(outcome, "%d", item);
    }
    return rc;
}

static int join(struct machine *machine, const struct statement *statement, struct text *outcome)
{
    (void)outcome;
    return coil_queue_join(queue_of(machine, statement, 1));
}

static int put_nowait(struct machine *machine, const struct statement *statement, struct text *outcome)
{
    int rc = coil_queue_put_nowait(queue_of(machine, statement, 0), &statement->numbers[1]);

    (void)outcome;
    return rc == -EAGAIN ? machine_error(machine, "QueueFull") : rc;
}

static int get_nowait(struct machine *machine, const struct statement *statement, struct text *outcome)
{
    int item;
    int rc = coil_queue_get_nowait(queue_of(machine, statement, 0), &item);

    if (rc == 0) {
        text_put(outcome, "%d", item);
    }
    return rc == -EAGAIN ? machine_error(machine, "QueueEmpty") : rc;
}

static int task_done(struct machine *machine, const struct statement *statement, struct text *outcome)
{
    int rc = coil_queue_task_done(queue_of(machine, statement, 0));

    (void)outcome;
    return rc == -EINVAL ? machine_error(machine, "Value") : rc;
}

static int size(struct machine *machine, const struct statement *statement, struct text *outcome)
{
    text_put(outcome, "%zu", coil_queue_size(queue_of(machine, statement, 0)));
    return 0;
}

static int shut_down(struct machine *machine, const struct statement *statement, struct text *outcome)
{
    (void)outcome;
    return coil_queue_shutdown(queue_of(machine, statement, 0), statement->numbers[1] != 0);
}

const struct operation queue_operations[] = {
    {.name = "put", .operands = "pQi", .kind = OPERATION_AWAIT, .operate = put},
    {.name = "get", .operands = "pQ", .kind = OPERATION_AWAIT, .operate = get},
    {.name = "join", .operands = "pQ", .kind = OPERATION_AWAIT, .operate = join},
    {.name = "putn", .operands = "Qi", .operate = put_nowait},
    {.name = "getn", .operands = "Q", .operate = get_nowait},
    {.name = "tdone", .operands = "Q", .operate = task_done},
    {.name = "qsize", .operands = "Q", .operate = size},
    {.name = "qshut", .operands = "Qu", .operate = shut_down},
    {0},
};
