/* The hook behind ci_fault(): see fault.h. */
#include "sys/fault.h"

ci_fault_fn *ci_fault_hook;
