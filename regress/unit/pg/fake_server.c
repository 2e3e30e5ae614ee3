/* See fake_server.h. */
#include "fake_server.h"

#include <arpa/inet.h>
#include <check.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* ---- messages ---- */

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

/* What stands between brackets in a script is read by these; they return the closing one. */

static const char *put_copy_data(struct wire *w, const char *script)
{
    begin(w, 'd');
    for (; *script != '>'; script++)
        put(w, *script == '|' ? "" : script, 1);
    finish(w);
    return script;
}

/* Cut "a|b|c" up to the closing bracket in pieces, which lie in text. */
static const char *split(const char *script, char closing, char text[1024], const char *pieces[8],
                         unsigned *count)
{
    const char *end = strchr(script, closing);

    ck_assert_ptr_nonnull(end);
    (void) snprintf(text, 1024, "%.*s", (int) (end - script), script);
    for (*count = 1, pieces[0] = text; (text = strchr(text, '|')) != NULL && *count < 8; ++*count) {
        *text++ = '\0';
        pieces[*count] = text;
    }
    return end;
}

static const char *put_values(struct wire *w, const char *script)
{
    const char *values[8], *end;
    char text[1024];
    unsigned count;

    end = split(script, ')', text, values, &count);
    put_columns(w, count);
    put_row(w, count, values);
    put_complete(w, "SELECT");
    return end;
}

static const char *put_failure(struct wire *w, const char *script)
{
    const char *fields[8], *end;
    char text[1024];
    unsigned count;

    end = split(script, '}', text, fields, &count);
    put_error(w, "ERROR", fields[0], fields[1]);
    return end;
}

static void put_letter(struct wire *w, char letter)
{
    begin(w, letter == 'o' ? 'H' : letter == 'c' ? 'c' : 'Z');
    if (letter == 'o')
        put(w, "\0\0\0", 3);
    if (letter == 'Z')
        put(w, "I", 1);
    finish(w);
}

/* Does it go on behind this script? */
static bool put_script(struct wire *w, const char *script)
{
    for (; *script != '\0' && *script != '.'; script++) {
        if (strchr("stb", *script) != NULL)
            put_rows(w, *script);
        else if (*script == '<')
            script = put_copy_data(w, script + 1);
        else if (*script == '(')
            script = put_values(w, script + 1);
        else if (*script == '{')
            script = put_failure(w, script + 1);
        else if (*script == 'K')
            put_complete(w, "BASE_BACKUP");
        else if (*script == 'E')
            put_error(w, "ERROR", "XX001", "checksum verification failure during base backup");
        else if (*script == 'X')
            put_error(w, "FATAL", "57P01", "terminating connection due to administrator command");
        else
            put_letter(w, *script);
    }
    return *script != '.';
}

/* ---- the server ---- */

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

static const char *script_for(const struct fake_server *s, const char *command)
{
    for (const struct fake_answer *a = s->answers; a->command != NULL; a++)
        if (strncmp(command, a->command, strlen(a->command)) == 0)
            return a->script;
    return "()Z";
}

static void answer(const struct fake_server *s, int fd)
{
    static struct wire w;
    char body[4096], type = 0;
    bool goes_on = true;

    w.len = 0;
    if (!read_message(fd, false, NULL, body, sizeof(body)))
        return;
    greet(&w, s->version);
    while (send(fd, w.bytes, w.len, MSG_NOSIGNAL) == (ssize_t) w.len && goes_on &&
           read_message(fd, true, &type, body, sizeof(body)) && type == 'Q') {
        w.len = 0;
        goes_on = put_script(&w, script_for(s, body));
    }
}

static void *serve(void *arg)
{
    const struct fake_server *s = arg;
    int fd = accept(s->listener, NULL, NULL);

    answer(s, fd);
    close(fd);
    return NULL;
}

static struct sockaddr_un address_of(const struct fake_server *s)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    (void) snprintf(address.sun_path, sizeof(address.sun_path), "%s/.s.PGSQL.5432", s->dir);
    return address;
}

void fake_server_start(struct fake_server *s, const char *version, const struct fake_answer *answers)
{
    struct sockaddr_un address;

    *s = (struct fake_server){.version = version, .answers = answers, .dir = "/tmp/pitr-fake.XXXXXX"};
    ck_assert_ptr_nonnull(mkdtemp(s->dir));
    (void) snprintf(s->conninfo, sizeof(s->conninfo),
                    "host=%s port=5432 user=u sslmode=disable gssencmode=disable", s->dir);
    address = address_of(s);
    s->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(s->listener, (struct sockaddr *) &address, sizeof(address)), 0);
    ck_assert_int_eq(listen(s->listener, 1), 0);
    ck_assert_int_eq(pthread_create(&s->thread, NULL, serve, s), 0);
}

void fake_server_stop(struct fake_server *s)
{
    struct sockaddr_un address = address_of(s);

    pthread_join(s->thread, NULL);
    close(s->listener);
    unlink(address.sun_path);
    rmdir(s->dir);
}
