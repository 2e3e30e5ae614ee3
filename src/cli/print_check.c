/*
 * cli/print_check.c - see cli/print_check.h.
 */
#include "cli/print_check.h"

#include "base/err.h"
#include "cli/output.h"

static const char *const text_levels[] = {"ok", "warning", "FAILED"};
static const char *const json_levels[] = {"ok", "warning", "failed"};

static size_t count_level(const struct findings *f, enum finding_level level)
{
    size_t count = 0;

    for (size_t i = 0; i < f->count; i++)
        count += f->list[i].level == level;
    return count;
}

void print_findings(const struct findings *f, FILE *out)
{
    for (size_t i = 0; i < f->count; i++) {
        const struct finding *finding = &f->list[i];

        fprintf(out, "%-7s  %s: %s\n", text_levels[finding->level], finding->subject, finding->text);
        if (finding->hint[0] != '\0')
            fprintf(out, "         HINT:  %s\n", finding->hint);
    }
    fprintf(out, "\n%zu ok, %zu with a warning, %zu failed\n", count_level(f, FINDING_OK),
            count_level(f, FINDING_WARNING), count_level(f, FINDING_FAILED));
}

json_t *findings_to_json(const struct findings *f)
{
    json_t *list = json_array();

    for (size_t i = 0; i < f->count; i++) {
        const struct finding *finding = &f->list[i];
        json_t *o = json_pack("{s:s, s:o, s:o}", "level", json_levels[finding->level], "subject",
                              json_text(finding->subject), "text", json_text(finding->text));

        if (finding->hint[0] != '\0')
            (void) json_object_set_new(o, "hint", json_text(finding->hint));
        if (finding->level == FINDING_FAILED)
            (void) json_object_set_new(o, "error", json_string(err_kind(finding->code)));
        (void) json_array_append_new(list, o);
    }
    return json_pack("{s:b, s:o}", "ok", count_level(f, FINDING_FAILED) == 0, "findings", list);
}
