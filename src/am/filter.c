/*
 * `WHERE v <-> q < r ORDER BY v <-> q`: a condition on the very expression that rows are ordered by.
 *
 * An operator on float8 cannot be a condition of the index, so the executor filters the scan's rows, and a scan would
 * go on to the last row of the table for what no row beyond the radius can change. Where the filter and the order have
 * the same expression and the radius is known when execution starts, it is noted, and the scan takes it as a condition
 * of its own: it is then complete when all rows that may be within are handed out. The filter stays.
 */
#include "postgres.h"

#include <math.h>

#include "executor/executor.h"
#include "nodes/nodeFuncs.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"

#include "am/am.h"

static bool same_expression(Node *a, Node *b) {
	const OpExpr *first = (OpExpr *)a, *second = (OpExpr *)b;

	if (equal(a, b))
		return true;
	/* the planner puts the column first in the order's expression */
	return IsA(a, OpExpr) && IsA(b, OpExpr) && list_length(first->args) == 2 && list_length(second->args) == 2 &&
		   get_commutator(first->opno) == second->opno && equal(linitial(first->args), lsecond(second->args)) &&
		   equal(lsecond(first->args), linitial(second->args));
}

/* What the expression must be below, or at most, to pass the clause; NULL: the clause says nothing of it. */
static Node *bound_of(Node *clause, Node *expression) {
	const OpExpr *comparison = (OpExpr *)clause;
	Node *left, *right;

	if (!IsA(clause, OpExpr) || list_length(comparison->args) != 2)
		return NULL;
	left = linitial(comparison->args);
	right = lsecond(comparison->args);
	switch (get_opcode(comparison->opno)) {
	case F_FLOAT8LT:
	case F_FLOAT8LE:
		return vecidx_is_known(right) && same_expression(left, expression) ? right : NULL;
	case F_FLOAT8GT:
	case F_FLOAT8GE:
		return vecidx_is_known(left) && same_expression(right, expression) ? left : NULL;
	default:
		return NULL;
	}
}

void vecidx_note_radius(IndexScanState *scan) {
	IndexScan *plan = (IndexScan *)scan->ss.ps.plan;
	Node *expression = linitial(plan->indexorderbyorig);
	ListCell *cell;

	foreach (cell, plan->scan.plan.qual) {
		Node *bound = bound_of(lfirst(cell), expression);
		VecidxNote *note;
		double radius;
		bool isnull;

		if (bound == NULL)
			continue;
		radius = DatumGetFloat8(
			ExecEvalExprSwitchContext(ExecInitExpr((Expr *)bound, &scan->ss.ps), scan->ss.ps.ps_ExprContext, &isnull));
		/* to these operators NaN is above all numbers; NULL lets no row through, whatever the scan does */
		if (isnull || isnan(radius))
			continue;
		note = vecidx_note_of(scan);
		note->radius = note->within ? Min(note->radius, radius) : radius;
		note->within = true;
	}
}
