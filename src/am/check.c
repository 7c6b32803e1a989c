/*
 * vecidx_check(index, heapallindexed): verifies the whole structure of an index and, on demand, that every row of the
 * table that belongs in it is there. The first fault found is raised as an error.
 */
#include "postgres.h"

#include "access/tableam.h"
#include "access/xlog.h"
#include "access/xlogrecovery.h"
#include "catalog/index.h"
#include "catalog/pg_operator_d.h"
#include "catalog/pg_type_d.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/bufmgr.h"
#include "storage/latch.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/tuplesort.h"

#include "am/inspect.h"

PG_FUNCTION_INFO_V1(vecidx_check);

/* On a standby that replays: some 4 seconds in all. */
#define MOST_ATTEMPTS 12

typedef struct Check {
	Relation heap, index;
	Snapshot snapshot;          /* taken before the index is read; NULL: do not compare with the table */
	Tuplesortstate *index_rows; /* row pointers as int8 */
	Tuplesortstate *table_rows;
	BufferAccessStrategy strategy;
} Check;

static Tuplesortstate *start_sort(void) {
	return tuplesort_begin_datum(INT8OID, Int8LessOperator, InvalidOid, false, maintenance_work_mem / 2, NULL,
								 TUPLESORT_NONE);
}

static void put_row(Tuplesortstate *sort, BlockNumber block, OffsetNumber offset) {
	tuplesort_putdatum(sort, Int64GetDatum((int64)block << 16 | offset), false);
}

static bool get_row(Tuplesortstate *sort, int64 *row) {
	Datum value;
	bool isnull;

	if (!vecidx_tuplesort_getdatum(sort, &value, &isnull))
		return false;
	*row = DatumGetInt64(value);
	return true;
}

/* ---- the structure */

static void show_page(Check *check, vx_check *machine, BlockNumber block) {
	Buffer buffer = ReadBufferExtended(check->index, MAIN_FORKNUM, block, RBM_NORMAL, check->strategy);

	LockBuffer(buffer, BUFFER_LOCK_SHARE);
	vx_check_page(machine, BufferGetPage(buffer));
	UnlockReleaseBuffer(buffer);
}

static void grow(vx_check *machine, Size bytes) {
	vx_check_grow(machine, MemoryContextAllocHuge(CurrentMemoryContext, bytes), bytes);
}

typedef enum Verdict { SOUND, FAULTY, OUTDATED } Verdict;

/* One pass over the index. FAULTY: `want` says what is wrong. OUTDATED: the shape is not the index's any more. */
static Verdict judge_structure(Check *check, vx_want *want) {
	const vx_index *shape = vecidx_shape_copy(check->index);
	BlockNumber blocks = RelationGetNumberOfBlocks(check->index);
	Size bytes = vx_check_size(shape, blocks);
	vx_check *machine = vx_check_init(MemoryContextAllocHuge(CurrentMemoryContext, bytes), bytes, shape, blocks);

	for (;;) {
		CHECK_FOR_INTERRUPTS();
		switch (vx_check_next(machine, want)) {
		case VX_DONE:
			return SOUND;
		case VX_PAGE:
			show_page(check, machine, want->block);
			break;
		case VX_ROW:
			if (check->index_rows != NULL)
				put_row(check->index_rows, want->row.block, want->row.offset);
			break;
		case VX_MEMORY:
			grow(machine, want->bytes);
			break;
		case VX_YIELD:
			break;
		case VX_CORRUPT:
			return FAULTY;
		case VX_STALE:
			return OUTDATED;
		default:
			elog(ERROR, "unexpected step of a vecidx check");
		}
	}
}

/*
 * No lock keeps replay away, so pages that are read one after the other on a standby may belong to different states.
 * Waits a little, and longer each time, or gives up. False when nothing was replayed: the fault is real.
 */
static bool changed_meanwhile(XLogRecPtr start, int attempt, const Check *check, const vx_want *want) {
	if (!RecoveryInProgress() || GetCurrentReplayRecPtr(NULL) == start)
		return false;
	if (attempt == MOST_ATTEMPTS)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("could not check index \"%s\" while replay changes it", RelationGetRelationName(check->index)),
				 errdetail("Seen last, at block %u: %s.", want->block, want->why),
				 errhint("Pause replay with pg_wal_replay_pause(), or check on the primary.")));
	WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, 1L << attempt, PG_WAIT_EXTENSION);
	ResetLatch(MyLatch);
	return true;
}

static void check_structure(Check *check) {
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "vecidx check", ALLOCSET_DEFAULT_SIZES), caller;
	vx_want want;

	for (int attempt = 1;;) {
		XLogRecPtr start = RecoveryInProgress() ? GetXLogReplayRecPtr(NULL) : InvalidXLogRecPtr;
		Verdict verdict;

		if (check->snapshot != NULL)
			check->index_rows = start_sort();
		caller = MemoryContextSwitchTo(context);
		verdict = judge_structure(check, &want);
		MemoryContextSwitchTo(caller);
		if (verdict == SOUND)
			break;
		if (verdict == FAULTY && !changed_meanwhile(start, attempt++, check, &want))
			vecidx_report_corrupt(check->index, want.block, want.why);
		if (check->index_rows != NULL)
			tuplesort_end(check->index_rows);
		MemoryContextReset(context);
		vecidx_shape_forget(check->index);
	}
	MemoryContextDelete(context);
}

/* ---- the table's rows */

static void add_table_row(Relation index, ItemPointer tid, Datum *values, bool *isnull, bool alive, void *argument) {
	put_row(((Check *)argument)->table_rows, ItemPointerGetBlockNumber(tid), ItemPointerGetOffsetNumber(tid));
}

/* As a concurrent build would see the table: the rows visible to the snapshot. */
static void read_table(Check *check) {
	IndexInfo *info = BuildIndexInfo(check->index);
	TableScanDesc scan = table_beginscan_strat(check->heap, check->snapshot, 0, NULL, true, true);

	info->ii_Concurrent = true;
	table_index_build_scan(check->heap, check->index, info, true, false, add_table_row, check, scan);
}

static void compare_rows(Check *check) {
	int64 row, have = -1;
	bool more = true;

	tuplesort_performsort(check->index_rows);
	tuplesort_performsort(check->table_rows);
	while (get_row(check->table_rows, &row)) {
		CHECK_FOR_INTERRUPTS();
		while (more && have < row)
			more = get_row(check->index_rows, &have);
		if (!more || have != row)
			ereport(ERROR, (errcode(ERRCODE_INDEX_CORRUPTED),
							errmsg("row (%u,%u) of table \"%s\" is missing from index \"%s\"", (BlockNumber)(row >> 16),
								   (unsigned)(row & 0xFFFF), RelationGetRelationName(check->heap),
								   RelationGetRelationName(check->index)),
							errhint("Rebuild it with REINDEX.")));
	}
}

/* Index expressions and predicates run as the table's owner and can change nothing. */
static void check_rows(Check *check) {
	Oid user;
	int context, level = NewGUCNestLevel();

	GetUserIdAndSecContext(&user, &context);
	SetUserIdAndSecContext(check->heap->rd_rel->relowner, context | SECURITY_RESTRICTED_OPERATION);
	check->table_rows = start_sort();
	read_table(check);
	AtEOXact_GUC(false, level);
	SetUserIdAndSecContext(user, context);
	compare_rows(check);
	tuplesort_end(check->table_rows);
	tuplesort_end(check->index_rows);
}

/*
 * The structure is compared across pages, so it must hold still: writers wait. A standby has no such lock; there a
 * fault counts when nothing was replayed meanwhile, or when it is there again and again.
 */
Datum vecidx_check(PG_FUNCTION_ARGS) {
	LOCKMODE lock = RecoveryInProgress() ? AccessShareLock : ShareLock;
	Check check = {.strategy = GetAccessStrategy(BAS_BULKREAD)};

	check.index = vecidx_open_for_inspection(PG_GETARG_OID(0), lock, &check.heap);
	if (PG_GETARG_BOOL(1))
		check.snapshot = RegisterSnapshot(GetLatestSnapshot());
	check_structure(&check);
	if (check.snapshot != NULL) {
		check_rows(&check);
		UnregisterSnapshot(check.snapshot);
	}
	vecidx_close_inspected(check.index, check.heap, lock);
	PG_RETURN_VOID();
}
