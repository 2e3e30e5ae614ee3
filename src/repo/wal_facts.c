/*
 * repo/wal_facts.c - see repo/wal_facts.h.
 */
#include "repo/wal_facts.h"

#include "base/hex.h"
#include "pg/walseg.h"
#include "repo/layout.h"

#include <jansson.h>

void wal_facts_of_page(const struct walpage *p, uint32_t timeline, struct wal_facts *f)
{
    *f = (struct wal_facts){.system_identifier = p->system_identifier,
                            .major = p->major,
                            .timeline = timeline,
                            .segment_bytes = p->segment_bytes,
                            .first_lsn = p->address,
                            .run_from = p->address,
                            .run_to = p->address,
                            .end_lsn = p->address + p->segment_bytes};
}

void wal_facts_begin_run(struct wal_facts *f)
{
    f->run_from = f->run_to = f->first_lsn;
    f->run_has_max = f->commits + f->aborts > 0;
    f->run_max_us = f->max_us;
    f->run_commit = f->commit_lsn;
    f->run_loss = f->loss_lsn;
    f->run_point = f->point_lsn;
    f->has_crossing = false;
}

uint64_t wal_facts_run_first(const struct wal_facts *f)
{
    return walseg_number(f->run_from, f->segment_bytes);
}

uint64_t wal_facts_run_limit(const struct wal_facts *f)
{
    return walseg_number(f->run_to, f->segment_bytes);
}

static bool ends_inside(const struct wal_facts *f)
{
    return f->end_lsn - f->first_lsn < f->segment_bytes;
}

bool wal_facts_ends_early(const struct wal_facts *f)
{
    return ends_inside(f) && !f->has_valid;
}

static json_t *to_json(const struct wal_facts *f)
{
    char line[LINE_TEXT_MAX], first[LSN_TEXT_MAX], end[LSN_TEXT_MAX];

    line_format(f->system_identifier, line);
    lsn_format(f->first_lsn, first);
    lsn_format(f->end_lsn, end);
    return json_pack("{s:s, s:I, s:I, s:I, s:s, s:s}", "system_identifier", line, "postgresql",
                     (json_int_t) f->major, "timeline", (json_int_t) f->timeline, "segment_bytes",
                     (json_int_t) f->segment_bytes, "first_lsn", first, "end_lsn", end);
}

static int add_records(json_t *to, const struct wal_facts *f)
{
    char last[LSN_TEXT_MAX], commit[LSN_TEXT_MAX];
    json_t *counts;
    int result;

    lsn_format(f->last_lsn, last);
    lsn_format(f->commit_lsn, commit);
    counts = json_pack("{s:I, s:I, s:I, s:s, s:s}", "commits", (json_int_t) f->commits, "aborts",
                       (json_int_t) f->aborts, "restore_points", (json_int_t) f->restore_points, "last_lsn",
                       last, "commit_lsn", commit);
    result = counts == NULL ? -1 : json_object_update(to, counts);

    json_decref(counts);
    if (result != 0 || f->commits + f->aborts == 0)
        return result;
    counts = json_pack("{s:I, s:I, s:I, s:I}", "first_commit", (json_int_t) f->first_us, "last_commit",
                       (json_int_t) f->last_us, "min_commit", (json_int_t) f->min_us, "max_commit",
                       (json_int_t) f->max_us);
    result = counts == NULL ? -1 : json_object_update(to, counts);
    json_decref(counts);
    return result;
}

static int add_drops(json_t *to, const struct wal_facts *f)
{
    json_t *counts;
    int result;

    if (!f->has_drops)
        return 0;
    counts = json_pack("{s:I, s:I, s:I, s:I, s:I}", "drops", (json_int_t) f->drops, "truncates",
                       (json_int_t) f->truncates, "database_drops", (json_int_t) f->database_drops,
                       "prepares", (json_int_t) f->prepares, "prepared_ends", (json_int_t) f->prepared_ends);
    result = counts == NULL ? -1 : json_object_update(to, counts);
    json_decref(counts);
    return result;
}

static int set_lsn(json_t *to, const char *member, lsn at)
{
    char text[LSN_TEXT_MAX];

    lsn_format(at, text);
    return json_object_set_new(to, member, json_string(text));
}

static int add_marks(json_t *to, const struct wal_facts *f)
{
    if (!f->has_marks)
        return 0;
    return set_lsn(to, "open_lsn", f->open_lsn) == 0 && set_lsn(to, "loss_lsn", f->loss_lsn) == 0 &&
                   set_lsn(to, "point_lsn", f->point_lsn) == 0
               ? 0
               : -1;
}

static int add_run(json_t *to, const struct wal_facts *f)
{
    char from[LSN_TEXT_MAX], until[LSN_TEXT_MAX], commit[LSN_TEXT_MAX];
    json_t *run;
    int result;

    if (f->run_from >= f->first_lsn)
        return 0;
    lsn_format(f->run_from, from);
    lsn_format(f->run_to, until);
    lsn_format(f->run_commit, commit);
    run = json_pack("{s:s, s:s, s:s}", "run_from", from, "run_to", until, "run_commit", commit);
    result = run == NULL ? -1 : json_object_update(to, run);
    if (result == 0 && f->run_has_max)
        result = json_object_set_new(to, "run_max", json_integer(f->run_max_us));
    if (result == 0 && f->has_marks)
        result = set_lsn(to, "run_loss", f->run_loss) == 0 ? set_lsn(to, "run_point", f->run_point) : -1;
    if (result == 0 && f->has_crossing)
        result = json_object_set_new(to, "crossing", json_integer(f->crossing_us));
    json_decref(run);
    return result;
}

static int add_valid(json_t *to, const struct wal_facts *f)
{
    char digest[2 * SHA256_BYTES + 1];

    if (!f->has_valid)
        return 0;
    hex_format(f->valid_sha256, SHA256_BYTES, digest);
    return json_object_set_new(to, "valid_sha256", json_string(digest));
}

static int add_damage(json_t *to, const struct wal_facts *f)
{
    return f->is_damaged ? json_object_set_new(to, "damaged", json_true()) : 0;
}

enum err_code wal_facts_write(const struct wal_facts *f, struct descriptor *d, struct err *e)
{
    json_t *wal = to_json(f);

    if (wal == NULL ||
        (f->has_records && (add_records(wal, f) != 0 || add_drops(wal, f) != 0 || add_marks(wal, f) != 0)) ||
        add_valid(wal, f) != 0 || add_damage(wal, f) != 0 || add_run(wal, f) != 0) {
        json_decref(wal);
        return err_nomem(e, "JSON");
    }
    d->facts = json_pack("{s:o}", "wal", wal);
    return d->facts == NULL ? err_nomem(e, "JSON") : ERR_OK;
}

/* First, last, least and greatest time: all of them, where there is a commit or abort at all. */
static bool read_times(json_t *wal, struct wal_facts *f)
{
    json_int_t first, last, min, max;

    if (f->commits == 0 && f->aborts == 0)
        return true;
    if (json_unpack(wal, "{s:I, s:I, s:I, s:I}", "first_commit", &first, "last_commit", &last, "min_commit",
                    &min, "max_commit", &max) != 0 ||
        min > first || min > last || max < first || max < last)
        return false;
    f->first_us = first;
    f->last_us = last;
    f->min_us = min;
    f->max_us = max;
    return true;
}

/* All of them or none, as in what programs before them wrote. */
static bool read_drops(json_t *wal, struct wal_facts *f)
{
    json_int_t drops, truncates, database_drops, prepares, prepared_ends;

    if (json_object_get(wal, "drops") == NULL)
        return true;
    if (json_unpack(wal, "{s:I, s:I, s:I, s:I, s:I}", "drops", &drops, "truncates", &truncates,
                    "database_drops", &database_drops, "prepares", &prepares, "prepared_ends",
                    &prepared_ends) != 0 ||
        drops < 0 || truncates < 0 || database_drops < 0 || prepares < 0 || prepared_ends < 0)
        return false;
    f->has_drops = true;
    f->drops = (uint64_t) drops;
    f->truncates = (uint64_t) truncates;
    f->database_drops = (uint64_t) database_drops;
    f->prepares = (uint64_t) prepares;
    f->prepared_ends = (uint64_t) prepared_ends;
    return f->drops + f->truncates <= f->commits && f->prepared_ends <= f->commits + f->aborts;
}

static bool read_lsn(json_t *wal, const char *member, lsn *out)
{
    const char *text = json_string_value(json_object_get(wal, member));
    struct err ignored = ERR_NONE;

    return text != NULL && lsn_parse(text, out, &ignored) == ERR_OK;
}

/* All of them or none, as in what programs before them wrote. */
static bool read_marks(json_t *wal, struct wal_facts *f)
{
    if (json_object_get(wal, "open_lsn") == NULL && json_object_get(wal, "loss_lsn") == NULL)
        return true;
    f->has_marks = true;
    return f->has_drops && read_lsn(wal, "open_lsn", &f->open_lsn) &&
           read_lsn(wal, "loss_lsn", &f->loss_lsn) && read_lsn(wal, "point_lsn", &f->point_lsn);
}

static bool read_records(json_t *wal, struct wal_facts *f)
{
    json_int_t commits, aborts, points;
    const char *last_lsn, *commit_lsn;
    struct err ignored = ERR_NONE;

    if (json_object_get(wal, "commits") == NULL)
        return true;
    if (json_unpack(wal, "{s:I, s:I, s:I, s:s, s:s}", "commits", &commits, "aborts", &aborts,
                    "restore_points", &points, "last_lsn", &last_lsn, "commit_lsn", &commit_lsn) != 0 ||
        commits < 0 || aborts < 0 || points < 0 || lsn_parse(last_lsn, &f->last_lsn, &ignored) != ERR_OK ||
        lsn_parse(commit_lsn, &f->commit_lsn, &ignored) != ERR_OK)
        return false;
    f->has_records = true;
    f->commits = (uint64_t) commits;
    f->aborts = (uint64_t) aborts;
    f->restore_points = (uint64_t) points;
    return read_times(wal, f) && read_drops(wal, f) && read_marks(wal, f);
}

/* The newest of the run: the segment's own, or of before. */
static bool run_mark_fits(const struct wal_facts *f, lsn run, lsn own)
{
    return (own == 0 ? run < f->first_lsn : run == own) && (run == 0 || run >= f->run_from);
}

/* Does what the run tells include what the segment itself tells, and lie where it can? */
static bool run_fits(const struct wal_facts *f)
{
    const bool has_own = f->commits + f->aborts > 0;

    return f->run_from % f->segment_bytes == 0 && f->run_to % f->segment_bytes == 0 &&
           f->run_from <= f->run_to && f->run_to <= f->first_lsn && f->run_from < f->first_lsn &&
           (!has_own || (f->run_has_max && f->run_max_us >= f->max_us)) &&
           (!f->has_crossing || (f->run_has_max && f->run_max_us >= f->crossing_us)) &&
           run_mark_fits(f, f->run_commit, f->commit_lsn) && run_mark_fits(f, f->run_loss, f->loss_lsn) &&
           run_mark_fits(f, f->run_point, f->point_lsn);
}

/* All members or none, which is what is written where no run is known and by programs that know of none. */
static bool read_run(json_t *wal, struct wal_facts *f)
{
    const char *from, *until, *commit;
    json_int_t max = 0, crossing = 0;
    struct err ignored = ERR_NONE;

    wal_facts_begin_run(f);
    if (json_object_get(wal, "run_from") == NULL && json_object_get(wal, "run_to") == NULL)
        return true;
    if (json_unpack(wal, "{s:s, s:s, s:s, s?I, s?I}", "run_from", &from, "run_to", &until, "run_commit",
                    &commit, "run_max", &max, "crossing", &crossing) != 0 ||
        lsn_parse(from, &f->run_from, &ignored) != ERR_OK ||
        lsn_parse(until, &f->run_to, &ignored) != ERR_OK ||
        lsn_parse(commit, &f->run_commit, &ignored) != ERR_OK ||
        (f->has_marks &&
         (!read_lsn(wal, "run_loss", &f->run_loss) || !read_lsn(wal, "run_point", &f->run_point))))
        return false;
    f->run_has_max = json_object_get(wal, "run_max") != NULL;
    f->run_max_us = max;
    f->has_crossing = json_object_get(wal, "crossing") != NULL;
    f->crossing_us = crossing;
    return run_fits(f);
}

#define RECORD_MIN 24 /* bytes of a record's header */

static bool lies_inside(const struct wal_facts *f, lsn at)
{
    return at == 0 || (at >= f->first_lsn && at < f->end_lsn);
}

/* Do the positions lie where the segment says it lies, and could it hold as many records? */
static bool positions_fit(const struct wal_facts *f)
{
    const uint64_t most = f->segment_bytes / RECORD_MIN;

    return f->commits <= most && f->aborts <= most && f->restore_points <= most &&
           f->commits + f->aborts + f->restore_points <= most &&
           (f->commits + f->aborts + f->restore_points == 0 || f->last_lsn != 0) &&
           (f->last_lsn == 0 || f->last_lsn >= f->first_lsn) && f->first_lsn % f->segment_bytes == 0 &&
           f->end_lsn >= f->first_lsn && f->end_lsn - f->first_lsn <= f->segment_bytes &&
           (f->last_lsn == 0 || f->last_lsn <= f->end_lsn) && lies_inside(f, f->commit_lsn) &&
           lies_inside(f, f->open_lsn) && lies_inside(f, f->loss_lsn) && lies_inside(f, f->point_lsn) &&
           (f->commits == 0 || f->commit_lsn != 0);
}

static enum err_code bad_facts(const struct descriptor *d, struct err *e)
{
    return err_set(e, ERR_CORRUPT, "the descriptor of \"%s\" has no WAL facts or not of their form", d->name);
}

/* Only where valid WAL ends inside the segment. */
static bool read_valid(json_t *wal, struct wal_facts *f)
{
    const json_t *digest = json_object_get(wal, "valid_sha256");
    struct err ignored = ERR_NONE;

    f->has_valid = digest != NULL;
    return digest == NULL ||
           (json_is_string(digest) && f->end_lsn > f->first_lsn && ends_inside(f) &&
            hex_parse(json_string_value(digest), f->valid_sha256, SHA256_BYTES, &ignored) == ERR_OK);
}

/* Only there, too, and for no good reason. */
static bool read_damage(json_t *wal, struct wal_facts *f)
{
    const json_t *damaged = json_object_get(wal, "damaged");

    f->is_damaged = json_is_true(damaged);
    return damaged == NULL || (json_is_boolean(damaged) &&
                               (!f->is_damaged || (f->has_records && !f->has_valid && ends_inside(f))));
}

enum err_code wal_facts_read(const struct descriptor *d, struct wal_facts *f, struct err *e)
{
    json_t *wal = json_object_get(d->facts, "wal");
    const char *line, *first, *end;
    json_int_t major, timeline, segment_bytes;
    struct err ignored = ERR_NONE;
    struct wal_facts r = {0};

    if (json_unpack(wal, "{s:s, s:I, s:I, s:I, s:s, s:s}", "system_identifier", &line, "postgresql", &major,
                    "timeline", &timeline, "segment_bytes", &segment_bytes, "first_lsn", &first, "end_lsn",
                    &end) != 0 ||
        line_parse(line, &r.system_identifier, &ignored) != ERR_OK ||
        lsn_parse(first, &r.first_lsn, &ignored) != ERR_OK ||
        lsn_parse(end, &r.end_lsn, &ignored) != ERR_OK || segment_bytes < 0 ||
        !walseg_size_is_valid((uint64_t) segment_bytes) || timeline <= 0 || timeline > UINT32_MAX ||
        major <= 0 || major > 999 || !read_records(wal, &r))
        return bad_facts(d, e);
    r.major = (unsigned) major;
    r.timeline = (uint32_t) timeline;
    r.segment_bytes = (uint32_t) segment_bytes;
    if (!positions_fit(&r) || !read_valid(wal, &r) || !read_damage(wal, &r) || !read_run(wal, &r))
        return bad_facts(d, e);
    *f = r;
    return ERR_OK;
}
