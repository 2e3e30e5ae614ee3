/*
 * test_restore_files.c - what a backup stored comes back: contents of every shape, names of odd bytes, permissions; and
 * an index that asks for something else is refused, as is what the server's manifest does not confirm.
 */
#include "ops/restore_files.h"

#include "../repo/in_memory.h"
#include "../scratch.h"
#include "base/hex.h"
#include "codec/crc32c.h"
#include "ops/backup_store.h"
#include "repo/object.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>

#define ID     "20261120T021500Z-1a2b"
#define CHUNK  65536
#define PACK   (4 * CHUNK)
#define NOBODY 65534

static char scratch[SCRATCH_MAX];
static struct backup_info info;
static struct restore_tree tree;

static void set_up(void)
{
    repo_set_up();
    scratch_make(scratch);
    info = (struct backup_info){.id = ID};
    ck_assert_int_ge(asprintf(&tree.pgdata, "%s/data", scratch), 0);
    ck_assert_int_eq(mkdir(tree.pgdata, 0700), 0);
}

static void tear_down(void)
{
    restore_tree_clear(&tree);
    scratch_remove(scratch);
    repo_tear_down();
}

/* ---- a backup ---- */

enum shape { EMPTY, ZEROS, NOISE, HOLES }; /* HOLES: every other chunk is zeros */

struct sample {
    const char *path;
    mode_t mode;
    enum shape shape;
    size_t size;
};

/* What lies at this place of this file; never all zeros in a chunk of noise. */
static uint8_t byte_at(const struct sample *s, size_t at)
{
    if (s->shape == ZEROS || (s->shape == HOLES && at / CHUNK % 2 == 0))
        return 0;
    return (uint8_t) ((at * 2654435761u >> 7) + strlen(s->path) + (at % CHUNK == 0));
}

static uint8_t *content(const struct sample *s)
{
    uint8_t *bytes = malloc(s->size + 1);

    ck_assert_ptr_nonnull(bytes);
    for (size_t i = 0; i < s->size; i++)
        bytes[i] = byte_at(s, i);
    return bytes;
}

/* Store these as a backup, files and directories (a path that ends with a slash), and its index. */
static void store(const struct sample *samples, size_t count)
{
    CLEANUP(backup_previous_freep) struct backup_previous *none = NULL;
    CLEANUP(backup_store_freep) struct backup_store *s = NULL;
    struct spool *spool = NULL;
    struct err e = ERR_NONE;

    OK(spool_open(scratch_path(scratch, "spool"), "main", &spool, &e));
    OK(backup_previous_load(&repo, &layout, spool, &none, &e));
    spool_free(spool);
    OK(backup_store_new(&(struct backup_store_options){.repo = &repo,
                                                       .layout = &layout,
                                                       .id = ID,
                                                       .previous = none,
                                                       .draft_dir = scratch,
                                                       .chunk_bytes = CHUNK,
                                                       .pack_bytes = PACK,
                                                       .jobs = 2},
                        &s, &e));
    for (size_t i = 0; i < count; i++) {
        size_t len = strlen(samples[i].path);
        uint8_t *bytes = content(&samples[i]);

        if (samples[i].path[len - 1] == '/') {
            char path[256];

            (void) snprintf(path, sizeof(path), "%.*s", (int) len - 1, samples[i].path);
            OK(backup_store_directory(s, path, samples[i].mode, &e));
        } else {
            OK(backup_store_file(s, samples[i].path, samples[i].mode, samples[i].size, 0, &e));
            OK(backup_store_data(s, bytes, samples[i].size, &e));
            OK(backup_store_file_end(s, &e));
        }
        free(bytes);
    }
    OK(backup_store_flush(s, &e));
    OK(backup_store_index(s, &info, &e));
}

static enum err_code lay_out_and_fill(struct restore_files **f, struct err *e)
{
    CLEANUP(progress_end) struct progress progress = {0};

    progress_begin(&progress, "restore", 0);
    if (restore_files_layout(&repo, &layout, &info, &tree, f, e) != ERR_OK)
        return ERR_CORRUPT;
    return restore_files_fill(*f, 2, &progress, e) != ERR_OK ? ERR_IO : ERR_OK;
}

static enum err_code restore(struct err *e)
{
    CLEANUP(restore_files_freep) struct restore_files *f = NULL;
    enum err_code code = lay_out_and_fill(&f, e);

    return code != ERR_OK ? code : restore_files_modes(f, e);
}

static void check_sample(const struct sample *s)
{
    CLEANUP(buf_clear) struct buf there = BUF_INIT(RAW_MAX);
    char path[TREE_PATH_MAX];
    struct err e = ERR_NONE;
    struct stat st;
    uint8_t *bytes = content(s);

    OK(restore_tree_path(&tree, s->path, path, &e));
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_msg((st.st_mode & 07777) == s->mode, "\"%s\" has mode %o", path, (unsigned) st.st_mode);
    if (S_ISREG(st.st_mode)) {
        ck_assert_int_eq(chmod(path, 0600), 0);
        OK(buf_read_file(&there, path, &e));
        ck_assert_uint_eq(there.len, s->size);
        ck_assert_msg(s->size == 0 || memcmp(there.data, bytes, s->size) == 0, "\"%s\" differs", path);
    }
    free(bytes);
}

START_TEST(every_file_comes_back_byte_for_byte)
{
    static const struct sample samples[] = {
        {"base/", 0700, EMPTY, 0},
        {"base/empty", 0600, EMPTY, 0},
        {"base/one", 0600, NOISE, 1},
        {"base/zeros", 0640, ZEROS, 3 * CHUNK + 7},
        {"base/chunk", 0600, NOISE, CHUNK},
        {"base/below", 0600, NOISE, CHUNK - 1},
        {"base/above", 0600, NOISE, CHUNK + 1},
        {"base/holes", 0600, HOLES, 9 * CHUNK + 5},
        {"base/hole_at_the_end", 0600, HOLES, 2 * CHUNK + 5},
        {"base/packs", 0600, NOISE, 3 * PACK + 1},
        {"base/a b%\t\n\x7f\xff\xc3", 0600, NOISE, 100},
        {"base/same", 0600, NOISE, 100},
        {"global/", 0700, EMPTY, 0},
        {TREE_CONTROL, 0600, NOISE, 8192},
    };
    struct err e = ERR_STALE;
    char path[TREE_PATH_MAX];

    store(samples, COUNT(samples));
    OK(restore(&e));
    ck_assert_str_eq(e.text, ERR_STALE.text);
    for (size_t i = 0; i < COUNT(samples); i++)
        check_sample(&samples[i]);
    (void) snprintf(path, sizeof(path), "%s/" TREE_CONTROL, tree.pgdata);
    ck_assert_int_eq(access(path, F_OK), -1); /* not before the end */
}
END_TEST

START_TEST(many_small_files_come_back)
{
    static struct sample samples[500];
    static char names[COUNT(samples)][32];
    struct err e = ERR_STALE;

    for (size_t i = 0; i < COUNT(samples); i++) {
        (void) snprintf(names[i], sizeof(names[i]), "base/%zu", i);
        samples[i] = (struct sample){names[i], 0600, NOISE, 1 + i * 3};
    }
    samples[0] = (struct sample){"base/", 0700, EMPTY, 0};
    store(samples, COUNT(samples));
    OK(restore(&e));
    for (size_t i = 0; i < COUNT(samples); i++)
        check_sample(&samples[i]);
}
END_TEST

/* As the owner that is not root: only then do permissions bind. */
START_TEST(what_may_only_be_read_is_restored_too)
{
    static const struct sample samples[] = {
        {"locked/", 0500, EMPTY, 0},        {"locked/in/", 0500, EMPTY, 0},
        {"locked/in/file", 0400, NOISE, 9}, {"server.key", 0400, NOISE, CHUNK},
        {"zeros", 0400, ZEROS, 5},
    };
    struct err e = ERR_STALE;
    int status;
    pid_t child;

    store(samples, COUNT(samples));
    if (geteuid() == 0) {
        ck_assert_int_eq(chown(scratch, NOBODY, NOBODY), 0);
        ck_assert_int_eq(chown(tree.pgdata, NOBODY, NOBODY), 0);
    }
    child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        if (geteuid() == 0 &&
            (setresgid(NOBODY, NOBODY, NOBODY) != 0 || setresuid(NOBODY, NOBODY, NOBODY) != 0))
            _exit(2);
        if (restore(&e) == ERR_OK)
            _exit(0);
        (void) fprintf(stderr, "%s\n", e.text);
        _exit(1);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %x", (unsigned) status);
    for (size_t i = COUNT(samples); i-- > 0;)
        check_sample(&samples[i]);
    ck_assert_int_eq(chmod(scratch_path(tree.pgdata, "locked"), 0700), 0);
    ck_assert_int_eq(chmod(scratch_path(tree.pgdata, "locked/in"), 0700), 0);
}
END_TEST

/* ---- an index that asks for something else ---- */

/* Put this text in the index's place, as a sealed object that info promises. */
static enum err_code push_text(void *text, struct sink *to, struct err *e)
{
    return sink_write(to, text, strlen(text), e);
}

static void plant(const char *records)
{
    CLEANUP(descriptor_clear) struct descriptor d = {0};
    CLEANUP(buf_clear) struct buf text = BUF_INIT(8192);
    enum object_outcome outcome;
    char key[STORE_KEY_MAX + 1];
    struct err e = ERR_NONE;

    OK(buf_printf(&text, &e, "pitr-index 1 " ID "\nS\t0\t" ID "\n%s", records));
    OK(object_describe_new(&repo, "index", ID, &d, &e));
    OK(sha256(text.data, text.len, d.sha256, &e));
    d.size = text.len;
    d.sized = true;
    memcpy(info.index_sha256, d.sha256, SHA256_BYTES);
    layout_backup_index(&layout, ID, key);
    OK(object_put(&repo, key, &d, push_text, (void *) buf_cstr(&text), &outcome, &e));
}

#define HASH "0000000000000000000000000000000000000000000000000000000000000000"

static const struct {
    const char *why, *records, *text;
} planted[] = {
    {"fine, so that the others fail for their own reason", "D\t700\tbase\nE\t0\t0\t0\n", NULL},
    {"a link that leads out", "L\tpg_wal\t/etc\nE\t0\t0\t0\n", "symbolic link \"pg_wal\""},
    {"a file above", "F\t600\t0\t0\t../x\nX\t00000000\nE\t1\t0\t0\n", "line 3"},
    {"an absolute file", "F\t600\t0\t0\t/tmp/x\nX\t00000000\nE\t1\t0\t0\n", "line 3"},
    {"a file twice", "F\t600\t0\t0\tx\nX\t00000000\nF\t600\t0\t0\tx\nX\t00000000\nE\t2\t0\t0\n",
     "could not create file"},
    {"a file in a directory that is not named", "F\t600\t0\t0\tno/x\nX\t00000000\nE\t1\t0\t0\n",
     "could not create file"},
    {"a pack that is not there",
     "F\t600\t1\t0\tx\nC\t1\t" HASH "\t0\t900\t0\t0\t64\nX\t00000000\nE\t1\t1\t1\n", "pack-000900"},
    {"a source that is not named",
     "F\t600\t1\t0\tx\nC\t1\t" HASH "\t1\t0\t0\t0\t64\nX\t00000000\nE\t1\t1\t1\n", "line 4"},
    {"no end", "D\t700\tbase\n", "end"},
};

START_TEST(an_index_that_asks_for_something_else_is_refused)
{
    struct err e = ERR_NONE;

    plant(planted[_i].records);
    if (planted[_i].text == NULL) {
        OK(restore(&e));
        return;
    }
    ck_assert_msg(restore(&e) != ERR_OK, "%s", planted[_i].why);
    ck_assert_msg(strstr(e.text, planted[_i].text) != NULL, "%s: %s", planted[_i].why, e.text);
}
END_TEST

START_TEST(another_index_than_promised_is_refused)
{
    struct err e = ERR_NONE;

    plant(planted[0].records);
    info.index_sha256[0] ^= 1;
    ck_assert_int_ne(restore(&e), ERR_OK);
    ck_assert_msg(strstr(e.text, "is not the one its summary promises") != NULL, "%s", e.text);
}
END_TEST

/* ---- against the server's manifest ---- */

#define START 0x4000028
#define STOP  0x5000100
#define RANGES                                                                     \
    "{\"Timeline\": 2, \"Start-LSN\": \"0/5000000\", \"End-LSN\": \"0/5000100\"}," \
    "{\"Timeline\": 1, \"Start-LSN\": \"0/4000028\", \"End-LSN\": \"0/5000000\"}"

static const struct sample promised[] = {{"base/", 0700, EMPTY, 0}, {"base/one", 0600, NOISE, 100}};

/* A manifest of one file, with what it is to say of it, and as its ranges the WAL from START to STOP. */
static void write_manifest(const char *path, size_t size, uint32_t crc, const char *more_files)
{
    CLEANUP(buf_clear) struct buf text = BUF_INIT(8192);
    uint8_t digest[SHA256_BYTES];
    char hex[2 * SHA256_BYTES + 1];
    struct err e = ERR_NONE;
    FILE *file = fopen(scratch_path(tree.pgdata, "backup_manifest"), "w");

    OK(buf_printf(
        &text, &e,
        "{\"PostgreSQL-Backup-Manifest-Version\": 1,\n\"Files\": [{\"Path\": \"%s\", \"Size\": %zu, "
        "\"Checksum-Algorithm\": \"CRC32C\", \"Checksum\": \"%02x%02x%02x%02x\"}%s],\n"
        "\"WAL-Ranges\": [" RANGES "],\n",
        path, size, crc & 0xff, crc >> 8 & 0xff, crc >> 16 & 0xff, crc >> 24, more_files));
    OK(sha256(text.data, text.len, digest, &e));
    hex_format(digest, sizeof(digest), hex);
    ck_assert_ptr_nonnull(file);
    ck_assert_int_gt(fprintf(file, "%s\"Manifest-Checksum\": \"%s\"}\n", buf_cstr(&text), hex), 0);
    ck_assert_int_eq(fclose(file), 0);
}

static uint32_t promised_crc(void)
{
    uint8_t *bytes = content(&promised[1]);
    uint32_t crc = crc32c(0, bytes, promised[1].size);

    free(bytes);
    return crc;
}

/* What backup.json says, and what the manifest says of the one file. */
static const struct {
    const char *why;
    uint32_t timeline;
    lsn start, stop;
    const char *path;
    size_t size;
    uint32_t crc_flip;
    const char *more_files;
    const char *text; /* of the refusal; NULL: none */
} checked[] = {
    {"all as promised", 2, START, STOP, "base/one", 100, 0, "", NULL},
    {"an older timeline", 1, START, STOP, "base/one", 100, 0, "", "timeline or LSNs differ"},
    {"a newer timeline", 3, START, STOP, "base/one", 100, 0, "", "timeline or LSNs differ"},
    {"an earlier start", 2, START - 8, STOP, "base/one", 100, 0, "", "timeline or LSNs differ"},
    {"a later start", 2, START + 8, STOP, "base/one", 100, 0, "", "timeline or LSNs differ"},
    {"an earlier stop", 2, START, STOP - 8, "base/one", 100, 0, "", "timeline or LSNs differ"},
    {"a later stop", 2, START, STOP + 8, "base/one", 100, 0, "", "timeline or LSNs differ"},
    {"a file under another name", 2, START, STOP, "base/two", 100, 0, "", "is not in the server's manifest"},
    {"another size", 2, START, STOP, "base/one", 101, 0, "", "is not what the server's manifest promises"},
    {"other content", 2, START, STOP, "base/one", 100, 1, "", "is not what the server's manifest promises"},
    {"a file that is not there", 2, START, STOP, "base/one", 100, 0, ",{\"Path\": \"x\", \"Size\": 0}",
     "names 2 files, the index 1"},
};

START_TEST(what_the_servers_manifest_does_not_confirm_is_refused)
{
    CLEANUP(restore_files_freep) struct restore_files *f = NULL;
    struct err e = ERR_NONE;
    enum err_code code;

    store(promised, COUNT(promised));
    OK(lay_out_and_fill(&f, &e));
    write_manifest(checked[_i].path, checked[_i].size, promised_crc() ^ checked[_i].crc_flip,
                   checked[_i].more_files);
    info.timeline = checked[_i].timeline;
    info.start_lsn = checked[_i].start;
    info.stop_lsn = checked[_i].stop;
    code = restore_files_check(f, &info, &e);
    ck_assert_msg(code == (checked[_i].text == NULL ? ERR_OK : ERR_CORRUPT), "%s: %d, %s", checked[_i].why,
                  (int) code, e.text);
    ck_assert_msg(checked[_i].text == NULL || strstr(e.text, checked[_i].text) != NULL, "%s: %s",
                  checked[_i].why, e.text);
}
END_TEST

START_TEST(without_the_servers_manifest_nothing_is_confirmed)
{
    CLEANUP(restore_files_freep) struct restore_files *f = NULL;
    struct err e = ERR_NONE;

    store(promised, COUNT(promised));
    OK(lay_out_and_fill(&f, &e));
    ck_assert_int_ne(restore_files_check(f, &info, &e), ERR_OK);
    ck_assert_msg(strstr(e.text, "backup_manifest") != NULL, "%s", e.text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ops/restore_files");
    TCase *tcase = tcase_create("ops/restore_files");

    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, every_file_comes_back_byte_for_byte);
    tcase_add_test(tcase, many_small_files_come_back);
    tcase_add_test(tcase, what_may_only_be_read_is_restored_too);
    tcase_add_loop_test(tcase, an_index_that_asks_for_something_else_is_refused, 0, (int) COUNT(planted));
    tcase_add_test(tcase, another_index_than_promised_is_refused);
    tcase_add_loop_test(tcase, what_the_servers_manifest_does_not_confirm_is_refused, 0,
                        (int) COUNT(checked));
    tcase_add_test(tcase, without_the_servers_manifest_nothing_is_confirmed);
    suite_add_tcase(suite, tcase);
    return check_main(suite);
}
