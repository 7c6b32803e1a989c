/*
 * A parallel build: the leader and its workers share a training's passes and the scan of the table. build_parallel.c
 * brings the workers to life and to an end, train_parallel.c is their part in the training, spool.c their part of the
 * rows. Everything that they share lies in dynamic shared memory as small as can be: a segment of the parallel context
 * with VecidxShared and the sort's state, one with the router, and, while the tree is trained, one with the sample.
 */
#ifndef VECIDX_AM_TEAM_H
#define VECIDX_AM_TEAM_H

#include "access/parallel.h"
#include "access/tableam.h"
#include "executor/instrument.h"
#include "port/atomics.h"
#include "storage/condition_variable.h"
#include "storage/dsm.h"
#include "utils/snapshot.h"
#include "utils/tuplesort.h"

#include "am/build.h"

/* What a participant has done. */
typedef struct VecidxPart {
	double heap_rows, rows;
	uint64 chunks; /* of training passes */
	bool broken_hot_chain;
} VecidxPart;

typedef struct VecidxShared {
	/* fixed before workers start */
	Oid heap, index;
	bool concurrent;
	uint64 query_id;
	dsm_handle router, sample; /* sample: may be invalid, then the leader trains alone */
	uint64 sampled;            /* rows */

	/* passes of the training, see train_parallel.c */
	uint32 points;
	pg_atomic_uint64 unclaimed;
	pg_atomic_uint32 answered;
	pg_atomic_uint32 trained;
	ConditionVariable changed, finished;

	/* the scan, set when `trained` is */
	uint32 leaves;
	int sort_memory;                         /* kB of each participant */
	pg_atomic_uint64 rows;                   /* so far */
	VecidxPart parts[FLEXIBLE_ARRAY_MEMBER]; /* by worker, each written by its own at its end */
} VecidxShared;

/* The leader's view. */
struct VecidxTeam {
	ParallelContext *context;
	VecidxShared *shared;
	dsm_segment *router;
	uint64 sampled;
	Snapshot snapshot;
	Sharedsort *sort;
	ParallelTableScanDesc scan;
	BufferUsage *buffers;
	WalUsage *wal;
	VecidxPart part; /* the leader's own */
};

/* ---- segment.c */

/* A segment of the current resource owner, or NULL where there is no room for one. */
extern dsm_segment *vecidx_segment_create(Size bytes);

/* ---- train_parallel.c */

/* Bytes of a segment with that many sampled rows. */
extern Size vecidx_sample_bytes(Size stride, uint64 rows);
/* The leader: when a pass begins, does it together with the workers. */
extern void vecidx_team_pass(VecidxBuild *build);
/* The leader: no more passes. */
extern void vecidx_team_trained(VecidxBuild *build);
/* A worker, until the tree is trained: answers for chunks of passes. Returns how many. */
extern uint64 vecidx_help_training(VecidxShared *shared, const vx_index *shape, const vx_router *router);

#endif
