/*
 * pg/libpq.c - see pg/libpq.h.
 */
#include "pg/libpq.h"

#include "base/library.h"

#include <stddef.h>

struct libpq libpq;

static const struct library_symbol symbols[] = {
#define SYMBOL(name) {"PQ" #name, &libpq.name},
    LIBPQ_FUNCTIONS(SYMBOL)
#undef SYMBOL
        {NULL, NULL}};

/* libpq.so.5 has kept its ABI since PostgreSQL 8.2. */
static struct library library = {.soname = "libpq.so.5", .package = "libpq5", .symbols = symbols};

enum err_code libpq_load(struct err *e)
{
    return library_load(&library, e);
}
