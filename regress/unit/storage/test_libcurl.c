/* Tests of src/storage/libcurl.c: values reach libcurl whole, and its answers come back. */
#include "storage/libcurl.h"

#include "check_main.h"

#include <pthread.h>

#define THREADS 8

/* curl_easy_setopt and curl_easy_getinfo are long macros: check would repeat them in its message. */
START_TEST(what_is_set_comes_back_and_what_is_asked_is_answered)
{
    struct err e = ERR_NONE;
    long connects = 1;
    char *url = NULL, *data = NULL;
    curl_off_t size = 1;
    CURLcode rc = CURLE_OK;
    CURL *easy;

    ck_assert_int_eq(libcurl_load(&e), ERR_OK);
    easy = libcurl.easy_init();
    ck_assert_ptr_nonnull(easy);
    rc |= curl_easy_setopt(easy, CURLOPT_PRIVATE, (char *) &size);
    rc |= curl_easy_getinfo(easy, CURLINFO_PRIVATE, &data);
    rc |= curl_easy_getinfo(easy, CURLINFO_NUM_CONNECTS, &connects);
    rc |= curl_easy_getinfo(easy, CURLINFO_SIZE_DOWNLOAD_T, &size);
    rc |= curl_easy_setopt(easy, CURLOPT_URL, "http://127.0.0.1/");
    rc |= curl_easy_getinfo(easy, CURLINFO_EFFECTIVE_URL, &url);
    ck_assert_int_eq(rc, CURLE_OK);
    ck_assert_ptr_eq(data, &size);
    ck_assert_int_eq(connects, 0);
    ck_assert_int_eq(size, 0);
    ck_assert_str_eq(url, "http://127.0.0.1/");
    libcurl.easy_cleanup(easy);
}
END_TEST

/* It can only tell good from bad by what has reached it whole: a long, a curl_off_t, a pointer. */
START_TEST(libcurl_takes_good_values_and_refuses_bad_ones)
{
    struct err e = ERR_NONE;
    CURLcode good = CURLE_OK, number, size, text;
    CURL *easy;

    ck_assert_int_eq(libcurl_load(&e), ERR_OK);
    easy = libcurl.easy_init();
    ck_assert_ptr_nonnull(easy);
    good |= curl_easy_setopt(easy, CURLOPT_PORT, 65535L);
    good |= curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t) 5 << 32);
    good |= curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "https");
    number = curl_easy_setopt(easy, CURLOPT_PORT, 65536L);
    size = curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t) -2);
    text = curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "no such protocol");
    ck_assert_int_eq(good, CURLE_OK);
    ck_assert_int_ne(number, CURLE_OK);
    ck_assert_int_ne(size, CURLE_OK);
    ck_assert_int_ne(text, CURLE_OK);
    libcurl.easy_cleanup(easy);
}
END_TEST

static void *first_use(void *arg)
{
    _Atomic int *good = arg;
    struct err e = ERR_NONE;
    CURL *easy;

    if (libcurl_load(&e) != ERR_OK)
        return NULL;
    easy = libcurl.easy_init();
    if (easy != NULL && libcurl.getdate("Sun, 06 Nov 1994 08:49:37 GMT", NULL) == 784111777)
        (*good)++;
    libcurl.easy_cleanup(easy);
    return NULL;
}

START_TEST(many_threads_may_be_the_first_at_once)
{
    _Atomic int good = 0;
    pthread_t threads[THREADS];

    for (size_t i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, first_use, &good), 0);
    for (size_t i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    ck_assert_int_eq(good, THREADS);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {many_threads_may_be_the_first_at_once,
                                  what_is_set_comes_back_and_what_is_asked_is_answered,
                                  libcurl_takes_good_values_and_refuses_bad_ones};

    return check_main(suite_of("storage/libcurl", tests, sizeof(tests) / sizeof(tests[0])));
}
