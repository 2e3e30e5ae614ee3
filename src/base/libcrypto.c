/*
 * base/libcrypto.c - see base/libcrypto.h.
 */
#include "base/libcrypto.h"

#include "base/library.h"

#include <stddef.h>

struct libcrypto libcrypto;

static const struct library_symbol symbols[] = {
#define SYMBOL(name) {#name, &libcrypto.name},
    LIBCRYPTO_FUNCTIONS(SYMBOL)
#undef SYMBOL
        {NULL, NULL}};

/* One ABI for all of OpenSSL 3. */
static struct library library = {.soname = "libcrypto.so.3", .package = "libssl3", .symbols = symbols};

enum err_code libcrypto_load(struct err *e)
{
    return library_load(&library, e);
}
