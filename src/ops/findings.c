/*
 * ops/findings.c - see ops/findings.h.
 */
#include "ops/findings.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void findings_clear(struct findings *f)
{
    free(f->list);
    *f = (struct findings){.list = NULL};
}

enum err_code findings_verdict(const struct findings *f)
{
    for (size_t i = 0; i < f->count; i++)
        if (f->list[i].level == FINDING_FAILED)
            return f->list[i].code;
    return f->lost ? ERR_IO : ERR_OK;
}

/* Texts of servers may have several lines; a finding has one. */
static void one_line(char *text)
{
    for (char *c = text; *c != '\0'; c++)
        if (*c == '\n' || *c == '\r' || *c == '\t')
            *c = ' ';
}

static void add(struct findings *f, enum finding_level level, enum err_code code, const char *subject,
                const char *fmt, va_list args) PRINTF_LIKE(5, 0);

static void add(struct findings *f, enum finding_level level, enum err_code code, const char *subject,
                const char *fmt, va_list args)
{
    struct finding *grown = realloc(f->list, (f->count + 1) * sizeof(*grown));
    struct finding *added;

    f->lost = f->lost || grown == NULL;
    if (grown == NULL)
        return;
    f->list = grown;
    added = &grown[f->count++];
    *added = (struct finding){.level = level, .code = code};
    (void) snprintf(added->subject, sizeof(added->subject), "%s", subject);
    (void) vsnprintf(added->text, sizeof(added->text), fmt, args);
    one_line(added->text);
}

void finding_ok(struct findings *f, const char *subject, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    add(f, FINDING_OK, ERR_OK, subject, fmt, args);
    va_end(args);
}

void finding_warning(struct findings *f, const char *subject, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    add(f, FINDING_WARNING, ERR_OK, subject, fmt, args);
    va_end(args);
}

void finding_failed(struct findings *f, enum err_code code, const char *subject, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    add(f, FINDING_FAILED, code, subject, fmt, args);
    va_end(args);
}

void finding_error(struct findings *f, const char *subject, const struct err *why)
{
    finding_failed(f, why->code, subject, "%s", why->text);
    if (why->hint[0] != '\0')
        finding_hint(f, "%s", why->hint);
}

void finding_hint(struct findings *f, const char *fmt, ...)
{
    va_list args;
    struct finding *last;

    if (f->count == 0 || f->lost)
        return;
    last = &f->list[f->count - 1];
    va_start(args, fmt);
    (void) vsnprintf(last->hint, sizeof(last->hint), fmt, args);
    va_end(args);
    one_line(last->hint);
}
