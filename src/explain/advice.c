/*
 * What is said of a table whose indexes do not serve a search, with the command that makes one.
 */
#include "postgres.h"

#include "nodes/nodeFuncs.h"
#include "utils/lsyscache.h"

#include "explain/explain.h"

static void add_no_dimensions(const VecidxFindings *out, const VecidxIndexes *indexes) {
	if (indexes->plain_column)
		vecidx_findings_add(
			out, "no_dimensions", NULL,
			"Column %s of table %s is declared without dimensions, so it cannot have an index. ALTER TABLE "
			"%s ALTER COLUMN %s TYPE vector(n) gives it some.",
			indexes->column, indexes->table, indexes->table, indexes->column);
	else
		vecidx_findings_add(
			out, "no_dimensions", NULL,
			"Expression %s on table %s has no fixed number of dimensions, so it cannot have an index. Cast "
			"it to vector(n), in the index and in the query.",
			indexes->column, indexes->table);
}

static void add_none(const VecidxFindings *out, const VecidxIndexes *indexes) {
	if (indexes->related != NULL)
		vecidx_findings_add(
			out, "other_expression", NULL,
			"Table %s has an index on %s, but the query orders by %s. An index serves just the expression "
			"that it was made on.",
			indexes->table, indexes->related, indexes->column);
	else if (indexes->dimension < 0)
		add_no_dimensions(out, indexes);
	else
		vecidx_findings_add(out, "no_index", NULL, "Table %s has no vecidx index on %s. %s would serve.",
							indexes->table, indexes->column, indexes->definition);
}

void vecidx_findings_indexes(const VecidxFindings *out, const VecidxSearch *search, const VecidxIndexes *indexes) {
	const char *written = vecidx_order_written(&search->order);

	if (indexes->definition == NULL)
		vecidx_findings_add(out, "not_indexable", NULL, "No index orders by %s.", written);
	else if (indexes->fit == VECIDX_FIT_NONE)
		add_none(out, indexes);
	else if (indexes->fit == VECIDX_FIT_OPERATOR)
		vecidx_findings_add(out, "operator_class", NULL,
							"Index \"%s\" is for %s, but the query orders by %s. %s would serve.",
							get_rel_name(indexes->index), indexes->symbol, written, indexes->definition);
	else
		vecidx_findings_add(
			out, "invalid_index", NULL,
			"Index \"%s\" is not valid: its creation failed or has not come to its end. REINDEX INDEX %s "
			"makes it anew.",
			get_rel_name(indexes->index), vecidx_written_name(indexes->index));
}
