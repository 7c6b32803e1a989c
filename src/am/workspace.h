/*
 * The memory of a scan: the core's machine, what it was made for, and the query.
 */
#ifndef VECIDX_AM_WORKSPACE_H
#define VECIDX_AM_WORKSPACE_H

#include "am/am.h"

typedef struct VecidxWorkspace {
	MemoryContext context;       /* of all of this */
	uint64 serial;               /* of the shape */
	const vx_index *shape;       /* own copy: the cached one may go between two rows */
	vx_scan *core;               /* NULL until vecidx_workspace_start */
	float *vector;               /* room for the query */
	bool lent;                   /* what was returned before is remembered in memory of another one */
	struct VecidxCounts *counts; /* of the scan that uses it, once it has begun a search; NULL if none */
	MemoryContextCallback gone;
} VecidxWorkspace;

/* While in use a workspace belongs to the context `parent`, so that an error frees it. */
extern VecidxWorkspace *vecidx_workspace_take(Relation index, MemoryContext parent);
/* Begins a search, in memory of earlier ones where there is some. */
extern void vecidx_workspace_start(VecidxWorkspace *work, const vx_query *query);
extern void vecidx_workspace_grow(VecidxWorkspace *work, Size bytes);
/* The scan is over: the workspace may be kept for the next one. */
extern void vecidx_workspace_leave(VecidxWorkspace *work);

#endif
