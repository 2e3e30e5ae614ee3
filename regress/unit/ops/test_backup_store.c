/*
 * test_backup_store.c - files as they come, in pieces of any size, become an index and packs; what is as before is not
 * stored again; and files that are not what the server promises are no backup.
 */
#include "ops/backup_store.h"

#include "../repo/in_memory.h"
#include "../scratch.h"
#include "codec/crc32c.h"
#include "repo/object.h"

#include <stdio.h>

#define FIRST  "20261119T021500Z-0001"
#define SECOND "20261120T021500Z-0002"
#define CHUNK  ((uint32_t) 32 << 10)
#define FILES  40

static char scratch[SCRATCH_MAX];
static struct spool *spool;
static struct backup_previous *previous;
static struct backup_store *store;
static struct backup_info info;
static struct manifest manifest;

/* File i: as many bytes, and the number from which its content is made; stretches of it are zeros. */
static uint64_t seeds[FILES];

static size_t size_of(size_t i)
{
    return i % 5 == 0 ? 0 : i % 5 == 1 ? 8192 : i * 15000;
}

static uint8_t *content(size_t i)
{
    uint64_t state = seeds[i];
    uint8_t *bytes = calloc(1, size_of(i) + 1);

    ck_assert_ptr_nonnull(bytes);
    for (size_t n = 0; n < size_of(i); n++)
        if (n / CHUNK % 4 != 2)
            bytes[n] = (uint8_t) (next_number(&state) >> 24 & 15);
    return bytes;
}

static void path_of(size_t i, char out[32])
{
    (void) snprintf(out, 32, "base/%02zu", i);
}

static void set_up(void)
{
    struct err e = ERR_NONE;

    repo_set_up();
    scratch_make(scratch);
    OK(spool_open(scratch_path(scratch, "spool"), "main", &spool, &e));
    for (size_t i = 0; i < FILES; i++)
        seeds[i] = i + 1;
    previous = NULL;
    store = NULL;
    info = (struct backup_info){0};
    manifest = MANIFEST_EMPTY;
}

static void tear_down(void)
{
    backup_store_free(store);
    backup_previous_free(previous);
    backup_info_clear(&info);
    manifest_clear(&manifest);
    spool_free(spool);
    scratch_remove(scratch);
    repo_tear_down();
}

static void store_new(const char *id)
{
    struct err e = ERR_NONE;

    backup_store_freep(&store);
    backup_previous_freep(&previous);
    OK(backup_previous_load(&repo, &layout, spool, &previous, &e));
    OK(backup_store_new(&(struct backup_store_options){.repo = &repo,
                                                       .layout = &layout,
                                                       .id = id,
                                                       .previous = previous,
                                                       .draft_dir = scratch,
                                                       .chunk_bytes = CHUNK,
                                                       .pack_bytes = 1 << 20,
                                                       .jobs = 3},
                        &store, &e));
}

/* A file in pieces of these bytes. */
static enum err_code send_file(size_t i, size_t piece, struct err *e)
{
    uint8_t *bytes = content(i);
    enum err_code code;
    char path[32];

    path_of(i, path);
    code = backup_store_file(store, path, 0600, size_of(i), 0, e);
    for (size_t at = 0; code == ERR_OK && at < size_of(i); at += piece)
        code = backup_store_data(store, bytes + at, size_of(i) - at < piece ? size_of(i) - at : piece, e);
    free(bytes);
    return code == ERR_OK ? backup_store_file_end(store, e) : code;
}

static enum err_code send_all(struct err *e)
{
    static const size_t pieces[] = {32768, 512, 100000, 65536};

    if (backup_store_tablespace(store, 16400, "/mnt/fast", e) != ERR_OK ||
        backup_store_directory(store, "base", 0700, e) != ERR_OK ||
        backup_store_link(store, "pg_tblspc/16400", "/mnt/fast", e) != ERR_OK)
        return e->code;
    for (size_t i = 0; i < FILES; i++)
        if (send_file(i, pieces[i % COUNT(pieces)], e) != ERR_OK)
            return e->code;
    return ERR_OK;
}

/* The manifest of these files. */
static void promise(void)
{
    manifest.files = calloc(FILES, sizeof(*manifest.files));
    ck_assert_ptr_nonnull(manifest.files);
    for (size_t i = 0; i < FILES; i++) {
        struct manifest_file *f = &manifest.files[manifest.file_count++];
        uint8_t *bytes = content(i);
        uint32_t crc = crc32c(0, bytes, size_of(i));
        char path[32];

        path_of(i, path);
        *f = (struct manifest_file){
            .path = strdup(path), .size = size_of(i), .algorithm = MANIFEST_CRC32C, .digest = malloc(4)};
        for (int k = 0; k < 4; k++)
            f->digest[k] = (uint8_t) (crc >> (8 * k));
        free(bytes);
    }
}

static void finish(const char *id)
{
    CLEANUP(buf_clear) struct buf path = BUF_INIT(8192);
    struct err e = ERR_NONE;

    OK(backup_store_flush(store, &e));
    OK(backup_store_index(store, &info, &e));
    memcpy(info.id, id, BACKUP_ID_MAX);
    info.timeline = 1;
    info.start_lsn = 40;
    info.stop_lsn = 400;
    info.system_identifier = SYSTEM;
    info.segment_bytes = 1 << 20;
    OK(backup_info_write(&repo, &layout, &info, &e));
    ck_assert(spool_index_path(spool, repo_place(&repo), &path));
    OK(backup_store_keep(store, buf_cstr(&path), &e));
}

struct index_seen {
    size_t file; /* behind the last one begun */
    uint64_t at;
    size_t chunks, new_chunks;
    size_t others; /* tablespace, directory, link */
    const uint8_t *bytes;
};

static enum err_code visit(const struct index_record *r, void *arg, struct err *e)
{
    struct index_seen *seen = arg;
    uint8_t digest[SHA256_BYTES];
    char path[32];

    seen->others += r->type == INDEX_TABLESPACE || r->type == INDEX_DIRECTORY || r->type == INDEX_LINK;
    if (r->type == INDEX_FILE) {
        path_of(seen->file, path);
        ck_assert_str_eq(r->path, path);
        seen->bytes = content(seen->file++);
        seen->at = 0;
    } else if (r->type == INDEX_CHUNK) {
        ck_assert_int_eq(sha256(seen->bytes + seen->at, r->chunk.length, digest, e), ERR_OK);
        ck_assert_mem_eq(r->chunk.sha256, digest, SHA256_BYTES);
        ck_assert_uint_eq(seen->at % CHUNK, 0);
        seen->at += r->chunk.length;
        seen->chunks++;
        seen->new_chunks += r->chunk.source == 0;
    } else if (r->type == INDEX_ZEROS) {
        for (uint64_t end = seen->at + r->size; seen->at < end; seen->at++)
            ck_assert_uint_eq(seen->bytes[seen->at], 0);
    } else if (r->type == INDEX_FILE_END) {
        ck_assert_uint_eq(seen->at, size_of(seen->file - 1));
        ck_assert_uint_eq(r->crc32c, crc32c(0, seen->bytes, seen->at));
        free((void *) (uintptr_t) seen->bytes);
        seen->bytes = NULL;
    }
    return ERR_OK;
}

/* The stored index describes the files as they are now. */
static struct index_seen read_index(const char *id)
{
    CLEANUP(buf_clear) struct buf text = BUF_INIT(RAW_MAX);
    CLEANUP(sink_freep) struct sink *parser = NULL;
    struct index_seen seen = {0};
    char key[STORE_KEY_MAX + 1];
    struct err e = ERR_NONE;

    layout_backup_index(&layout, id, key);
    OK(object_get_bytes(&repo, key, "index", id, &text, &e));
    OK(index_read_sink_new(id, visit, &seen, &parser, &e));
    OK(sink_write(parser, text.data, text.len, &e));
    OK(sink_finish(parser, &e));
    ck_assert_uint_eq(seen.file, FILES);
    ck_assert_uint_eq(seen.others, 3);
    ck_assert_uint_eq(info.chunks, seen.chunks);
    ck_assert_uint_eq(info.new_chunks, seen.new_chunks);
    return seen;
}

static void take_first(void)
{
    struct err e = ERR_NONE;

    store_new(FIRST);
    OK(send_all(&e));
    promise();
    OK(backup_store_check(store, &manifest, &e));
    finish(FIRST);
}

START_TEST(the_index_tells_every_file_in_its_order_whatever_pieces_it_came_in)
{
    struct index_seen seen;

    take_first();
    seen = read_index(FIRST);
    ck_assert_uint_gt(seen.chunks, 150);
    ck_assert_uint_eq(seen.new_chunks, seen.chunks);
    ck_assert_uint_gt(info.packs, 3);
    ck_assert_uint_eq(info.files, FILES);
}
END_TEST

START_TEST(only_what_changed_is_stored_again)
{
    struct index_seen seen;
    struct err e = ERR_NONE;

    take_first();
    backup_info_clear(&info);
    info = (struct backup_info){0};
    seeds[19] = 1000; /* 285000 bytes: nine chunks, two of them zeros */
    store_new(SECOND);
    OK(send_all(&e));
    finish(SECOND);
    seen = read_index(SECOND);
    ck_assert_uint_eq(seen.new_chunks, 7);
    ck_assert_uint_eq(info.packs, 1);
    ck_assert_uint_eq(info.source_count, 1);
    ck_assert_str_eq(info.sources[0].id, FIRST);
}
END_TEST

START_TEST(what_the_manifest_does_not_promise_is_refused)
{
    struct err e = ERR_NONE;

    store_new(FIRST);
    OK(send_all(&e));
    promise();
    OK(backup_store_check(store, &manifest, &e));
    manifest.files[19].digest[0] ^= 1;
    ck_assert_int_eq(backup_store_check(store, &manifest, &e), ERR_CORRUPT);
    ck_assert_ptr_nonnull(strstr(e.text, "base/19"));
    manifest.files[19].digest[0] ^= 1;
    manifest.files[7].size++;
    ck_assert_int_eq(backup_store_check(store, &manifest, &e), ERR_CORRUPT);
    manifest.files[7].size--;
    manifest.files[FILES - 1].path[0] = 'x';
    ck_assert_int_eq(backup_store_check(store, &manifest, &e), ERR_CORRUPT);
    manifest.files[FILES - 1].path[0] = 'b';
    OK(backup_store_check(store, &manifest, &e));
}
END_TEST

START_TEST(a_file_of_another_size_than_it_was_said_to_have_is_refused)
{
    static const uint8_t bytes[100];
    struct err e = ERR_NONE;

    store_new(FIRST);
    OK(backup_store_file(store, "short", 0600, 100, 0, &e));
    OK(backup_store_data(store, bytes, 99, &e));
    ck_assert_int_eq(backup_store_file_end(store, &e), ERR_CORRUPT);
    store_new(FIRST);
    OK(backup_store_file(store, "long", 0600, 100, 0, &e));
    OK(backup_store_data(store, bytes, 100, &e));
    ck_assert_int_eq(backup_store_data(store, bytes, 1, &e), ERR_CORRUPT);
    ck_assert_ptr_nonnull(strstr(e.text, "\"long\" came with 101 bytes instead of 100"));
}
END_TEST

START_TEST(a_pack_that_can_not_be_stored_ends_the_backup_whichever_it_is)
{
    for (uint64_t nth = 1; nth <= 4; nth++) {
        struct err e = ERR_NONE;
        enum err_code code;

        store_new(FIRST);
        faulty_fail(repo.store,
                    &(struct faulty_plan){.at = FAULTY_FINISH, .nth = nth, .kind = ERR_UNREACHABLE});
        code = send_all(&e);
        if (code == ERR_OK)
            code = backup_store_flush(store, &e);
        ck_assert_int_eq(code, ERR_UNREACHABLE);
        backup_store_freep(&store);
        tear_down();
        set_up();
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        the_index_tells_every_file_in_its_order_whatever_pieces_it_came_in,
        only_what_changed_is_stored_again,
        what_the_manifest_does_not_promise_is_refused,
        a_file_of_another_size_than_it_was_said_to_have_is_refused,
        a_pack_that_can_not_be_stored_ends_the_backup_whichever_it_is,
    };

    return check_main(suite_between("ops/backup_store", set_up, tear_down, tests, COUNT(tests)));
}
