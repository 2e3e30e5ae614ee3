/*
 * ops/archive_noted.h - a file that an earlier call has archived ahead of its turn.
 */
#pragma once
#include "ops/archive_file.h"
#include "repo/ahead.h"
#include "repo/cluster.h"

/* What notes call the cluster's repositories. */
void archive_noted_places(const struct cluster *c, char out[AHEAD_PLACES_MAX]);

/* Does the note speak of f's line, and tell what a file of its kind needs? */
bool archive_noted_fits(const struct ahead_note *note, const struct archive_file *f);

/*
 * Does a note say that every repository holds this very file? The note is gone afterwards. No request, no key, no
 * connection; but a repository in a directory must show it still. Where the segment lies beyond one that could not be
 * archived in its turn, it gets into the run now, as far as the repositories can be opened.
 */
bool archive_noted_take(struct cluster *c, const struct archive_file *f);
