/*
 * base/attr.h - the compiler attributes the house uses, and nothing else.
 */
#pragma once

/* Run fn(&variable) when the variable leaves its scope; several run in reverse order of declaration. */
#define CLEANUP(fn) __attribute__((cleanup(fn)))

/* Let the compiler check a format string at argument f against the arguments from a on. */
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))
