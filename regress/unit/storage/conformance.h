/*
 * conformance.h - what every store must do: one suite, run over each of them.
 *
 *     static const struct conformance memory = {.open = memory_open, .large_bytes = 40 << 20, .many = 2500};
 *
 *     conformance_add(suite, "memory", &memory);
 *
 * Every test opens its own store, works below a prefix of its own and removes what it made there when it passes. One
 * store per test program.
 */
#pragma once
#include "storage/store.h"

#include <check.h>

struct conformance {
    /* Open the store under test; may be called more than once for the same place, one after the other. */
    enum err_code (*open)(void *arg, struct store **out, struct err *e);
    void *arg;
    const char *prefix;   /* "" or "some/where/": all keys begin with it */
    uint64_t large_bytes; /* size of the large object                    */
    unsigned many;        /* objects in the long listing                 */
    double timeout_s;     /* per test; 0 = 60                            */
};

/* Add the conformance case to a suite. c outlives the run. */
void conformance_add(Suite *suite, const char *name, const struct conformance *c);

/* Helpers that other tests of stores like to use; they fail the test themselves. */
void conformance_put(struct store *s, const char *key, const char *text);
/* All keys of a listing, each followed by a newline, prefixes included; the caller frees. */
char *conformance_list(struct store *s, const struct store_listing *what);
/* The object as text; the caller frees. */
char *conformance_get(struct store *s, const char *key);
