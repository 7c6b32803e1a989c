/*
 * INSERT: drives the core's insert machine. What it changes on up to four pages goes into one WAL record, so a crash
 * leaves all or nothing of it.
 */
#include "postgres.h"

#include "access/generic_xlog.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "utils/memutils.h"

#include "am/am.h"
#include "type/vector.h"

/* Kept for the rows of one statement. */
typedef struct InsertCache {
	MemoryContext row;     /* reset after each row */
	const vx_index *shape; /* own copy: the cached one may go at any time */
	void *machine;
} InsertCache;

/* Pages being changed together. */
typedef struct Change {
	GenericXLogState *record;
	uint32 n;
	Buffer buffers[VX_MAX_WRITE];
	bool fresh[VX_MAX_WRITE];
	void *images[VX_MAX_WRITE];
	uint32_t blocks[VX_MAX_WRITE];
} Change;

static void load_shape(Relation index, InsertCache *cache, MemoryContext context) {
	MemoryContext old = MemoryContextSwitchTo(context);

	cache->shape = vecidx_shape_copy(index);
	cache->machine = palloc(vx_insert_size(cache->shape));
	MemoryContextSwitchTo(old);
}

static InsertCache *cache_of(Relation index, IndexInfo *info) {
	InsertCache *cache = info->ii_AmCache;

	if (cache == NULL) {
		cache = MemoryContextAllocZero(info->ii_Context, sizeof(InsertCache));
		cache->row = AllocSetContextCreate(info->ii_Context, "vecidx insert", ALLOCSET_DEFAULT_SIZES);
		load_shape(index, cache, info->ii_Context);
		info->ii_AmCache = cache;
	}
	return cache;
}

static const float *vector_of(const vx_index *shape, Datum value) {
	Vector *vector = DatumGetVector(value);
	int dim = (int)vx_index_meta(shape)->dim;

	if (vector->dim != dim)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION), errmsg("expected %d dimensions, not %d", dim, (int)vector->dim)));
	return vector->x;
}

static void show_page(Relation index, vx_insert *machine, BlockNumber block) {
	Buffer buffer;

	if (block >= RelationGetNumberOfBlocks(index))
		vecidx_report_corrupt(index, block, "It lies beyond the end of the index.");
	buffer = ReadBuffer(index, block);
	LockBuffer(buffer, BUFFER_LOCK_SHARE);
	vx_insert_page(machine, BufferGetPage(buffer));
	UnlockReleaseBuffer(buffer);
}

/* New pages first: nobody else knows them, so they wait for no lock and none waits for them. */
static void lock_pages(Relation index, const vx_want *want, Change *change) {
	change->n = want->npages;
	for (uint32 i = 0; i < change->n; i++) {
		change->fresh[i] = want->pages[i] == VX_NO_BLOCK;
		if (change->fresh[i])
			change->buffers[i] = vecidx_new_buffer(index);
	}
	for (uint32 i = 0; i < change->n; i++) {
		if (!change->fresh[i]) {
			change->buffers[i] = ReadBuffer(index, want->pages[i]);
			LockBuffer(change->buffers[i], BUFFER_LOCK_EXCLUSIVE);
		}
		change->blocks[i] = BufferGetBlockNumber(change->buffers[i]);
	}
	for (uint32 i = 0; i < change->n; i++) {
		change->images[i] = GenericXLogRegisterBuffer(change->record, change->buffers[i],
													  change->fresh[i] ? GENERIC_XLOG_FULL_IMAGE : 0);
		if (change->fresh[i])
			PageInit(change->images[i], BLCKSZ, VX_SPECIAL_SIZE);
	}
}

static void unlock_pages(Relation index, Change *change, bool changed) {
	for (uint32 i = 0; i < change->n; i++) {
		if (change->fresh[i] && !changed)
			vecidx_free_buffer(index, change->buffers[i]);
		else
			UnlockReleaseBuffer(change->buffers[i]);
	}
}

static bool seal_pages(Change *change) {
	for (uint32 i = 0; i < change->n; i++)
		if (!vecidx_page_seal(change->images[i]))
			return false;
	return true;
}

static vx_step write_pages(Relation index, vx_insert *machine, vx_want *want) {
	Change change = {.record = GenericXLogStart(index)};
	vx_step step;

	lock_pages(index, want, &change);
	step = vx_insert_apply(machine, change.images, change.blocks, want);
	if (step == VX_DONE && !seal_pages(&change)) {
		want->block = change.blocks[0];
		want->why = "a change would leave an impossible page";
		step = VX_CORRUPT;
	}
	if (step == VX_DONE)
		GenericXLogFinish(change.record);
	else
		GenericXLogAbort(change.record);
	unlock_pages(index, &change, step == VX_DONE);
	return step == VX_DONE ? VX_YIELD : step;
}

/* One row; false when the index was reshaped since its shape was read. */
static bool insert_row(Relation index, const InsertCache *cache, const float *x, ItemPointer tid) {
	vx_row row = vecidx_row_of(tid, x == NULL ? VX_ROW_NULL : 0);
	vx_insert *machine = vx_insert_init(cache->machine, cache->shape, row, x);
	vx_want want;

	for (;;) {
		vx_step step = vx_insert_next(machine, &want);

		if (step == VX_WRITE)
			step = write_pages(index, machine, &want);
		switch (step) {
		case VX_DONE:
			return true;
		case VX_STALE:
			return false;
		case VX_PAGE:
			show_page(index, machine, want.block);
			break;
		case VX_YIELD:
			CHECK_FOR_INTERRUPTS();
			break;
		case VX_FULL:
			ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
							errmsg("index \"%s\" is full", RelationGetRelationName(index)),
							errdetail_internal("%s", want.why)));
		case VX_CORRUPT:
			vecidx_report_corrupt(index, want.block, want.why);
		default:
			elog(ERROR, "unexpected step of a vecidx insert");
		}
	}
}

bool vecidx_insert(Relation index, Datum *values, bool *isnull, ItemPointer tid, Relation heap, IndexUniqueCheck unique,
				   bool unchanged, IndexInfo *info) {
	InsertCache *cache = cache_of(index, info);
	MemoryContext old = MemoryContextSwitchTo(cache->row);
	const float *x = isnull[0] ? NULL : vector_of(cache->shape, values[0]);

	while (!insert_row(index, cache, x, tid)) {
		vecidx_shape_forget(index);
		load_shape(index, cache, info->ii_Context);
	}
	MemoryContextSwitchTo(old);
	MemoryContextReset(cache->row);
	return false;
}
