/*
 * basebackup against a server that misbehaves: a thread that speaks as much of the protocol as libpq needs to believe
 * it, and then sends what the test says. Real servers: test_basebackup_live.c.
 */
#include "pg/basebackup.h"

#include "check_main.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* ---- the script, one letter a server message ----
 *
 *   s  rows: a position       t  rows: tablespace 16384 at /srv/a, data directory   b  rows: data directory only
 *   o  copy out begins        c  copy ends       K  command complete       Z  ready for query
 *   E  error XX001            X  FATAL 57P01     .  close the connection
 *   <…>  CopyData with these bytes; "|" is a zero byte, so "<nbase.tar||>" begins the data directory's archive
 */
struct wire {
    uint8_t bytes[65536];
    size_t len;
    size_t length_at;
};

static void put(struct wire *w, const void *bytes, size_t len)
{
    memcpy(w->bytes + w->len, bytes, len);
    w->len += len;
}

static void put_u16(struct wire *w, unsigned value)
{
    uint16_t big = htons((uint16_t) value);

    put(w, &big, 2);
}

static void put_u32(struct wire *w, uint32_t value)
{
    uint32_t big = htonl(value);

    put(w, &big, 4);
}

static void begin(struct wire *w, char type)
{
    put(w, &type, 1);
    w->length_at = w->len;
    put_u32(w, 0);
}

static void finish(struct wire *w)
{
    uint32_t big = htonl((uint32_t) (w->len - w->length_at));

    memcpy(w->bytes + w->length_at, &big, 4);
}

static void put_columns(struct wire *w, unsigned count)
{
    begin(w, 'T');
    put_u16(w, count);
    for (unsigned i = 0; i < count; i++) {
        put(w, "c", 2);
        put_u32(w, 0);
        put_u16(w, 0);
        put_u32(w, 25);
        put_u16(w, 0xffff);
        put_u32(w, 0xffffffff);
        put_u16(w, 0);
    }
    finish(w);
}

/* NULL is null. */
static void put_row(struct wire *w, unsigned count, const char *const *values)
{
    begin(w, 'D');
    put_u16(w, count);
    for (unsigned i = 0; i < count; i++) {
        put_u32(w, values[i] != NULL ? (uint32_t) strlen(values[i]) : 0xffffffff);
        if (values[i] != NULL)
            put(w, values[i], strlen(values[i]));
    }
    finish(w);
}

static void put_complete(struct wire *w, const char *tag)
{
    begin(w, 'C');
    put(w, tag, strlen(tag) + 1);
    finish(w);
}

static void put_error(struct wire *w, const char *severity, const char *state, const char *text)
{
    begin(w, 'E');
    put(w, "S", 1);
    put(w, severity, strlen(severity) + 1);
    put(w, "C", 1);
    put(w, state, strlen(state) + 1);
    put(w, "M", 1);
    put(w, text, strlen(text) + 1);
    put(w, "", 1);
    finish(w);
}

static void put_rows(struct wire *w, char kind)
{
    if (kind == 's') {
        put_columns(w, 2);
        put_row(w, 2, (const char *const[]){"0/2000028", "1"});
    } else {
        put_columns(w, 3);
        if (kind == 't')
            put_row(w, 3, (const char *const[]){"16384", "/srv/a", "8"});
        put_row(w, 3, (const char *const[]){NULL, NULL, "100"});
    }
    put_complete(w, "SELECT");
}

static const char *put_copy_data(struct wire *w, const char *script)
{
    begin(w, 'd');
    for (; *script != '>'; script++)
        put(w, *script == '|' ? "" : script, 1);
    finish(w);
    return script;
}

static void put_script(struct wire *w, const char *script)
{
    for (; *script != '\0' && *script != '.'; script++) {
        if (strchr("stb", *script) != NULL)
            put_rows(w, *script);
        else if (*script == '<')
            script = put_copy_data(w, script + 1);
        else if (*script == 'K')
            put_complete(w, "BASE_BACKUP");
        else if (*script == 'E')
            put_error(w, "ERROR", "XX001", "checksum verification failure during base backup");
        else if (*script == 'X')
            put_error(w, "FATAL", "57P01", "terminating connection due to administrator command");
        else {
            begin(w, *script == 'o' ? 'H' : *script == 'c' ? 'c' : 'Z');
            if (*script == 'o')
                put(w, "\0\0\0", 3);
            if (*script == 'Z')
                put(w, "I", 1);
            finish(w);
        }
    }
}

/* ---- the server ---- */

struct server {
    char dir[64];
    struct sockaddr_un address;
    int listener;
    pthread_t thread;
    const char *version;
    const char *script;
    char asked[1024]; /* the BASE_BACKUP command */
};

static bool read_fully(int fd, void *out, size_t len)
{
    for (size_t got = 0; got < len;) {
        ssize_t n = recv(fd, (uint8_t *) out + got, len - got, 0);

        if (n <= 0)
            return false;
        got += (size_t) n;
    }
    return true;
}

/* The body of a message; false when the client has gone. */
static bool read_message(int fd, bool has_type, char *type, char *body, size_t size)
{
    uint32_t len;

    if ((has_type && !read_fully(fd, type, 1)) || !read_fully(fd, &len, 4))
        return false;
    len = ntohl(len) - 4;
    memset(body, 0, size);
    return len < size && read_fully(fd, body, len);
}

static void greet(struct wire *w, const char *version)
{
    begin(w, 'R');
    put_u32(w, 0);
    finish(w);
    begin(w, 'S');
    put(w, "server_version", 15);
    put(w, version, strlen(version) + 1);
    finish(w);
    begin(w, 'Z');
    put(w, "I", 1);
    finish(w);
}

static void answer(struct server *s, int fd)
{
    static struct wire w;
    char body[4096], type = 0;

    w.len = 0;
    if (!read_message(fd, false, NULL, body, sizeof(body)))
        return;
    greet(&w, s->version);
    while (send(fd, w.bytes, w.len, MSG_NOSIGNAL) == (ssize_t) w.len &&
           read_message(fd, true, &type, body, sizeof(body)) && type == 'Q') {
        w.len = 0;
        if (strncmp(body, "BASE_BACKUP", 11) != 0) { /* the session's settings */
            put_columns(&w, 1);
            put_row(&w, 1, (const char *const[]){""});
            put_complete(&w, "SELECT");
            put_script(&w, "Z");
            continue;
        }
        (void) snprintf(s->asked, sizeof(s->asked), "%.1000s", body);
        put_script(&w, s->script);
        if (strchr(s->script, '.') != NULL) {
            (void) send(fd, w.bytes, w.len, MSG_NOSIGNAL);
            return;
        }
    }
}

static void *serve(void *arg)
{
    struct server *s = arg;
    int fd = accept(s->listener, NULL, NULL);

    answer(s, fd);
    close(fd);
    return NULL;
}

static void server_start(struct server *s, const char *version, const char *script)
{
    *s = (struct server){.dir = "/tmp/pitr-fake.XXXXXX", .version = version, .script = script};
    ck_assert_ptr_ne(mkdtemp(s->dir), NULL);
    s->address.sun_family = AF_UNIX;
    (void) snprintf(s->address.sun_path, sizeof(s->address.sun_path), "%s/.s.PGSQL.5432", s->dir);
    s->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(s->listener, (struct sockaddr *) &s->address, sizeof(s->address)), 0);
    ck_assert_int_eq(listen(s->listener, 1), 0);
    ck_assert_int_eq(pthread_create(&s->thread, NULL, serve, s), 0);
}

static void server_stop(struct server *s)
{
    pthread_join(s->thread, NULL);
    close(s->listener);
    unlink(s->address.sun_path);
    rmdir(s->dir);
}

/* ---- the client ---- */

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
    struct server s;
    struct replproto *c = NULL;
    char conninfo[256];
    enum err_code code;

    *o = (struct outcome){.heard = ""};
    server_start(&s, version, script);
    (void) snprintf(conninfo, sizeof(conninfo), "host=%s port=5432 user=u sslmode=disable gssencmode=disable",
                    s.dir);
    ck_assert_msg(replproto_connect(conninfo, &c, e) == ERR_OK, "%s", e->text);
    code = hear_all(c, o, e);
    replproto_close(c);
    server_stop(&s);
    return code;
}

/* ---- tests ---- */

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

START_TEST(a_server_too_old_is_refused)
{
    struct server s;
    struct replproto *c = NULL;
    struct err e = ERR_NONE;
    char conninfo[256];

    server_start(&s, "12.22", "");
    (void) snprintf(conninfo, sizeof(conninfo), "host=%s port=5432 user=u sslmode=disable gssencmode=disable",
                    s.dir);
    ck_assert_int_eq(replproto_connect(conninfo, &c, &e), ERR_REFUSED);
    ck_assert_msg(strstr(e.text, "12") != NULL, "%s", e.text);
    server_stop(&s);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        both_framings_are_heard_alike,
        whatever_is_not_a_whole_backup_is_an_error,
        a_server_too_old_is_refused,
    };

    return check_main(suite_of("pg/basebackup", tests, sizeof(tests) / sizeof(tests[0])));
}
