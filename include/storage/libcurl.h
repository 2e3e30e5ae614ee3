/*
 * storage/libcurl.h - libcurl, opened when the first connection is made (base/library.h).
 *
 * Its functions are called as libcurl.easy_init(), libcurl.multi_poll(…). Only curl_easy_setopt and curl_easy_getinfo
 * keep their names: curl.h makes macros of them, which check the type of the value and end in a call of the function so
 * named. The program has these two functions, they pass on.
 */
#pragma once
#include "base/err.h"
#include <curl/curl.h>

/* Without the "curl_" in front. */
#define LIBCURL_FUNCTIONS(F) \
    F(easy_cleanup)          \
    F(easy_getinfo)          \
    F(easy_init)             \
    F(easy_reset)            \
    F(easy_setopt)           \
    F(easy_strerror)         \
    F(getdate)               \
    F(global_init)           \
    F(multi_add_handle)      \
    F(multi_cleanup)         \
    F(multi_info_read)       \
    F(multi_init)            \
    F(multi_perform)         \
    F(multi_poll)            \
    F(multi_remove_handle)   \
    F(slist_append)          \
    F(slist_free_all)

struct libcurl {
#define LIBCURL_MEMBER(name) __typeof__(curl_##name) *name;
    LIBCURL_FUNCTIONS(LIBCURL_MEMBER)
#undef LIBCURL_MEMBER
};

/* Filled by libcurl_load. */
extern struct libcurl libcurl;

/* Open it, and initialise it once for all threads. Fails with ERR_IO. */
enum err_code libcurl_load(struct err *e);
