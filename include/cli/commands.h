/*
 * cli/commands.h - the commands: one row each, all that can be said of one without running it.
 *
 * What they do is in cli/run.h.
 */
#pragma once
#include "cli/options.h"
#include <stdbool.h>
#include <stddef.h>

struct command {
    enum command_id id;
    const char *name;
    const char *synopsis; /* operands and the options that matter, behind the name */
    const char *summary;  /* one line, in the list of commands */
    const char *detail;   /* a paragraph for --help, wrapped */
    size_t operands_min;
    size_t operands_max;
    const char *operands; /* what they are, for messages: "the path of one file" */
    bool needs_cluster;   /* configuration is read before it runs */
};

const struct command *command_at(enum command_id id);
/* By name; NULL when there is none. */
const struct command *command_named(const char *name);
/* The command that was probably meant, or NULL. */
const struct command *command_near(const char *name);
