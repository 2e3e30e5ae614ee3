/*
 * test_json_text.c - a clear JSON text is one of this program's format version, or the message says what it is.
 */
#include "repo/json_text.h"

#include "check_main.h"

#include <errno.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

START_TEST(a_text_of_our_version_is_read)
{
    static const char text[] = "{\"format\": 1, \"more\": [2]}";
    struct err e = {.code = ERR_ABSENT, .text = "left by an earlier call"};
    json_t *root = NULL;

    ck_assert_int_eq(json_text_parse(text, strlen(text), "line.json", &root, &e), ERR_OK);
    ck_assert_str_eq(e.text, "left by an earlier call");
    ck_assert_uint_eq(json_array_size(json_object_get(root, "more")), 1);
    json_decref(root);
}
END_TEST

START_TEST(anything_else_is_damage_and_named)
{
    static const struct {
        const char *text, *says;
    } table[] = {
        {"", "\"line.json\" is not JSON: line 1"},
        {"{\"format\": 1", "\"line.json\" is not JSON: line 1"},
        {"{\n\"format\": 1,\n\"format\": 1}", "\"line.json\" is not JSON: line 3"},
        {"{\"format\": 1} x", "\"line.json\" is not JSON: line 1"},
        {"[1]", "\"line.json\" has no format version"},
        {"{}", "\"line.json\" has no format version"},
        {"{\"format\": \"1\"}", "\"line.json\" has no format version"},
        {"{\"format\": 1.0}", "\"line.json\" has no format version"},
        {"{\"format\": 0}", "\"line.json\" has format version 0, this program knows 1"},
        {"{\"format\": 2, \"new\": null}", "\"line.json\" has format version 2, this program knows 1"},
    };

    for (size_t i = 0; i < COUNT(table); i++) {
        struct err e = {.code = ERR_OK};
        json_t *root = NULL;

        ck_assert_int_eq(json_text_parse(table[i].text, strlen(table[i].text), "line.json", &root, &e),
                         ERR_CORRUPT);
        ck_assert_msg(strncmp(e.text, table[i].says, strlen(table[i].says)) == 0, "%s: %s", table[i].text,
                      e.text);
        ck_assert_ptr_null(root);
    }
}
END_TEST

static int allocations_left;

static void *short_malloc(size_t size)
{
    if (allocations_left-- > 0)
        return malloc(size);
    errno = ENOMEM;
    return NULL;
}

START_TEST(no_memory_is_not_taken_for_damage)
{
    static const char text[] = "{\"format\": 1, \"name\": \"value\", \"list\": [1, 2.5, {}]}";
    enum err_code code = ERR_IO;
    int tries = 0;

    json_set_alloc_funcs(short_malloc, free);
    for (; code != ERR_OK; tries++) {
        struct err e = {.code = ERR_OK};
        json_t *root;

        allocations_left = tries;
        code = json_text_parse(text, strlen(text), "line.json", &root, &e);
        if (code == ERR_OK)
            json_decref(root);
        else
            ck_assert_msg(code == ERR_IO && e.sys_errno == ENOMEM, "%d allocations: %s", tries, e.text);
    }
    ck_assert_int_gt(tries, 5);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_text_of_our_version_is_read,
        anything_else_is_damage_and_named,
        no_memory_is_not_taken_for_damage,
    };

    return check_main(suite_of("repo/json_text", tests, COUNT(tests)));
}
