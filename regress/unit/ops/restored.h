/*
 * restored.h - what the tests of a restore share: a backup of made-up files in memory, and a directory for them.
 */
#pragma once
#include "../repo/in_memory.h"
#include "../scratch.h"
#include "ops/backup_store.h"
#include "ops/restore_files.h"
#include "ops/restore_fill.h"

#include <fcntl.h>

#define ID    "20261120T021500Z-1a2b"
#define CHUNK 65536
#define PACK  (4 * CHUNK) /* what it has room for, besides its descriptor and frames' heads */

static char scratch[SCRATCH_MAX];
static struct backup_info info;
static struct restore_tree tree;

static inline void set_up(void)
{
    repo_set_up();
    repo.codec = CODEC_NONE; /* what is stored is as large as what it is of */
    scratch_make(scratch);
    info = (struct backup_info){.id = ID};
    ck_assert_int_ge(asprintf(&tree.pgdata, "%s/data", scratch), 0);
    ck_assert_int_eq(mkdir(tree.pgdata, 0700), 0);
}

static inline void tear_down(void)
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
static inline uint8_t byte_at(const struct sample *s, size_t at)
{
    if (s->shape == ZEROS || (s->shape == HOLES && at / CHUNK % 2 == 0))
        return 0;
    return (uint8_t) ((at * 2654435761u >> 7) + strlen(s->path) + (at % CHUNK == 0));
}

static inline uint8_t *content(const struct sample *s)
{
    uint8_t *bytes = malloc(s->size + 1);

    ck_assert_ptr_nonnull(bytes);
    for (size_t i = 0; i < s->size; i++)
        bytes[i] = byte_at(s, i);
    return bytes;
}

/* Store these as a backup, files and directories (a path that ends with a slash), and its index. */
static inline void store(const struct sample *samples, size_t count)
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
                                                       .pack_bytes = PACK + CHUNK / 2,
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

static inline enum err_code lay_out_and_fill(struct restore_files **f, size_t threads, struct err *e)
{
    CLEANUP(progress_end) struct progress progress = {0};
    const struct restore_fill_options o = {.threads = threads, .progress = &progress};

    progress_begin(&progress, "restore", 0);
    if (restore_files_layout(&repo, &layout, &info, &tree, f, e) != ERR_OK)
        return ERR_CORRUPT;
    return restore_fill(*f, &o, e) != ERR_OK ? ERR_IO : ERR_OK;
}

static inline enum err_code restore(struct err *e)
{
    CLEANUP(restore_files_freep) struct restore_files *f = NULL;
    enum err_code code = lay_out_and_fill(&f, 3, e);

    return code != ERR_OK ? code : restore_files_modes(f, e);
}

static inline void check_sample(const struct sample *s)
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
