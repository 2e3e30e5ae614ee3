/*
 * codec/libarchive.h - libarchive, opened when the first tar stream is read (base/library.h).
 *
 * Its functions are called as libarchive.read_new(), libarchive.entry_size(entry).
 */
#pragma once
#include "base/err.h"
#include <archive.h>
#include <archive_entry.h>

/* Without the "archive_" in front. */
#define LIBARCHIVE_FUNCTIONS(F)  \
    F(entry_filetype)            \
    F(entry_hardlink)            \
    F(entry_mtime)               \
    F(entry_pathname)            \
    F(entry_perm)                \
    F(entry_size)                \
    F(entry_size_is_set)         \
    F(entry_sparse_count)        \
    F(entry_symlink)             \
    F(error_string)              \
    F(filter_bytes)              \
    F(read_data_block)           \
    F(read_free)                 \
    F(read_new)                  \
    F(read_next_header)          \
    F(read_open)                 \
    F(read_support_format_empty) \
    F(read_support_format_tar)   \
    F(set_error)

struct libarchive {
#define LIBARCHIVE_MEMBER(name) __typeof__(archive_##name) *name;
    LIBARCHIVE_FUNCTIONS(LIBARCHIVE_MEMBER)
#undef LIBARCHIVE_MEMBER
};

/* Filled by libarchive_load. */
extern struct libarchive libarchive;

/* Fails with ERR_IO. */
enum err_code libarchive_load(struct err *e);
