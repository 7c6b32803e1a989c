/*
 * What indexes the table of a search has, how well they fit, and which one to create.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/sysattr.h"
#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/pg_am.h"
#include "catalog/pg_amop.h"
#include "catalog/pg_opclass.h"
#include "commands/defrem.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteManip.h"
#include "storage/bufmgr.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/lsyscache.h"
#include "utils/ruleutils.h"
#include "utils/syscache.h"

#include "explain/explain.h"

bool vecidx_is_vecidx_method(Oid method) {
	IndexAmRoutine *routine = GetIndexAmRoutineByAmId(method, true);

	return routine != NULL && routine->ambuild == vecidx_build;
}

/* In the terms of the table alone, as its indexes are. */
static Node *of_table(const VecidxSearch *search, Node *expression) {
	Node *copy = copyObject(expression);

	ChangeVarNodes(copy, (int)search->relation, 1, 0);
	return copy;
}

static bool is_on_column(Relation index, const VecidxSearch *search) {
	Node *column = of_table(search, search->column);
	AttrNumber number = index->rd_index->indkey.values[0];
	List *expressions;

	if (number != InvalidAttrNumber)
		return IsA(column, Var) && ((Var *)column)->varattno == number;
	expressions = RelationGetIndexExpressions(index);
	return expressions != NIL && equal(linitial(expressions), column);
}

static bool is_of_vecidx(Relation index) {
	return index->rd_indam != NULL && index->rd_indam->ambuild == vecidx_build;
}

static bool has_operator(Relation index, const VecidxSearch *search) {
	return OidIsValid(get_op_opfamily_sortfamily(search->order.opno, index->rd_opfamily[0]));
}

/* On an expression that is computed from the search's column, for its operator. */
static bool is_over_column(Relation index, const VecidxSearch *search) {
	Bitmapset *columns = NULL;

	if (!is_of_vecidx(index) || RelationGetIndexExpressions(index) == NIL || !IsA(search->column, Var) ||
		index->rd_index->indkey.values[0] != InvalidAttrNumber || !has_operator(index, search))
		return false;
	pull_varattnos(linitial(RelationGetIndexExpressions(index)), 1, &columns);
	return bms_is_member(((Var *)search->column)->varattno - FirstLowInvalidHeapAttributeNumber, columns);
}

static VecidxFit fit_of(Relation index, const VecidxSearch *search) {
	if (!is_of_vecidx(index) || !is_on_column(index, search))
		return VECIDX_FIT_NONE;
	if (!has_operator(index, search))
		return VECIDX_FIT_OPERATOR;
	if (!index->rd_index->indisvalid || !index->rd_index->indisready)
		return VECIDX_FIT_INVALID;
	return RelationGetIndexPredicate(index) != NIL ? VECIDX_FIT_PARTIAL : VECIDX_FIT_GOOD;
}

static char *operator_of(Relation index) {
	Oid type = index->rd_opcintype[0];
	Oid member = get_opfamily_member(index->rd_opfamily[0], type, type, VECIDX_DISTANCE_STRATEGY);

	return OidIsValid(member) ? get_opname(member) : pstrdup("another operator");
}

static char *written(Relation table, Node *expression) {
	return deparse_expression(expression, deparse_context_for(RelationGetRelationName(table), RelationGetRelid(table)),
							  false, false);
}

static void find_best(Relation table, const VecidxSearch *search, VecidxIndexes *out) {
	List *indexes = RelationGetIndexList(table);
	ListCell *cell;

	foreach (cell, indexes) {
		Relation index = index_open(lfirst_oid(cell), AccessShareLock);
		VecidxFit fit = fit_of(index, search);

		if (is_over_column(index, search))
			out->related = written(table, linitial(RelationGetIndexExpressions(index)));
		if (fit > out->fit) {
			out->fit = fit;
			out->index = RelationGetRelid(index);
			out->symbol = operator_of(index);
			if (fit == VECIDX_FIT_PARTIAL)
				out->predicate = written(table, (Node *)make_ands_explicit(RelationGetIndexPredicate(index)));
		}
		index_close(index, AccessShareLock);
	}
	list_free(indexes);
}

/* The first class of the access method with this family; as it is written here. */
static char *class_of(Oid method, Oid family) {
	CatCList *classes = SearchSysCacheList1(CLAAMNAMENSP, ObjectIdGetDatum(method));
	Form_pg_opclass found = NULL;
	char *result = NULL;

	for (int i = 0; i < classes->n_members; i++) {
		Form_pg_opclass class = (Form_pg_opclass)GETSTRUCT(&classes->members[i]->tuple);

		if (class->opcfamily == family && (found == NULL || class->oid < found->oid))
			found = class;
	}
	if (found != NULL)
		result = OpclassIsVisible(found->oid)
					 ? pstrdup(quote_identifier(NameStr(found->opcname)))
					 : quote_qualified_identifier(get_namespace_name(found->opcnamespace), NameStr(found->opcname));
	ReleaseSysCacheList(classes);
	return result;
}

/* Of all families that sort by the operator the oldest: the extension's own. */
static char *class_for(Oid opno, char **method) {
	CatCList *members = SearchSysCacheList1(AMOPOPID, ObjectIdGetDatum(opno));
	Form_pg_amop found = NULL;
	char *result = NULL;

	for (int i = 0; i < members->n_members; i++) {
		Form_pg_amop member = (Form_pg_amop)GETSTRUCT(&members->members[i]->tuple);

		if (member->amoppurpose == AMOP_ORDER && vecidx_is_vecidx_method(member->amopmethod) &&
			(found == NULL || member->amopfamily < found->amopfamily))
			found = member;
	}
	if (found != NULL) {
		result = class_of(found->amopmethod, found->amopfamily);
		*method = get_am_name(found->amopmethod);
	}
	ReleaseSysCacheList(members);
	return result;
}

static char *definition_for(const VecidxSearch *search, const VecidxIndexes *indexes) {
	char *method = NULL;
	char *class = OidIsValid(search->order.opno) ? class_for(search->order.opno, &method) : NULL;

	if (class == NULL)
		return NULL;
	return psprintf(indexes->plain_column ? "CREATE INDEX ON %s USING %s (%s %s)"
										  : "CREATE INDEX ON %s USING %s ((%s) %s)",
					indexes->table, quote_identifier(method), indexes->column, class);
}

char *vecidx_written_name(Oid relation) {
	char *name = get_rel_name(relation);

	if (RelationIsVisible(relation))
		return pstrdup(quote_identifier(name));
	return quote_qualified_identifier(get_namespace_name(get_rel_namespace(relation)), name);
}

char *vecidx_order_wanted(const VecidxSearch *search) {
	const char *column = "column";

	if (search->table != NULL) {
		Relation table = table_open(search->table->relid, AccessShareLock);

		column = written(table, of_table(search, search->column));
		table_close(table, AccessShareLock);
	}
	return psprintf("%s %s query", column, vecidx_order_written(&search->order));
}

void vecidx_indexes_find(const VecidxSearch *search, VecidxIndexes *out) {
	Relation table = table_open(search->table->relid, AccessShareLock);
	Node *column = of_table(search, search->column);
	int32 typmod = exprTypmod(column);

	memset(out, 0, sizeof(*out));
	out->table = vecidx_written_name(search->table->relid);
	out->plain_column = IsA(column, Var);
	out->column = written(table, column);
	if (typmod < 0)
		getBaseTypeAndTypmod(exprType(column), &typmod);
	out->dimension = typmod;
	out->rows = table->rd_rel->reltuples;
	if (OidIsValid(search->order.opno))
		find_best(table, search, out);
	out->definition = definition_for(search, out);
	table_close(table, AccessShareLock);
}

char *vecidx_storage_advice(const VecidxSearch *search) {
	Relation table;
	char *advice = NULL;
	int number;
	int32 typmod;

	if (search->table == NULL || !IsA(search->column, Var))
		return NULL;
	typmod = exprTypmod(search->column);
	if (typmod < 0)
		getBaseTypeAndTypmod(exprType(search->column), &typmod);
	number = ((Var *)search->column)->varattno;
	table = table_open(search->table->relid, AccessShareLock);
	if (number > 0 && typmod > 0 &&
		vecidx_stored_out_of_line(TupleDescAttr(RelationGetDescr(table), number - 1), (uint32)typmod) &&
		OidIsValid(table->rd_rel->reltoastrelid)) {
		Relation toast = table_open(table->rd_rel->reltoastrelid, AccessShareLock);

		if (RelationGetNumberOfBlocks(toast) > 0)
			advice =
				psprintf("ALTER TABLE %s ALTER COLUMN %s SET STORAGE PLAIN", vecidx_written_name(search->table->relid),
						 quote_identifier(get_attname(search->table->relid, (AttrNumber)number, false)));
		table_close(toast, AccessShareLock);
	}
	table_close(table, AccessShareLock);
	return advice;
}
