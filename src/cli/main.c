/*
 * cli/main.c - argv to exit status.
 */
#include "cli/invoke.h"

int main(int argc, char **argv)
{
    return invoke(argc, argv);
}
