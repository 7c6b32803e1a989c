/*
 * Which distance a condition is about, for planner and index.
 */
#ifndef VECIDX_VECTOR_WITHIN_H
#define VECIDX_VECTOR_WITHIN_H

#include "type/distance_memo.h"

/* What the function (l2_within and the like, or that of an operator on balls) compares; NULL: it is none of them. */
extern VectorDistance vecidx_measure_within(PGFunction function);

#endif
