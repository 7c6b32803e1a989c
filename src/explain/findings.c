/*
 * What is said of a search: the index that it uses, or why it uses none.
 *
 * First its form, which the statement's author can change: then the text is written anew, planned again, and what
 * follows is about that. Then what the table offers, and then the planner's choice.
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "optimizer/cost.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "explain/explain.h"

void vecidx_findings_add(const VecidxFindings *out, const char *finding, const char *rewritten, const char *detail,
						 ...) {
	StringInfoData text;
	Datum values[3];
	bool isnull[3] = {false, false, rewritten == NULL};
	int more;

	initStringInfo(&text);
	do {
		va_list arguments;

		va_start(arguments, detail);
		more = appendStringInfoVA(&text, detail, arguments);
		va_end(arguments);
		if (more > 0)
			enlargeStringInfo(&text, more);
	} while (more > 0);
	values[0] = CStringGetTextDatum(finding);
	values[1] = CStringGetTextDatum(text.data);
	values[2] = rewritten == NULL ? (Datum)0 : CStringGetTextDatum(rewritten);
	tuplestore_putvalues(out->rows, out->desc, values, isnull);
}

static void add_storage(const VecidxFindings *out, const VecidxSearch *search) {
	char *advice = vecidx_storage_advice(search);

	if (advice != NULL)
		vecidx_findings_add(
			out, "storage", NULL,
			"Vectors are stored out of line, which makes each comparison slower. %s, and then VACUUM FULL, puts "
			"them into their rows.",
			advice);
}

/* In a plan that had no way around what is switched off, before 18 PostgreSQL counts it with so much. */
#define FORBIDDING_COST 1e10

static void add_cost(const VecidxFindings *out, const VecidxStatement *statement, const List *forced, Oid index,
					 double rows) {
	double cost = vecidx_plans_cost(forced);

	vecidx_findings_add(
		out, "cost", NULL, "The planner expects a cost of %.2f for its plan and of %s for one with index \"%s\"; %s.",
		vecidx_plans_cost(statement->plans), cost < FORBIDDING_COST ? psprintf("%.2f", cost) : "more",
		get_rel_name(index),
		rows < 0 ? "the table has never been analyzed" : psprintf("the table has some %.0f rows", rows));
}

/* The index fits, so is there a plan with it? */
static void add_choice(const VecidxFindings *out, const VecidxStatement *statement, const VecidxSearch *search,
					   const VecidxIndexes *indexes) {
	List *forced = vecidx_statement_forced(statement);
	Oid index = vecidx_plans_index(forced, search);
	const char *name = get_rel_name(OidIsValid(index) ? index : indexes->index);

	if (OidIsValid(index) && !enable_indexscan)
		vecidx_findings_add(out, "indexscan_off", NULL, "enable_indexscan is off, so index \"%s\" is not used.", name);
	else if (OidIsValid(index) && search->limited)
		add_cost(out, statement, forced, index, indexes->rows);
	else if (OidIsValid(index))
		return;
	else if (indexes->fit == VECIDX_FIT_PARTIAL)
		vecidx_findings_add(out, "partial_index", NULL,
							"Index \"%s\" has only the rows with %s, which the conditions of the query do not imply.",
							name, indexes->predicate);
	else if (search->obstacle != NULL)
		vecidx_findings_add(
			out, "order_above", NULL,
			"The rows of the table go through %s before they are ordered, so the order of index \"%s\" is "
			"lost. Order and limit them below that.",
			search->obstacle, name);
	else
		vecidx_findings_add(out, "no_plan", NULL, "Index \"%s\" fits, but the planner finds no plan that uses it.",
							name);
}

static void add_reasons(const VecidxFindings *out, const VecidxStatement *statement, const VecidxSearch *search,
						bool plannable) {
	VecidxIndexes indexes;

	vecidx_indexes_find(search, &indexes);
	if (indexes.fit <= VECIDX_FIT_INVALID)
		vecidx_findings_indexes(out, search, &indexes);
	if (!search->limited)
		vecidx_findings_add(
			out, "no_limit", NULL,
			"There is no LIMIT. All rows are wanted in order, for which no index is quicker than a sort.");
	if (indexes.fit > VECIDX_FIT_INVALID && plannable)
		add_choice(out, statement, search, &indexes);
}

void vecidx_findings_about(const VecidxFindings *out, const VecidxStatement *statement, int i) {
	const VecidxSearch *search = list_nth(statement->searches, i);
	Oid index = vecidx_plans_index(statement->plans, search);
	bool plannable = true;

	if (OidIsValid(index))
		vecidx_findings_add(out, "index", NULL, "Index \"%s\" is used.", get_rel_name(index));
	else if (vecidx_findings_hopeless(out, search))
		return;
	else if (!vecidx_form_is_good(search)) {
		const VecidxStatement *anew = vecidx_findings_form(out, statement, i);

		plannable = anew != NULL;
		if (plannable) {
			statement = anew;
			search = list_nth(statement->searches, i);
			index = vecidx_plans_index(statement->plans, search);
		}
	}
	if (!OidIsValid(index))
		add_reasons(out, statement, search, plannable);
	add_storage(out, search);
}
