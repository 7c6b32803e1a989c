/*
 * INSERT: drives the core's insert machine. What it changes on up to four pages goes into one WAL record, so a crash
 * leaves all or nothing of it.
 */
#include "postgres.h"

#include "executor/executor.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "utils/memutils.h"

#include "am/change.h"
#include "am/faults.h"
#include "type/vector.h"

/* Kept for the rows of one statement. */
typedef struct InsertCache {
	MemoryContext row;     /* reset after each row */
	MemoryContext loaded;  /* shape and machine */
	const vx_index *shape; /* own copy: the cached one may go at any time */
	void *machine;
	uint64 oldest; /* transaction id: what was marked before it is needed by nobody */
	uint32 rows;   /* since that was found out */
} InsertCache;

static void load_shape(Relation index, InsertCache *cache) {
	MemoryContext old = MemoryContextSwitchTo(cache->loaded);

	cache->shape = vecidx_shape_copy(index);
	cache->machine = palloc(vx_insert_size(cache->shape));
	MemoryContextSwitchTo(old);
}

static InsertCache *cache_of(Relation index, IndexInfo *info) {
	InsertCache *cache = info->ii_AmCache;

	if (cache == NULL) {
		cache = MemoryContextAllocZero(info->ii_Context, sizeof(InsertCache));
		cache->row = AllocSetContextCreate(info->ii_Context, "vecidx insert", ALLOCSET_DEFAULT_SIZES);
		cache->loaded = AllocSetContextCreate(info->ii_Context, "vecidx insert shape", ALLOCSET_DEFAULT_SIZES);
		load_shape(index, cache);
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
	Buffer buffer = vecidx_read_existing(index, block);

	LockBuffer(buffer, BUFFER_LOCK_SHARE);
	vx_insert_page(machine, BufferGetPage(buffer));
	UnlockReleaseBuffer(buffer);
}

static vx_step write_pages(Relation index, vx_insert *machine, vx_want *want) {
	VecidxChange change;

	vecidx_change_begin(&change, index, want, vecidx_fault_name(vx_insert_record(machine)));
	return vecidx_change_end(&change, vx_insert_apply(machine, change.images, change.blocks, want), want);
}

/* Too old does no harm, and finding out looks at all backends. */
static void refresh_oldest(InsertCache *cache, Relation heap) {
	if (cache->rows++ % 100 == 0)
		cache->oldest = vecidx_oldest_needed(heap);
}

/* One row; false when the index was reshaped since its shape was read. */
static bool insert_row(Relation index, const InsertCache *cache, const float *x, ItemPointer tid, vx_chore *chore) {
	vx_row row = vecidx_row_of(tid, x == NULL ? VX_ROW_NULL : 0);
	vx_insert *machine = vx_insert_init(cache->machine, cache->shape, row, x);
	vx_want want;

	vx_insert_oldest(machine, cache->oldest);
	for (;;) {
		vx_step step = vx_insert_next(machine, &want);

		if (step == VX_WRITE)
			step = write_pages(index, machine, &want);
		switch (step) {
		case VX_DONE:
			vx_insert_chore(machine, chore);
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
	vx_chore chore;

	refresh_oldest(cache, heap);
	for (;;) {
		bool done;

		vecidx_lock_tree(index);
		done = insert_row(index, cache, x, tid, &chore);
		vecidx_unlock_tree(index);
		if (done)
			break;
		vecidx_shape_forget(index);
		MemoryContextReset(cache->loaded);
		load_shape(index, cache);
	}
	vecidx_tend_if_free(index, heap, &chore);
	MemoryContextSwitchTo(old);
	MemoryContextReset(cache->row);
	return false;
}
