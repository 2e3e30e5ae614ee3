/*
 * cli/output.h - results on standard output: pieces of text that several pages use, and JSON.
 *
 * JSON members are snake_case; LSNs are PostgreSQL's text; a moment appears twice, "x_time" as text and "x_us" in
 * microseconds since 1970 UTC; bytes and counts are numbers; system identifiers, which need not fit a JSON number,
 * are decimal text.
 */
#pragma once
#include "base/err.h"
#include "pg/lsn.h"
#include <jansson.h>
#include <stdint.h>
#include <stdio.h>

#define OUTPUT_TEXT_MAX 48

/*
 * Bytes with one decimal and a unit: "1.2 GiB", below 1024 "17 bytes"; spans with two units: "5 min 11 s", "2 d 3 h".
 */
void output_bytes(uint64_t bytes, char out[OUTPUT_TEXT_MAX]);
void output_span(int64_t us, char out[OUTPUT_TEXT_MAX]);
/* Server version number as people write it: 150018 is "15.18". */
void output_server_version(uint32_t number, char out[OUTPUT_TEXT_MAX]);

/* A JSON string of a text from outside; where it is not UTF-8, "?" stands for each byte that is not ASCII. */
json_t *json_text(const char *text);

/* Members of a JSON object. A NULL object (out of memory before) is left alone. */
void json_set_lsn(json_t *object, const char *name, lsn position);
void json_set_bytes(json_t *object, const char *name, uint64_t bytes);
/* "<name>_time" and "<name>_us". */
void json_set_moment(json_t *object, const char *name, int64_t us);

/* Write a JSON value, indented, with a newline, and release it. NULL is out of memory. */
enum err_code output_json(json_t *value, FILE *out, struct err *e);

/* Flush; what could not be written is ERR_IO. */
enum err_code output_flush(FILE *out, struct err *e);
