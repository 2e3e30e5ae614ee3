/*
 * pg/postmaster.c - see pg/postmaster.h.
 */
#include "pg/postmaster.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#define PID_LINE 32

pid_t postmaster_pid(const char *text)
{
    char *end;
    long pid;

    errno = 0;
    pid = strtol(text, &end, 10);
    if (errno != 0 || end == text || (*end != '\n' && *end != '\0') || pid < -INT_MAX || pid > INT_MAX)
        return 0;
    return (pid_t) (pid < 0 ? -pid : pid);
}

bool postmaster_is_there(const char *data_directory)
{
    char path[PATH_MAX], line[PID_LINE];
    FILE *f;
    pid_t pid;

    if (snprintf(path, sizeof(path), "%s/postmaster.pid", data_directory) >= (int) sizeof(path) ||
        (f = fopen(path, "re")) == NULL)
        return false;
    pid = fgets(line, sizeof(line), f) != NULL ? postmaster_pid(line) : 0;
    (void) fclose(f);
    return pid > 0 && (kill(pid, 0) == 0 || errno != ESRCH);
}
