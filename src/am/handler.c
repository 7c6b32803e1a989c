/*
 * The access method's handler: tells PostgreSQL what a vecidx index can do and which functions do it.
 */
#include "postgres.h"

#include "commands/progress.h"
#include "commands/vacuum.h"
#include "fmgr.h"
#include "utils/fmgrprotos.h"

#include "am/am.h"

PG_FUNCTION_INFO_V1(vecidx_handler);

/* The column can be ordered by distance; everything else core answers from the flags. */
static bool vecidx_property(Oid index, int attno, IndexAMProperty property, const char *name, bool *result,
							bool *isnull) {
	if (attno == 0 || property != AMPROP_DISTANCE_ORDERABLE)
		return false;
	*result = true;
	return true;
}

static char *vecidx_phase_name(int64 phase) {
	switch (phase) {
	case PROGRESS_CREATEIDX_SUBPHASE_INITIALIZE:
		return "initializing";
	case VECIDX_PHASE_SAMPLING:
		return "sampling rows";
	case VECIDX_PHASE_TRAINING:
		return "training tree";
	case VECIDX_PHASE_ASSIGNING:
		return "assigning rows to leaves";
	case VECIDX_PHASE_SORTING:
		return "sorting rows by leaf";
	case VECIDX_PHASE_CALIBRATING:
		return "measuring recall";
	case VECIDX_PHASE_WRITING:
		return "writing pages";
	default:
		return NULL;
	}
}

/* No index-only scans and no killed tuples: scans hold no pins between pages, so a row pointer may be reused. */
Datum vecidx_handler(PG_FUNCTION_ARGS) {
	IndexAmRoutine *am = makeNode(IndexAmRoutine);

	am->amstrategies = VECIDX_STRATEGIES;
	am->amsupport = VECIDX_PROCS;
	am->amcanorderbyop = true;
	vecidx_can_build_parallel(am);
	am->amoptionalkey = true; /* sound: rows with a NULL vector are in the index too */
	am->amparallelvacuumoptions = VACUUM_OPTION_PARALLEL_BULKDEL;
	am->amkeytype = InvalidOid;

	am->ambuild = vecidx_build;
	am->ambuildempty = vecidx_build_empty;
	am->aminsert = vecidx_insert;
	am->ambulkdelete = vecidx_bulk_delete;
	am->amvacuumcleanup = vecidx_vacuum_cleanup;
	am->amcostestimate = vecidx_cost_estimate;
	am->amoptions = vecidx_options;
	am->amproperty = vecidx_property;
	am->ambuildphasename = vecidx_phase_name;
	am->amvalidate = vecidx_validate;
	am->ambeginscan = vecidx_begin_scan;
	am->amrescan = vecidx_rescan;
	am->amgettuple = vecidx_get_tuple;
	am->amgetbitmap = vecidx_get_bitmap;
	am->amendscan = vecidx_end_scan;
	PG_RETURN_POINTER(am);
}
