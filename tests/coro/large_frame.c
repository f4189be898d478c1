/*
 * A function with many pages of locals of which it touches only the lowest, compiled with -fstack-clash-protection, so that it
 * touches each of them all the same on the way down: see test_overflow.c.
 */
#include "large_frame.h"

enum { LARGE_BYTES = 256 << 10 };

__attribute__((noinline)) int touch_lowest_of_many_pages(int value)
{
    char frame[LARGE_BYTES];

    frame[0] = (char)value;
    __asm__ volatile("" : : "r"(frame) : "memory"); /* all of it is wanted, for all that the compiler knows */
    return frame[0];
}
