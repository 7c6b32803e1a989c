/*
 * Finds the searches of a statement: the ORDER BYs, of whatever subquery, that begin with a distance.
 */
#include "postgres.h"

#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "utils/typcache.h"

#include "explain/explain.h"

typedef struct Collector {
	List *searches;
	List *queries; /* the one that is walked and those around it, innermost first */
	bool limited;
} Collector;

/* LIMIT NULL and LIMIT ALL are none. */
static bool has_limit(const Query *query) {
	Node *count = query->limitCount;

	return count != NULL && !(IsA(count, Const) && ((Const *)count)->constisnull);
}

static bool is_descending(const SortGroupClause *key, Node *expression) {
	return lookup_type_cache(exprType(expression), TYPECACHE_GT_OPR)->gt_opr == key->sortop;
}

static void collect_order(Query *query, Collector *collector) {
	SortGroupClause *key;
	VecidxSearch *search;

	if (query->sortClause == NIL)
		return;
	key = linitial_node(SortGroupClause, query->sortClause);
	search = palloc0(sizeof(VecidxSearch));
	search->query = query;
	search->entry = get_sortgroupclause_tle(key, query->targetList);
	search->descending = is_descending(key, (Node *)search->entry->expr);
	search->nulls_first = key->nulls_first;
	search->more_keys = list_length(query->sortClause) > 1;
	search->limited = collector->limited;
	vecidx_trace(search, collector->queries);
	if (vecidx_order_mentions(search->expression))
		collector->searches = lappend(collector->searches, search);
}

static bool collect(Node *node, void *context) {
	Collector *collector = context;
	Collector outer = *collector;
	bool result;

	if (node == NULL)
		return false;
	if (IsA(node, Query)) {
		Query *query = (Query *)node;

		collector->queries = lcons(query, list_copy(outer.queries));
		collector->limited = outer.limited || has_limit(query);
		collect_order(query, collector);
		result = query_tree_walker(query, collect, context, 0);
	} else {
		/* how many rows of a subquery in an expression are wanted, no LIMIT above it says */
		if (IsA(node, SubLink))
			collector->limited = false;
		result = expression_tree_walker(node, collect, context);
	}
	collector->queries = outer.queries;
	collector->limited = outer.limited;
	return result;
}

List *vecidx_searches_of(Query *query) {
	Collector collector = {NIL, NIL, false};

	collect((Node *)query, &collector);
	return collector.searches;
}
