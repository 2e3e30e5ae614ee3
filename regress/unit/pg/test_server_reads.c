/*
 * What recoveryconf writes and control reads, held against PostgreSQL itself: `postgres -C name -D dir`
 * prints a setting as the server has it, and needs no more of dir than its two configuration files.
 * Skipped where there is no such program; PITR_TEST_PGBIN names the directory of one (else the newest
 * below /usr/lib/postgresql).
 */
#include "check_main.h"
#include "pg/control.h"
#include "pg/recoveryconf.h"
#include "pg_data.h"
#include "pg_values.h"

#include <glob.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

#define OUTPUT_MAX (1u << 16)

static char bin_dir[512];
static char pgdata[256];

static bool programs_find(void)
{
    const char *named = getenv("PITR_TEST_PGBIN");
    glob_t found = {0};
    char path[600];

    if (named != NULL)
        (void) snprintf(bin_dir, sizeof(bin_dir), "%s", named);
    else if (glob("/usr/lib/postgresql/*/bin", 0, NULL, &found) == 0)
        (void) snprintf(bin_dir, sizeof(bin_dir), "%s", found.gl_pathv[found.gl_pathc - 1]);
    globfree(&found);
    (void) snprintf(path, sizeof(path), "%s/postgres", bin_dir);
    return access(path, X_OK) == 0;
}

static void file_write(const char *name, const void *bytes, size_t len)
{
    char path[600];
    FILE *f;

    (void) snprintf(path, sizeof(path), "%s/%s", pgdata, name);
    f = fopen(path, "wb");
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(bytes, 1, len, f), len);
    ck_assert_int_eq(fclose(f), 0);
}

/* The output of a shell command. It must succeed. */
static void output_of(const char *command, struct buf *out)
{
    FILE *f = popen(command, "r");
    struct err e = ERR_NONE;
    char block[4096];
    size_t got;

    ck_assert_ptr_nonnull(f);
    buf_reset(out);
    while ((got = fread(block, 1, sizeof(block), f)) > 0)
        ck_assert_int_eq(buf_append(out, block, got, &e), ERR_OK);
    ck_assert_msg(pclose(f) == 0, "failed: %s", command);
}

/* The value of a setting as the server reads it, in out. */
static void setting_read(const char *name, struct buf *out)
{
    char command[1200];

    (void) snprintf(command, sizeof(command), "'%s/postgres' -C %s -D '%s'", bin_dir, name, pgdata);
    output_of(command, out);
    ck_assert(out->len > 0 && out->data[out->len - 1] == '\n');
    out->len--;
}

static void directory_make(void)
{
    const char *tmp = getenv("TMPDIR");

    (void) snprintf(pgdata, sizeof(pgdata), "%.200s/pitr-conf-XXXXXX", tmp != NULL ? tmp : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(pgdata));
    file_write("postgresql.conf", "", 0);
}

static void directory_remove(void)
{
    static const char *const names[] = {"postgresql.conf", "postgresql.auto.conf", "global/pg_control",
                                        "global"};
    char path[600];

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        (void) snprintf(path, sizeof(path), "%s/%s", pgdata, names[i]);
        (void) remove(path);
    }
    ck_assert_int_eq(rmdir(pgdata), 0);
}

START_TEST(odd_values_come_back_exactly)
{
    CLEANUP(buf_clear) struct buf file = BUF_INIT(OUTPUT_MAX), got = BUF_INIT(OUTPUT_MAX);

    for (size_t i = 0; i < ODD_VALUES; i++) {
        struct err e = ERR_NONE;

        buf_reset(&file);
        ck_assert_int_eq(recoveryconf_set(&file, "archive_cleanup_command", odd_values[i], &e), ERR_OK);
        file_write("postgresql.auto.conf", file.data, file.len);
        setting_read("archive_cleanup_command", &got);
        ck_assert_str_eq(buf_cstr(&got), odd_values[i]);
    }
}
END_TEST

START_TEST(after_stripping_the_server_has_only_our_settings_and_the_others)
{
    static const char old[] = "# ALTER SYSTEM\nwork_mem = '5MB'\nRestore_Command = 'it''s \\'old\\''\n"
                              "recovery_target_time '2020-01-01 00:00:00+00'\nrecovery_target_xid=7\n"
                              "recovery_end_command'old'\nprimary_slot_name = old\nmax_connections = 33";
    static const struct {
        const char *name, *value;
    } cases[] = {{"work_mem", "5120"},           {"restore_command", "new"},   {"recovery_target_time", ""},
                 {"recovery_target_xid", ""},    {"recovery_end_command", ""}, {"primary_slot_name", ""},
                 {"recovery_target_lsn", "0/5"}, {"max_connections", "33"}};
    CLEANUP(buf_clear) struct buf file = BUF_INIT(OUTPUT_MAX), got = BUF_INIT(OUTPUT_MAX);
    struct err e = ERR_NONE;

    ck_assert_int_eq(recoveryconf_strip(old, strlen(old), &file, &e), ERR_OK);
    ck_assert_int_eq(recoveryconf_comment(&file, "wish\nwork_mem = '9MB'", &e), ERR_OK);
    ck_assert_int_eq(recoveryconf_set(&file, "restore_command", "new", &e), ERR_OK);
    ck_assert_int_eq(recoveryconf_set(&file, "recovery_target_lsn", "0/5", &e), ERR_OK);
    file_write("postgresql.auto.conf", file.data, file.len);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        setting_read(cases[i].name, &got);
        ck_assert_msg(strncmp(buf_cstr(&got), cases[i].value, strlen(cases[i].value)) == 0 &&
                          (cases[i].value[0] != '\0' || got.len == 0),
                      "%s = \"%s\"", cases[i].name, buf_cstr(&got));
    }
}
END_TEST

/* What the server does with a restore_command before it hands it to the shell. */
static void placeholders_replace(const char *command, struct buf *out)
{
    struct err e = ERR_NONE;

    for (; *command != '\0'; command++) {
        const char *instead = NULL;

        if (*command == '%')
            instead = command[1] == 'f'   ? "FILE"
                      : command[1] == 'p' ? "pg_wal/PATH"
                      : command[1] == '%' ? "%"
                                          : NULL;
        if (instead != NULL) {
            ck_assert_int_eq(buf_puts(out, instead, &e), ERR_OK);
            command++;
        } else {
            ck_assert_int_eq(buf_append(out, command, 1, &e), ERR_OK);
        }
    }
}

START_TEST(words_go_through_file_server_and_shell_unchanged)
{
    CLEANUP(buf_clear)
    struct buf command = BUF_INIT(OUTPUT_MAX), file = BUF_INIT(OUTPUT_MAX), got = BUF_INIT(OUTPUT_MAX),
               run = BUF_INIT(OUTPUT_MAX), want = BUF_INIT(OUTPUT_MAX);
    struct err e = ERR_NONE;

    ck_assert_int_eq(recoveryconf_shell_word(&command, "/usr/bin/printf", &e), ERR_OK);
    ck_assert_int_eq(recoveryconf_shell_word(&command, "[%s]", &e), ERR_OK);
    for (size_t i = 0; i < ODD_VALUES; i++) {
        ck_assert_int_eq(recoveryconf_shell_word(&command, odd_values[i], &e), ERR_OK);
        ck_assert_int_eq(buf_printf(&want, &e, "[%s]", odd_values[i]), ERR_OK);
    }
    for (unsigned char c = 1; c < 0x80; c++) {
        char word[] = {'x', (char) c, 'y', '\0'};

        if (c == '\n')
            continue;
        ck_assert_int_eq(recoveryconf_shell_word(&command, word, &e), ERR_OK);
        ck_assert_int_eq(buf_printf(&want, &e, "[%s]", word), ERR_OK);
    }
    ck_assert_int_eq(buf_puts(&command, " %f %p", &e), ERR_OK);
    ck_assert_int_eq(buf_puts(&want, "[FILE][pg_wal/PATH]", &e), ERR_OK);
    ck_assert_int_eq(recoveryconf_set(&file, "restore_command", buf_cstr(&command), &e), ERR_OK);
    file_write("postgresql.auto.conf", file.data, file.len);
    setting_read("restore_command", &got);
    ck_assert_str_eq(buf_cstr(&got), buf_cstr(&command));
    placeholders_replace(buf_cstr(&got), &run);
    output_of(buf_cstr(&run), &got);
    ck_assert_str_eq(buf_cstr(&got), buf_cstr(&want));
}
END_TEST

/* pg_controldata reads control files of its own version only. */
static bool controldata_is_15(void)
{
    char command[1200];

    (void) snprintf(command, sizeof(command), "'%s/pg_controldata' --version 2>/dev/null | grep -q ') 15'",
                    bin_dir);
    return system(command) == 0;
}

/* The text behind a label of pg_controldata's output, up to the end of the line. */
static void report_has(struct buf *report, const char *label, const char *value)
{
    const char *line = strstr(buf_cstr(report), label);

    ck_assert_msg(line != NULL, "no \"%s\"", label);
    line += strlen(label);
    line += strspn(line, " ");
    ck_assert_msg(strncmp(line, value, strlen(value)) == 0 && line[strlen(value)] == '\n', "%s is not %s",
                  label, value);
}

static void report_has_number(struct buf *report, const char *label, uint64_t value)
{
    char text[24];

    (void) snprintf(text, sizeof(text), "%" PRIu64, value);
    report_has(report, label, text);
}

START_TEST(pg_controldata_reads_a_control_file_as_we_do)
{
    CLEANUP(buf_clear) struct buf head = BUF_INIT(CONTROL_FILE_BYTES), report = BUF_INIT(OUTPUT_MAX);
    uint8_t file[CONTROL_FILE_BYTES] = {0};
    struct err e = ERR_NONE;
    struct control c;
    char path[1200], text[LSN_TEXT_MAX];

    (void) snprintf(path, sizeof(path), "%s/global", pgdata);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    data_read("pg_control-15.head", &head);
    memcpy(file, head.data, head.len);
    file_write("global/pg_control", file, sizeof(file));
    (void) snprintf(path, sizeof(path), "LC_ALL=C '%s/pg_controldata' '%s'", bin_dir, pgdata);
    output_of(path, &report);
    ck_assert_msg(control_read(pgdata, &c, &e) == ERR_OK, "%s", e.text);
    report_has_number(&report, "Database system identifier:", c.system_identifier);
    lsn_format(c.checkpoint, text);
    report_has(&report, "Latest checkpoint location:", text);
    lsn_format(c.redo, text);
    report_has(&report, "REDO location:", text);
    report_has_number(&report, "Latest checkpoint's TimeLineID:", c.tli);
    report_has_number(&report, "max_connections setting:", (uint64_t) c.max_connections);
    report_has_number(&report, "max_worker_processes setting:", (uint64_t) c.max_worker_processes);
    report_has_number(&report, "max_wal_senders setting:", (uint64_t) c.max_wal_senders);
    report_has_number(&report, "max_prepared_xacts setting:", (uint64_t) c.max_prepared_xacts);
    report_has_number(&report, "max_locks_per_xact setting:", (uint64_t) c.max_locks_per_xact);
    report_has_number(&report, "Database block size:", c.block_bytes);
    report_has_number(&report, "WAL block size:", c.wal_page_bytes);
    report_has_number(&report, "Bytes per WAL segment:", c.segment_bytes);
    report_has_number(&report, "Data page checksum version:", c.data_checksum_version);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {odd_values_come_back_exactly,
                                  after_stripping_the_server_has_only_our_settings_and_the_others,
                                  words_go_through_file_server_and_shell_unchanged};
    Suite *suite = suite_create("pg/server_reads");
    TCase *tcase = tcase_create("pg/server_reads");

    if (!programs_find()) {
        (void) puts("1..0 # SKIP no PostgreSQL server programs");
        return EXIT_SUCCESS;
    }
    tcase_set_timeout(tcase, 120);
    tcase_add_checked_fixture(tcase, directory_make, directory_remove);
    for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
        tcase_add_test(tcase, tests[i]);
    if (controldata_is_15())
        tcase_add_test(tcase, pg_controldata_reads_a_control_file_as_we_do);
    suite_add_tcase(suite, tcase);
    return check_main(suite);
}
