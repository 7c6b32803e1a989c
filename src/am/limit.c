/*
 * How many rows are wanted of a scan: LIMIT + OFFSET, where nothing between the Limit node and the scan takes rows
 * away.
 *
 * The executor does not tell an index scan. So after every executor start a walk over the plan looks for Limit nodes
 * and, below them through nodes that pass rows on in order, for scans of a vecidx index. The same walk looks at the
 * filters of all such scans. What it finds is noted (note.c). A scan without a note works in growing batches.
 */
#include "postgres.h"

#include "executor/executor.h"
#include "nodes/nodeFuncs.h"
#include "utils/fmgroids.h"

#include "am/am.h"

static ExecutorStart_hook_type next_executor_start = NULL;

bool vecidx_is_known(Node *expression) {
	if (IsA(expression, Const))
		return true;
	if (IsA(expression, Param))
		return ((Param *)expression)->paramkind == PARAM_EXTERN;
	if (IsA(expression, FuncExpr)) {
		FuncExpr *call = (FuncExpr *)expression;

		return (call->funcid == F_INT8_INT4 || call->funcid == F_INT8_INT2) && vecidx_is_known(linitial(call->args));
	}
	return false;
}

/* The value of LIMIT or OFFSET; -1 when it is not known or not there. */
static int64 known_value(LimitState *limit, Node *expression, ExprState *state) {
	bool isnull;
	Datum value;

	if (state == NULL || !vecidx_is_known(expression))
		return -1;
	value = ExecEvalExprSwitchContext(state, limit->ps.ps_ExprContext, &isnull);
	return isnull ? -1 : DatumGetInt64(value);
}

/* LIMIT + OFFSET, 0 when unknown. */
static uint32 rows_of(LimitState *limit) {
	Limit *plan = (Limit *)limit->ps.plan;
	int64 count = known_value(limit, plan->limitCount, limit->limitCount);
	int64 offset = known_value(limit, plan->limitOffset, limit->limitOffset);

	if (count < 0 || count > PG_UINT32_MAX || (offset < 0 && limit->limitOffset != NULL) || offset > PG_UINT32_MAX)
		return 0;
	return (uint32)Min(count + Max(offset, 0), PG_UINT32_MAX);
}

static bool is_ordered(const IndexScanState *scan) {
	return scan->iss_NumOrderByKeys > 0 && scan->iss_RelationDesc != NULL &&
		   vecidx_is_vecidx_index(scan->iss_RelationDesc);
}

static void note_scans(PlanState *node, uint32 rows);

static void note_all(PlanState **nodes, int n, uint32 rows) {
	for (int i = 0; i < n; i++)
		note_scans(nodes[i], rows);
}

/* Follow the nodes that hand on their input's rows in its order. */
static void note_scans(PlanState *node, uint32 rows) {
	if (node == NULL)
		return;
	switch (nodeTag(node)) {
	case T_ResultState:
	case T_LockRowsState:
	case T_IncrementalSortState:
		note_scans(outerPlanState(node), rows);
		break;
	case T_SubqueryScanState:
		note_scans(((SubqueryScanState *)node)->subplan, rows);
		break;
	case T_AppendState:
		note_all(((AppendState *)node)->appendplans, ((AppendState *)node)->as_nplans, rows);
		break;
	case T_MergeAppendState:
		note_all(((MergeAppendState *)node)->mergeplans, ((MergeAppendState *)node)->ms_nplans, rows);
		break;
	case T_IndexScanState: {
		IndexScanState *scan = (IndexScanState *)node;

		if (is_ordered(scan))
			vecidx_note_of(scan)->rows = rows;
		break;
	}
	default:
		break;
	}
}

static bool look_at(PlanState *node, void *context) {
	if (IsA(node, LimitState)) {
		uint32 rows = rows_of((LimitState *)node);

		vecidx_drop_idle_sort((LimitState *)node);
		if (rows > 0)
			note_scans(outerPlanState(node), rows);
	} else if (IsA(node, IndexScanState) && is_ordered((IndexScanState *)node)) {
		vecidx_note_radius((IndexScanState *)node);
	}
	return planstate_tree_walker(node, look_at, context);
}

static void executor_start(QueryDesc *query, int flags) {
	if (next_executor_start != NULL)
		next_executor_start(query, flags);
	else
		standard_ExecutorStart(query, flags);
	if ((flags & EXEC_FLAG_EXPLAIN_ONLY) == 0 && query->planstate != NULL)
		look_at(query->planstate, NULL);
}

void vecidx_limit_install(void) {
	next_executor_start = ExecutorStart_hook;
	ExecutorStart_hook = executor_start;
}
