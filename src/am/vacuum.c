/*
 * VACUUM: takes out the row pointers its callback names, page by page, and counts what stays.
 *
 * Every row pointer that was in the index when the pass began is offered to the callback, since CREATE INDEX
 * CONCURRENTLY collects them through it. Nothing but this pass ever moves or removes one.
 */
#include "postgres.h"

#include "access/generic_xlog.h"
#include "commands/vacuum.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "storage/indexfsm.h"

#include "am/am.h"

typedef struct Sweep {
	Relation index;
	BufferAccessStrategy strategy;
	vx_meta meta;
	IndexBulkDeleteCallback callback; /* NULL only counts */
	void *callback_state;
	IndexBulkDeleteResult *stats;
	vx_row *rows; /* of a page */
	uint8 *dead;  /* bitmap over them */
	bool *named;  /* rows named by the callback */
	BlockNumber freed;
} Sweep;

static bool same_row(const vx_row *a, const vx_row *b) {
	return a->block == b->block && a->offset == b->offset;
}

/* Which rows are to go; the page is not locked meanwhile. Returns how many. */
static uint32 ask_callback(Sweep *sweep, const vx_row *rows, uint32 n) {
	uint32 found = 0;

	for (uint32 i = 0; i < n; i++) {
		ItemPointerData tid;

		sweep->named[i] = false;
		if (rows[i].flags & VX_ROW_DEAD)
			continue;
		ItemPointerSet(&tid, rows[i].block, rows[i].offset);
		sweep->named[i] = sweep->callback != NULL && sweep->callback(&tid, sweep->callback_state);
		if (sweep->named[i])
			found++;
		else
			sweep->stats->num_index_tuples++;
	}
	return found;
}

/* Inserts may have added rows since they were listed, but what was listed keeps its place. */
static void remove_named(Sweep *sweep, Buffer buffer, const vx_row *named_rows, uint32 n) {
	vx_row *now = sweep->rows + vx_list_per_page();
	GenericXLogState *record = GenericXLogStart(sweep->index);
	Page page;
	uint32 present, removed;

	LockBuffer(buffer, BUFFER_LOCK_EXCLUSIVE);
	page = GenericXLogRegisterBuffer(record, buffer, 0);
	present = vx_page_rows(page, sweep->meta.dim, now);
	memset(sweep->dead, 0, (vx_list_per_page() + 7) / 8);
	for (uint32 i = 0; i < Min(n, present); i++)
		if (sweep->named[i] && same_row(&named_rows[i], &now[i]))
			sweep->dead[i / 8] |= (uint8)(1 << (i % 8));
	removed = vx_page_remove(page, sweep->meta.dim, sweep->dead);
	if (removed > 0 && !vecidx_page_seal(page))
		elog(ERROR, "a removal would leave an impossible page at block %u", BufferGetBlockNumber(buffer));
	if (removed > 0)
		GenericXLogFinish(record);
	else
		GenericXLogAbort(record);
	LockBuffer(buffer, BUFFER_LOCK_UNLOCK);
	sweep->stats->tuples_removed += removed;
}

static void sweep_page(Sweep *sweep, BlockNumber block) {
	Buffer buffer = ReadBufferExtended(sweep->index, MAIN_FORKNUM, block, RBM_NORMAL, sweep->strategy);
	Page page = BufferGetPage(buffer);
	const char *fault;
	uint32 n = 0;

	LockBuffer(buffer, BUFFER_LOCK_SHARE);
	if (PageIsNew(page)) { /* left by a crash, or an insert is about to use it: then it will find it gone */
		LockBuffer(buffer, BUFFER_LOCK_UNLOCK);
		ReleaseBuffer(buffer);
		RecordFreeIndexPage(sweep->index, block);
		sweep->freed++;
		return;
	}
	fault = vx_page_fault(page, &sweep->meta);
	if (fault == NULL)
		n = vx_page_rows(page, sweep->meta.dim, sweep->rows);
	LockBuffer(buffer, BUFFER_LOCK_UNLOCK);
	if (fault != NULL)
		vecidx_report_corrupt(sweep->index, block, fault);
	if (ask_callback(sweep, sweep->rows, n) > 0)
		remove_named(sweep, buffer, sweep->rows, n);
	ReleaseBuffer(buffer);
}

/*
 * Until the end as it is then: inserts extend the index meanwhile. Their rows are newer than the start and need not be
 * offered, but the space freed on new pages should be known, and counts be those of the whole index.
 */
static void sweep_index(IndexVacuumInfo *info, Sweep *sweep) {
	BlockNumber block = 0, blocks;

	sweep->index = info->index;
	sweep->strategy = info->strategy;
	sweep->meta = *vx_index_meta(vecidx_shape_cached(info->index));
	sweep->rows = palloc(sizeof(vx_row) * vx_list_per_page() * 2);
	sweep->named = palloc(sizeof(bool) * vx_list_per_page());
	sweep->dead = palloc((vx_list_per_page() + 7) / 8);
	sweep->stats->num_index_tuples = 0;
	sweep->stats->estimated_count = false;
	while (block < (blocks = RelationGetNumberOfBlocks(info->index)))
		for (; block < blocks; block++) {
			vecidx_vacuum_delay();
			sweep_page(sweep, block);
		}
	sweep->stats->num_pages = blocks;
	sweep->stats->pages_free = sweep->freed;
	pfree(sweep->rows);
	pfree(sweep->named);
	pfree(sweep->dead);
}

IndexBulkDeleteResult *vecidx_bulk_delete(IndexVacuumInfo *info, IndexBulkDeleteResult *stats,
										  IndexBulkDeleteCallback callback, void *callback_state) {
	Sweep sweep = {.callback = callback, .callback_state = callback_state};

	if (stats == NULL)
		stats = palloc0(sizeof(IndexBulkDeleteResult));
	sweep.stats = stats;
	sweep_index(info, &sweep);
	return stats;
}

/* The planner's figure and the next build's: rows as of now. */
static void record_rows(Relation index, double rows) {
	Buffer buffer = ReadBuffer(index, VX_META_BLOCK);
	GenericXLogState *record = GenericXLogStart(index);
	Page page;

	LockBuffer(buffer, BUFFER_LOCK_EXCLUSIVE);
	page = GenericXLogRegisterBuffer(record, buffer, 0);
	if (vx_meta_fault(page) == NULL && vx_page_meta(page)->rows != (uint64)rows) {
		((vx_meta *)vx_page_meta(page))->rows = (uint64)rows;
		GenericXLogFinish(record);
	} else {
		GenericXLogAbort(record);
	}
	UnlockReleaseBuffer(buffer);
}

IndexBulkDeleteResult *vecidx_vacuum_cleanup(IndexVacuumInfo *info, IndexBulkDeleteResult *stats) {
	if (info->analyze_only)
		return stats;
	if (stats == NULL) {
		Sweep sweep = {0};

		stats = palloc0(sizeof(IndexBulkDeleteResult));
		sweep.stats = stats;
		sweep_index(info, &sweep);
	}
	record_rows(info->index, stats->num_index_tuples);
	IndexFreeSpaceMapVacuum(info->index);
	return stats;
}
