/*
 * base/err.c - see base/err.h.
 *
 * Context is put in front: "fetching segment "X": could not read …". When the whole does not fit, the tail is
 * cut and ends in "..."; what failed first in the reader's eye stays.
 */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void mark_cut(char *text, size_t size, int wanted)
{
    if (wanted >= (int) size)
        memcpy(text + size - 4, "...", 4);
}

enum err_code err_set(struct err *e, enum err_code code, const char *fmt, ...)
{
    va_list args;

    e->code = code;
    e->sys_errno = 0;
    e->hint[0] = '\0';
    va_start(args, fmt);
    mark_cut(e->text, sizeof(e->text), vsnprintf(e->text, sizeof(e->text), fmt, args));
    va_end(args);
    return code;
}

enum err_code err_sys(struct err *e, enum err_code code, int sys_errno, const char *fmt, ...)
{
    va_list args;
    char what[ERR_TEXT_MAX];

    va_start(args, fmt);
    (void) vsnprintf(what, sizeof(what), fmt, args);
    va_end(args);
    err_set(e, code, "%s: %s", what,
            strerrordesc_np(sys_errno) ? strerrordesc_np(sys_errno) : "unknown error");
    e->sys_errno = sys_errno;
    return code;
}

enum err_code err_nomem(struct err *e, const char *what)
{
    return err_sys(e, ERR_IO, ENOMEM, "could not allocate %s", what);
}

enum err_code err_while(struct err *e, const char *fmt, ...)
{
    va_list args;
    char inner[ERR_TEXT_MAX];
    char context[ERR_TEXT_MAX];

    memcpy(inner, e->text, sizeof(inner));
    va_start(args, fmt);
    (void) vsnprintf(context, sizeof(context), fmt, args);
    va_end(args);
    mark_cut(e->text, sizeof(e->text), snprintf(e->text, sizeof(e->text), "%s: %s", context, inner));
    return e->code;
}

enum err_code err_hint(struct err *e, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    mark_cut(e->hint, sizeof(e->hint), vsnprintf(e->hint, sizeof(e->hint), fmt, args));
    va_end(args);
    return e->code;
}

const char *err_kind(enum err_code code)
{
    switch (code) {
    case ERR_OK:
        return "ok";
    case ERR_ABSENT:
        return "absent";
    case ERR_CONFLICT:
        return "conflict";
    case ERR_REFUSED:
        return "refused";
    case ERR_CORRUPT:
        return "corrupt";
    case ERR_UNREACHABLE:
        return "unreachable";
    case ERR_DENIED:
        return "denied";
    case ERR_IO:
        return "io";
    case ERR_USAGE:
        return "usage";
    }
    return "unknown";
}
