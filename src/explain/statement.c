/*
 * Parses, rewrites and plans the text of a statement, as EXPLAIN would: nothing of it is executed. Parameters may stand
 * in it; the plan is then the generic one.
 */
#include "postgres.h"

#include "access/xact.h"
#include "executor/executor.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

#include "explain/explain.h"

/* An error's position is in the statement, not in the command that calls us. */
static void show_text(void *text) {
	int position = geterrposition();

	if (position > 0) {
		errposition(0);
		internalerrposition(position);
		internalerrquery(text);
	}
}

static RawStmt *parse(const char *text) {
	List *statements = pg_parse_query(text);

	if (list_length(statements) != 1)
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR), errmsg("expected one statement, not %d", list_length(statements))));
	return linitial_node(RawStmt, statements);
}

static bool is_plannable(Node *statement) {
	switch (nodeTag(statement)) {
	case T_InsertStmt:
	case T_DeleteStmt:
	case T_UpdateStmt:
	case T_MergeStmt:
		return true;
	case T_SelectStmt: {
		SelectStmt *select = (SelectStmt *)statement;

		while (select->larg != NULL)
			select = select->larg;
		return select->intoClause == NULL;
	}
	default:
		return false;
	}
}

static List *analyse(const char *text) {
	RawStmt *statement = parse(text);
	Oid *types = NULL;
	int n = 0;

	if (!is_plannable(statement->stmt))
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("only SELECT, INSERT, UPDATE, DELETE and MERGE statements can be explained"),
						IsA(statement->stmt, ExplainStmt)  ? errhint("Leave out EXPLAIN.")
						: IsA(statement->stmt, SelectStmt) ? errhint("Leave out INTO.")
														   : 0));
	return pg_analyze_and_rewrite_varparams(statement, text, &types, &n, NULL);
}

/* The planner writes into what it is given. */
static List *plan(const List *queries, const char *text) {
	List *plans = NIL;
	ListCell *cell;

	foreach (cell, queries) {
		Query *query = lfirst_node(Query, cell);
		PlannedStmt *planned;

		if (query->commandType == CMD_UTILITY)
			continue;
		planned = pg_plan_query(copyObject(query), text, CURSOR_OPT_PARALLEL_OK, NULL);
		vecidx_check_permissions(planned);
		plans = lappend(plans, planned);
	}
	return plans;
}

VecidxStatement *vecidx_statement_plan(const char *text) {
	VecidxStatement *statement = palloc0(sizeof(VecidxStatement));
	ErrorContextCallback context = {.callback = show_text, .arg = (void *)text, .previous = error_context_stack};
	ListCell *cell;

	error_context_stack = &context;
	statement->text = text;
	statement->queries = analyse(text);
	statement->plans = plan(statement->queries, text);
	foreach (cell, statement->queries)
		statement->searches = list_concat(statement->searches, vecidx_searches_of(lfirst_node(Query, cell)));
	error_context_stack = context.previous;
	return statement;
}

/* A text of our own making may be wrong in ways that cannot be foreseen; that must not be the user's error. */
VecidxStatement *vecidx_statement_try(const char *text) {
	MemoryContext memory = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	VecidxStatement *volatile statement = NULL;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(memory);
	PG_TRY();
	{
		statement = vecidx_statement_plan(text);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		ErrorData *error;

		MemoryContextSwitchTo(memory);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		if (ERRCODE_TO_CATEGORY(error->sqlerrcode) != ERRCODE_SYNTAX_ERROR_OR_ACCESS_RULE_VIOLATION)
			ReThrowError(error);
		FreeErrorData(error);
	}
	PG_END_TRY();
	MemoryContextSwitchTo(memory);
	CurrentResourceOwner = owner;
	return statement;
}

static void set(const char *name, const char *value) {
	(void)set_config_option(name, value, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
}

List *vecidx_statement_forced(const VecidxStatement *statement) {
	int level = NewGUCNestLevel();
	List *plans;

	set("enable_seqscan", "off");
	set("enable_bitmapscan", "off");
	set("enable_sort", "off");
	set("enable_indexscan", "on");
	plans = plan(statement->queries, statement->text);
	AtEOXact_GUC(true, level);
	return plans;
}

double vecidx_plans_cost(const List *plans) {
	double cost = 0;
	ListCell *cell;

	foreach (cell, plans)
		cost += lfirst_node(PlannedStmt, cell)->planTree->total_cost;
	return cost;
}
