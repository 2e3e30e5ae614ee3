/*
 * test_commands.c - the table of commands is whole.
 */
#include "cli/commands.h"

#include "check_main.h"

START_TEST(every_command_has_a_row_that_is_whole)
{
    const struct command *c = command_at((enum command_id) _i);

    ck_assert_int_eq((int) c->id, _i);
    ck_assert(c->name != NULL && c->synopsis != NULL && c->summary != NULL && c->detail != NULL);
    ck_assert(c->operands != NULL && c->operands_min <= c->operands_max);
    ck_assert_ptr_eq(command_named(c->name), c);
    ck_assert_ptr_eq(command_near(c->name), c);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cli/commands");
    TCase *tcase = tcase_create("commands");

    tcase_add_loop_test(tcase, every_command_has_a_row_that_is_whole, 0, COMMAND_COUNT);
    suite_add_tcase(suite, tcase);
    return check_main(suite);
}
