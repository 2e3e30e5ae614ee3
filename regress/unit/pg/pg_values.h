/*
 * pg_values.h - values and words that a careless quoting would break; the pure tests and those against a real server
 * share them.
 */
#pragma once
#include <stddef.h>

static const char *const odd_values[] = {
    "",
    " ",
    "plain",
    "two words",
    " leading and trailing ",
    "it's",
    "'",
    "''",
    "'quoted'",
    "\\",
    "\\\\",
    "\\'",
    "'\\",
    "ends with \\",
    "C:\\new\\table\\01\\101\\x41",
    "\\n\\t\\b\\f\\r",
    "tab\there, return\rthere",
    "# no comment",
    "a = 'b' # c",
    "100%",
    "%",
    "%%",
    "%p %f %r %x",
    "$HOME ${HOME} $(id) `id`",
    "a;b|c&d>e<f(g)h{i}j[k]l*m?n~o!p^q",
    "\"double\"",
    "=",
    "a=b",
    "--option=value",
    "-n",
    "~root",
    "time",
    "!",
    "\x01\x1b[31m\x7f",
    "grün 日本語 🐘",
    "\xff\xfe not UTF-8",
    "include 'x'",
    "recovery_target_time = 'now'",
};
#define ODD_VALUES (sizeof(odd_values) / sizeof(odd_values[0]))
