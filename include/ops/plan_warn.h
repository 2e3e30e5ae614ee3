/*
 * ops/plan_warn.h - what an operator must know of a plan that can be carried out. PURE.
 */
#pragma once
#include "ops/plan.h"

/*
 * Fill in the warnings of a plan that is settled otherwise: what can't be reached from here, the same moment on other
 * timelines, a clock that was set back, what was not looked at. Those behind PLAN_WARNINGS_MAX are dropped.
 */
void plan_warn(struct plan *p, const struct plan_facts *f);
