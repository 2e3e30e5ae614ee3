/*
 * replay.c - runs a fuzz target over the files of a directory, without libFuzzer: replay CORPUS
 *
 * So every input that was ever of interest is a test. TAP on standard output; a target that finds fault aborts.
 */
#include "base/buf.h"

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void replay(const char *directory, const char *name)
{
    CLEANUP(buf_clear) struct buf input = BUF_INIT((size_t) 1 << 24);
    struct err e = ERR_NONE;
    char path[4096];

    (void) snprintf(path, sizeof(path), "%s/%s", directory, name);
    if (buf_read_file(&input, path, &e) != ERR_OK) {
        (void) printf("Bail out! %s\n", e.text);
        exit(EXIT_FAILURE);
    }
    (void) LLVMFuzzerTestOneInput(input.data, input.len);
}

int main(int argc, char **argv)
{
    struct dirent **names;
    int count = argc == 2 ? scandir(argv[1], &names, NULL, alphasort) : -1, tests = 0;

    (void) setvbuf(stdout, NULL, _IOLBF, 0);
    for (int i = 0; i < count; i++) {
        if (names[i]->d_name[0] != '.') {
            replay(argv[1], names[i]->d_name);
            (void) printf("ok %d - %s\n", ++tests, names[i]->d_name);
        }
        free(names[i]);
    }
    if (count >= 0)
        free(names);
    (void) printf("1..%d\n", tests);
    return tests > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
