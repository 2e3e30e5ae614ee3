/*
 * cli/print_log.h - what happened in WAL, as it is read: a line for each event, or a JSON object a line (NDJSON).
 *
 * The members of the objects are listed in docs/CONTRACT.md.
 */
#pragma once
#include "ops/wal_log.h"
#include <stdbool.h>
#include <stdio.h>

/* Embedded by value; owns nothing. */
struct log_print {
    FILE *out;
    bool is_json;
    const struct log_options
        *options;   /* what the log was asked for: a restore it advises needs some of it again */
    uint32_t timeline; /* that a restore must be told; 0 = there is but one */
    bool is_closed; /* the reader of `out` has gone away, which ended the log */
};

/* A visitor that prints; p is borrowed. What can't be written is ERR_IO. */
struct log_visitor log_print_visitor(struct log_print *p);
