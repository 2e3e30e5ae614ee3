/*
 * test_plan_histories.c - thousands of random histories and targets: a plan ends where PostgreSQL would, or is refused
 * because it can't be reached.
 *
 * What is right is found by brute force (history_replay.h), without descriptors, searches or paths of the program. A
 * plan is then replayed by its own settings, and both must keep the same last commit.
 *
 * Built a second time with PLAN_LIST_MAX of 4 segments: so these short histories are planned as long ones are, by
 * what the archiver has seen acknowledged.
 *
 * PITR_TEST_SEED=N runs the one history of seed N; PITR_TEST_DIMENSIONS=N lets happen what N says
 * (history_make.h, plan_trial.h) instead of HELD; PITR_TEST_HISTORIES=N makes so many, PITR_TEST_FIRST=N from seed N
 * on.
 */
#include "history_store.h"
#include "plan_trial.h"

#include "check_main.h"

#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>

#define HISTORIES 400
#define TARGETS   10

/* All that there is. */
#define ALL                                                                                              \
    (HISTORY_FORKS | HISTORY_GAPS | HISTORY_IDLE | HISTORY_DISORDER | HISTORY_CROSSINGS | HISTORY_BARE | \
     HISTORY_STANDBYS | HISTORY_LOST | HISTORY_CLOCK_STEPS | HISTORY_BROKEN | HISTORY_LONG |             \
     HISTORY_ABORTS_CROSS | HISTORY_REMOVED | HISTORY_BATCHES | HISTORY_RIVALS | TARGETS_OR_LATEST |     \
     TELLS_OPEN_ENDS | TELLS_CROSSINGS)

/* Where the archiver is believed what it has seen, nothing of that may be removed. */
#ifdef IS_RECORDED
#define NAME "ops/plan_histories_recorded"
#define HELD (ALL & ~HISTORY_REMOVED)
#else
#define NAME "ops/plan_histories"
#define HELD ALL
#endif

static unsigned planned_of[TARGET_IMMEDIATE + 1], refused_of[TARGET_IMMEDIATE + 1]; /* by kind of target */
static unsigned again;    /* plans that tell that their time lies twice */
static unsigned recorded; /* plans that rest on the archiver's word */

static uint64_t from_environment(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);

    return text != NULL ? strtoull(text, NULL, 10) : otherwise;
}

static const struct history_backup *backup_of(const struct trial *x)
{
    for (size_t i = 0; i < x->h->backup_count; i++)
        if (strcmp(x->h->backups[i].id, x->planned.plan.backup->id) == 0)
            return &x->h->backups[i];
    ck_abort_msg("%s: planned with an unknown backup", x->what);
}

static const char *setting(const struct plan *p, const char *name)
{
    for (size_t i = 0; i < p->setting_count; i++)
        if (strcmp(p->settings[i].name, name) == 0)
            return p->settings[i].value;
    return NULL;
}

/* The target that PostgreSQL would be given. */
static struct target target_of_settings(struct trial *x)
{
    const struct plan *p = &x->planned.plan;
    const char *position = setting(p, "recovery_target_lsn"),
               *inclusive = setting(p, "recovery_target_inclusive");
    struct target t = {.kind = TARGET_LATEST};

    ck_assert_msg(setting(p, "recovery_target_time") == NULL && setting(p, "recovery_target_xid") == NULL &&
                      setting(p, "recovery_target_name") == NULL,
                  "%s: left to PostgreSQL to find", x->what);
    if (setting(p, "recovery_target") != NULL)
        t.kind = TARGET_IMMEDIATE;
    if (position == NULL)
        return t;
    ck_assert_msg(t.kind == TARGET_LATEST && inclusive != NULL, "%s: two targets, or half of one", x->what);
    ck_assert_int_eq(lsn_parse(position, &t.lsn, &x->e), ERR_OK);
    t.kind = TARGET_LSN;
    t.exclusive = strcmp(inclusive, "on") != 0;
    return t;
}

/* The numbers a plan tells must be those of the stretch it replays. */
static void check_range(const struct trial *x, uint32_t tli, const struct history_outcome *o)
{
    const struct plan *p = &x->planned.plan;
    const uint32_t bytes = x->h->segment_bytes;

    ck_assert_msg(p->first_segment == walseg_number(p->backup->start_lsn, bytes), "%s: first segment",
                  x->what);
    ck_assert_msg(p->wal_segments == p->last_segment - p->first_segment + 1, "%s: number of segments",
                  x->what);
    for (uint64_t n = p->first_segment; n <= p->last_segment; n++)
        ck_assert_msg(history_is_stored(x->h, history_owner(x->h, tli, n), n),
                      "%s: segment %" PRIX64 " is missing", x->what, n);
    if (x->target.kind !=
        TARGET_LSN) /* whose record may begin far behind it: a plan counts to the LSN only */
        ck_assert_msg(p->last_segment >= walseg_number(o->until_end - 1, bytes),
                      "%s: ends at segment %" PRIX64, x->what, p->last_segment);
}

/* The first discarded transaction, when the plan tells one. Of an xid it is the xid itself, even one that aborted. */
static void check_discarded(const struct trial *x, const struct history_outcome *o)
{
    const struct plan_moment *m = &x->planned.plan.moment;
    const uint64_t segment = walseg_number(o->discarded, x->h->segment_bytes);

    if (!m->has_discarded || (x->target.kind == TARGET_XID && m->discarded.xid == x->target.xid))
        return;
    if (o->discarded_end > walseg_start(segment + 1, x->h->segment_bytes) && !trial_asks(x, TELLS_CROSSINGS))
        return;
    ck_assert_msg(m->discarded.start == o->discarded && m->discarded.xid == o->discarded_xid,
                  "%s: discards %" PRIX64 ", not %" PRIX64, x->what, m->discarded.start, o->discarded);
}

/* What a plan says of transactions must be true, and the last kept one must be told when there is one. */
static void check_moment(const struct trial *x, const struct history_outcome *o)
{
    const struct plan_moment *m = &x->planned.plan.moment;
    const enum target_kind kind = x->target.kind;

    if (kind != TARGET_TIME && kind != TARGET_XID && kind != TARGET_NAME)
        return;
    ck_assert_msg(m->known && m->reached == o->is_reached, "%s: reached", x->what);
    if (kind == TARGET_TIME && (o->is_reached || !o->is_open || trial_asks(x, TELLS_OPEN_ENDS)))
        ck_assert_msg(m->has_kept == (o->kept != 0) && (!m->has_kept || m->kept.start == o->kept),
                      "%s: keeps %" PRIX64 ", not %" PRIX64, x->what, m->kept.start, o->kept);
    check_discarded(x, o);
}

/* A warning that the time comes again must be true: behind where it is said to, there is an earlier transaction. */
static void check_again(const struct trial *x, uint32_t tli)
{
    const struct plan_moment *m = &x->planned.plan.moment;
    struct history_cursor c;
    const struct history_record *r;

    if (!m->is_again)
        return;
    ck_assert_msg(m->again_lsn >= m->kept.start, "%s: comes again at %" PRIX64, x->what, m->again_lsn);
    history_cursor_init(&c, x->h, tli, walseg_number(m->again_lsn, x->h->segment_bytes));
    do
        r = history_next(&c);
    while (r != NULL && (!history_ends_transaction(r) || r->time_us != m->again_to_us));
    ck_assert_msg(r != NULL && m->again_to_us <= x->target.time_us && m->again_from_us >= x->target.time_us,
                  "%s: comes not again", x->what);
}

static void check_plan(struct trial *x, uint32_t tli, const struct history_backup *best)
{
    const struct history_backup *b = backup_of(x);
    const char *timeline = setting(&x->planned.plan, "recovery_target_timeline");
    const struct history_outcome right = history_replay(x->h, tli, b, &x->target);
    struct target t;
    struct history_outcome planned;

    ck_assert_msg(timeline != NULL && strtoul(timeline, NULL, 10) == tli, "%s: timeline %s, not %" PRIu32,
                  x->what, timeline, tli);
    ck_assert_msg(trial_may_use(x, tli, b), "%s: backup %s is not on the path", x->what, b->id);
    ck_assert_msg(trial_is_possible(&x->target, b, &right), "%s: planned what can't be reached from %s",
                  x->what, b->id);
    t = target_of_settings(x);
    planned = history_replay(x->h, tli, b, &t);
    ck_assert_msg(planned.is_reached == (t.kind != TARGET_LATEST), "%s: recovery would not end there",
                  x->what);
    ck_assert_msg(planned.kept == right.kept, "%s: recovery keeps %" PRIX64 ", not %" PRIX64, x->what,
                  planned.kept, right.kept);
    if (x->target.kind != TARGET_TIME && x->target.kind != TARGET_XID)
        ck_assert_msg(planned.until == right.until, "%s: recovery ends at %" PRIX64 ", not %" PRIX64, x->what,
                      planned.until, right.until);
    check_range(x, tli, &planned);
    check_moment(x, &right);
    check_again(x, tli);
    ck_assert_msg(!x->planned.plan.moment.is_estimate, "%s: an estimate", x->what);
    again += x->planned.plan.moment.is_again;
    recorded += x->planned.plan.is_recorded;
    if (!trial_asks(x, HISTORY_CLOCK_STEPS) && best != NULL) /* the newest by its end or by its beginning */
        ck_assert_msg(b->stop_lsn >= best->stop_lsn || strcmp(b->id, best->id) >= 0, "%s: backup %s, not %s",
                      x->what, b->id, best->id);
}

/* A refusal may only say what is true. */
static void check_refusal(const struct trial *x, uint32_t tli, const struct history_backup *best)
{
    ck_assert_msg(best == NULL, "%s: %s, though %s reaches it", x->what, x->e.text, best->id);
    ck_assert_msg(x->e.code == ERR_REFUSED, "%s: %s", x->what, x->e.text);
    for (size_t i = 0; i < x->h->backup_count && strstr(x->e.text, "no transaction is archived") != NULL;
         i++) {
        const struct history_backup *b = &x->h->backups[i];
        const struct history_outcome o =
            history_replay(x->h, tli, b, &(struct target){.kind = TARGET_LATEST});

        if (strstr(x->e.text, b->id) != NULL && (trial_asks(x, TELLS_OPEN_ENDS) || !o.is_open))
            ck_assert_msg(o.kept == 0, "%s: %s, but for %" PRIX64, x->what, x->e.text, o.kept);
    }
}

static void try_target(struct trial *x, unsigned nth)
{
    uint32_t tli;
    const struct history_backup *best;
    enum err_code code;

    trial_choose(x, nth);
    tli = trial_timeline(x);
    best = trial_best(x, tli);
    code = ops_plan(&x->cluster, NULL, &x->target, &x->planned, &x->e);
    if (code == ERR_OK)
        check_plan(x, tli, best);
    else
        check_refusal(x, tli, best);
    (code == ERR_OK ? planned_of : refused_of)[x->target.kind]++;
    planned_clear(&x->planned);
    x->e = ERR_NONE;
}

static void try_history(uint64_t seed, unsigned dimensions)
{
    struct history *h = history_random(seed, dimensions);
    char name[] = "main", repo_name[] = "made-up";
    struct repo repo = {.name = repo_name, .store = history_store_new(h), .codec = CODEC_LZ4};
    struct repo *repos[] = {&repo};
    struct trial x = {.h = h,
                      .cluster = {.name = name, .repos = repos, .repo_count = 1},
                      .dimensions = dimensions,
                      .e = ERR_NONE};

    for (unsigned nth = 0; nth < TARGETS; nth++)
        try_target(&x, nth);
    store_free(repo.store);
    free(h);
}

START_TEST(every_plan_ends_where_postgresql_would_or_nothing_could)
{
    const uint64_t seed = from_environment("PITR_TEST_SEED", 0);
    const unsigned dimensions = (unsigned) from_environment("PITR_TEST_DIMENSIONS", HELD);
    const uint64_t count = from_environment("PITR_TEST_HISTORIES", HISTORIES);
    const uint64_t first = from_environment("PITR_TEST_FIRST", 1);

    if (seed != 0) {
        try_history(seed, dimensions);
        return;
    }
    for (uint64_t i = first; i < first + count; i += thin_step())
        try_history(i, dimensions);
    for (unsigned kind = 0; thin_step() == 1 && kind <= TARGET_IMMEDIATE; kind++)
        ck_assert_msg(planned_of[kind] > 0 && refused_of[kind] > 0, "kind %u: %u planned, %u refused", kind,
                      planned_of[kind], refused_of[kind]);
    ck_assert(thin_step() > 1 || again > 0);
#ifdef IS_RECORDED
    ck_assert(recorded > 0);
#else
    ck_assert(recorded == 0);
#endif
}
END_TEST

int main(void)
{
    Suite *suite = suite_create(NAME);
    TCase *tests = tcase_create(NAME);

    (void) mallopt(M_MMAP_THRESHOLD,
                   1 << 28); /* segments come and go: the kernel need not make them anew each time */
    (void) mallopt(M_TRIM_THRESHOLD, 1 << 28);
    tcase_set_timeout(tests, 900);
    tcase_add_test(tests, every_plan_ends_where_postgresql_would_or_nothing_could);
    suite_add_tcase(suite, tests);
    return check_main(suite);
}
