/*
 * vecidx_last_scan(): what the session's last index scan has looked at.
 */
#include "postgres.h"

#include "fmgr.h"
#include "funcapi.h"

#include "am/counts.h"

PG_FUNCTION_INFO_V1(vecidx_last_scan);

#define COLUMNS 11

/* In the order of the function's columns. */
static void fill(Datum *values, bool *isnull, const VecidxCounts *counts) {
	vx_scan_stats total = vecidx_counts_total(counts);
	int i = 0;

	values[i++] = ObjectIdGetDatum(counts->index);
	values[i++] = Float8GetDatum(counts->recall);
	isnull[i] = counts->rows == 0;
	values[i++] = Int64GetDatum(counts->rows);
	values[i++] = Int64GetDatum(counts->searches);
	values[i++] = Int64GetDatum((int64)total.passes);
	values[i++] = Int64GetDatum((int64)total.pages);
	values[i++] = Int64GetDatum((int64)total.inner_nodes);
	values[i++] = Int64GetDatum((int64)total.leaves);
	values[i++] = Int64GetDatum((int64)total.entries);
	values[i++] = Int64GetDatum((int64)total.refined);
	values[i++] = Int64GetDatum((int64)total.rows);
	Assert(i == COLUMNS);
}

/* One row, or none. */
Datum vecidx_last_scan(PG_FUNCTION_ARGS) {
	const VecidxCounts *counts = vecidx_counts_last();
	Datum values[COLUMNS];
	bool isnull[COLUMNS] = {false};
	ReturnSetInfo *result;

	InitMaterializedSRF(fcinfo, 0);
	result = (ReturnSetInfo *)fcinfo->resultinfo;
	if (result->setDesc->natts != COLUMNS)
		elog(ERROR, "vecidx_last_scan has another result type than the library expects");
	if (counts != NULL) {
		fill(values, isnull, counts);
		tuplestore_putvalues(result->setResult, result->setDesc, values, isnull);
	}
	return (Datum)0;
}
