/*
 * codec/libarchive.c - see codec/libarchive.h.
 */
#include "codec/libarchive.h"

#include "base/library.h"

#include <stddef.h>

struct libarchive libarchive;

static const struct library_symbol symbols[] = {
#define SYMBOL(name) {"archive_" #name, &libarchive.name},
    LIBARCHIVE_FUNCTIONS(SYMBOL)
#undef SYMBOL
        {NULL, NULL}};

/* libarchive.so.13 has kept its ABI since libarchive 3.0. */
static struct library library = {.soname = "libarchive.so.13", .package = "libarchive13", .symbols = symbols};

enum err_code libarchive_load(struct err *e)
{
    return library_load(&library, e);
}
