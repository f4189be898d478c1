/* Of large_frame.c, which has compiler options of its own. */
#ifndef TESTS_CORO_LARGE_FRAME_H
#define TESTS_CORO_LARGE_FRAME_H

/* Needs 256 KiB of stack and writes to the lowest byte of that. */
int touch_lowest_of_many_pages(int value);

#endif
