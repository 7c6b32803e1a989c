/*
 * VACUUM: drives the core's vacuum machine over the index, then does the chores that it noticed.
 *
 * Every row pointer that was in the index when the pass began is offered to the callback, since CREATE INDEX
 * CONCURRENTLY collects them through it.
 */
#include "postgres.h"

#include "commands/vacuum.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "storage/indexfsm.h"
#include "utils/memutils.h"

#include "am/change.h"
#include "am/faults.h"

typedef struct Vacuum {
	IndexVacuumInfo *info;
	Relation index;
	vx_vacuum *machine;
	IndexBulkDeleteCallback callback; /* NULL removes nothing */
	void *callback_state;
} Vacuum;

/* Free pages go into the free space map again: it is not crash-safe. */
static void show_page(Vacuum *vacuum, BlockNumber block) {
	Buffer buffer;
	Page page;
	bool unused;

	vecidx_vacuum_delay();
	if (block >= RelationGetNumberOfBlocks(vacuum->index))
		vecidx_report_corrupt(vacuum->index, block, "It lies beyond the end of the index.");
	buffer = ReadBufferExtended(vacuum->index, MAIN_FORKNUM, block, RBM_NORMAL, vacuum->info->strategy);
	page = BufferGetPage(buffer);
	LockBuffer(buffer, BUFFER_LOCK_SHARE);
	unused = PageIsNew(page) || vx_page_is(page, VX_KIND_FREE);
	vx_vacuum_page(vacuum->machine, page);
	UnlockReleaseBuffer(buffer);
	if (unused)
		RecordFreeIndexPage(vacuum->index, block);
}

static void ask_callback(Vacuum *vacuum) {
	const vx_row *rows;
	bool *remove;
	uint32 n = vx_vacuum_rows(vacuum->machine, &rows, &remove);

	if (vacuum->callback == NULL)
		return;
	for (uint32 i = 0; i < n; i++) {
		ItemPointerData tid;

		if (rows[i].flags & VX_ROW_DEAD)
			continue;
		ItemPointerSet(&tid, rows[i].block, rows[i].offset);
		remove[i] = vacuum->callback(&tid, vacuum->callback_state);
	}
}

static vx_step write_pages(Vacuum *vacuum, vx_want *want) {
	VecidxChange change;

	vecidx_change_begin(&change, vacuum->index, want, vecidx_fault_name(vx_vacuum_record(vacuum->machine)));
	return vecidx_change_end(&change, vx_vacuum_apply(vacuum->machine, change.images, change.blocks, want), want);
}

/* One step; false at the end. *stale: nothing was done, the shape was out of date. */
static bool step(Vacuum *vacuum, bool *stale) {
	vx_want want;
	vx_step step = vx_vacuum_next(vacuum->machine, &want);

	if (step == VX_WRITE)
		step = write_pages(vacuum, &want);
	switch (step) {
	case VX_LENGTH:
		vx_vacuum_length(vacuum->machine, RelationGetNumberOfBlocks(vacuum->index));
		return true;
	case VX_PAGE:
		show_page(vacuum, want.block);
		return true;
	case VX_ROWS:
		ask_callback(vacuum);
		return true;
	case VX_LOCK:
		vecidx_lock_shape(vacuum->index, true);
		return true;
	case VX_UNLOCK:
		vecidx_unlock_shape(vacuum->index);
		return true;
	case VX_MEMORY:
		vx_vacuum_grow(vacuum->machine, MemoryContextAllocHuge(CurrentMemoryContext, want.bytes), want.bytes);
		return true;
	case VX_YIELD:
		CHECK_FOR_INTERRUPTS();
		return true;
	case VX_DONE:
	case VX_STALE:
		*stale = step == VX_STALE;
		return false;
	case VX_CORRUPT:
		vecidx_report_corrupt(vacuum->index, want.block, want.why);
	default:
		elog(ERROR, "unexpected step of a vecidx vacuum");
	}
}

/* Leaves that became thin or long, lanes that are needed no more, a raw run that is long enough to be trained on. */
static void do_chores(Vacuum *vacuum) {
	vx_chore chore;

	for (uint64 i = 0; vx_vacuum_chore(vacuum->machine, i, &chore); i++) {
		vecidx_vacuum_delay();
		vecidx_lock_shape(vacuum->index, true);
		vecidx_tend(vacuum->index, vecidx_vacuumed_heap(vacuum->info), &chore);
		vecidx_unlock_shape(vacuum->index);
	}
}

static void take_stats(const Vacuum *vacuum, IndexBulkDeleteResult *stats) {
	vx_vacuum_stats found;

	vx_vacuum_stats_get(vacuum->machine, &found);
	stats->num_index_tuples = (double)found.rows;
	stats->tuples_removed += (double)found.removed;
	stats->pages_free = (BlockNumber)found.free_pages;
	stats->num_pages = RelationGetNumberOfBlocks(vacuum->index);
	stats->estimated_count = false;
}

/* It begins again when the index was trained, or got an anchor, just now. */
static IndexBulkDeleteResult *run(IndexVacuumInfo *info, IndexBulkDeleteResult *stats, IndexBulkDeleteCallback callback,
								  void *callback_state) {
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "vecidx vacuum", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old;
	Vacuum vacuum = {.info = info, .index = info->index, .callback = callback, .callback_state = callback_state};
	bool stale = false;

	if (stats == NULL)
		stats = palloc0(sizeof(IndexBulkDeleteResult));
	old = MemoryContextSwitchTo(context);
	do {
		const vx_index *shape;
		Size bytes;

		if (stale) {
			vecidx_shape_forget(info->index);
			MemoryContextReset(context);
		}
		shape = vecidx_shape_copy(info->index);
		bytes = vx_vacuum_size(shape);
		vacuum.machine = vx_vacuum_init(MemoryContextAllocHuge(context, bytes), bytes, shape,
										vecidx_oldest_needed(vecidx_vacuumed_heap(info)));
		while (step(&vacuum, &stale))
			;
	} while (stale);
	do_chores(&vacuum);
	take_stats(&vacuum, stats);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return stats;
}

IndexBulkDeleteResult *vecidx_bulk_delete(IndexVacuumInfo *info, IndexBulkDeleteResult *stats,
										  IndexBulkDeleteCallback callback, void *callback_state) {
	return run(info, stats, callback, callback_state);
}

IndexBulkDeleteResult *vecidx_vacuum_cleanup(IndexVacuumInfo *info, IndexBulkDeleteResult *stats) {
	if (info->analyze_only)
		return stats;
	if (stats == NULL)
		stats = run(info, NULL, NULL, NULL);
	vecidx_calibrate_changed(info->index, info->strategy);
	IndexFreeSpaceMapVacuum(info->index);
	return stats;
}
