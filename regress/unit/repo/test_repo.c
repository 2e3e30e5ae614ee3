/*
 * test_repo.c - a repository is opened from its options, or the message says which of them is wrong; no secret in it.
 */
#include "repo/repo.h"

#include "base/durable.h"
#include "check_main.h"
#include "scratch.h"
#include "short_memory.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define SECRET       "wJalrXUtnFEMI/K7MDENG"
#define GOOD_FILE    "access-key-id = AKIA\nsecret-access-key = " SECRET "\n"
#define OK(call)                                   \
    do {                                           \
        if ((call) != ERR_OK)                      \
            ck_abort_msg("%s: %s", #call, e.text); \
    } while (0)

static char scratch[SCRATCH_MAX];

static void set_up(void)
{
    scratch_make(scratch);
    (void) unsetenv("AWS_ACCESS_KEY_ID");
    (void) unsetenv("AWS_SECRET_ACCESS_KEY");
    (void) unsetenv("AWS_SESSION_TOKEN");
}

static void tear_down(void)
{
    scratch_remove(scratch);
}

/* Its path is good until the fourth next call. */
static const char *file(const char *name, const char *text, mode_t mode)
{
    static char paths[4][2 * SCRATCH_MAX];
    static size_t turn;
    char *path = paths[turn++ % COUNT(paths)];
    struct err e = ERR_NONE;

    (void) snprintf(path, sizeof(paths[0]), "%s", scratch_path(scratch, name));
    OK(durable_write_file(path, text, strlen(text), mode, &e));
    return path;
}

static struct repo_options s3_options(void)
{
    return (struct repo_options){.name = "r2",
                                 .url = "s3://bucket/pg",
                                 .endpoint = "https://localhost:1",
                                 .region = "auto",
                                 .part_bytes = 5 << 20,
                                 .connect_timeout_ms = 1000,
                                 .stall_timeout_ms = 1000,
                                 .request_timeout_ms = 1000};
}

/* Open it and close it again: the answer, with e untouched by success and free of the secret. */
static enum err_code try_open(const struct repo_options *o, unsigned access, struct err *e)
{
    struct repo *r = NULL;
    enum err_code code;

    *e = (struct err){.code = ERR_CORRUPT, .text = "left by an earlier call"};
    code = repo_open(o, access, &r, e);
    ck_assert_int_eq(code == ERR_OK, r != NULL);
    if (code == ERR_OK) {
        ck_assert_str_eq(r->name, o->name);
        ck_assert_str_eq(e->text, "left by an earlier call");
    } else {
        ck_assert_int_eq(e->code, code);
        ck_assert_ptr_nonnull(strstr(e->text, o->name));
        ck_assert_ptr_null(strstr(e->text, SECRET));
        ck_assert_ptr_null(strstr(e->hint, SECRET));
    }
    repo_free(r);
    return code;
}

START_TEST(a_url_is_a_directory_or_a_bucket)
{
    static const struct {
        const char *url;
        enum err_code code;
    } table[] = {
        {"s3://bucket", ERR_OK},
        {"s3://bucket/", ERR_OK},
        {"s3://bucket/a/b", ERR_OK},
        {"s3://", ERR_USAGE},
        {"s3://b cket/x", ERR_USAGE},
        {"file://relative", ERR_USAGE},
        {"file://", ERR_USAGE},
        {"/srv/pitr", ERR_USAGE},
        {"", ERR_USAGE},
        {"https://bucket/x", ERR_USAGE},
        {"S3://bucket", ERR_USAGE},
        {"file:/srv", ERR_USAGE},
        {"s3://bucket/../x", ERR_USAGE},
    };

    ck_assert_int_eq(setenv("AWS_ACCESS_KEY_ID", "AKIA", 1), 0);
    ck_assert_int_eq(setenv("AWS_SECRET_ACCESS_KEY", SECRET, 1), 0);
    for (size_t i = 0; i < COUNT(table); i++) {
        struct repo_options o = s3_options();
        struct err e;

        o.url = table[i].url;
        ck_assert_msg(try_open(&o, REPO_READ | REPO_WRITE, &e) == table[i].code, "%s: %s", o.url, e.text);
    }
}
END_TEST

START_TEST(a_directory_is_opened_or_made)
{
    char url[SCRATCH_MAX + 32];
    struct repo_options o = {
        .name = "local", .url = url, .codec = CODEC_ZSTD, .level = 3, .unconditional_put = true};
    struct repo *r;
    struct err e = ERR_NONE;

    (void) snprintf(url, sizeof(url), "file://%s/repo", scratch);
    OK(repo_open(&o, REPO_WRITE | REPO_CREATE, &r, &e));
    ck_assert_int_eq(r->codec, CODEC_ZSTD);
    ck_assert_int_eq(r->level, 3);
    ck_assert(!r->unconditional_put);
    OK(store_put(r->store, "a", "1", 1, &e));
    repo_free(r);
}
END_TEST

START_TEST(a_directory_that_is_away_answers_so_and_opens)
{
    char url[SCRATCH_MAX + 32];
    struct repo_options o = {.name = "local", .url = url};
    struct repo *r;
    struct err e = ERR_NONE;

    (void) snprintf(url, sizeof(url), "file://%s/not/mounted", scratch);
    OK(repo_open(&o, REPO_WRITE | REPO_CREATE, &r, &e));
    ck_assert_int_eq(store_put(r->store, "a", "1", 1, &e), ERR_UNREACHABLE);
    repo_free(r);
    (void) snprintf(url, sizeof(url), "file://%s/missing", scratch);
    OK(repo_open(&o, REPO_READ | REPO_WRITE, &r, &e)); /* as check does: it makes no directory */
    ck_assert_int_eq(store_list(r->store, &(struct store_listing){0}, NULL, NULL, &e), ERR_UNREACHABLE);
    repo_free(r);
    ck_assert_int_ne(access(scratch_path(scratch, "missing"), F_OK), 0);
    (void) snprintf(url, sizeof(url), "file://%s/circle", scratch);
    ck_assert_int_eq(symlink("circle", scratch_path(scratch, "circle")), 0);
    OK(repo_open(&o, REPO_READ | REPO_WRITE, &r, &e));
    ck_assert_int_eq(store_put(r->store, "a", "1", 1, &e), ERR_IO);
    ck_assert_ptr_nonnull(strstr(e.text, "could not open repository directory"));
    repo_free(r);
}
END_TEST

START_TEST(a_bucket_needs_an_endpoint)
{
    struct repo_options o = s3_options();
    struct err e;

    ck_assert_int_eq(setenv("AWS_ACCESS_KEY_ID", "AKIA", 1), 0);
    ck_assert_int_eq(setenv("AWS_SECRET_ACCESS_KEY", SECRET, 1), 0);
    o.endpoint = NULL;
    ck_assert_int_eq(try_open(&o, REPO_READ, &e), ERR_USAGE);
    ck_assert_ptr_nonnull(strstr(e.hint, "R2_ENDPOINT"));
}
END_TEST

START_TEST(plain_http_beyond_this_machine_must_be_allowed)
{
    static const struct {
        const char *endpoint;
        bool allow;
        enum err_code code;
    } table[] = {
        {"http://host.example", false, ERR_USAGE},      {"http://host.example:9000", false, ERR_USAGE},
        {"http://10.0.0.1", false, ERR_USAGE},          {"http://[fe80::1]", false, ERR_USAGE},
        {"http://127.0.0.1.example", false, ERR_USAGE}, {"http://localhost.example", false, ERR_USAGE},
        {"http://localhost:9000", false, ERR_OK},       {"http://127.8.9.10:9000", false, ERR_OK},
        {"http://[::1]:9000", false, ERR_OK},           {"https://host.example", false, ERR_OK},
        {"http://host.example", true, ERR_OK},          {"ftp://host.example", true, ERR_USAGE},
    };

    ck_assert_int_eq(setenv("AWS_ACCESS_KEY_ID", "AKIA", 1), 0);
    ck_assert_int_eq(setenv("AWS_SECRET_ACCESS_KEY", SECRET, 1), 0);
    for (size_t i = 0; i < COUNT(table); i++) {
        struct repo_options o = s3_options();
        struct err e = ERR_NONE;

        o.endpoint = table[i].endpoint;
        o.allow_http = table[i].allow;
        ck_assert_msg(try_open(&o, REPO_READ, &e) == table[i].code, "%s: %s", o.endpoint, e.text);
        ck_assert_msg(table[i].code == ERR_OK || table[i].allow ||
                          strstr(e.hint, "set allow-http = yes") != NULL,
                      "%s: %s", o.endpoint, e.hint);
    }
}
END_TEST

START_TEST(the_same_bucket_on_two_servers_is_two_places)
{
    struct repo_options o = s3_options();
    struct repo *one, *two;
    struct err e = ERR_NONE;

    ck_assert_int_eq(setenv("AWS_ACCESS_KEY_ID", "AKIA", 1), 0);
    ck_assert_int_eq(setenv("AWS_SECRET_ACCESS_KEY", SECRET, 1), 0);
    OK(repo_open(&o, REPO_READ, &one, &e));
    o.endpoint = "https://localhost:2";
    OK(repo_open(&o, REPO_READ, &two, &e));
    ck_assert_str_eq(one->store->url, two->store->url);
    ck_assert_str_ne(one->place, two->place);
    repo_free(one);
    repo_free(two);
}
END_TEST

START_TEST(credentials_come_from_file_then_command_then_environment)
{
    struct repo_options o = s3_options();
    struct err e;

    ck_assert_int_eq(try_open(&o, REPO_READ, &e), ERR_USAGE);
    ck_assert_ptr_nonnull(strstr(e.hint, "AWS_ACCESS_KEY_ID"));
    ck_assert_int_eq(setenv("AWS_ACCESS_KEY_ID", "AKIA", 1), 0);
    ck_assert_int_eq(try_open(&o, REPO_READ, &e), ERR_USAGE);
    ck_assert_int_eq(setenv("AWS_SECRET_ACCESS_KEY", "", 1), 0);
    ck_assert_int_eq(try_open(&o, REPO_READ, &e), ERR_USAGE);
    ck_assert_int_eq(setenv("AWS_SECRET_ACCESS_KEY", SECRET, 1), 0);
    ck_assert_int_eq(try_open(&o, REPO_READ, &e), ERR_OK);
    o.credentials_command = "exit 3"; /* before the environment */
    ck_assert_int_eq(try_open(&o, REPO_READ, &e), ERR_USAGE);
    o.credentials_command = "printf 'access-key-id=A\\nsecret-access-key=" SECRET "'";
    ck_assert_int_eq(try_open(&o, REPO_READ, &e), ERR_OK);
    o.credentials_file = scratch_path(scratch, "missing"); /* before the command */
    ck_assert_int_eq(try_open(&o, REPO_READ, &e), ERR_USAGE);
    o.credentials_file = file("credentials", GOOD_FILE, 0600);
    o.credentials_command = "exit 3";
    ck_assert_int_eq(try_open(&o, REPO_READ, &e), ERR_OK);
}
END_TEST

START_TEST(a_credentials_file_is_read_strictly)
{
    static const struct {
        const char *text;
        enum err_code code;
        const char *says, *why;
    } table[] = {
        {GOOD_FILE, ERR_OK, "", "plain"},
        {"# mine\n\n; too\n" GOOD_FILE "session-token = t\n\n", ERR_OK, "", "comments and a token"},
        {"\taccess-key-id=A\r\n  secret-access-key  =  " SECRET "  \r\n", ERR_OK, "", "blanks and CRLF"},
        {"access-key-id = A\nsecret-access-key = ab==", ERR_OK, "", "equal signs in the value, no newline"},
        {"", ERR_USAGE, "no S3 credentials", "empty"},
        {"access-key-id = A\n", ERR_USAGE, "no S3 credentials", "half"},
        {"access-key-id = A\nsecret-access-key =\n", ERR_USAGE, "line 2", "empty value"},
        {GOOD_FILE "password = x\n", ERR_USAGE, "line 3", "unknown name"},
        {GOOD_FILE "access-key-id = B\n", ERR_USAGE, "line 3", "twice"},
        {GOOD_FILE "[default]\n", ERR_USAGE, "line 3", "section"},
        {SECRET "\n", ERR_USAGE, "line 1", "the key alone"},
    };

    for (size_t i = 0; i < COUNT(table); i++) {
        struct repo_options o = s3_options();
        struct err e;

        o.credentials_file = file("credentials", table[i].text, 0600);
        ck_assert_msg(try_open(&o, REPO_READ, &e) == table[i].code, "%s: %s", table[i].why, e.text);
        ck_assert_msg(table[i].code == ERR_OK || strstr(e.text, table[i].says) != NULL, "%s: %s",
                      table[i].why, e.text);
    }
}
END_TEST

START_TEST(a_session_token_may_be_long)
{
    struct repo_options o = s3_options();
    char text[8192];
    size_t at;
    struct err e;

    at = (size_t) snprintf(text, sizeof(text), "%ssession-token = ", GOOD_FILE);
    memset(text + at, 't', 4000);
    text[at + 4000] = '\0';
    o.credentials_file = file("credentials", text, 0600);
    ck_assert_msg(try_open(&o, REPO_READ, &e) == ERR_OK, "%s", e.text);
}
END_TEST

START_TEST(no_memory_is_not_taken_for_a_wrong_setting)
{
    struct repo_options o = s3_options();
    struct err e;

    ck_assert_int_eq(setenv("AWS_ACCESS_KEY_ID", "AKIA", 1), 0);
    ck_assert_int_eq(setenv("AWS_SECRET_ACCESS_KEY", SECRET, 1), 0);
    ck_assert_int_eq(setenv("AWS_SESSION_TOKEN", SECRET, 1), 0);
    for (int i = 0; i < 2; i++) {
        int copies = 0;

        for (strdups_left = 0; try_open(&o, REPO_WRITE, &e) != ERR_OK; strdups_left = ++copies) {
            strdups_left = -1;
            ck_assert_msg(e.code == ERR_IO && e.sys_errno == ENOMEM, "after %d copies: %s", copies, e.text);
        }
        strdups_left = -1;
        ck_assert_int_gt(copies, 3);
        o.credentials_file = file("credentials", GOOD_FILE "session-token = x\n", 0600);
    }
}
END_TEST

START_TEST(secrets_that_others_can_read_are_refused)
{
    static const mode_t modes[] = {0640, 0604, 0620, 0666};

    for (size_t i = 0; i < COUNT(modes); i++) {
        struct repo_options o = s3_options();
        struct err e;

        o.credentials_file = file("credentials", GOOD_FILE, modes[i]);
        ck_assert_int_eq(try_open(&o, REPO_READ, &e), ERR_USAGE);
        ck_assert_ptr_nonnull(strstr(e.text, "credentials"));
        o.credentials_file = file("credentials", GOOD_FILE, 0600);
        o.identity_file = file("identity", "pitr-sk1-x\n", modes[i]);
        ck_assert_int_eq(try_open(&o, REPO_READ, &e), ERR_USAGE);
        ck_assert_ptr_nonnull(strstr(e.text, "identity"));
        ck_assert_int_eq(try_open(&o, REPO_WRITE, &e), ERR_OK); /* not needed, not read */
    }
}
END_TEST

static void make_keys(char public_text[KEY_TEXT_MAX], char secret_text[KEY_TEXT_MAX])
{
    struct identity id;
    struct recipient to;
    struct err e = ERR_NONE;

    OK(identity_generate(&id, &e));
    memcpy(to.public_key, id.public_key, KEY_BYTES);
    recipient_format(&to, public_text);
    identity_format(&id, secret_text);
}

START_TEST(keys_are_loaded_for_what_they_are_needed)
{
    char url[SCRATCH_MAX + 32], public_text[KEY_TEXT_MAX], secret_text[KEY_TEXT_MAX], command[512];
    struct repo_options o = {.name = "local", .url = url};
    struct repo *r;
    struct err e = ERR_NONE;

    (void) snprintf(url, sizeof(url), "file://%s/repo", scratch);
    make_keys(public_text, secret_text);
    o.recipients_file = file("recipients", public_text, 0644);
    o.identity_file = file("identity", secret_text, 0600);
    OK(repo_open(&o, REPO_READ | REPO_WRITE, &r, &e));
    ck_assert_uint_eq(r->recipients.count, 1);
    ck_assert_uint_eq(r->identities.count, 1);
    repo_free(r);
    OK(repo_open(&o, REPO_WRITE, &r, &e));
    ck_assert_uint_eq(r->identities.count, 0);
    repo_free(r);
    OK(repo_open(&o, REPO_READ, &r, &e));
    ck_assert_uint_eq(r->recipients.count, 0);
    repo_free(r);
    (void) snprintf(command, sizeof(command), "cat '%s'", o.identity_file);
    o.identity_command = command;
    o.identity_file = NULL;
    OK(repo_open(&o, REPO_READ, &r, &e));
    ck_assert_uint_eq(r->identities.count, 1);
    repo_free(r);
}
END_TEST

START_TEST(a_recipients_file_that_is_missing_or_empty_never_means_unencrypted)
{
    char url[SCRATCH_MAX + 32], public_text[KEY_TEXT_MAX], secret_text[KEY_TEXT_MAX];
    struct repo_options o = {.name = "local", .url = url};
    struct err e;

    (void) snprintf(url, sizeof(url), "file://%s/repo", scratch);
    make_keys(public_text, secret_text);
    o.recipients_file = scratch_path(scratch, "missing");
    ck_assert_int_eq(try_open(&o, REPO_WRITE, &e), ERR_USAGE);
    ck_assert_ptr_nonnull(strstr(e.text, "recipients-file"));
    o.recipients_file = file("recipients", "", 0644);
    ck_assert_int_eq(try_open(&o, REPO_WRITE, &e), ERR_USAGE);
    o.recipients_file = file("recipients", "# none\n", 0644);
    ck_assert_int_eq(try_open(&o, REPO_WRITE, &e), ERR_USAGE);
    o.recipients_file = file("recipients", secret_text, 0600); /* the wrong file */
    ck_assert_int_eq(try_open(&o, REPO_WRITE, &e), ERR_USAGE);
    ck_assert_ptr_null(strstr(e.text, secret_text));
    o.recipients_file = NULL;
    o.identity_file = file("identity", public_text, 0600);
    ck_assert_int_eq(try_open(&o, REPO_READ, &e), ERR_USAGE);
    o.identity_file = NULL;
    o.identity_command = "true";
    ck_assert_int_eq(try_open(&o, REPO_READ, &e), ERR_USAGE);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_url_is_a_directory_or_a_bucket,
        a_directory_is_opened_or_made,
        a_directory_that_is_away_answers_so_and_opens,
        a_bucket_needs_an_endpoint,
        plain_http_beyond_this_machine_must_be_allowed,
        the_same_bucket_on_two_servers_is_two_places,
        credentials_come_from_file_then_command_then_environment,
        a_credentials_file_is_read_strictly,
        a_session_token_may_be_long,
        no_memory_is_not_taken_for_a_wrong_setting,
        secrets_that_others_can_read_are_refused,
        keys_are_loaded_for_what_they_are_needed,
        a_recipients_file_that_is_missing_or_empty_never_means_unencrypted,
    };

    return check_main(suite_between("repo/repo", set_up, tear_down, tests, COUNT(tests)));
}
