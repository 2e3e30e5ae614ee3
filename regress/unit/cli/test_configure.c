/*
 * test_configure.c - arguments over environment over file over defaults, and which cluster and repositories result.
 */
#include "cli/configure.h"

#include "check_main.h"
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static char file_path[64];
static char config_variable[80];
static const char *const *variables; /* "NAME=value", NULL-terminated: the environment of a test */

static const char *lookup(const char *name)
{
    size_t len = strlen(name);

    if (strcmp(name, "PITR_CONFIG") == 0)
        return config_variable[0] == '\0' ? NULL : config_variable;
    for (size_t i = 0; variables != NULL && variables[i] != NULL; i++)
        if (strncmp(variables[i], name, len) == 0 && variables[i][len] == '=')
            return variables[i] + len + 1;
    return NULL;
}

static void write_file(const char *text)
{
    FILE *file;
    int fd;

    (void) snprintf(file_path, sizeof(file_path), "/tmp/pitr-test-configure-XXXXXX");
    fd = mkstemp(file_path);
    ck_assert_int_ge(fd, 0);
    file = fdopen(fd, "w");
    fputs(text, file);
    fclose(file);
    (void) snprintf(config_variable, sizeof(config_variable), "%s", file_path);
}

static void setup(void)
{
    variables = NULL;
    file_path[0] = config_variable[0] = '\0';
}

static void teardown(void)
{
    if (file_path[0] != '\0')
        unlink(file_path);
}

static void give(struct settings *s, enum option_id id, const char *text)
{
    struct err e = ERR_NONE;
    const struct origin origin = {.kind = ORIGIN_ARGUMENT, .name = option_at(id)->name};

    ck_assert_msg(settings_give(s, id, text, &origin, &e) == ERR_OK, "%s", e.text);
}

static const char two_repos[] = "[cluster main]\n"
                                "jobs = 4\n"
                                "compress = zstd\n"
                                "compress-level = 7\n"
                                "[repo r2]\n"
                                "url = s3://bucket/pg\n"
                                "endpoint = https://file.example\n"
                                "retry-budget = 0\n"
                                "conditional-put = no\n"
                                "allow-http = yes\n"
                                "[repo local]\n"
                                "url = file:///var/lib/pitr\n"
                                "addressing = virtual\n";

START_TEST(the_command_line_beats_the_environment_beats_the_file_beats_the_default)
{
    static const char *const environment[] = {"PITR_JOBS=8", NULL};
    struct settings none = {0}, arguments = {0};
    struct configured c;
    struct err e = ERR_NONE;

    write_file("[cluster main]\n[repo r]\nurl = file:///x\n");
    ck_assert_msg(configure(&none, lookup, &c, &e) == ERR_OK, "%s", e.text);
    ck_assert_int_eq(settings_number(&c.layers, OPTION_JOBS), 0);
    ck_assert_int_eq(settings_number(&c.layers, OPTION_CHUNK_SIZE), 262144);
    configured_clear(&c);
    unlink(file_path);

    write_file(two_repos);
    ck_assert_msg(configure(&none, lookup, &c, &e) == ERR_OK, "%s", e.text);
    ck_assert_int_eq(settings_number(&c.layers, OPTION_JOBS), 4);
    ck_assert_int_eq(settings_pick(&c.layers, OPTION_JOBS)->origin.line, 2);
    configured_clear(&c);

    variables = environment;
    ck_assert_msg(configure(&none, lookup, &c, &e) == ERR_OK, "%s", e.text);
    ck_assert_int_eq(settings_number(&c.layers, OPTION_JOBS), 8);
    configured_clear(&c);

    give(&arguments, OPTION_JOBS, "16");
    ck_assert_msg(configure(&arguments, lookup, &c, &e) == ERR_OK, "%s", e.text);
    ck_assert_int_eq(settings_number(&c.layers, OPTION_JOBS), 16);
    configured_clear(&c);
    settings_clear(&arguments);
}
END_TEST

START_TEST(the_file_becomes_the_options_of_the_repositories)
{
    struct settings none = {0};
    struct configured c;
    struct err e = ERR_NONE;

    write_file(two_repos);
    ck_assert_msg(configure(&none, lookup, &c, &e) == ERR_OK, "%s", e.text);
    ck_assert_str_eq(c.cluster.name, "main");
    ck_assert_str_eq(c.cluster.conninfo, "");
    ck_assert_ptr_null(c.cluster.spool);
    ck_assert_str_eq(c.cluster.config_path, file_path);
    ck_assert_uint_eq(c.cluster.repo_count, 2);
    ck_assert_str_eq(c.repos[0].name, "r2");
    ck_assert_str_eq(c.repos[0].url, "s3://bucket/pg");
    ck_assert_str_eq(c.repos[0].endpoint, "https://file.example");
    ck_assert_str_eq(c.repos[0].region, "auto");
    ck_assert_int_eq(c.repos[0].retry_budget_ms, 0);
    ck_assert(c.repos[0].unconditional_put);
    ck_assert(c.repos[0].allow_http);
    ck_assert(!c.repos[0].virtual_host);
    ck_assert_int_eq(c.repos[0].codec, CODEC_ZSTD);
    ck_assert_int_eq(c.repos[0].level, 7);
    ck_assert_str_eq(c.repos[1].name, "local");
    ck_assert(c.repos[1].virtual_host);
    ck_assert(!c.repos[1].unconditional_put);
    ck_assert(!c.repos[1].allow_http);
    ck_assert_int_eq(c.repos[1].retry_budget_ms, 60000);
    ck_assert_uint_eq(c.repos[1].part_bytes, 64 << 20);
    ck_assert_int_eq(c.repos[1].connect_timeout_ms, 10000);
    ck_assert_int_eq(c.repos[1].stall_timeout_ms, 30000);
    ck_assert_int_eq(c.repos[1].request_timeout_ms, 600000);
    configured_clear(&c);
}
END_TEST

START_TEST(pitr_repo_alone_is_enough)
{
    static const char *const environment[] = {"PITR_REPO=file:///srv/pitr", NULL};
    struct settings none = {0};
    struct configured c;
    struct err e = ERR_NONE;

    variables = environment;
    ck_assert_msg(configure(&none, lookup, &c, &e) == ERR_OK, "%s", e.text);
    ck_assert_str_eq(c.cluster.name, "main");
    ck_assert_uint_eq(c.cluster.repo_count, 1);
    ck_assert_str_eq(c.repos[0].name, "env");
    ck_assert_str_eq(c.repos[0].url, "file:///srv/pitr");
    ck_assert_str_eq(c.cluster.environment[0], "PITR_REPO=file:///srv/pitr");
    ck_assert_ptr_null(c.cluster.environment[1]);
    configured_clear(&c);
}
END_TEST

START_TEST(pitr_repo_replaces_the_repositories_of_the_file)
{
    static const char *const environment[] = {"PITR_REPO=s3://other/pg", "PITR_REGION=weur", NULL};
    struct settings none = {0};
    struct configured c;
    struct err e = ERR_NONE;

    variables = environment;
    write_file(two_repos);
    ck_assert_msg(configure(&none, lookup, &c, &e) == ERR_OK, "%s", e.text);
    ck_assert_uint_eq(c.cluster.repo_count, 1);
    ck_assert_str_eq(c.repos[0].name, "env");
    ck_assert_str_eq(c.repos[0].region, "weur");
    ck_assert_ptr_null(c.repos[0].endpoint);
    configured_clear(&c);
}
END_TEST

START_TEST(own_endpoint_variables_override_the_file_and_shared_ones_fill_it)
{
    static const char *const shared[] = {"R2_ENDPOINT=https://r2.example",
                                         "AWS_ENDPOINT_URL=https://aws.example", NULL};
    static const char *const aws[] = {"AWS_ENDPOINT_URL=https://aws.example", NULL};
    static const char *const own[] = {"R2_ENDPOINT=https://r2.example", "PITR_ENDPOINT=https://own.example",
                                      NULL};
    static const struct {
        const char *const *environment;
        const char *of_r2, *of_local;
    } tries[] = {
        {shared, "https://file.example", "https://r2.example"},
        {aws, "https://file.example", "https://aws.example"},
        {own, "https://own.example", "https://own.example"},
    };
    struct settings none = {0};
    struct configured c;
    struct err e = ERR_NONE;

    write_file(two_repos);
    for (size_t i = 0; i < 3; i++) {
        variables = tries[i].environment;
        ck_assert_msg(configure(&none, lookup, &c, &e) == ERR_OK, "%s", e.text);
        ck_assert_str_eq(c.repos[0].endpoint, tries[i].of_r2);
        ck_assert_str_eq(c.repos[1].endpoint, tries[i].of_local);
        configured_clear(&c);
    }
}
END_TEST

START_TEST(what_a_restore_command_must_set_again_holds_no_secret)
{
    static const char *const environment[] = {"PITR_REPO=s3://b/p",
                                              "PITR_CONNINFO=password=hunter2",
                                              "AWS_SECRET_ACCESS_KEY=hunter2",
                                              "AWS_ACCESS_KEY_ID=id",
                                              "PITR_CLUSTER=main",
                                              "R2_ENDPOINT=https://r2.example",
                                              "PITR_SPOOL=/spool",
                                              "PITR_IDENTITY_COMMAND=vault --token hunter2",
                                              NULL};
    struct settings none = {0};
    struct configured c;
    struct err e = ERR_NONE;

    variables = environment;
    ck_assert_msg(configure(&none, lookup, &c, &e) == ERR_OK, "%s", e.text);
    ck_assert_str_eq(c.cluster.conninfo, "password=hunter2");
    ck_assert_str_eq(c.cluster.environment[0], "PITR_SPOOL=/spool");
    ck_assert_str_eq(c.cluster.environment[1], "PITR_REPO=s3://b/p");
    ck_assert_str_eq(c.cluster.environment[2], "R2_ENDPOINT=https://r2.example");
    ck_assert_ptr_null(c.cluster.environment[3]);
    configured_clear(&c);
}
END_TEST

START_TEST(what_leads_to_secrets_is_named_so_that_it_can_be_given_to_the_server)
{
    static const struct {
        const char *environment[6];
        const char *withheld[5];
    } tries[] = {
        {{"PITR_REPO=s3://b/p", "AWS_ACCESS_KEY_ID=id", "AWS_SECRET_ACCESS_KEY=x", "AWS_SESSION_TOKEN="},
         {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}},
        {{"PITR_REPO=s3://b/p", "AWS_ACCESS_KEY_ID=id", "PITR_CREDENTIALS_FILE=/c"}, {NULL}},
        {{"PITR_REPO=s3://b/p", "AWS_ACCESS_KEY_ID=id", "PITR_CREDENTIALS_COMMAND=vault"},
         {"PITR_CREDENTIALS_COMMAND"}},
        {{"PITR_REPO=file:///r", "AWS_ACCESS_KEY_ID=id", "PITR_CONNINFO=password=x"}, {NULL}},
        {{"PITR_REPO=s3://b/p", "AWS_ACCESS_KEY_ID=id", "AWS_SECRET_ACCESS_KEY=x", "AWS_SESSION_TOKEN=t",
          "PITR_IDENTITY_COMMAND=vault"},
         {"PITR_IDENTITY_COMMAND", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"}},
    };
    struct settings none = {0};

    for (size_t i = 0; i < sizeof(tries) / sizeof(tries[0]); i++) {
        struct configured c;
        struct err e = ERR_NONE;

        variables = tries[i].environment;
        ck_assert_msg(configure(&none, lookup, &c, &e) == ERR_OK, "%s", e.text);
        for (size_t k = 0; k <= CONFIGURED_WITHHELD_MAX; k++)
            ck_assert_pstr_eq(c.withheld[k], tries[i].withheld[k]);
        configured_clear(&c);
    }
}
END_TEST

static const struct {
    const char *file;
    const char *environment[4];
    const char *cluster_argument;
    const char *repo_argument;
    const char *cluster; /* NULL: refused */
    const char *repos;   /* "a b" */
    const char *text;    /* of a refusal, in it; % is the file's name */
    const char *hint;
} choices[] = {
    {"[cluster prod]\n[repo a]\nurl=file:///a\n", {NULL}, NULL, NULL, "prod", "a", NULL, NULL},
    {"[repo a]\nurl=file:///a\n", {NULL}, NULL, NULL, "main", "a", NULL, NULL},
    {"[repo a]\nurl=file:///a\n", {NULL}, "prod", NULL, "prod", "a", NULL, NULL},
    {"[cluster prod]\n[cluster main]\n[repo a]\nurl=file:///a\n",
     {NULL},
     NULL,
     NULL,
     "main",
     "a",
     NULL,
     NULL},
    {"[cluster prod]\n[cluster main]\n[repo a]\nurl=file:///a\n",
     {"PITR_CLUSTER=prod"},
     NULL,
     NULL,
     "prod",
     "a",
     NULL,
     NULL},
    {"[cluster prod]\n[cluster main]\n[repo a]\nurl=file:///a\n",
     {"PITR_CLUSTER=prod"},
     "main",
     NULL,
     "main",
     "a",
     NULL,
     NULL},
    {"[cluster prod]\n[cluster test]\n[repo a]\nurl=file:///a\n",
     {NULL},
     NULL,
     NULL,
     NULL,
     NULL,
     "which cluster is meant is not said",
     "prod, test"},
    {"[cluster prod]\n[repo a]\nurl=file:///a\n",
     {NULL},
     "pord",
     NULL,
     NULL,
     NULL,
     "option --cluster: there is no cluster \"pord\"",
     "Did you mean \"prod\"?"},
    {"[cluster prod]\n[repo a]\nurl=file:///a\n",
     {"PITR_CLUSTER=other"},
     NULL,
     NULL,
     NULL,
     NULL,
     "environment variable PITR_CLUSTER: there is no cluster \"other\"",
     "has: prod."},
    {"[cluster main]\nrepos=b,a\n[repo a]\nurl=file:///a\n[repo b]\nurl=file:///b\n[repo c]\nurl=file:///c\n",
     {NULL},
     NULL,
     NULL,
     "main",
     "b a",
     NULL,
     NULL},
    {"[cluster main]\nrepos=b\n[repo a]\nurl=file:///a\n[repo b]\nurl=file:///b\n",
     {"PITR_REPOS=a"},
     NULL,
     NULL,
     "main",
     "a",
     NULL,
     NULL},
    {"[cluster main]\nrepos=loacl\n[repo local]\nurl=file:///a\n",
     {NULL},
     NULL,
     NULL,
     NULL,
     NULL,
     "line 2: there is no repository \"loacl\"",
     "Did you mean \"local\"?"},
    {"[cluster main]\nrepos=a,a\n[repo a]\nurl=file:///a\n",
     {NULL},
     NULL,
     NULL,
     NULL,
     NULL,
     "line 2: repository \"a\" is named twice",
     ""},
    {"[cluster main]\n", {NULL}, NULL, NULL, NULL, NULL, "no repository is configured", "[repo NAME]"},
    {"[cluster main]\n[repo a]\nregion=x\n",
     {NULL},
     NULL,
     NULL,
     NULL,
     NULL,
     "line 2: section [repo a] has no url",
     "url ="},
    {"[repo a]\nurl=file:///a\n[repo b]\nurl=file:///b\n", {NULL}, NULL, "b", "main", "b", NULL, NULL},
    {"[repo a]\nurl=file:///a\n[repo b]\nurl=file:///b\n",
     {NULL},
     NULL,
     "c",
     NULL,
     NULL,
     "option --repo: there is no repository \"c\"",
     "has: a, b."},
    {"[cluster main]\nrepos=a\n[repo a]\nurl=file:///a\n[repo b]\nurl=file:///b\n",
     {NULL},
     NULL,
     "b",
     NULL,
     NULL,
     "repository \"b\" is not one of cluster \"main\"",
     ""},
    {"[repo a]\nurl=file:///a\n",
     {"PITR_REPO=file:///b"},
     NULL,
     "a",
     NULL,
     NULL,
     "there is no repository \"a\"",
     "PITR_REPO is set"},
    {"[repo a]\nurl=file:///a\n",
     {"PITR_JOBS=many"},
     NULL,
     NULL,
     NULL,
     NULL,
     "environment variable PITR_JOBS: invalid value",
     "whole number"},
    {"[cluster main]\ncompress-level=20\n[repo a]\nurl=file:///a\n",
     {NULL},
     NULL,
     NULL,
     NULL,
     NULL,
     "line 2: lz4 has no level 20",
     "0 is its own default"},
    {"[repo a]\nurl=file:///a\n", {NULL}, "Prod", NULL, NULL, NULL, "Prod", ""},
};

START_TEST(cluster_and_repositories_are_chosen_or_refused_with_the_reason)
{
    struct settings arguments = {0};
    struct configured c;
    struct err e = ERR_NONE;
    char repos[64] = "";
    enum err_code code;

    variables = choices[_i].environment;
    write_file(choices[_i].file);
    if (choices[_i].cluster_argument != NULL)
        give(&arguments, OPTION_CLUSTER, choices[_i].cluster_argument);
    if (choices[_i].repo_argument != NULL)
        give(&arguments, OPTION_REPO, choices[_i].repo_argument);
    code = configure(&arguments, lookup, &c, &e);
    if (choices[_i].cluster == NULL) {
        ck_assert_int_eq(code, ERR_USAGE);
        ck_assert_msg(strstr(e.text, choices[_i].text) != NULL, "text: %s", e.text);
        ck_assert_msg(strstr(e.hint, choices[_i].hint) != NULL, "hint: %s", e.hint);
    } else {
        ck_assert_msg(code == ERR_OK, "%s", e.text);
        ck_assert_str_eq(c.cluster.name, choices[_i].cluster);
        for (size_t i = 0; i < c.cluster.repo_count; i++) {
            strcat(repos, i == 0 ? "" : " ");
            strcat(repos, c.repos[i].name);
        }
        ck_assert_str_eq(repos, choices[_i].repos);
    }
    configured_clear(&c);
    settings_clear(&arguments);
}
END_TEST

START_TEST(a_named_file_that_is_missing_is_an_error)
{
    struct settings arguments = {0};
    struct configured c;
    struct err e = ERR_NONE;

    give(&arguments, OPTION_CONFIG, "/nonexistent/pitr.conf");
    ck_assert_int_eq(configure(&arguments, lookup, &c, &e), ERR_USAGE);
    ck_assert_ptr_nonnull(strstr(e.text, "/nonexistent/pitr.conf"));
    configured_clear(&c);
    settings_clear(&arguments);
    (void) snprintf(config_variable, sizeof(config_variable), "/nonexistent/of-variable.conf");
    ck_assert_int_eq(configure(&arguments, lookup, &c, &e), ERR_USAGE);
    ck_assert_ptr_nonnull(strstr(e.text, "of-variable.conf"));
    configured_clear(&c);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cli/configure");
    TCase *tcase = tcase_create("configure");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, the_command_line_beats_the_environment_beats_the_file_beats_the_default);
    tcase_add_test(tcase, the_file_becomes_the_options_of_the_repositories);
    tcase_add_test(tcase, pitr_repo_alone_is_enough);
    tcase_add_test(tcase, pitr_repo_replaces_the_repositories_of_the_file);
    tcase_add_test(tcase, own_endpoint_variables_override_the_file_and_shared_ones_fill_it);
    tcase_add_test(tcase, what_a_restore_command_must_set_again_holds_no_secret);
    tcase_add_test(tcase, what_leads_to_secrets_is_named_so_that_it_can_be_given_to_the_server);
    tcase_add_loop_test(tcase, cluster_and_repositories_are_chosen_or_refused_with_the_reason, 0,
                        sizeof(choices) / sizeof(choices[0]));
    tcase_add_test(tcase, a_named_file_that_is_missing_is_an_error);
    suite_add_tcase(suite, tcase);
    return check_main(suite);
}
