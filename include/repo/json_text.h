/*
 * repo/json_text.h - the clear JSON texts of a repository, line.json and backup.json: an object with a format version.
 */
#pragma once
#include "base/err.h"
#include <jansson.h>
#include <stddef.h>

/*
 * Read a text of this program's format version, LAYOUT_VERSION. Of a newer one nothing else is looked at.
 *   name  what messages call it
 *   root  an object; the caller's (json_decref)
 * ERR_CORRUPT when it is anything else; ERR_IO when there is no memory.
 */
enum err_code json_text_parse(const char *text, size_t len, const char *name, json_t **root, struct err *e);
