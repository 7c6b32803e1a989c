/*
 * Traces what a search sorts by to the table it comes from, through subqueries, views and common table expressions.
 * Where the planner can make one query of them the index may still be used; what forbids that is remembered.
 */
#include "postgres.h"

#include "catalog/pg_proc.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteManip.h"
#include "utils/lsyscache.h"

#include "explain/explain.h"

typedef struct Replacement {
	Index relation;
	List *values; /* for its columns: expressions or TargetEntry nodes */
	int levels;   /* added to the levels of what these take from queries around them */
	bool done, failed;
} Replacement;

typedef struct Columns {
	Bitmapset *relations;
	Index level;
} Columns;

static bool find_columns(Node *node, void *context) {
	Columns *columns = context;
	bool result;

	if (node == NULL)
		return false;
	if (IsA(node, Var)) {
		if (((Var *)node)->varlevelsup == columns->level)
			columns->relations = bms_add_member(columns->relations, ((Var *)node)->varno);
		return false;
	}
	if (!IsA(node, Query))
		return expression_tree_walker(node, find_columns, context);
	columns->level++;
	result = query_tree_walker((Query *)node, find_columns, context, 0);
	columns->level--;
	return result;
}

/* Not pull_varnos: that has the outer joins above a column as well. */
Bitmapset *vecidx_relations_in(Node *expression) {
	Columns columns = {NULL, 0};

	find_columns(expression, &columns);
	return columns.relations;
}

static Node *value_of(Var *column, Replacement *replacement) {
	Node *value;

	if (column->varattno <= 0 || column->varattno > list_length(replacement->values)) {
		replacement->failed = true;
		return (Node *)column;
	}
	value = list_nth(replacement->values, column->varattno - 1);
	if (value != NULL && IsA(value, TargetEntry))
		value = (Node *)((TargetEntry *)value)->expr;
	replacement->done = true;
	value = copyObject(value);
	IncrementVarSublevelsUp(value, replacement->levels, 1);
	return value;
}

/* Columns of a relation by what they stand for. */
static Node *replace(Node *node, void *context) {
	Replacement *replacement = context;

	if (node == NULL)
		return NULL;
	if (IsA(node, Var) && ((Var *)node)->varlevelsup == 0 && ((Var *)node)->varno == (int)replacement->relation)
		return value_of((Var *)node, replacement);
	/* within a subquery the numbers are others */
	if (IsA(node, SubLink) && contain_vars_of_level(node, 0))
		replacement->failed = true;
	return expression_tree_mutator(node, replace, context);
}

static bool is_union_all(Node *node) {
	SetOperationStmt *operation = (SetOperationStmt *)node;

	return !IsA(node, SetOperationStmt) || (operation->op == SETOP_UNION && operation->all &&
											is_union_all(operation->larg) && is_union_all(operation->rarg));
}

/* What of this query hides the order of its scans; NULL if nothing does. */
static const char *obstacle_in(const Query *query, bool below) {
	if (query->distinctClause != NIL)
		return "DISTINCT";
	if (query->groupClause != NIL || query->groupingSets != NIL)
		return "GROUP BY";
	if (query->hasAggs)
		return "an aggregate";
	if (query->setOperations != NULL && !is_union_all(query->setOperations))
		return "UNION, INTERSECT or EXCEPT";
	if (!below)
		return NULL;
	if (query->hasWindowFuncs)
		return "a window function";
	if (query->hasTargetSRFs)
		return "a function that returns rows";
	if (query->limitCount != NULL || query->limitOffset != NULL)
		return "LIMIT or OFFSET";
	if (query->cteList != NIL)
		return "a subquery that has a WITH of its own";
	return NULL;
}

static const char *obstacle_of_cte(const CommonTableExpr *cte) {
	if (cte->cterecursive)
		return "WITH RECURSIVE";
	if (cte->ctematerialized == CTEMaterializeAlways)
		return "WITH ... AS MATERIALIZED";
	if (cte->ctematerialized == CTEMaterializeDefault && cte->cterefcount > 1)
		return "a WITH query that is used more than once";
	return NULL;
}

static CommonTableExpr *find_cte(const RangeTblEntry *entry, const List *queries) {
	ListCell *cell;

	if (entry->self_reference || (int)entry->ctelevelsup >= list_length(queries))
		return NULL;
	foreach (cell, list_nth_node(Query, queries, (int)entry->ctelevelsup)->cteList) {
		CommonTableExpr *cte = lfirst_node(CommonTableExpr, cell);

		if (strcmp(cte->ctename, entry->ctename) == 0)
			return cte;
	}
	return NULL;
}

/* The query behind an entry and, then, the queries around that; NULL when it is none that can be looked into. */
static Query *behind(const RangeTblEntry *entry, List **queries, const char **obstacle) {
	Query *query = NULL;
	CommonTableExpr *cte;

	*obstacle = NULL;
	if (entry->rtekind == RTE_SUBQUERY) {
		query = entry->subquery;
		if (entry->security_barrier)
			*obstacle = "a view that is a security barrier";
	} else if (entry->rtekind == RTE_CTE && (cte = find_cte(entry, *queries)) != NULL && IsA(cte->ctequery, Query)) {
		query = (Query *)cte->ctequery;
		*queries = list_copy_tail(*queries, (int)entry->ctelevelsup);
		*obstacle = obstacle_of_cte(cte);
	}
	if (query == NULL || query->commandType != CMD_SELECT)
		return NULL;
	if (*obstacle == NULL)
		*obstacle = obstacle_in(query, true);
	return query;
}

/* A query without tables: its columns may stand where it is read. */
static bool is_of_values(const Query *query) {
	return query->jointree->fromlist == NIL && query->setOperations == NULL;
}

/* One step towards the table: columns of this entry are replaced. False when that is not possible. */
static bool step(VecidxSearch *search, List **queries, Index relation, bool alone) {
	RangeTblEntry *entry = rt_fetch(relation, search->from->rtable);
	Replacement replacement = {.relation = relation};
	List *inner = *queries;
	const char *obstacle = NULL;
	Query *query = NULL;
	Node *replaced;
	bool enter = false;

	if (entry->rtekind == RTE_JOIN)
		replacement.values = entry->joinaliasvars;
	else if (vecidx_group_columns(entry) != NIL)
		replacement.values = vecidx_group_columns(entry);
	else {
		query = behind(entry, &inner, &obstacle);
		if (query == NULL)
			return false;
		enter = obstacle != NULL || !is_of_values(query);
		if (enter && !alone)
			return false;
		if (!enter)
			replacement.levels = entry->rtekind == RTE_CTE ? (int)entry->ctelevelsup - 1 : -1;
		replacement.values = query->targetList;
	}
	replaced = replace(search->expression, &replacement);
	if (replacement.failed || !replacement.done)
		return false;
	search->expression = replaced;
	if (enter) {
		search->from = query;
		*queries = lcons(query, inner);
		if (obstacle != NULL)
			search->obstacle = obstacle;
	}
	return true;
}

static bool is_volatile(Oid function, void *context) {
	return func_volatile(function) == PROVOLATILE_VOLATILE;
}

/* For each row of a scan; a subquery that is the same for all of them is evaluated once. */
static bool is_evaluated_anew(Node *node, void *context) {
	if (node == NULL || IsA(node, SubLink))
		return false;
	return check_functions_in_node(node, is_volatile, NULL) || expression_tree_walker(node, is_evaluated_anew, context);
}

/* Which side is the table's? */
static void take_sides(VecidxSearch *search) {
	Bitmapset *left = vecidx_relations_in(search->order.left), *right = vecidx_relations_in(search->order.right);
	int relation;
	RangeTblEntry *entry;

	if (bms_is_empty(left) == bms_is_empty(right) || !bms_get_singleton_member(bms_union(left, right), &relation))
		return;
	entry = rt_fetch(relation, search->from->rtable);
	/* an aggregate is computed from columns, but not in the table */
	if (entry->rtekind != RTE_RELATION || contain_aggs_of_level(search->expression, 0) ||
		contain_windowfuncs(search->expression))
		return;
	search->table = entry;
	search->relation = (Index)relation;
	search->vector_is_right = bms_is_empty(right);
	search->column = search->vector_is_right ? search->order.left : search->order.right;
	search->vector = search->vector_is_right ? search->order.right : search->order.left;
	search->each_row = is_evaluated_anew(search->vector, NULL);
	while (IsA(search->column, RelabelType))
		search->column = (Node *)((RelabelType *)search->column)->arg;
}

void vecidx_trace(VecidxSearch *search, List *queries) {
	search->from = search->query;
	search->expression = (Node *)copyObject(search->entry->expr);
	search->obstacle = obstacle_in(search->query, false);
	search->within = vecidx_order_mentions(search->expression);
	for (;;) {
		Bitmapset *relations = vecidx_relations_in(search->expression);
		bool alone = bms_membership(relations) != BMS_MULTIPLE, moved = false;
		int relation = -1;

		while (!moved && (relation = bms_next_member(relations, relation)) >= 0)
			moved = step(search, &queries, (Index)relation, alone);
		if (!moved)
			break;
	}
	search->expression = eval_const_expressions(NULL, search->expression);
	search->readable = vecidx_order_read(search->expression, &search->order);
	if (search->readable)
		take_sides(search);
}
