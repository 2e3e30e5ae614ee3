/*
 * ops/setup_probe.h - does a repository do what archiving relies on? Tried with an object of our own.
 */
#pragma once
#include "ops/findings.h"
#include "repo/layout.h"
#include "repo/repo.h"

/* Sealed or not, said plainly; and where recipients and identities are both here, whether one fits the other. */
void setup_probe_keys(const struct repo *r, struct findings *f);

/*
 * Store a small sealed object below <LINE>/probe/, try to replace it (which must be refused), read it back, remove it.
 * It is read whole where that is possible, else its descriptor is compared. The line must be there already: a
 * probe left behind by a credential without the right to delete must not look like a line of its own.
 */
void setup_probe(struct repo *r, const struct layout *l, struct findings *f);
