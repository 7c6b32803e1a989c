/*
 * Calibration: which effort gives which recall on this index. The core measures it with queries of its own rows, or
 * with some of the user's; what comes of it is written on the meta page, where every scan and the planner look.
 *
 * It happens at the end of CREATE INDEX, in VACUUM when the index is no more what was measured, and on request.
 */
#include "postgres.h"

#include <math.h>

#include "commands/vacuum.h"
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
/* Rows that could not be drawn, or whose search was cut short. */
#define MOST_FAILURES 100
/* Shapes that were out of date. */
#define MOST_TRIES 3
/* An index that changed by this share is measured again. */
#define CHANGED_SHARE 0.2

typedef struct Calibrator {
	Relation index;
	vx_calibrate *machine;
	MemoryContext context;
	BlockNumber blocks;            /* of the index, when last looked */
	BufferAccessStrategy strategy; /* of VACUUM; else NULL */
	bool careful; /* VACUUM, whose snapshot keeps nothing from being used again: no errors, and its pauses */
	bool stale;   /* the shape was out of date */
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

/* With rows of the index; false when too few were met, as in one that was emptied. */
static bool measure_rows(Calibrator *calibrator) {
	int failures = 0;

	for (int i = 0; i < ROWS_ASKED && failures < MOST_FAILURES; i++) {
		uint32 before = vx_calibrate_queries(calibrator->machine);

		vx_calibrate_row(calibrator->machine);
		if (!run(calibrator))
			return false;
		failures += vx_calibrate_queries(calibrator->machine) == before ? 1 : 0;
	}
	return vx_calibrate_queries(calibrator->machine) >= FEWEST_QUERIES;
}

/* With the queries; nothing less than all of them will do. */
static bool measure_queries(Calibrator *calibrator, const Queries *queries) {
	for (int i = 0; i < queries->n; i++) {
		if (queries->isnull[i])
			continue;
		vx_calibrate_query(calibrator->machine, query_vector(calibrator->index, queries->values[i]));
		if (!run(calibrator))
			return false;
	}
	if (vx_calibrate_queries(calibrator->machine) < FEWEST_QUERIES)
		report_too_few((int)vx_calibrate_queries(calibrator->machine));
	return true;
}

/* `queries` NULL: by rows. False, and nothing measured: there is no tree, or there are too few rows. */
static bool calibrate(Calibrator *calibrator, const Queries *queries, vx_calibration *result) {
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
		start(calibrator, meta.seed);
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
void vecidx_calibrate_new(Relation index) {
	Calibrator calibrator = {.index = index};
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

static bool differs(double now, double then) {
	return fabs(now - then) > CHANGED_SHARE * then;
}

void vecidx_calibrate_changed(Relation index, BufferAccessStrategy strategy) {
	Calibrator calibrator = {.index = index, .careful = true, .strategy = strategy};
	vx_calibration result;
	vx_meta meta;

	vecidx_meta_now(index, &meta);
	result = meta.calibrations[VX_BY_ROWS];
	if (result.queries > 0 && !differs((double)meta.rows, result.rows) && !differs(meta.leaves, result.leaves))
		return;
	if (calibrate(&calibrator, NULL, &result))
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
	Calibrator calibrator = {.index = index};
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
