/*
 * cli/show_restorable.c - see cli/show_restorable.h.
 */
#include "cli/show_restorable.h"

#include "base/clock.h"
#include "cli/output.h"
#include "cli/print_plan.h"
#include "cli/print_windows.h"
#include "ops/windows_gather.h"

static json_t *to_json(const struct planned *p, bool has_plan, const struct windows *w, bool is_listed,
                       int64_t now_us)
{
    json_t *o = has_plan ? plan_to_json(p, now_us)
                         : json_pack("{s:s, s:s, s:s}", "cluster", p->layout.cluster, "line", p->layout.line,
                                     "repository", p->repo->name);

    (void) json_object_set_new(o, "restorable", is_listed ? windows_to_json(w, now_us) : json_null());
    return o;
}

static void print(const struct planned *p, bool has_plan, const struct windows *w, bool is_listed,
                  int64_t now_us, FILE *out)
{
    if (is_listed)
        print_windows(w, 0, now_us, out);
    else
        fprintf(out, "Restorable: more WAL than is listed here, see \"pitr list\"\n");
    if (!has_plan)
        return;
    fprintf(out, "\n");
    print_plan(p, now_us, out);
}

/* The plan has read the backups it needed: here it takes all. */
static enum err_code read_windows(const struct planned *p, struct backup_list *backups, bool *is_listed,
                                  struct windows *w, struct err *e)
{
    struct wal_place place = {.repo = p->repo, .layout = &p->layout};

    if (backup_list_read(p->repo, &p->layout, backups, NULL, e) != ERR_OK)
        return e->code;
    *is_listed = true;
    if (backups->count == 0)
        return ERR_OK;
    place.segment_bytes = backups->list[backups->count - 1].segment_bytes;
    return windows_list(&place, &p->timelines, backups, is_listed, w, e);
}

enum err_code show_restorable(const struct planned *p, bool has_plan, bool as_json, FILE *out, struct err *e)
{
    CLEANUP(backup_list_clear) struct backup_list backups = {.count = 0};
    CLEANUP(windows_clear) struct windows w = {.count = 0};
    int64_t now_us;
    bool is_listed;

    if (read_windows(p, &backups, &is_listed, &w, e) != ERR_OK)
        return e->code;
    now_us = clock_now_us(&clock_system);
    if (as_json)
        return output_json(to_json(p, has_plan, &w, is_listed, now_us), out, e);
    print(p, has_plan, &w, is_listed, now_us, out);
    return output_flush(out, e);
}
