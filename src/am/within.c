/*
 * The planner support function of l2_within and the like: turns them into the condition `column @<->
 * vector_ball(center, radius)` of an index whose operator class has that operator and measures the same distance. Both
 * say the same of every row, so nothing is left to check above the scan.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/supportnodes.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "utils/lsyscache.h"

#include "am/am.h"
#include "am/within.h"
#include "type/vector_within.h"

PG_FUNCTION_INFO_V1(vecidx_within_support);

VectorDistance vecidx_measure_of_condition(Oid function) {
	FmgrInfo info;

	if (!OidIsValid(function))
		return NULL;
	fmgr_info(function, &info);
	return vecidx_measure_within(info.fn_addr);
}

/* The operator of the index's family for this condition; makes_ball is what makes its right argument. */
static Oid operator_for(const SupportRequestIndexCondition *request, Oid *makes_ball) {
	Oid type = request->index->opcintype[request->indexcol];
	VectorDistance measure = vecidx_measure_of_condition(request->funcid);
	Oid found;

	*makes_ball = get_opfamily_proc(request->opfamily, type, type, VECIDX_BALL_PROC);
	if (!OidIsValid(*makes_ball))
		return InvalidOid;
	found = get_opfamily_member(request->opfamily, type, get_func_rettype(*makes_ball), VECIDX_WITHIN_STRATEGY);
	if (!OidIsValid(found) || measure == NULL || vecidx_measure_of_condition(get_opcode(found)) != measure)
		return InvalidOid;
	return found;
}

static List *index_condition(SupportRequestIndexCondition *request) {
	FuncExpr *call = (FuncExpr *)request->node, *ball;
	Node *column, *center, *radius;
	Oid found, makes_ball;

	/* the distance is the same either way round */
	if (!IsA(call, FuncExpr) || list_length(call->args) != 3 || request->indexarg > 1)
		return NIL;
	column = list_nth(call->args, request->indexarg);
	center = list_nth(call->args, 1 - request->indexarg);
	radius = lthird(call->args);
	if (!is_pseudo_constant_for_index(request->root, center, request->index) ||
		!is_pseudo_constant_for_index(request->root, radius, request->index))
		return NIL;
	found = operator_for(request, &makes_ball);
	if (!OidIsValid(found))
		return NIL;
	ball = makeFuncExpr(makes_ball, get_func_rettype(makes_ball), list_make2(center, radius), InvalidOid, InvalidOid,
						COERCE_EXPLICIT_CALL);
	request->lossy = false;
	return list_make1(make_opclause(found, BOOLOID, false, (Expr *)column,
									(Expr *)eval_const_expressions(request->root, (Node *)ball), InvalidOid,
									InvalidOid));
}

Datum vecidx_within_support(PG_FUNCTION_ARGS) {
	Node *request = (Node *)PG_GETARG_POINTER(0);

	if (IsA(request, SupportRequestIndexCondition))
		PG_RETURN_POINTER(index_condition((SupportRequestIndexCondition *)request));
	if (IsA(request, SupportRequestSelectivity)) {
		SupportRequestSelectivity *wanted = (SupportRequestSelectivity *)request;

		wanted->selectivity = vecidx_share_within(wanted->root, wanted->funcid, wanted->args, wanted->varRelid);
		PG_RETURN_POINTER(wanted);
	}
	PG_RETURN_POINTER(NULL);
}
