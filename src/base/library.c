/*
 * base/library.c - see base/library.h.
 *
 * RTLD_NOW: an unresolved symbol is an error here. Found lazily it would end the process with 127 in the middle, which
 * is more than PostgreSQL's archiver stands. Never dlclose: libraries leave threads, atexit handlers and allocations
 * behind.
 */
#include "base/library.h"

#include <dlfcn.h>
#include <pthread.h>
#include <string.h>

/* The loader's words begin with the name of the file they are about; ours have named it already. */
static const char *reason(const struct library *lib)
{
    const char *text = dlerror();
    size_t len = strlen(lib->soname);

    if (text == NULL)
        return "unknown error";
    return strncmp(text, lib->soname, len) == 0 && strncmp(text + len, ": ", 2) == 0 ? text + len + 2 : text;
}

static enum err_code open_and_fill(struct library *lib, struct err *e)
{
    void *handle = dlopen(lib->soname, RTLD_NOW | RTLD_LOCAL);

    if (handle == NULL) {
        err_set(e, ERR_IO, "could not load library \"%s\": %s", lib->soname, reason(lib));
        return err_hint(e, "It is part of Debian's package \"%s\".", lib->package);
    }
    for (const struct library_symbol *s = lib->symbols; s->name != NULL; s++) {
        void *address = dlsym(handle, s->name);

        if (address == NULL) {
            err_set(e, ERR_IO, "library \"%s\" has no function \"%s\"", lib->soname, s->name);
            return err_hint(e, "It is older than the one pitr was built with: update the package \"%s\".",
                            lib->package);
        }
        memcpy(s->slot, &address,
               sizeof(address)); /* POSIX: of the same size and form as a function pointer */
    }
    return ERR_OK;
}

enum err_code library_load(struct library *lib, struct err *e)
{
    static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;
    enum err_code code = ERR_OK;

    if (atomic_load_explicit(&lib->is_loaded, memory_order_acquire))
        return ERR_OK;
    (void) pthread_mutex_lock(&one_at_a_time);
    if (!atomic_load_explicit(&lib->is_loaded, memory_order_relaxed)) {
        code = open_and_fill(lib, e);
        atomic_store_explicit(&lib->is_loaded, code == ERR_OK, memory_order_release);
    }
    (void) pthread_mutex_unlock(&one_at_a_time);
    return code;
}
