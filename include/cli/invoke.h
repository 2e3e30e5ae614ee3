/*
 * cli/invoke.h - the whole program: argv to exit status.
 */
#pragma once

int invoke(int argc, char **argv);
