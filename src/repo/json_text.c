/*
 * repo/json_text.c - see repo/json_text.h.
 */
#include "repo/json_text.h"

#include "repo/layout.h"

#include <errno.h>

static enum err_code check_version(const json_t *format, const char *name, struct err *e)
{
    if (!json_is_integer(format))
        return err_set(e, ERR_CORRUPT, "\"%s\" has no format version", name);
    if (json_integer_value(format) != LAYOUT_VERSION)
        return err_set(e, ERR_CORRUPT,
                       "\"%s\" has format version %" JSON_INTEGER_FORMAT ", this program knows %d", name,
                       json_integer_value(format), LAYOUT_VERSION);
    return ERR_OK;
}

enum err_code json_text_parse(const char *text, size_t len, const char *name, json_t **root, struct err *e)
{
    json_error_t why;
    json_t *read;

    errno = 0; /* jansson takes a want of memory for a mistake in the text, mostly */
    read = json_loadb(text, len, JSON_REJECT_DUPLICATES, &why);
    if (read == NULL && errno == ENOMEM)
        return err_nomem(e, "JSON");
    if (read == NULL)
        return err_set(e, ERR_CORRUPT, "\"%s\" is not JSON: line %d: %s", name, why.line, why.text);
    if (check_version(json_object_get(read, "format"), name, e) != ERR_OK) {
        json_decref(read);
        return e->code;
    }
    *root = read;
    return ERR_OK;
}
