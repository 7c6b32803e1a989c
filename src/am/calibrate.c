/*
 * Calibration: which effort gives which recall on this index. The core measures it with queries of its own rows, or
 * with some of the user's; what comes of it is written on the meta page, where every scan and the planner look.
 *
 * It happens at the end of CREATE INDEX, in VACUUM when the index is no more what was measured, and on request.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/memutils.h"

#include "am/calibrate.h"
#include "am/change.h"
#include "am/faults.h"
#include "am/inspect.h"
#include "type/vector.h"

/* Rows that are asked for their neighbours: recall .95 of ten rows is then known to .005. */
#define ROWS_ASKED 600
/* With fewer queries nothing is known, and the default table stays. */
#define FEWEST_QUERIES 50
/* Rows that could not be drawn, or whose search was cut short. */
#define MOST_FAILURES 20
/* Shapes that were out of date. */
#define MOST_TRIES 3

void vecidx_calibrator_start(VecidxCalibrator *calibrator) {
	const vx_index *shape = vecidx_shape_copy(calibrator->index);
	Size bytes = vx_calibrate_size(shape);

	calibrator->machine = vx_calibrate_init(MemoryContextAllocHuge(calibrator->context, bytes), bytes, shape,
											RelationGetNumberOfBlocks(calibrator->index), vx_index_meta(shape)->seed);
}

static bool show_page(VecidxCalibrator *calibrator, const vx_want *want) {
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
	if (calibrator->careful)
		vecidx_vacuum_delay();
	if (calibrator->strategy != NULL)
		buffer = ReadBufferExtended(calibrator->index, MAIN_FORKNUM, want->block, RBM_NORMAL, calibrator->strategy);
	else
		buffer = vecidx_read_buffer(calibrator->index, want->block);
	LockBuffer(buffer, BUFFER_LOCK_SHARE);
	vx_calibrate_page(calibrator->machine, BufferGetPage(buffer));
	UnlockReleaseBuffer(buffer);
	return true;
}

/* One query, which the machine has been told. False: there is no going on. */
static bool run(VecidxCalibrator *calibrator) {
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
		case VX_STALE: /* trained, or given an anchor */
			calibrator->stale = true;
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

typedef struct Queries {
	Datum *values;
	bool *isnull;
	int n;
} Queries;

static _Noreturn void report_too_few(int n) {
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("too few queries to calibrate by: %d", n),
					errhint("Give at least %d that are not null and have distances; some hundreds are better.",
							FEWEST_QUERIES)));
}

static const float *query_vector(Relation index, Datum value) {
	Vector *query = DatumGetVector(value);
	uint32 dim = vecidx_dimension_of(index);

	if ((uint32)query->dim != dim)
		ereport(ERROR, (errcode(ERRCODE_DATA_EXCEPTION),
						errmsg("different vector dimensions %d and %d", (int)dim, (int)query->dim)));
	return query->x;
}

bool vecidx_calibrator_row(VecidxCalibrator *calibrator, uint32 number) {
	vx_calibrate_row(calibrator->machine, number);
	return run(calibrator);
}

/* Rows by number while most of them can be had: an index that was emptied has none. */
static bool measure_some(VecidxCalibrator *calibrator, uint32 from, uint32 to) {
	uint32 before = vx_calibrate_queries(calibrator->machine);

	for (uint32 i = from; i < to; i++) {
		if (i - from - (vx_calibrate_queries(calibrator->machine) - before) > MOST_FAILURES)
			break;
		if (!vecidx_calibrator_row(calibrator, i))
			return false;
	}
	return true;
}

/* With rows of the index; false when too few were met. */
static bool measure_rows(VecidxCalibrator *calibrator) {
	uint32 first = vx_calibrate_first();

	if (!measure_some(calibrator, 0, first))
		return false;
	if (calibrator->workers > 0 && vx_calibrate_queries(calibrator->machine) == first) {
		if (!vecidx_calibrate_together(calibrator, first, ROWS_ASKED))
			return false;
	} else if (!measure_some(calibrator, first, ROWS_ASKED)) {
		return false;
	}
	return vx_calibrate_queries(calibrator->machine) >= FEWEST_QUERIES;
}

/* With the queries; nothing less than all of them will do. */
static bool measure_queries(VecidxCalibrator *calibrator, const Queries *queries) {
	for (int i = 0; i < queries->n; i++) {
		if (queries->isnull[i])
			continue;
		vx_calibrate_query(calibrator->machine, (uint32)i, query_vector(calibrator->index, queries->values[i]));
		if (!run(calibrator))
			return false;
	}
	if (vx_calibrate_queries(calibrator->machine) < FEWEST_QUERIES)
		report_too_few((int)vx_calibrate_queries(calibrator->machine));
	return true;
}

/* `queries` NULL: by rows. False, and nothing measured: there is no tree, or there are too few rows. */
static bool calibrate(VecidxCalibrator *calibrator, const Queries *queries, vx_calibration *result) {
	MemoryContext old;
	vx_meta meta;
	bool measured = false;

	vecidx_meta_now(calibrator->index, &meta);
	if (meta.levels == 0)
		return false;
	calibrator->context = AllocSetContextCreate(CurrentMemoryContext, "vecidx calibration", ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(calibrator->context);
	for (int i = 0; i < MOST_TRIES; i++) {
		MemoryContextReset(calibrator->context);
		calibrator->stale = false;
		vecidx_calibrator_start(calibrator);
		measured = queries != NULL ? measure_queries(calibrator, queries) : measure_rows(calibrator);
		if (!calibrator->stale)
			break;
		vecidx_shape_forget(calibrator->index);
	}
	if (calibrator->stale && !calibrator->careful)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_IN_USE),
				 errmsg("index \"%s\" was reshaped during the calibration", RelationGetRelationName(calibrator->index)),
				 errhint("Try again.")));
	if (measured)
		vx_calibrate_result(calibrator->machine, result);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(calibrator->context);
	return measured;
}

/* The index belongs to its builder, who logs all of its pages afterwards. */
void vecidx_calibrate_new(Relation heap, Relation index, int workers, bool concurrent) {
	VecidxCalibrator calibrator = {.index = index, .heap = heap, .workers = workers, .concurrent = concurrent};
	vx_calibration result;
	Buffer buffer;

	if (!calibrate(&calibrator, NULL, &result))
		return;
	buffer = ReadBuffer(index, VX_META_BLOCK);
	LockBuffer(buffer, BUFFER_LOCK_EXCLUSIVE);
	START_CRIT_SECTION();
	if (vx_meta_calibrate(BufferGetPage(buffer), VX_BY_ROWS, &result))
		MarkBufferDirty(buffer);
	END_CRIT_SECTION();
	UnlockReleaseBuffer(buffer);
}

void vecidx_calibrate_changed(Relation index, BufferAccessStrategy strategy) {
	VecidxCalibrator calibrator = {.index = index, .careful = true, .strategy = strategy};
	vx_calibration result;
	vx_meta meta;

	vecidx_meta_now(index, &meta);
	if (vx_meta_calibration_due(&meta) && calibrate(&calibrator, NULL, &result))
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

static Datum calibrate_by(FunctionCallInfo fcinfo, vx_calibrated_by by, const Queries *queries) {
	Relation heap, index = open_owned(PG_GETARG_OID(0), &heap);
	VecidxCalibrator calibrator = {.index = index};
	vx_calibration result = {0};

	if (calibrate(&calibrator, queries, &result))
		write_result(index, by, &result);
	vecidx_close_inspected(index, heap, ShareUpdateExclusiveLock);
	PG_RETURN_INT32((int32)result.queries);
}

/* vecidx_calibrate(index): queries that counted; 0 when the index has no tree yet, since then every search is exact. */
Datum vecidx_calibrate(PG_FUNCTION_ARGS) {
	return calibrate_by(fcinfo, VX_BY_ROWS, NULL);
}

/* vecidx_calibrate(index, queries vector[]): the same with queries of the user's, for vecidx.calibration = queries. */
Datum vecidx_calibrate_queries(PG_FUNCTION_ARGS) {
	ArrayType *array = PG_GETARG_ARRAYTYPE_P(1);
	Queries queries;

	deconstruct_array(array, ARR_ELEMTYPE(array), -1, false, TYPALIGN_INT, &queries.values, &queries.isnull,
					  &queries.n);
	if (queries.n < FEWEST_QUERIES)
		report_too_few(queries.n);
	return calibrate_by(fcinfo, VX_BY_QUERIES, &queries);
}
