/*
 * v[i]: one element as real, counted from 1, NULL outside, as arrays have it. Reading only: a vector is small and
 * replaced as a whole. An element of a vector stored out of line is fetched alone.
 */
#include "postgres.h"

#include <string.h>

#include "catalog/pg_type.h"
#include "executor/execExpr.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "nodes/subscripting.h"
#include "parser/parse_coerce.h"
#include "parser/parse_expr.h"
#include "utils/builtins.h"

#include "type/vector.h"

PG_FUNCTION_INFO_V1(vecidx_vector_subscript);

/* Parse analysis: exactly one subscript, an integer, that reads. */
static void transform_subscript(SubscriptingRef *ref, List *indirection, ParseState *pstate, bool is_slice,
								bool is_assignment) {
	A_Indices *index = linitial_node(A_Indices, indirection);
	int location = exprLocation(index->uidx ? index->uidx : index->lidx);
	Node *expr;
	Oid expr_type;

	if (is_slice)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED), errmsg("type vector does not support slices"),
						errhint("Use subvector(vector, start, count)."), parser_errposition(pstate, location)));
	if (list_length(indirection) != 1)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED), errmsg("type vector allows only one subscript"),
						parser_errposition(pstate, location)));
	if (is_assignment)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED), errmsg("elements of type vector cannot be assigned to"),
						errhint("Assign a whole vector."), parser_errposition(pstate, location)));

	expr = transformExpr(pstate, index->uidx, pstate->p_expr_kind);
	expr_type = exprType(expr);
	expr = coerce_to_target_type(pstate, expr, expr_type, INT4OID, -1, COERCION_ASSIGNMENT, COERCE_IMPLICIT_CAST, -1);
	if (expr == NULL)
		ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH), errmsg("vector subscript must have type integer"),
						parser_errposition(pstate, location)));

	ref->refupperindexpr = list_make1(expr);
	ref->reflowerindexpr = NIL;
	ref->refrestype = FLOAT4OID;
	ref->reftypmod = -1;
}

/* Execution; the expression machinery has dealt with a NULL vector, but not with a NULL subscript. */
static void fetch_element(ExprState *state, ExprEvalStep *op, ExprContext *econtext) {
	const SubscriptingRefState *subscripts = op->d.sbsref.state;
	Datum vector = *op->resvalue;
	int32 index;

	*op->resnull = true;
	if (subscripts->upperindexnull[0])
		return;
	index = DatumGetInt32(subscripts->upperindex[0]);
	if (index < 1 || index > vecidx_vector_datum_dim(vector))
		return;
	*op->resvalue = Float4GetDatum(vecidx_vector_datum_element(vector, index));
	*op->resnull = false;
}

static void setup_subscript(const SubscriptingRef *ref, SubscriptingRefState *state, SubscriptExecSteps *methods) {
	methods->sbs_check_subscripts = NULL; /* a NULL subscript is left to fetch_element */
	methods->sbs_fetch = fetch_element;
	methods->sbs_assign = NULL;
	methods->sbs_fetch_old = NULL;
}

Datum vecidx_vector_subscript(PG_FUNCTION_ARGS) {
	static const SubscriptRoutines routines = {
		.transform = transform_subscript,
		.exec_setup = setup_subscript,
		.fetch_strict = true,
		.fetch_leakproof = true,
		.store_leakproof = false,
	};

	PG_RETURN_POINTER(&routines);
}
