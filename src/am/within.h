/*
 * What the planner asks about conditions on a distance.
 */
#ifndef VECIDX_AM_WITHIN_H
#define VECIDX_AM_WITHIN_H

#include "nodes/pathnodes.h"

#include "type/distance_memo.h"

/* What a function of a condition compares; NULL: it is another function. */
extern VectorDistance vecidx_measure_of_condition(Oid function);

/* Share of the rows that satisfy it; arguments of l2_within and the like, or of an operator on balls. */
extern Selectivity vecidx_share_within(PlannerInfo *root, Oid function, List *args, int relation);

#endif
