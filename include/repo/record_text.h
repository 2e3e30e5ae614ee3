/*
 * repo/record_text.h - what the texts of a backup share: one record a line, fields separated by one tab.
 *
 *   <first line> <backup ID>            "pitr-index 1 20261120T021500Z-1a2b", with a blank
 *   <letter>  <field>  …
 * A field is a number (no sign, no leading zero), hexadecimal digits (lower case), or a text, percent-encoded: bytes up
 * to 0x20, from 0x7F on, and '%' are "%XX" with upper-case digits. So each record has one spelling, and a damaged byte
 * does not pass for another one.
 */
#pragma once
#include "base/buf.h"
#include "base/err.h"
#include "repo/layout.h"
#include "stream/sink.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RECORD_LINE_MAX   32768
#define RECORD_TEXT_MAX   (RECORD_LINE_MAX / 8) /* bytes of one text, plain */
#define RECORD_FIELDS_MAX 9

/* ---- writing ---- */

enum err_code record_write_begin(struct sink *to, const char *first, const char *backup_id, struct err *e);

/*
 * Write one line: front as it is (letter, numbers and the tabs between them), then each text, encoded, behind a tab.
 * ERR_CORRUPT when a text, or all of them, are too long.
 */
enum err_code record_write(struct sink *to, const char *front, const char *const *texts, size_t count,
                           struct err *e);

/* ---- reading: each is false for anything that would not have been written ---- */

bool record_number(const char *field, int base, uint64_t max, uint64_t *out); /* base 8 or 10 */
bool record_number32(const char *field, uint32_t *out);
bool record_hex(const char *field, void *bytes, size_t len); /* exactly len bytes */
bool record_decode(char *field);                             /* in place; may be empty */

struct record_text;

/* One sort of text. */
struct record_form {
    const char *what;  /* "backup index", for messages    */
    const char *first; /* of the first line, "pitr-index 1" */
    /* Take one record: count fields, with the letter; they are the callee's to change. */
    enum err_code (*take)(struct record_text *t, char **fields, int count, struct err *e);
};

/*
 * The first member of a sink that reads such a text in any pieces. ERR_CORRUPT with the line's number for what is not
 * of its form, and for a text that ends before `ended`, or goes on behind it.
 */
struct record_text {
    struct sink base;
    const struct record_form *form;
    struct buf line;
    uint64_t line_no;
    char id[BACKUP_ID_MAX]; /* until the first line: the one it must have, "" = any; then the one it has */
    bool ended;             /* take sets it at the last record */
};

/* For take: ERR_CORRUPT, this line is not of its form. */
enum err_code record_refuse(const struct record_text *t, struct err *e);

/* t is the beginning of memory from malloc, which sink_free gives back. id: NULL = any. */
void record_text_init(struct record_text *t, const struct record_form *form, const char *id);
