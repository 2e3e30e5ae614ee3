/*
 * cli/help.h - --help, made of the tables of commands and options.
 */
#pragma once
#include "cli/commands.h"
#include <stdio.h>

#define VERSION_TEXT "pitr " PITR_VERSION " (PostgreSQL 13 to 18)"

void help_program(FILE *out);
void help_command(const struct command *c, FILE *out);
