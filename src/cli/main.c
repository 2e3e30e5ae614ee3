/*
 * cli/main.c - argv to exit status.
 */
#include "base/heap.h"
#include "cli/invoke.h"

int main(int argc, char **argv)
{
    heap_prepare();
    return invoke(argc, argv);
}
