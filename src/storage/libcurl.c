/*
 * storage/libcurl.c - see storage/libcurl.h.
 *
 * An option's number tells the type of its value: thousands of ten apart are long, pointer, function, curl_off_t, blob.
 * A value has to be taken and given on as that type, or its upper half is lost where a long is shorter.
 */
#include "storage/libcurl.h"

#include "base/library.h"

#include <pthread.h>
#include <stdarg.h>
#include <stddef.h>

#undef curl_easy_setopt
#undef curl_easy_getinfo

struct libcurl libcurl;

static const struct library_symbol symbols[] = {
#define SYMBOL(name) {"curl_" #name, &libcurl.name},
    LIBCURL_FUNCTIONS(SYMBOL)
#undef SYMBOL
        {NULL, NULL}};

/* libcurl.so.4 has kept its ABI since 2006. */
static struct library library = {.soname = "libcurl.so.4", .package = "libcurl4", .symbols = symbols};

static CURLcode initialised = CURLE_FAILED_INIT;

static void initialise(void)
{
    initialised = libcurl.global_init(CURL_GLOBAL_DEFAULT);
}

enum err_code libcurl_load(struct err *e)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    if (library_load(&library, e) != ERR_OK)
        return e->code;
    (void) pthread_once(&once, initialise);
    if (initialised != CURLE_OK)
        return err_set(e, ERR_IO, "could not initialise libcurl: %s", libcurl.easy_strerror(initialised));
    return ERR_OK;
}

CURLcode curl_easy_setopt(CURL *easy, CURLoption option, ...)
{
    CURLcode rc;
    va_list value;

    va_start(value, option);
    if (option < CURLOPTTYPE_OBJECTPOINT)
        rc = libcurl.easy_setopt(easy, option, va_arg(value, long));
    else if (option >= CURLOPTTYPE_OFF_T && option < CURLOPTTYPE_BLOB)
        rc = libcurl.easy_setopt(easy, option, va_arg(value, curl_off_t));
    else
        rc = libcurl.easy_setopt(easy, option,
                                 va_arg(value, void *)); /* or a function: POSIX, as in library.c */
    va_end(value);
    return rc;
}

CURLcode curl_easy_getinfo(CURL *easy, CURLINFO info, ...)
{
    CURLcode rc;
    va_list value;

    va_start(value, info);
    rc = libcurl.easy_getinfo(easy, info, va_arg(value, void *));
    va_end(value);
    return rc;
}
