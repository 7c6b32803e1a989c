/*
 * Calibration after a parallel build: leader and workers take rows by number until none is left, and the leader adds up
 * what came of them. A worker that comes late takes fewer.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/parallel.h"
#include "access/table.h"
#include "access/xact.h"
#include "miscadmin.h"
#include "port/atomics.h"
#include "utils/memutils.h"

#include "am/calibrate.h"

#define KEY_SHARED UINT64CONST(1)
#define KEY_STATES UINT64CONST(2)

extern PGDLLEXPORT void vecidx_calibrate_worker(dsm_segment *segment, shm_toc *toc);

typedef struct Shared {
	Oid heap, index;
	bool concurrent;
	uint32 to;
	pg_atomic_uint32 next;
} Shared;

/* State number 0 is what all begin with, then comes each worker's. */
static Size state_bytes(void) {
	return MAXALIGN(vx_calibrate_state_size());
}

static bool take_rows(VecidxCalibrator *calibrator, Shared *shared) {
	uint32 number;

	while ((number = pg_atomic_fetch_add_u32(&shared->next, 1)) < shared->to)
		if (!vecidx_calibrator_row(calibrator, number))
			return false;
	return true;
}

static Shared *fill_segment(ParallelContext *context, const VecidxCalibrator *calibrator, uint32 from, uint32 to,
							char **states) {
	Shared *shared = shm_toc_allocate(context->toc, sizeof(Shared));

	shared->heap = RelationGetRelid(calibrator->heap);
	shared->index = RelationGetRelid(calibrator->index);
	shared->concurrent = calibrator->concurrent;
	shared->to = to;
	pg_atomic_init_u32(&shared->next, from);
	shm_toc_insert(context->toc, KEY_SHARED, shared);
	*states = shm_toc_allocate(context->toc, state_bytes() * (context->nworkers + 1));
	vx_calibrate_save(calibrator->machine, *states);
	shm_toc_insert(context->toc, KEY_STATES, *states);
	return shared;
}

bool vecidx_calibrate_together(VecidxCalibrator *calibrator, uint32 from, uint32 to) {
	ParallelContext *context;
	Shared *shared, alone = {.to = to};
	char *states = NULL;
	bool done;

	EnterParallelMode();
	context = CreateParallelContext("vecidx", "vecidx_calibrate_worker", calibrator->workers);
	shm_toc_estimate_chunk(&context->estimator, sizeof(Shared));
	shm_toc_estimate_chunk(&context->estimator, mul_size(state_bytes(), calibrator->workers + 1));
	shm_toc_estimate_keys(&context->estimator, 2);
	InitializeParallelDSM(context);
	pg_atomic_init_u32(&alone.next, from);
	shared = &alone;
	if (context->seg != NULL) {
		shared = fill_segment(context, calibrator, from, to, &states);
		LaunchParallelWorkers(context);
	}
	done = take_rows(calibrator, shared);
	WaitForParallelWorkersToFinish(context);
	for (int i = 0; i < context->nworkers_launched; i++)
		vx_calibrate_add(calibrator->machine, states + state_bytes() * (i + 1));
	DestroyParallelContext(context);
	ExitParallelMode();
	return done;
}

void vecidx_calibrate_worker(dsm_segment *segment, shm_toc *toc) {
	Shared *shared = shm_toc_lookup(toc, KEY_SHARED, false);
	char *states = shm_toc_lookup(toc, KEY_STATES, false);
	LOCKMODE heap_lock = shared->concurrent ? ShareUpdateExclusiveLock : ShareLock;
	LOCKMODE index_lock = shared->concurrent ? RowExclusiveLock : AccessExclusiveLock;
	VecidxCalibrator calibrator = {.context = CurrentMemoryContext};

	calibrator.heap = table_open(shared->heap, heap_lock);
	calibrator.index = index_open(shared->index, index_lock);
	vecidx_calibrator_start(&calibrator);
	vx_calibrate_resume(calibrator.machine, states);
	if (!take_rows(&calibrator, shared))
		elog(ERROR, "an index changed while it was built");
	vx_calibrate_save(calibrator.machine, states + state_bytes() * (ParallelWorkerNumber + 1));
	index_close(calibrator.index, index_lock);
	table_close(calibrator.heap, heap_lock);
}
