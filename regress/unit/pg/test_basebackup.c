/*
 * Tests of src/pg/basebackup.c and src/pg/basebackup_data.c, against a server that misbehaves. Real ones:
 * test_basebackup_live.c.
 */
#include "pg/basebackup.h"

#include "check_main.h"
#include "fake_server.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct outcome {
    char heard[512]; /* "a16384[bytes]a0[bytes]m[bytes]end" */
};

static void hear(struct outcome *o, const char *text, size_t len)
{
    size_t at = strlen(o->heard);

    (void) snprintf(o->heard + at, sizeof(o->heard) - at, "%.*s", (int) len, text);
}

static enum err_code hear_archives(struct basebackup *bb, struct outcome *o, struct err *e)
{
    for (;;) {
        const struct basebackup_tablespace *space;
        const void *bytes;
        size_t len;
        bool more;
        char name[32];

        if (basebackup_next_archive(bb, &space, &more, e) != ERR_OK)
            return e->code;
        if (!more)
            return ERR_OK;
        (void) snprintf(name, sizeof(name), "a%u[", space->oid);
        hear(o, name, strlen(name));
        do {
            if (basebackup_pull(bb, &bytes, &len, e) != ERR_OK)
                return e->code;
            hear(o, bytes, len);
        } while (len > 0);
        hear(o, "]", 1);
    }
}

static enum err_code hear_all(struct replproto *c, struct outcome *o, struct err *e)
{
    CLEANUP(basebackup_freep) struct basebackup *bb = NULL;
    CLEANUP(buf_clear) struct buf manifest = BUF_INIT(16);
    struct basebackup_end end;

    if (basebackup_begin(c, &(struct basebackup_options){0}, &bb, e) != ERR_OK ||
        hear_archives(bb, o, e) != ERR_OK)
        return e->code;
    if (basebackup_manifest(bb, &manifest, e) != ERR_OK)
        return e->code;
    hear(o, "m[", 2);
    hear(o, buf_cstr(&manifest), manifest.len);
    hear(o, "]", 1);
    if (basebackup_finish(bb, &end, e) != ERR_OK)
        return e->code;
    hear(o, "end", 3);
    return ERR_OK;
}

static enum err_code run(const char *version, const char *script, struct outcome *o, struct err *e)
{
    const struct fake_answer answers[] = {{"BASE_BACKUP", script}, {NULL, NULL}};
    struct fake_server s;
    struct replproto *c = NULL;
    enum err_code code;

    *o = (struct outcome){.heard = ""};
    fake_server_start(&s, version, answers);
    ck_assert_msg(replproto_connect(s.conninfo, &c, e) == ERR_OK, "%s", e->text);
    code = hear_all(c, o, e);
    replproto_close(c);
    fake_server_stop(&s);
    return code;
}

START_TEST(both_framings_are_heard_alike)
{
    static const struct {
        const char *version, *script;
        const char *expected, *why;
    } good[] = {
        {"14.9", "sto<AA><A>co<BB>co<MM>csKZ", "a16384[AAA]a0[BB]m[MM]end", "14"},
        {"13.0", "sbo<BB>co<MM>csKZ", "a0[BB]m[MM]end", "13, no tablespaces"},
        {"14.9", "stoco<BB><>co<MM>csKZ", "a16384[]a0[BB]m[MM]end", "14, nothing in an archive or a message"},
        {"15.0", "sto<n16384.tar|/srv/a|><dAA><><p|||||||1><dA><nbase.tar||><dBB><m><dM><d><dM>csKZ",
         "a16384[AAA]a0[BB]m[MM]end", "15"},
        {"18.0", "sbo<nbase.tar||><p|||||||1><m>csKZ", "a0[]m[]end", "18, nothing in it nor in the manifest"},
        {"17.0", "sto<nbase.tar||><dB><n16384.tar|/srv/a|><dA><m><dM>csKZ", "a0[B]a16384[A]m[M]end",
         "any order"},
    };

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        struct err e = ERR_NONE;
        struct outcome o;

        ck_assert_msg(run(good[i].version, good[i].script, &o, &e) == ERR_OK, "%s: %s", good[i].why, e.text);
        ck_assert_msg(strcmp(o.heard, good[i].expected) == 0, "%s: %s", good[i].why, o.heard);
    }
}
END_TEST

#define START15 "sto<n16384.tar|/srv/a|><dAA><nbase.tar||><dBB>"

START_TEST(whatever_is_not_a_whole_backup_is_an_error)
{
    static const struct {
        const char *version, *script;
        enum err_code code;
        const char *expected, *why;
    } bad[] = {
        {"15.0", START15 "<m><dM>csEZ", ERR_CORRUPT, "checksum verification failure",
         "an error behind the stop position"},
        {"14.0", "sbo<BB>co<MM>csEZ", ERR_CORRUPT, "checksum verification failure", "the same, 14"},
        {"15.0", START15 "<m><dM>cEZ", ERR_CORRUPT, "checksum verification failure",
         "before the stop position"},
        {"15.0", START15 "<m><dM>cKZ", ERR_CORRUPT, "instead of", "no stop position"},
        {"15.0", START15 "<m><dM>csZ", ERR_CORRUPT, "too early", "no end"},
        {"15.0", START15 "<m><dM>csKKZ", ERR_CORRUPT, "goes on behind the end", "two ends"},
        {"15.0", START15 "<m><dM>cs.", ERR_UNREACHABLE, "", "the connection breaks behind the stop position"},
        {"15.0", START15 ".", ERR_UNREACHABLE, "", "the connection breaks in the data"},
        {"14.0", "sbo<BB>.", ERR_UNREACHABLE, "", "the same, 14"},
        {"15.0", START15 "X.", ERR_UNREACHABLE, "terminating connection", "shut down in the data"},
        {"14.0", "sto<AA>X.", ERR_UNREACHABLE, "terminating connection", "the same, 14"},
        {"15.0", START15 "csKZ", ERR_CORRUPT, "no manifest", "no manifest"},
        {"14.0", "sbo<BB>csKZ", ERR_CORRUPT, "instead of PGRES_COPY_OUT", "no manifest, 14"},
        {"14.0", "sbo<BB>co<MM>co<XX>csKZ", ERR_CORRUPT, "PGRES_COPY_OUT", "an archive too many, 14"},
        {"15.0", "sto<nbase.tar||><dBB><m><dM>csKZ", ERR_CORRUPT, "no archive of tablespace \"/srv/a\"",
         "one too few"},
        {"15.0", "sto<n16384.tar|/srv/a|><dA><m><dM>csKZ", ERR_CORRUPT, "(data directory)",
         "no data directory"},
        {"15.0", "sto<nbase.tar||><nbase.tar||>csKZ", ERR_CORRUPT, "twice", "one twice"},
        {"15.0", "sto<n5.tar|/srv/b|>csKZ", ERR_CORRUPT, "unknown tablespace \"/srv/b\"", "one nobody knows"},
        {"15.0", "sto<nbase.tar|>csKZ", ERR_CORRUPT, "malformed archive", "half a header"},
        {"15.0", "sto<nbase.tar||x>csKZ", ERR_CORRUPT, "malformed archive", "more than a header"},
        {"15.0", "sto<n>csKZ", ERR_CORRUPT, "malformed archive", "an empty header"},
        {"15.0", "sto<dAA>csKZ", ERR_CORRUPT, "outside an archive", "data before anything"},
        {"15.0", START15 "<q>csKZ", ERR_CORRUPT, "unknown type 0x71", "an unknown message"},
        {"15.0", START15 "<p1>csKZ", ERR_CORRUPT, "malformed progress", "a short progress report"},
        {"15.0", START15 "<mx>csKZ", ERR_CORRUPT, "malformed manifest", "a manifest header with a body"},
        {"15.0", START15 "<m><dM><nbase.tar||>csKZ", ERR_CORRUPT, "behind the manifest",
         "an archive behind the manifest"},
        {"15.0", START15 "<m><d12345678901234567>csKZ", ERR_CORRUPT, "limit of 16 bytes",
         "a manifest without end"},
        {"15.0", "EZ", ERR_CORRUPT, "checksum", "an error at once"},
        {"15.0", "sKZ", ERR_CORRUPT, "instead of", "no tablespaces"},
        {"15.0", "sstZ", ERR_CORRUPT, "no list of tablespaces", "a position for tablespaces"},
        {"15.0", "ttZ", ERR_CORRUPT, "no position", "tablespaces for a position"},
        {"15.0", "KZ", ERR_CORRUPT, "instead of", "nothing but success"},
        {"15.0", "Z", ERR_CORRUPT, "too early", "nothing at all"},
    };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct err e = ERR_NONE;
        struct outcome o;

        ck_assert_msg(run(bad[i].version, bad[i].script, &o, &e) == bad[i].code, "%s: %s: %s %s", bad[i].why,
                      err_kind(e.code), e.text, o.heard);
        ck_assert_msg(strstr(e.text, bad[i].expected) != NULL, "%s: %s", bad[i].why, e.text);
        ck_assert_msg(strstr(o.heard, "end") == NULL, "%s: called a success", bad[i].why);
    }
}
END_TEST

/* A server that is left before it has said so logs a FATAL of its own. */
START_TEST(behind_the_servers_error_it_is_heard_to_be_ready)
{
    static const char *const scripts[][2] = {
        {"15.0", START15 "EZ"}, {"15.0", START15 "<m><dM>csEZ"}, {"14.0", "sbo<BB>EZ"}, {"14.0", "EZ"}};

    for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++) {
        const struct fake_answer answers[] = {
            {"BASE_BACKUP", scripts[i][1]}, {"SELECT 7", "(7)Z"}, {NULL, NULL}};
        struct outcome o = {.heard = ""};
        struct replproto *c = NULL;
        struct fake_server s;
        PGresult *r;
        struct err e = ERR_NONE;

        fake_server_start(&s, scripts[i][0], answers);
        ck_assert_msg(replproto_connect(s.conninfo, &c, &e) == ERR_OK, "%s", e.text);
        ck_assert_int_eq(hear_all(c, &o, &e), ERR_CORRUPT);
        ck_assert_msg(libpq.sendQuery(replproto_pgconn(c), "SELECT 7") == 1, "script %zu",
                      i); /* not if it is busy */
        while ((r = libpq.getResult(replproto_pgconn(c))) != NULL)
            libpq.clear(r);
        replproto_close(c);
        fake_server_stop(&s);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        both_framings_are_heard_alike,
        whatever_is_not_a_whole_backup_is_an_error,
        behind_the_servers_error_it_is_heard_to_be_ready,
    };

    return check_main(suite_of("pg/basebackup", tests, sizeof(tests) / sizeof(tests[0])));
}
