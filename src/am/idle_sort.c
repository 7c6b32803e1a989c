/*
 * The sort expression of an ordered scan, where nobody looks at its value.
 *
 * `SELECT id ... ORDER BY v <-> q LIMIT 10` has the expression in the scan's target list, marked as junk, and the
 * executor computes it for each row though the order comes from the index. A vector out of line must be fetched for
 * that. Right below a Limit no plan uses a junk column: what is above it has only the columns that were asked for. So
 * the scan gets a projection that has NULL there.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "utils/rel.h"

#include "am/am.h"

/* A row beyond this size has columns moved out of line. */
#define LARGEST_INLINE 2000

/* May vectors of the column be out of line? If not, computing distances costs less than another projection. */
static bool may_be_stored(Relation index, Relation table) {
	int16 column = index->rd_index->indkey.values[0];
	Form_pg_attribute attribute;

	if (column <= 0)
		return false;
	attribute = TupleDescAttr(RelationGetDescr(table), column - 1);
	return attribute->attstorage != TYPSTORAGE_PLAIN &&
		   (attribute->atttypmod < 0 || attribute->atttypmod * sizeof(float) > LARGEST_INLINE);
}

/* The target list without the idle entries' expressions; NIL if there is none. */
static List *without_idle(const IndexScan *plan) {
	List *list = NIL;
	bool found = false;
	ListCell *cell;

	foreach (cell, plan->scan.plan.targetlist) {
		TargetEntry *entry = lfirst_node(TargetEntry, cell);

		if (entry->resjunk && list_member(plan->indexorderbyorig, entry->expr)) {
			Node *expression = (Node *)entry->expr;

			entry = flatCopyTargetEntry(entry);
			entry->expr =
				(Expr *)makeNullConst(exprType(expression), exprTypmod(expression), exprCollation(expression));
			found = true;
		}
		list = lappend(list, entry);
	}
	return found ? list : NIL;
}

void vecidx_drop_idle_sort(LimitState *limit) {
	IndexScanState *scan = (IndexScanState *)outerPlanState(limit);
	MemoryContext old;
	IndexScan *plan;
	List *list;

	/* WITH TIES compares the values */
	if (limit->limitOption != LIMIT_OPTION_COUNT || scan == NULL || !IsA(scan, IndexScanState) ||
		scan->iss_NumOrderByKeys == 0 || scan->iss_RelationDesc == NULL ||
		!vecidx_is_vecidx_index(scan->iss_RelationDesc) ||
		!may_be_stored(scan->iss_RelationDesc, scan->ss.ss_currentRelation))
		return;
	plan = (IndexScan *)scan->ss.ps.plan;
	old = MemoryContextSwitchTo(scan->ss.ps.state->es_query_cxt);
	list = without_idle(plan);
	if (list != NIL) {
		IndexScan copy = *plan;

		copy.scan.plan.targetlist = list;
		scan->ss.ps.plan = &copy.scan.plan;
		ExecAssignScanProjectionInfo(&scan->ss);
		scan->ss.ps.plan = &plan->scan.plan; /* which EXPLAIN shows */
	}
	MemoryContextSwitchTo(old);
}
