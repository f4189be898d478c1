/* The shared library of program.c. */
#ifndef TESTS_DEBUG_PROGRAM_LIBRARY_H
#define TESTS_DEBUG_PROGRAM_LIBRARY_H

/* Works for so long. Returns 2. */
int work_for(double seconds);

#endif
