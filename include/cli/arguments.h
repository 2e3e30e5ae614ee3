/*
 * cli/arguments.h - the words behind the command: options in any order, and what is left.
 *
 * "--name VALUE", "--name=VALUE", "-v", "-vv"; "--" ends the options. Names are never abbreviated: a script must
 * not change its meaning when an option is added.
 */
#pragma once
#include "base/err.h"
#include "cli/setting.h"
#include <stddef.h>

struct arguments {
    struct settings settings;
    const char **operands; /* NULL-terminated; the array is owned, the texts are argv's */
    size_t operand_count;
};

/*
 * words: count of them, without program and command. ERR_USAGE with a hint for what the command does not know.
 * Cleared by the caller in any case.
 */
enum err_code arguments_parse(enum command_id command, char *const *words, size_t count,
                              struct arguments *out, struct err *e);
void arguments_clear(struct arguments *a);
