/*
 * Calibration: which effort gives which recall on this index. The core measures it with queries of its own rows, or
 * with some of the user's; what comes of it is written on the meta page, where every scan and the planner look.
 *
 * It happens at the end of CREATE INDEX, in VACUUM when the index is no more what was measured, and on request.
 */
#include "postgres.h"

#include <math.h>

#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/memutils.h"

#include "am/change.h"
#include "am/faults.h"
#include "am/inspect.h"
#include "type/vector.h"

/* Rows that are asked for their neighbours: recall .95 of ten rows is then known to .005. */
#define ROWS_ASKED 600
/* With fewer queries nothing is known, and the default table stays. */
#define FEWEST_QUERIES 50
/* An index that changed by this share is measured again. */
#define CHANGED_SHARE 0.2

typedef struct Calibrator {
	Relation index;
	vx_calibrate *machine;
	MemoryContext context;
	BlockNumber blocks; /* of the index, when last looked */
	bool careful;       /* stop, instead of raising an error, where a page is not what it must be */
} Calibrator;

static void start(Calibrator *calibrator, uint64 seed) {
	const vx_index *shape = vecidx_shape_copy(calibrator->index);
	Size bytes = vx_calibrate_size(shape);

	calibrator->machine = vx_calibrate_init(MemoryContextAllocHuge(calibrator->context, bytes), bytes, shape,
											RelationGetNumberOfBlocks(calibrator->index), seed);
}

static bool show_page(Calibrator *calibrator, const vx_want *want) {
	Buffer buffer;

	if (want->block >= calibrator->blocks)
		calibrator->blocks = RelationGetNumberOfBlocks(calibrator->index);
	if (want->block >= calibrator->blocks) {
		if (calibrator->careful)
			return false;
		vecidx_report_corrupt(calibrator->index, want->block, "It lies beyond the end of the index.");
	}
	for (uint32 i = 0; i < want->nahead; i++)
		if (want->ahead[i] < calibrator->blocks)
			vecidx_prefetch_buffer(calibrator->index, want->ahead[i], want->ahead_at[i]);
	buffer = vecidx_read_buffer(calibrator->index, want->block);
	LockBuffer(buffer, BUFFER_LOCK_SHARE);
	vx_calibrate_page(calibrator->machine, BufferGetPage(buffer));
	UnlockReleaseBuffer(buffer);
	return true;
}

/* One query, which the machine has been told. False: there is no going on. */
static bool run(Calibrator *calibrator) {
	vx_want want;

	for (;;) {
		CHECK_FOR_INTERRUPTS();
		switch (vx_calibrate_next(calibrator->machine, &want)) {
		case VX_DONE:
			return true;
		case VX_PAGE:
			if (!show_page(calibrator, &want))
				return false;
			break;
		case VX_MEMORY:
			vx_calibrate_grow(calibrator->machine, MemoryContextAllocHuge(calibrator->context, want.bytes), want.bytes);
			break;
		case VX_YIELD:
			break;
		case VX_STALE: /* trained, or given an anchor, just now: it will be measured the next time */
			return false;
		case VX_CORRUPT:
			if (calibrator->careful)
				return false;
			vecidx_report_corrupt(calibrator->index, want.block, want.why);
		default:
			elog(ERROR, "unexpected step of a vecidx calibration");
		}
	}
}

static void write_result(Relation index, vx_calibrated_by by, const vx_calibration *result) {
	vx_want want = {.npages = 1, .pages = {VX_META_BLOCK}};
	VecidxChange change;
	vx_step step;

	vecidx_change_begin(&change, index, &want, vecidx_fault_name("calibration"));
	step = vx_meta_calibrate(change.images[0], by, result) ? VX_DONE : VX_CORRUPT;
	want.block = VX_META_BLOCK;
	want.why = "not a vecidx meta page";
	if (vecidx_change_end(&change, step, &want) == VX_CORRUPT)
		vecidx_report_corrupt(index, want.block, want.why);
}

/* With rows of the index; false when too few were met. */
static bool measure_rows(Calibrator *calibrator, vx_calibration *result) {
	for (int i = 0; i < ROWS_ASKED; i++) {
		vx_calibrate_row(calibrator->machine);
		if (!run(calibrator))
			return false;
	}
	return vx_calibrate_result(calibrator->machine, result) >= FEWEST_QUERIES;
}

static bool calibrate(Relation index, bool careful, vx_calibration *result) {
	Calibrator calibrator = {.index = index, .careful = careful};
	MemoryContext old;
	vx_meta meta;
	bool measured;

	vecidx_meta_now(index, &meta);
	if (meta.levels == 0)
		return false;
	calibrator.context = AllocSetContextCreate(CurrentMemoryContext, "vecidx calibration", ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(calibrator.context);
	start(&calibrator, meta.seed);
	measured = measure_rows(&calibrator, result);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(calibrator.context);
	return measured;
}

/* The index belongs to its builder, who logs all of its pages afterwards. */
void vecidx_calibrate_new(Relation index) {
	vx_calibration result;
	Buffer buffer;

	if (!calibrate(index, false, &result))
		return;
	buffer = ReadBuffer(index, VX_META_BLOCK);
	LockBuffer(buffer, BUFFER_LOCK_EXCLUSIVE);
	START_CRIT_SECTION();
	if (vx_meta_calibrate(BufferGetPage(buffer), VX_BY_ROWS, &result))
		MarkBufferDirty(buffer);
	END_CRIT_SECTION();
	UnlockReleaseBuffer(buffer);
}

static bool differs(double now, double then) {
	return fabs(now - then) > CHANGED_SHARE * then;
}

void vecidx_calibrate_changed(Relation index) {
	vx_calibration result;
	vx_meta meta;

	vecidx_meta_now(index, &meta);
	result = meta.calibrations[VX_BY_ROWS];
	if (result.queries > 0 && !differs((double)meta.rows, result.rows) && !differs(meta.leaves, result.leaves))
		return;
	if (calibrate(index, true, &result))
		write_result(index, VX_BY_ROWS, &result);
}

PG_FUNCTION_INFO_V1(vecidx_calibrate);
PG_FUNCTION_INFO_V1(vecidx_calibrate_queries);

static Relation open_owned(Oid oid, Relation *heap) {
	Relation index = vecidx_open_for_inspection(oid, ShareUpdateExclusiveLock, heap);

	if (!has_privs_of_role(GetUserId(), index->rd_rel->relowner))
		aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_INDEX, RelationGetRelationName(index));
	PreventCommandIfReadOnly("vecidx_calibrate()");
	PreventCommandDuringRecovery("vecidx_calibrate()");
	return index;
}

/* vecidx_calibrate(index): queries that counted; 0 when the index has no tree yet, since then every search is exact. */
Datum vecidx_calibrate(PG_FUNCTION_ARGS) {
	vx_calibration result = {0};
	Relation heap, index = open_owned(PG_GETARG_OID(0), &heap);

	if (calibrate(index, false, &result))
		write_result(index, VX_BY_ROWS, &result);
	vecidx_close_inspected(index, heap, ShareUpdateExclusiveLock);
	PG_RETURN_INT32((int32)result.queries);
}

static void ask_query(Calibrator *calibrator, Datum value) {
	Vector *query = DatumGetVector(value);
	uint32 dim = vecidx_dimension_of(calibrator->index);

	if ((uint32)query->dim != dim)
		ereport(ERROR, (errcode(ERRCODE_DATA_EXCEPTION),
						errmsg("different vector dimensions %d and %d", (int)dim, (int)query->dim)));
	vx_calibrate_query(calibrator->machine, query->x);
	if (!run(calibrator))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_IN_USE),
				 errmsg("index \"%s\" was reshaped during the calibration", RelationGetRelationName(calibrator->index)),
				 errhint("Try again.")));
}

/* vecidx_calibrate(index, queries vector[]): the same with queries of the user's, for vecidx.calibration = queries. */
Datum vecidx_calibrate_queries(PG_FUNCTION_ARGS) {
	Relation heap, index = open_owned(PG_GETARG_OID(0), &heap);
	ArrayType *array = PG_GETARG_ARRAYTYPE_P(1);
	Calibrator calibrator = {.index = index, .context = CurrentMemoryContext};
	vx_calibration result = {0};
	vx_meta meta;
	Datum *queries;
	bool *isnull;
	int n;

	deconstruct_array(array, ARR_ELEMTYPE(array), -1, false, TYPALIGN_INT, &queries, &isnull, &n);
	if (n < FEWEST_QUERIES)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("too few queries to calibrate by: %d", n),
						errhint("Give at least %d; some hundreds are better.", FEWEST_QUERIES)));
	vecidx_meta_now(index, &meta);
	if (meta.levels > 0) {
		start(&calibrator, meta.seed);
		for (int i = 0; i < n; i++)
			if (!isnull[i])
				ask_query(&calibrator, queries[i]);
		if (vx_calibrate_result(calibrator.machine, &result) > 0)
			write_result(index, VX_BY_QUERIES, &result);
	}
	vecidx_close_inspected(index, heap, ShareUpdateExclusiveLock);
	PG_RETURN_INT32((int32)result.queries);
}
