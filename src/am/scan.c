/*
 * Index scans: drives the core's scan machine, one step after the other, and hands its rows to the executor, in order
 * or as a bitmap.
 *
 * Between pages a scan holds neither lock nor pin, so only snapshots that judge each row version by itself are safe.
 * The query is taken up at the first row, for a LIMIT 0 or an error elsewhere should not cost a search.
 */
#include "postgres.h"

#include <math.h>

#include "access/relscan.h"
#include "miscadmin.h"
#include "nodes/tidbitmap.h"
#include "pgstat.h"
#include "storage/bufmgr.h"
#include "storage/predicate.h"
#include "utils/float.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "am/conditions.h"
#include "am/counts.h"
#include "type/vector.h"

typedef struct VecidxScan {
	MemoryContext parent;  /* of the workspace */
	VecidxWorkspace *work; /* NULL before the first row */
	VecidxConditions conditions;
	const VecidxNote *note; /* what the plan says of the scan, NULL: nothing */
	BlockNumber blocks;     /* of the index, when last looked */
	BlockNumber table_blocks;
	bool started;
	VecidxCounts counts;
} VecidxScan;

IndexScanDesc vecidx_begin_scan(Relation index, int nkeys, int norderbys) {
	IndexScanDesc scan = RelationGetIndexScan(index, nkeys, norderbys);
	VecidxScan *state = palloc0(sizeof(VecidxScan));

	state->parent = CurrentMemoryContext;
	vecidx_conditions_init(&state->conditions, nkeys);
	scan->opaque = state;
	if (norderbys > 0) {
		scan->xs_orderbyvals = palloc0(sizeof(Datum) * norderbys);
		scan->xs_orderbynulls = palloc(sizeof(bool) * norderbys);
	}
	return scan;
}

void vecidx_rescan(IndexScanDesc scan, ScanKey keys, int nkeys, ScanKey orderbys, int norderbys) {
	VecidxScan *state = scan->opaque;

	if (scan->numberOfKeys == 0 && scan->numberOfOrderBys == 0)
		elog(ERROR, "cannot scan vecidx index without order or condition");
	if (keys != NULL && nkeys > 0)
		memmove(scan->keyData, keys, sizeof(ScanKeyData) * nkeys);
	if (orderbys != NULL && norderbys > 0) {
		memmove(scan->orderByData, orderbys, sizeof(ScanKeyData) * norderbys);
		state->note = vecidx_note_find(orderbys);
	}
	state->started = false;
}

/* The query as the core wants it; NULL for a NULL query. */
static const float *query_vector(const VecidxWorkspace *work, ScanKey key) {
	uint32 dim = vx_index_meta(work->shape)->dim;
	Vector *query;

	if (key->sk_flags & SK_ISNULL)
		return NULL;
	query = DatumGetVector(key->sk_argument);
	vecidx_check_dim(dim, query);
	memcpy(work->vector, query->x, sizeof(float) * dim);
	if ((Pointer)query != DatumGetPointer(key->sk_argument))
		pfree(query);
	return work->vector;
}

static void start(IndexScanDesc scan, VecidxScan *state, bool anew) {
	vx_query query = {.recall = vecidx_recall_of(scan->indexRelation),
					  .k = state->note != NULL ? state->note->rows : 0,
					  .by = vecidx_calibrated_by()};
	VecidxConditions *conditions = &state->conditions;
	VecidxWorkspace *work = state->work;

	if (!IsMVCCSnapshot(scan->xs_snapshot))
		elog(ERROR, "non-MVCC snapshots are not supported with vecidx");
	if (work == NULL)
		work = state->work = vecidx_workspace_take(scan->indexRelation, state->parent);
	if (scan->numberOfOrderBys > 0)
		query.vector = query_vector(work, &scan->orderByData[0]);
	vecidx_conditions_take(conditions, scan, vx_index_meta(work->shape));
	if (query.vector != NULL && state->note != NULL && state->note->within)
		vecidx_conditions_add(conditions, query.vector, state->note->radius);
	vecidx_counts_start(&state->counts, scan->indexRelation, work, &query, anew);
	vecidx_workspace_start(work, &query);
	vx_scan_within(work->core, conditions->balls, conditions->n);
	state->started = true;
}

/* The index was trained or got an anchor meanwhile: another search goes on where this one is, and knows which rows were
 * returned. */
static void start_anew(IndexScanDesc scan, VecidxScan *state) {
	VecidxWorkspace *before = state->work;

	state->work = NULL;
	vecidx_counts_leave(before);
	vecidx_shape_forget(scan->indexRelation);
	start(scan, state, true);
	vx_scan_inherit(state->work->core, before->core);
	MemoryContextSetParent(before->context, state->work->context);
	state->work->lent = true;
}

static void read_page(IndexScanDesc scan, VecidxScan *state, const vx_want *want) {
	Relation index = scan->indexRelation;
	Buffer buffer;

	if (want->block >= state->blocks) {
		state->blocks = RelationGetNumberOfBlocks(index);
		if (want->block >= state->blocks)
			vecidx_report_corrupt(index, want->block, "It lies beyond the end of the index.");
	}
	for (uint32 i = 0; i < want->nahead; i++)
		if (want->ahead[i] < state->blocks)
			vecidx_prefetch_buffer(index, want->ahead[i], want->ahead_at[i]);
	buffer = vecidx_read_buffer(index, want->block);
	LockBuffer(buffer, BUFFER_LOCK_SHARE);
	vx_scan_page(state->work->core, BufferGetPage(buffer));
	UnlockReleaseBuffer(buffer);
}

/* Of several ordering expressions the first one is rechecked for every row, so that it must have a proved bound. */
static Datum order_value(const vx_want *want, bool several) {
	if (want->order == VX_ORDER_NAN)
		return Float8GetDatum(get_float8_nan());
	return Float8GetDatum(several ? want->bound : want->value);
}

/* A damaged row pointer must not reach the table, which would look for the block in a file that is not there. */
static void check_row(IndexScanDesc scan, VecidxScan *state, const vx_row *row) {
	if (row->block < state->table_blocks || scan->heapRelation == NULL)
		return;
	state->table_blocks = RelationGetNumberOfBlocks(scan->heapRelation);
	if (row->block >= state->table_blocks)
		ereport(ERROR, (errcode(ERRCODE_INDEX_CORRUPTED),
						errmsg("index \"%s\" refers to row (%u,%u) beyond the end of table \"%s\"",
							   RelationGetRelationName(scan->indexRelation), row->block, row->offset,
							   RelationGetRelationName(scan->heapRelation)),
						errhint("Rebuild it with REINDEX.")));
}

/* Conditions that only the plan shows are checked above the scan. */
static bool needs_check(IndexScanDesc scan, const vx_want *want) {
	return want->check && scan->numberOfKeys > 0;
}

/*
 * Further ordering expressions on the column are the executor's: minus infinity is below all their values, and the
 * recheck, of the first one too, puts rows that tie by that in order.
 */
static void hand_out(IndexScanDesc scan, const vx_want *want) {
	bool several = scan->numberOfOrderBys > 1;

	ItemPointerSet(&scan->xs_heaptid, want->row.block, want->row.offset);
	scan->xs_recheck = needs_check(scan, want);
	scan->xs_recheckorderby = want->recheck || several;
	for (int i = 0; i < scan->numberOfOrderBys; i++) {
#ifndef USE_FLOAT8_BYVAL
		if (DatumGetPointer(scan->xs_orderbyvals[i]) != NULL)
			pfree(DatumGetPointer(scan->xs_orderbyvals[i]));
#endif
		scan->xs_orderbyvals[i] = i == 0 ? order_value(want, several) : Float8GetDatum(-get_float8_infinity());
		scan->xs_orderbynulls[i] = i == 0 && (want->order == VX_ORDER_NULL || want->order == VX_ORDER_ANY);
	}
}

/* The core's next row; false when there are no more. */
static bool next_row(IndexScanDesc scan, VecidxScan *state, vx_want *want) {
	if (!state->started) {
		pgstat_count_index_scan(scan->indexRelation);
		vecidx_count_search(scan);
		start(scan, state, false);
	}
	while (!state->conditions.nothing) {
		CHECK_FOR_INTERRUPTS();
		switch (vx_scan_next(state->work->core, want)) {
		case VX_PAGE:
			read_page(scan, state, want);
			break;
		case VX_ROW:
			check_row(scan, state, &want->row);
			return true;
		case VX_MEMORY:
			vecidx_workspace_grow(state->work, want->bytes);
			break;
		case VX_YIELD:
			break;
		case VX_STALE:
			start_anew(scan, state);
			break;
		case VX_CORRUPT:
			vecidx_report_corrupt(scan->indexRelation, want->block, want->why);
		case VX_DONE:
			return false;
		default:
			elog(ERROR, "unexpected step of a vecidx scan");
		}
	}
	return false;
}

bool vecidx_get_tuple(IndexScanDesc scan, ScanDirection direction) {
	vx_want want;

	Assert(ScanDirectionIsForward(direction));
	if (!next_row(scan, scan->opaque, &want))
		return false;
	hand_out(scan, &want);
	return true;
}

int64 vecidx_get_bitmap(IndexScanDesc scan, TIDBitmap *bitmap) {
	int64 rows = 0;
	vx_want want;

	for (; next_row(scan, scan->opaque, &want); rows++) {
		ItemPointerData tid;

		ItemPointerSet(&tid, want.row.block, want.row.offset);
		tbm_add_tuples(bitmap, &tid, 1, needs_check(scan, &want));
	}
	return rows;
}

const VecidxCounts *vecidx_scan_counts(IndexScanDesc scan) {
	return &((VecidxScan *)scan->opaque)->counts;
}

void vecidx_end_scan(IndexScanDesc scan) {
	VecidxScan *state = scan->opaque;

	if (state->work != NULL)
		vecidx_workspace_leave(state->work);
	pfree(state);
}
