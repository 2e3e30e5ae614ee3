/*
 * page.h - what a printing function prints, as a text.
 */
#pragma once
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

struct page {
    char *text;
    size_t size;
    FILE *out;
};

static inline void page_open(struct page *p)
{
    p->out = open_memstream(&p->text, &p->size);
    ck_assert_ptr_nonnull(p->out);
}

/* The text so far; the page is closed by it and p->text is to be freed. */
static inline const char *page_close(struct page *p)
{
    ck_assert_int_eq(fclose(p->out), 0);
    return p->text;
}
