/*
 * pg/postmaster.h - is a server at work in a data directory?
 *
 * Source: PostgreSQL src/include/utils/pidfile.h: the first line of postmaster.pid is the postmaster's process ID; of
 * a server in single-user mode it is negative (src/backend/utils/init/miscinit.c, CreateLockFile).
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* The process ID that the text of postmaster.pid begins with, negative ones as positive; 0 when it is none. */
pid_t postmaster_pid(const char *text);

/* Does postmaster.pid name a process that lives? A process of that number that is no server counts as one. */
bool postmaster_is_there(const char *data_directory);
