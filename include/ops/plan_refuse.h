/*
 * ops/plan_refuse.h - can a plan be carried out? A refusal names what is in its way and the nearest moments around it.
 * PURE.
 */
#pragma once
#include "ops/plan.h"

/*
 * Is the backup's own WAL whole, was the target found, and is the WAL whole up to it? p: its target, backup, path,
 * moment and segment_bytes are set. last_byte: of the WAL that is needed; 0 = what there is.
 * ERR_REFUSED: what is missing in the text; in the hint what can be restored instead, and the other timelines with
 * that moment.
 */
enum err_code plan_check(const struct plan *p, const struct plan_facts *f, lsn last_byte, struct err *e);
