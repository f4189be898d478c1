/* What the loop must know of handles: how to be rid of them. */
#ifndef CI_LOOP_HANDLE_H
#define CI_LOOP_HANDLE_H

struct coil_loop;

/* Drops every callback that has not run, and the spare handles, when the loop closes. */
void ci_handles_drop(struct coil_loop *loop);

#endif
