/*
 * cli/run.h - what each command does: options into an operation, its result into text or JSON.
 */
#pragma once
#include "base/err.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/configure.h"
#include <stdio.h>

/* A command about to run. */
struct invocation {
    const struct command *command;
    char *const *words; /* as they were given, behind the command */
    size_t word_count;
    struct arguments arguments;   /* parsed */
    struct configured configured; /* settled; empty for a command that needs no configuration */
    FILE *out;                    /* results go here; everything else is logged */
};

/*
 * Do the command's work. A failure without text has been told already (findings are printed one by one) and only
 * decides the exit status.
 */
enum err_code run(struct invocation *in, struct err *e);
