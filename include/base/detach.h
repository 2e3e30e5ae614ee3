/*
 * base/detach.h - this program started once more, on its own: no parent waits for it, and it outlives the caller.
 */
#pragma once
#include "base/err.h"

/*
 * Start the running program's own file with these arguments (argv[0] first, NULL-terminated), in a session of its own:
 * stdin, stdout and stderr are /dev/null, every other descriptor is closed, signals have their defaults and none is
 * blocked. Environment and working directory are the caller's. It is adopted by init, so nobody is left a zombie.
 * The caller may have threads. ERR_IO when no process could be made; whether the program then runs is not known.
 */
enum err_code detach_self(char *const argv[], struct err *e);
