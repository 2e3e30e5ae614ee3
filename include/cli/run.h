/*
 * cli/run.h - what each command does: options into an operation, its result into text or JSON.
 *
 * Each takes an invocation whose arguments were parsed and, unless it is run_key, whose configuration is settled.
 */
#pragma once
#include "cli/commands.h"

enum err_code run_archive(struct invocation *in, struct err *e);
enum err_code run_fetch(struct invocation *in, struct err *e);
enum err_code run_backup(struct invocation *in, struct err *e);
enum err_code run_plan(struct invocation *in, struct err *e);
enum err_code run_restore(struct invocation *in, struct err *e);
enum err_code run_init(struct invocation *in, struct err *e);
enum err_code run_check(struct invocation *in, struct err *e);
enum err_code run_list(struct invocation *in, struct err *e);
enum err_code run_key(struct invocation *in, struct err *e);
