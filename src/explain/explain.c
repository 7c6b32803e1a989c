/*
 * vecidx_explain(query): does the query use an index, and if not, why? Nothing is executed.
 */
#include "postgres.h"

#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"

#include "explain/explain.h"

PG_FUNCTION_INFO_V1(vecidx_explain);

Datum vecidx_explain(PG_FUNCTION_ARGS) {
	VecidxStatement *statement = vecidx_statement_plan(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	VecidxFindings out;
	ReturnSetInfo *result;

	InitMaterializedSRF(fcinfo, 0);
	result = (ReturnSetInfo *)fcinfo->resultinfo;
	out = (VecidxFindings){result->setResult, result->setDesc};
	if (out.desc->natts != 3)
		elog(ERROR, "vecidx_explain has another result type than the library expects");
	for (int i = 0; i < list_length(statement->searches); i++)
		vecidx_findings_about(&out, statement, i);
	if (statement->searches == NIL)
		vecidx_findings_add(&out, "no_order", NULL,
							"No ORDER BY begins with a distance. An index serves ORDER BY column operator query LIMIT "
							"n, and conditions "
							"like l2_within(column, query, radius), which EXPLAIN shows as Index Cond.");
	return (Datum)0;
}
