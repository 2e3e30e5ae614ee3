/*
 * findings_match.h - looking for a finding by level and words, and showing all of them when it is not there.
 */
#pragma once
#include "ops/findings.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

static inline const struct finding *finding_with(const struct findings *f, enum finding_level level,
                                                 const char *words)
{
    for (size_t i = 0; i < f->count; i++)
        if (f->list[i].level == level && strstr(f->list[i].text, words) != NULL)
            return &f->list[i];
    return NULL;
}

static inline void show_findings(const struct findings *f)
{
    for (size_t i = 0; i < f->count; i++)
        (void) fprintf(stderr, "# %d %s: %s\n", (int) f->list[i].level, f->list[i].subject, f->list[i].text);
}

static inline void assert_found(const struct findings *f, enum finding_level level, const char *words)
{
    if (finding_with(f, level, words) != NULL)
        return;
    show_findings(f);
    ck_abort_msg("no finding of level %d says \"%s\"", (int) level, words);
}
