/*
 * base/library.h - a shared library that is opened when it is first needed, not when the program starts.
 *
 * The loader runs the constructors of everything a program is linked with, needed or not. A library that most calls
 * don't need is described by a table: where its functions are to be put, as pointers that have the types of the
 * library's own header (__typeof__), so that the compiler checks each call against it. Once open it stays open.
 */
#pragma once
#include "base/err.h"
#include <stdatomic.h>
#include <stdbool.h>

struct library_symbol {
    const char *name;
    void *slot; /* the function pointer to fill */
};

struct library {
    const char *soname;                   /* as the loader looks for it: the ABI the header belongs to */
    const char *package;                  /* of Debian, for the hint                                   */
    const struct library_symbol *symbols; /* up to a NULL name                                         */
    _Atomic bool is_loaded;
};

/*
 * Open the library unless it is, and fill all slots. Any number of threads may call at once. Its functions may be
 * called after an ERR_OK only.
 * Fails with ERR_IO, naming library and function when it is not installed or lacks one; may be called again then.
 */
enum err_code library_load(struct library *lib, struct err *e);
