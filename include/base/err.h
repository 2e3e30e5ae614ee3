/*
 * base/err.h - errors: returned by kind, told once.
 *
 * A function that can fail returns enum err_code and takes `struct err *e` last. On failure it fills e and
 * leaves its outputs alone; on success it leaves e alone, so that calls chain with ||. The struct is fixed in
 * size: reporting an error never allocates. Text follows PostgreSQL's message style: lower case, factual, no
 * full stop, names quoted; the hint is a sentence. Secrets never enter it.
 *
 * Source    PostgreSQL manual, "Error Message Style Guide".
 */
#pragma once
#include "base/attr.h"

enum err_code {
    ERR_OK,
    ERR_ABSENT,      /* the repository answered: no such object                                   */
    ERR_CONFLICT,    /* same name, different bytes                                                */
    ERR_REFUSED,     /* understood, but the repository, cluster or target does not allow it       */
    ERR_CORRUPT,     /* bytes read are not the bytes promised, or not of the form they should be  */
    ERR_UNREACHABLE, /* no answer, throttled, timed out: may heal                                 */
    ERR_DENIED,      /* the other side knows us and says no: credentials, rights                  */
    ERR_IO,          /* this system failed: disk, memory, processes                               */
    ERR_USAGE        /* bad argument or configuration                                             */
};

#define ERR_TEXT_MAX 768
#define ERR_HINT_MAX 384

struct err {
    enum err_code code;
    int sys_errno;           /* the errno behind it, or 0 */
    char text[ERR_TEXT_MAX]; /* NUL-terminated, cut with "..." when too long */
    char hint[ERR_HINT_MAX]; /* "" or what to do about it, a whole sentence */
};

/* An error value before anything went wrong. */
#define ERR_NONE ((struct err){.code = ERR_OK})

/* Set e to this kind and text, with no hint and no errno; returns code. */
enum err_code err_set(struct err *e, enum err_code code, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* The same with ": " and the system's text for sys_errno behind it. */
enum err_code err_sys(struct err *e, enum err_code code, int sys_errno, const char *fmt, ...)
    PRINTF_LIKE(4, 5);

/* Out of memory: ERR_IO, ENOMEM. what: the thing that was to be allocated. */
enum err_code err_nomem(struct err *e, const char *what);

/* Put "context: " before the text of an error that is set; keeps the kind and the hint; returns the kind. */
enum err_code err_while(struct err *e, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Attach or replace the hint of an error that is set; returns its kind. */
enum err_code err_hint(struct err *e, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* The kind's name for logs and JSON: "absent", "conflict", … Static memory. */
const char *err_kind(enum err_code code);
