/*
 * base/detach.h - this program started once more, on its own: no parent waits for it, and it outlives the caller.
 *
 * What is left without a parent is adopted by the first process of the system or container. Where that is a PostgreSQL
 * server, it takes an adopted child that a signal ended, or that ended with another status than 0 or 1, for a crashed
 * backend of its own, and restarts (postmaster.c: reaper, CleanupBackend; 18: process_pm_child_exit). So what is
 * detached is a watcher, a fork of the caller that only waits: the program is the watcher's child, and whatever ends
 * that one, be it kill -9, the watcher ends with 0. It passes SIGHUP, SIGINT, SIGQUIT and SIGTERM on; killed itself, it
 * takes the program along by a SIGTERM. Lists of processes show it under the caller's name and arguments.
 */
#pragma once
#include "base/err.h"

/*
 * Start the running program's own file with these arguments (argv[0] first, NULL-terminated), in a session of its own:
 * stdin, stdout and stderr are /dev/null, every other descriptor is closed, signals have their defaults and none is
 * blocked. Environment and working directory are the caller's. The caller may have threads.
 * ERR_IO when no process could be made; whether the program then runs is not known.
 */
enum err_code detach_self(char *const argv[], struct err *e);
