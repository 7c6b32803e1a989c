/*
 * What the searches of one scan have cost, for those who ask while it runs or after it.
 */
#ifndef VECIDX_AM_COUNTS_H
#define VECIDX_AM_COUNTS_H

#include "am/workspace.h"

typedef struct VecidxCounts {
	Oid index;
	double recall;               /* asked for by the latest search */
	uint32 rows;                 /* looked for by it, 0 if unknown */
	int64 searches;              /* one for each rescan that was read */
	vx_scan_stats sum;           /* but for what was done in `work` */
	vx_scan_stats before;        /* what the workspace had counted when the scan took it */
	const VecidxWorkspace *work; /* in use; NULL: all is in `sum` */
} VecidxCounts;

/* A search is about to begin in this workspace; `anew`: it goes on for one that has begun already. */
extern void vecidx_counts_start(VecidxCounts *counts, Relation index, VecidxWorkspace *work, const vx_query *query,
								bool anew);
/* The workspace is given back, or its memory goes: what was counted in it is kept. */
extern void vecidx_counts_leave(VecidxWorkspace *work);
/* Of all searches of the scan up to now. */
extern vx_scan_stats vecidx_counts_total(const VecidxCounts *counts);
/* Of the session's scan whose search began last, finished or not; NULL if there was none. */
extern const VecidxCounts *vecidx_counts_last(void);

/* ---- scan.c */
extern const VecidxCounts *vecidx_scan_counts(IndexScanDesc scan);

#endif
