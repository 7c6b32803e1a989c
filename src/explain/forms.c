/*
 * What is said of a search's form: what its author wrote, and how an index would understand it.
 */
#include "postgres.h"

#include "utils/lsyscache.h"

#include "explain/explain.h"

static void add_no_table(const VecidxFindings *out, const VecidxSearch *search) {
	Bitmapset *left = vecidx_relations_in(search->order.left), *right = vecidx_relations_in(search->order.right);

	if (search->obstacle != NULL)
		vecidx_findings_add(out, "order_above", NULL,
							"What is compared comes out of %s, and no longer from a table with an index.",
							search->obstacle);
	else if (bms_is_empty(left) == bms_is_empty(right) && bms_overlap(left, right))
		vecidx_findings_add(out, "not_constant", NULL,
							"Both sides of the distance are columns of one row, so there is no query vector.");
	else if (!bms_is_empty(left) && !bms_is_empty(right))
		vecidx_findings_add(
			out, "not_constant", NULL,
			"The query vector is a column of another relation, so it may differ from row to row. Take it "
			"from a subquery in ORDER BY, (SELECT ...), or search once for each of its rows: LATERAL "
			"(SELECT ... ORDER BY ... LIMIT n).");
	else
		vecidx_findings_add(out, "no_table", NULL, "What is compared with the query vector is no column of a table.");
}

bool vecidx_findings_hopeless(const VecidxFindings *out, const VecidxSearch *search) {
	if (!search->readable && search->obstacle != NULL)
		add_no_table(out, search);
	else if (!search->readable)
		vecidx_findings_add(out, "expression", NULL,
							"ORDER BY computes something from a distance that is not known to keep its order. Only the "
							"distance operator by itself can use an index.");
	else if (!OidIsValid(search->order.opno))
		vecidx_findings_add(out, "not_indexable", NULL, "No index orders by %s.",
							get_func_name(search->order.function));
	else if (search->order.reversed != search->descending)
		vecidx_findings_add(
			out, "farthest", NULL,
			"The farthest rows come first, and an index finds the nearest ones: ORDER BY %s, ascending.",
			vecidx_order_wanted(search));
	else if (search->table == NULL)
		add_no_table(out, search);
	else
		return false;
	return true;
}

static bool has_useless_keys(const VecidxSearch *search) {
	return search->more_keys && !VECIDX_SORTS_WITHIN_TIES;
}

bool vecidx_form_is_good(const VecidxSearch *search) {
	return search->order.bare && search->order.is_operator && !search->nulls_first && !has_useless_keys(search) &&
		   !search->each_row;
}

/* Is the search of the new text the old one in a good form? */
static bool is_as_meant(const VecidxSearch *now, const VecidxSearch *before) {
	return now->readable && now->order.opno == before->order.opno && !now->descending &&
		   now->limited == before->limited && now->table != NULL && vecidx_form_is_good(now) &&
		   now->table->relid == before->table->relid && equal(now->column, before->column) &&
		   (equal(now->vector, before->vector) || before->each_row);
}

static VecidxStatement *write_anew(const VecidxStatement *statement, int i) {
	const VecidxSearch *search = list_nth(statement->searches, i);
	char *text = vecidx_rewrite(statement->text, search);
	VecidxStatement *result = text == NULL ? NULL : vecidx_statement_try(text);

	if (result == NULL || list_length(result->searches) != list_length(statement->searches) ||
		!is_as_meant(list_nth(result->searches, i), search))
		return NULL;
	return result;
}

/* What comes of the new text. */
static const char *effect_of(const VecidxStatement *anew, int i, const VecidxSearch *search) {
	Oid index;

	if (anew == NULL)
		return !search->within ? " That has to be done where the distance is computed." : "";
	index = vecidx_plans_index(anew->plans, list_nth(anew->searches, i));
	return OidIsValid(index) ? psprintf(" Index \"%s\" is used then.", get_rel_name(index)) : "";
}

static void add_expression(const VecidxFindings *out, const VecidxSearch *search, const char *text,
						   const char *effect) {
	const VecidxOrder *order = &search->order;
	/* descending order has them first, unless it says otherwise */
	const char *nulls = search->nulls_first ? " (Rows without a distance come last then, not first.)" : "";

	if (!order->bare)
		vecidx_findings_add(out, "similarity", text,
							"What ORDER BY computes from the distance has the order of %s, which an index knows.%s%s",
							vecidx_order_wanted(search), nulls, effect);
	else if (!order->is_operator)
		vecidx_findings_add(out, "function", text, "An index knows operators only: ORDER BY %s instead of %s.%s%s",
							vecidx_order_wanted(search), get_func_name(order->function), nulls, effect);
	else if (search->nulls_first)
		vecidx_findings_add(out, "nulls_first", text, "An index has rows without a distance last, not first.%s",
							effect);
}

VecidxStatement *vecidx_findings_form(const VecidxFindings *out, const VecidxStatement *statement, int i) {
	const VecidxSearch *search = list_nth(statement->searches, i);
	VecidxStatement *anew = write_anew(statement, i);
	const char *text = anew != NULL ? anew->text : NULL, *effect = effect_of(anew, i, search);

	add_expression(out, search, text, effect);
	if (search->each_row)
		vecidx_findings_add(out, "volatile", text,
							"The query vector comes from a volatile function, which is called for each row anew. In a "
							"subquery, (SELECT ...), it is called once.%s",
							effect);
	if (has_useless_keys(search))
		vecidx_findings_add(out, "more_keys", text,
							"This version of PostgreSQL does not use the order of an index when there is a second key. "
							"Order by the distance alone, with LIMIT, and in a query around that by both.%s",
							effect);
	return anew;
}
