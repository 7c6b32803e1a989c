/*
 * The memory of a scan. The last workspace used stays behind for the next scan of the same index, so that a search need
 * not get its memory from the system again: that would take longer than much of the search.
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "am/counts.h"

/* Memory the core gets at first; it asks for more. */
#define FIRST_MEMORY (64 * 1024)
/* A workspace larger than this is not kept. */
#define LARGEST_SPARE (8 * 1024 * 1024)

static VecidxWorkspace *spare = NULL;

/* After an error nobody else tells. */
static void settle(void *work) {
	vecidx_counts_leave(work);
}

static VecidxWorkspace *make_workspace(Relation index, MemoryContext parent) {
	MemoryContext context = AllocSetContextCreate(parent, "vecidx scan", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	VecidxWorkspace *work = palloc(sizeof(VecidxWorkspace));

	work->context = context;
	work->serial = vecidx_shape_serial(index);
	work->shape = vecidx_shape_copy(index);
	work->core = NULL;
	work->lent = false;
	work->counts = NULL;
	work->gone.func = settle;
	work->gone.arg = work;
	MemoryContextRegisterResetCallback(context, &work->gone);
	work->vector = palloc(sizeof(float) * vx_index_meta(work->shape)->dim);
	MemoryContextSwitchTo(old);
	return work;
}

VecidxWorkspace *vecidx_workspace_take(Relation index, MemoryContext parent) {
	VecidxWorkspace *work = spare;

	if (work == NULL || work->serial != vecidx_shape_serial(index))
		return make_workspace(index, parent);
	spare = NULL;
	MemoryContextSetParent(work->context, parent);
	return work;
}

void vecidx_workspace_start(VecidxWorkspace *work, const vx_query *query) {
	Size bytes = Max(vx_scan_size(work->shape), FIRST_MEMORY);

	if (work->core != NULL)
		vx_scan_restart(work->core, query);
	else
		work->core = vx_scan_init(MemoryContextAlloc(work->context, bytes), bytes, work->shape, query);
}

void vecidx_workspace_grow(VecidxWorkspace *work, Size bytes) {
	vx_scan_grow(work->core, MemoryContextAllocHuge(work->context, bytes), bytes);
}

void vecidx_workspace_leave(VecidxWorkspace *work) {
	vecidx_counts_leave(work);
	if (work->core == NULL || work->lent || MemoryContextMemAllocated(work->context, false) > LARGEST_SPARE) {
		MemoryContextDelete(work->context);
		return;
	}
	if (spare != NULL)
		MemoryContextDelete(spare->context);
	MemoryContextSetParent(work->context, TopMemoryContext);
	spare = work;
}
