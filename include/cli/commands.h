/*
 * cli/commands.h - the commands: one row each.
 */
#pragma once
#include "base/err.h"
#include "cli/arguments.h"
#include "cli/configure.h"
#include "cli/options.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* A command about to run. */
struct invocation {
    const struct command *command;
    struct arguments arguments;
    struct configured configured; /* empty for a command that needs no configuration */
    FILE *out;                    /* results go here; everything else is logged */
};

struct command {
    enum command_id id;
    const char *name;
    const char *synopsis; /* operands and the options that matter, behind the name */
    const char *summary;  /* one line, in the list of commands */
    const char *detail;   /* a paragraph for --help, wrapped */
    size_t operands_min;
    size_t operands_max;
    const char *operands; /* what they are, for messages: "the path of one file" */
    bool needs_cluster;   /* configuration is read before run */
    /*
     * Does the work. A failure without text has been told already (findings are printed one by one) and only
     * decides the exit status.
     */
    enum err_code (*run)(struct invocation *in, struct err *e);
};

const struct command *command_at(enum command_id id);
/* By name; NULL when there is none. */
const struct command *command_named(const char *name);
/* The command that was probably meant, or NULL. */
const struct command *command_near(const char *name);

/* The whole program: argv to exit status. */
int commands_main(int argc, char **argv);
