/*
 * The conditions of a scan as the core takes them.
 */
#ifndef VECIDX_AM_CONDITIONS_H
#define VECIDX_AM_CONDITIONS_H

#include "access/relscan.h"

#include "am/am.h"

typedef struct VecidxConditions {
	MemoryContext memory; /* of centers that were stored out of line */
	vx_ball *balls;
	uint32 n;
	bool nothing; /* no row satisfies them */
} VecidxConditions;

/* Raises for a query or a center of another dimension than the index's. */
extern void vecidx_check_dim(uint32 expected, const Vector *query);

/* Room for those of a scan; it has one more than keys. */
extern void vecidx_conditions_init(VecidxConditions *conditions, int nkeys);
/* Reads them from the scan's keys, for an index of this shape; the keys' values must stay while the scan runs. */
extern void vecidx_conditions_take(VecidxConditions *conditions, IndexScanDesc scan, const vx_meta *meta);
/* One more, about the vector that rows are ordered by. */
extern void vecidx_conditions_add(VecidxConditions *conditions, const float *center, double radius);

#endif
