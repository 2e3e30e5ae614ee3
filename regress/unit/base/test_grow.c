/*
 * test_grow.c - a list grows by doubling, keeps its items, and stays as it is when there is no memory.
 */
#include "base/grow.h"

#include "check_main.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>

START_TEST(a_list_keeps_its_items_while_it_grows)
{
    uint64_t *list = NULL;
    size_t room = 0, moves = 0;
    struct err e = {.code = ERR_CORRUPT, .text = "left by an earlier call"};

    for (size_t i = 0; i < 100000; i++) {
        size_t before = room;

        ck_assert_int_eq(grow(&list, i, &room, sizeof(*list), "a list", &e), ERR_OK);
        ck_assert_uint_gt(room, i);
        moves += room != before;
        list[i] = i * i;
    }
    for (uint64_t i = 0; i < 100000; i++)
        ck_assert_uint_eq(list[i], i * i);
    ck_assert_uint_eq(moves, 12); /* 64 to 131072 */
    ck_assert_str_eq(e.text, "left by an earlier call");
    free(list);
}
END_TEST

static bool is_out_of_memory;

/* In the library's place. */
void *reallocarray(void *list, size_t count, size_t size)
{
    return is_out_of_memory ? NULL : realloc(list, count * size);
}

START_TEST(without_memory_the_list_stays_as_it_is)
{
    uint64_t *list = NULL;
    size_t room = 0;
    struct err e = ERR_NONE;

    for (int i = 0; i < 2; i++) {
        uint64_t *before = list;
        size_t had = room;

        is_out_of_memory = true;
        ck_assert_int_eq(grow(&list, room, &room, sizeof(*list), "a list", &e), ERR_IO);
        is_out_of_memory = false;
        ck_assert_int_eq(e.sys_errno, ENOMEM);
        ck_assert_ptr_eq(list, before);
        ck_assert_uint_eq(room, had);
        ck_assert_int_eq(grow(&list, room, &room, sizeof(*list), "a list", &e), ERR_OK);
    }
    ck_assert_uint_eq(room, 128);
    free(list);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {a_list_keeps_its_items_while_it_grows,
                                  without_memory_the_list_stays_as_it_is};

    return check_main(suite_of("base/grow", tests, sizeof(tests) / sizeof(tests[0])));
}
