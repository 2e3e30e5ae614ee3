/*
 * cli/near.c - see cli/near.h.
 *
 * Optimal string alignment distance over three rows. Words are short, so the rows are fixed arrays and longer words
 * are never close.
 */
#include "cli/near.h"

#include <string.h>

#define NEAR_WORD_MAX 48

static size_t min3(size_t a, size_t b, size_t c)
{
    size_t ab = a < b ? a : b;

    return ab < c ? ab : c;
}

static size_t distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
    size_t rows[3][NEAR_WORD_MAX + 1];

    for (size_t j = 0; j <= b_len; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= a_len; i++) {
        size_t *row = rows[i % 3];
        const size_t *above = rows[(i + 2) % 3];
        const size_t *two_above = rows[(i + 1) % 3];

        row[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            row[j] = min3(above[j] + 1, row[j - 1] + 1, above[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                two_above[j - 2] + 1 < row[j])
                row[j] = two_above[j - 2] + 1;
        }
    }
    return rows[a_len % 3][b_len];
}

void near_init(struct near *n, const char *word, size_t len)
{
    size_t third = len / 3;

    *n = (struct near){.word = word, .len = len, .distance = (third < 2 ? third : 2) + 1};
}

void near_offer(struct near *n, const char *candidate)
{
    size_t len = strlen(candidate);
    size_t d;

    if (n->len > NEAR_WORD_MAX || len > NEAR_WORD_MAX)
        return;
    d = distance(n->word, n->len, candidate, len);
    if (d < n->distance) {
        n->distance = d;
        n->best = candidate;
    }
}
