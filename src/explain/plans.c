/*
 * Looks into plans: which index serves a search there?
 *
 * A scan that comes in order carries the expression of the statement's ORDER BY with its place in the text. Where a
 * view or a function was put in there is no such place; then operator and table have to do.
 */
#include "postgres.h"

#include "catalog/pg_inherits.h"
#include "nodes/nodeFuncs.h"
#include "parser/parsetree.h"
#include "utils/lsyscache.h"

#include "explain/explain.h"

typedef struct Lookup {
	const VecidxSearch *search;
	const PlannedStmt *plan;
	Oid index; /* found */
} Lookup;

static bool is_or_inherits(Oid table, Oid parent) {
	return table == parent || list_member_oid(find_all_inheritors(parent, NoLock, NULL), table);
}

static bool serves(const IndexScan *scan, const Lookup *lookup) {
	const VecidxOrder *order = &lookup->search->order;
	OpExpr *distance;

	if (scan->indexorderbyorig == NIL || !IsA(linitial(scan->indexorderbyorig), OpExpr))
		return false;
	distance = linitial_node(OpExpr, scan->indexorderbyorig);
	if (distance->opno != order->opno)
		return false;
	if (distance->location >= 0 || order->location >= 0)
		return distance->location == order->location;
	return lookup->search->table == NULL ||
		   is_or_inherits(rt_fetch(scan->scan.scanrelid, lookup->plan->rtable)->relid, lookup->search->table->relid);
}

static void look(const Plan *plan, Lookup *lookup);

static void look_at_all(const List *plans, Lookup *lookup) {
	ListCell *cell;

	foreach (cell, plans)
		look(lfirst(cell), lookup);
}

static void look(const Plan *plan, Lookup *lookup) {
	if (plan == NULL || OidIsValid(lookup->index))
		return;
	switch (nodeTag(plan)) {
	case T_IndexScan:
		if (serves((const IndexScan *)plan, lookup))
			lookup->index = ((const IndexScan *)plan)->indexid;
		break;
	case T_Append:
		look_at_all(((const Append *)plan)->appendplans, lookup);
		break;
	case T_MergeAppend:
		look_at_all(((const MergeAppend *)plan)->mergeplans, lookup);
		break;
	case T_SubqueryScan:
		look(((const SubqueryScan *)plan)->subplan, lookup);
		break;
	case T_CustomScan:
		look_at_all(((const CustomScan *)plan)->custom_plans, lookup);
		break;
	default:
		break;
	}
	look(plan->lefttree, lookup);
	look(plan->righttree, lookup);
}

Oid vecidx_plans_index(const List *plans, const VecidxSearch *search) {
	Lookup lookup = {search, NULL, InvalidOid};
	ListCell *cell;

	if (!search->readable || !OidIsValid(search->order.opno))
		return InvalidOid;
	foreach (cell, plans) {
		lookup.plan = lfirst_node(PlannedStmt, cell);
		look(lookup.plan->planTree, &lookup);
		look_at_all(lookup.plan->subplans, &lookup);
	}
	return lookup.index;
}
