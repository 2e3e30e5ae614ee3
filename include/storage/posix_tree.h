/*
 * storage/posix_tree.h - the directories of a posix store: found, made and removed without following a link.
 *
 * Everything is looked up component by component from the descriptor of the base directory. Functions that take a
 * key act on the directories above it: everything before its last slash.
 */
#pragma once
#include "storage/store.h"
#include <stdatomic.h>
#include <sys/types.h>

struct posix_tree {
    char *dir; /* absolute, no trailing slash; owned                              */
    int fd;    /* the base directory; -1 = none                                   */
    dev_t dev; /* what it was when it was opened                                  */
    ino_t ino;
    _Atomic ino_t synced; /* the directory last known to be durable up to the base, 0 = none */
};

/* Open, or make and open, the base directory. See posix_store_open. */
enum err_code posix_tree_open(struct posix_tree *t, const char *dir, bool create, struct err *e);
void posix_tree_clear(struct posix_tree *t);

/* Is the base still the directory that was opened? ERR_UNREACHABLE if not. */
enum err_code posix_tree_check(const struct posix_tree *t, struct err *e);

/*
 * Open the directory above a key, for the caller to close. ERR_ABSENT when a component is missing, ERR_REFUSED when
 * one is an object, ERR_CORRUPT when one is a link. The base is not checked: ask posix_tree_check before believing
 * an absence.
 */
enum err_code posix_tree_at(const struct posix_tree *t, const char *key, int *fd, struct err *e);

/* Make the directories above a key, durably. ERR_ABSENT when someone pruned them meanwhile: try again. */
enum err_code posix_tree_make(struct posix_tree *t, const char *key, struct err *e);

/* fsync one of the tree's directories. */
enum err_code posix_tree_sync(const struct posix_tree *t, int fd, struct err *e);

/* Remove the directories above a key that are empty. */
void posix_tree_prune(const struct posix_tree *t, const char *key);

/* The name behind the key's last slash. */
const char *posix_tree_name(const char *key);

/* The kind of error an errno stands for, see posix.h. */
enum err_code posix_kind(int sys_errno);

/* Close a descriptor unless it is -1. For CLEANUP(posix_closep). */
void posix_closep(int *fd);

/* The listing of store_list, in posix_list.c. */
enum err_code posix_tree_list(const struct posix_tree *t, const struct store_listing *what,
                              store_visit *visit, void *arg, struct err *e);
