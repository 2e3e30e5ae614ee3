/*
 * ops/findings.h - what a look at a set-up brought to light: one line each, and a verdict over all.
 *
 * Adding never fails for the caller: a finding that memory had no room for is remembered as lost, and the verdict is
 * then ERR_IO, so that nothing looks better than it is.
 */
#pragma once
#include "base/err.h"
#include <stdbool.h>
#include <stddef.h>

enum finding_level { FINDING_OK, FINDING_WARNING, FINDING_FAILED };

struct finding {
    enum finding_level level;
    enum err_code code;      /* of a failed one: decides the exit status */
    char subject[128];       /* "repository \"r2\"", "server", "archiving" */
    char text[ERR_TEXT_MAX]; /* one line, whole */
    char hint[ERR_HINT_MAX]; /* "" or a sentence */
};

struct findings {
    struct finding *list; /* owned */
    size_t count;
    bool lost; /* one more there was no memory for */
};

void findings_clear(struct findings *f);
/* ERR_OK when nothing failed, else the kind of the first that did: later ones often follow from it. */
enum err_code findings_verdict(const struct findings *f);

void finding_ok(struct findings *f, const char *subject, const char *fmt, ...) PRINTF_LIKE(3, 4);
void finding_warning(struct findings *f, const char *subject, const char *fmt, ...) PRINTF_LIKE(3, 4);
void finding_failed(struct findings *f, enum err_code code, const char *subject, const char *fmt, ...)
    PRINTF_LIKE(4, 5);
/* A failed one of an error's kind, text and hint. */
void finding_error(struct findings *f, const char *subject, const struct err *why);
/* The hint of the finding added last. */
void finding_hint(struct findings *f, const char *fmt, ...) PRINTF_LIKE(2, 3);
