/*
 * ops/setup.h - a cluster's place in its repositories, and whether everything is set up right, end to end.
 *
 * Both say what they found, one finding a thing done or asked; a server or repository that can't be reached is a
 * finding too. Only what keeps them from finding anything at all is an error.
 */
#pragma once
#include "base/err.h"
#include "ops/findings.h"
#include "repo/cluster.h"

/*
 * Create the cluster's line in every repository: system identifier and version from the server. A second line beside
 * an existing one is made here and nowhere else, with a warning. Probes each repository (ops/setup_probe.h).
 */
enum err_code ops_init(struct cluster *c, struct findings *out, struct err *e);

/*
 * Is the set-up right? The server, its settings, its archiver and the right to take a backup (ops/setup_server.h); the
 * spool; and in each repository: the line there and the server's own, a probe object, the last full segment arrived, a
 * backup there and its WAL whole to the end. Nothing is changed but for the probe object, which is removed again.
 */
enum err_code ops_check(struct cluster *c, struct findings *out, struct err *e);
