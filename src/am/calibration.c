/*
 * vecidx_calibration(index): what was measured of an index, as rows.
 */
#include "postgres.h"

#include "funcapi.h"
#include "utils/builtins.h"

#include "am/inspect.h"

#define COLUMNS 8

PG_FUNCTION_INFO_V1(vecidx_calibration);

static void put_curve(ReturnSetInfo *result, const char *by, int k, const vx_calibration *calibration,
					  const vx_curve *curve) {
	for (uint32 i = 0; i < VX_RECALLS; i++) {
		Datum values[COLUMNS];
		bool isnull[COLUMNS] = {false};
		int column = 0;

		values[column++] = CStringGetTextDatum(by);
		values[column++] = Int32GetDatum(k);
		values[column++] = Float8GetDatum(vx_calibrated_recall(i));
		values[column++] = Float4GetDatum(curve->efforts[i]);
		values[column++] = Float4GetDatum(curve->found[i]);
		values[column++] = Float4GetDatum(curve->leaves[i]);
		values[column++] = Float4GetDatum(curve->entries[i]);
		values[column++] = Int32GetDatum((int32)calibration->queries);
		tuplestore_putvalues(result->setResult, result->setDesc, values, isnull);
	}
}

static void put_calibration(ReturnSetInfo *result, const char *by, const vx_calibration *calibration) {
	static const int ks[VX_CALIBRATED_KS] = {1, 10, 100};

	for (int i = 0; calibration->queries > 0 && i < (int)VX_CALIBRATED_KS; i++)
		put_curve(result, by, ks[i], calibration, &calibration->curves[i]);
}

Datum vecidx_calibration(PG_FUNCTION_ARGS) {
	ReturnSetInfo *result = (ReturnSetInfo *)fcinfo->resultinfo;
	Relation heap, index = vecidx_open_for_inspection(PG_GETARG_OID(0), AccessShareLock, &heap);
	vx_meta meta;

	vecidx_check_inspector(index);
	InitMaterializedSRF(fcinfo, 0);
	if (result->setDesc->natts != COLUMNS)
		elog(ERROR, "vecidx_calibration has another result type than the library expects");
	vecidx_meta_now(index, &meta);
	put_calibration(result, "rows", &meta.calibrations[VX_BY_ROWS]);
	put_calibration(result, "queries", &meta.calibrations[VX_BY_QUERIES]);
	vecidx_close_inspected(index, heap, AccessShareLock);
	return (Datum)0;
}
