/* Executes statements: what they log around what the operations do, and how errors and `return` travel through them. */
#ifndef CONFORMANCE_EXECUTE_H
#define CONFORMANCE_EXECUTE_H

struct body;
struct machine;

/* A call of a coroutine of the program: the argument of execute_coroutine. */
struct coroutine_call {
    struct machine *machine;
    int number;
    int awaited_by; /* the task that waits for it unasked, or -1 */
};

/* Makes such a call, in the machine's memory. */
struct coroutine_call *coroutine_call(struct machine *machine, int number, int awaited_by);

/* A coroutine for coil: runs the coroutine of the program that its argument, a struct coroutine_call, names. */
int execute_coroutine(void *call);

/* Runs statements. Returns an error, or 0, or 1 after a `return`, whose number is in *returned. */
int execute_block(struct machine *machine, const struct body *body, int *returned);

/* What a callback does, for coil: an error of it goes to the loop's exception handler. */
struct actions {
    struct machine *machine;
    const struct body *body;
};

void execute_actions(void *actions);

/* Makes the argument of execute_actions, in the machine's memory. */
struct actions *actions_of(struct machine *machine, const struct body *body);

#endif
