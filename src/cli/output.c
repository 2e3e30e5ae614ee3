/*
 * cli/output.c - see cli/output.h.
 */
#include "cli/output.h"

#include "base/timestamp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void output_bytes(uint64_t bytes, char out[OUTPUT_TEXT_MAX])
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    double value = (double) bytes / 1024;
    size_t unit = 0;

    if (bytes < 1024) {
        (void) snprintf(out, OUTPUT_TEXT_MAX, "%u bytes", (unsigned) bytes);
        return;
    }
    while (value >= 1023.95 && unit + 1 < sizeof(units) / sizeof(units[0])) {
        value /= 1024;
        unit++;
    }
    (void) snprintf(out, OUTPUT_TEXT_MAX, "%.1f %s", value, units[unit]);
}

void output_span(int64_t us, char out[OUTPUT_TEXT_MAX])
{
    static const struct {
        int64_t seconds;
        const char *name;
    } units[] = {{86400, "d"}, {3600, "h"}, {60, "min"}, {1, "s"}};
    int64_t seconds = us / 1000000;

    if (us < 0 || seconds == 0) {
        (void) snprintf(out, OUTPUT_TEXT_MAX, "%s", us < 0 ? "not yet" : "less than 1 s");
        return;
    }
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        int64_t whole = seconds / units[i].seconds;
        int64_t rest = seconds % units[i].seconds;

        if (whole == 0)
            continue;
        if (i + 1 < sizeof(units) / sizeof(units[0]) && rest / units[i + 1].seconds > 0)
            (void) snprintf(out, OUTPUT_TEXT_MAX, "%lld %s %lld %s", (long long) whole, units[i].name,
                            (long long) (rest / units[i + 1].seconds), units[i + 1].name);
        else
            (void) snprintf(out, OUTPUT_TEXT_MAX, "%lld %s", (long long) whole, units[i].name);
        return;
    }
}

void output_server_version(uint32_t number, char out[OUTPUT_TEXT_MAX])
{
    (void) snprintf(out, OUTPUT_TEXT_MAX, "%u.%u", number / 10000, number % 10000);
}

json_t *json_text(const char *text)
{
    json_t *value = json_string(text);
    char *copy;

    if (value != NULL || text == NULL || (copy = strdup(text)) == NULL)
        return value;
    for (char *c = copy; *c != '\0'; c++)
        if ((unsigned char) *c >= 0x80)
            *c = '?';
    value = json_string(copy);
    free(copy);
    return value;
}

void json_set_lsn(json_t *object, const char *name, lsn position)
{
    char text[LSN_TEXT_MAX];

    lsn_format(position, text);
    (void) json_object_set_new(object, name, json_string(text));
}

void json_set_bytes(json_t *object, const char *name, uint64_t bytes)
{
    (void) json_object_set_new(object, name, json_integer((json_int_t) bytes));
}

void json_set_moment(json_t *object, const char *name, int64_t us)
{
    char text[TIMESTAMP_TEXT_MAX];
    char member[64];

    timestamp_format(us, text);
    (void) snprintf(member, sizeof(member), "%s_time", name);
    (void) json_object_set_new(object, member, json_string(text));
    (void) snprintf(member, sizeof(member), "%s_us", name);
    (void) json_object_set_new(object, member, json_integer(us));
}

enum err_code output_json(json_t *value, FILE *out, struct err *e)
{
    char *text = value == NULL ? NULL : json_dumps(value, JSON_INDENT(2));

    json_decref(value);
    if (text == NULL)
        return err_nomem(e, "the answer");
    (void) fprintf(out, "%s\n", text);
    free(text);
    return output_flush(out, e);
}

enum err_code output_flush(FILE *out, struct err *e)
{
    errno = 0;
    if (fflush(out) == 0 && !ferror(out))
        return ERR_OK;
    return err_sys(e, ERR_IO, errno, "could not write to standard output");
}
