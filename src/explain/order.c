/*
 * Reads ordering expressions: which distance they sort by, and in which direction.
 *
 * An index understands the bare operator. People also write the function behind it, or make a similarity of it:
 * 1 - (v <=> q), -(v <#> q), 1 / (1 + (v <-> q)). What is computed here on the way from the expression down to the
 * distance keeps the order or reverses it.
 */
#include "postgres.h"

#include <math.h>

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_language.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "nodes/nodeFuncs.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "explain/explain.h"

/* Of the type. */
Datum vecidx_l2_distance(PG_FUNCTION_ARGS);
Datum vecidx_vector_l2_squared_distance(PG_FUNCTION_ARGS);
Datum vecidx_cosine_distance(PG_FUNCTION_ARGS);
Datum vecidx_inner_product(PG_FUNCTION_ARGS);
Datum vecidx_vector_negative_inner_product(PG_FUNCTION_ARGS);
Datum vecidx_l1_distance(PG_FUNCTION_ARGS);
Datum vecidx_linf_distance(PG_FUNCTION_ARGS);

typedef struct Measure {
	PGFunction function;
	const char *symbol; /* of the operator that sorts alike */
	bool reversed;
	bool positive; /* never below 0 */
} Measure;

static const Measure measures[] = {
	{vecidx_l2_distance, "<->", false, true},
	{vecidx_vector_l2_squared_distance, "<->", false, true},
	{vecidx_cosine_distance, "<=>", false, true},
	{vecidx_inner_product, "<#>", true, false},
	{vecidx_vector_negative_inner_product, "<#>", false, false},
	{vecidx_l1_distance, "<+>", false, true},
	{vecidx_linf_distance, NULL, false, true},
};

/* By the catalog first, so that no other library is loaded to find out. */
static bool may_be_measure(Oid function) {
	HeapTuple tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	Form_pg_proc proc;
	bool result = false;

	if (!HeapTupleIsValid(tuple))
		return false;
	proc = (Form_pg_proc)GETSTRUCT(tuple);
	if (proc->prolang == ClanguageId && proc->prorettype == FLOAT8OID && proc->pronargs == 2) {
		bool isnull;
		Datum source = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_prosrc, &isnull);

		result = !isnull && strncmp(TextDatumGetCString(source), "vecidx_", 7) == 0;
	}
	ReleaseSysCache(tuple);
	return result;
}

static const Measure *measure_of(Oid function) {
	FmgrInfo info;

	if (!may_be_measure(function))
		return NULL;
	fmgr_info(function, &info);
	for (int i = 0; i < (int)lengthof(measures); i++)
		if (measures[i].function == info.fn_addr)
			return &measures[i];
	return NULL;
}

/* The function that a node calls, and with what. */
static Oid called(Node *node, List **arguments) {
	if (IsA(node, OpExpr)) {
		OpExpr *call = (OpExpr *)node;

		set_opfuncid(call);
		*arguments = call->args;
		return call->opfuncid;
	}
	if (IsA(node, FuncExpr)) {
		*arguments = ((FuncExpr *)node)->args;
		return ((FuncExpr *)node)->funcid;
	}
	return InvalidOid;
}

/* The operator of that name beside the function, for vectors of its type. */
static Oid operator_beside(Oid function, const char *symbol) {
	Oid *types;
	int n;

	get_func_signature(function, &types, &n);
	return OpernameGetOprid(
		list_make2(makeString(get_namespace_name(get_func_namespace(function))), makeString(pstrdup(symbol))), types[0],
		types[n - 1]);
}

static void read_measure(Node *node, Oid function, List *arguments, const Measure *measure, VecidxOrder *order) {
	order->function = function;
	order->is_operator = IsA(node, OpExpr) && !measure->reversed;
	if (order->is_operator)
		order->opno = ((OpExpr *)node)->opno;
	else if (measure->symbol != NULL)
		order->opno = operator_beside(function, measure->symbol);
	order->symbol = OidIsValid(order->opno) ? get_opname(order->opno) : NULL;
	if (measure->reversed)
		order->reversed = !order->reversed;
	order->location = IsA(node, OpExpr) ? ((OpExpr *)node)->location : ((FuncExpr *)node)->location;
	order->left = linitial(arguments);
	order->right = lsecond(arguments);
}

static bool is_number(Node *node, double *value) {
	Const *constant = (Const *)node;

	if (!IsA(node, Const) || constant->constisnull || constant->consttype != FLOAT8OID)
		return false;
	*value = DatumGetFloat8(constant->constvalue);
	return !isnan(*value) && !isinf(*value);
}

/* `least`: a lower bound of the expression's values, -infinity where none is known. */
static bool read_down(Node *node, VecidxOrder *order, double *least);

static bool read_product(Node *factor, double by, VecidxOrder *order, double *least) {
	if (by == 0 || !read_down(factor, order, least))
		return false;
	if (by < 0)
		order->reversed = !order->reversed;
	*least = by > 0 ? *least * by : -INFINITY;
	return true;
}

/* A number divided by the expression: in order only where that has one sign. */
static bool read_quotient(double number, Node *divisor, VecidxOrder *order, double *least) {
	if (number == 0 || !read_down(divisor, order, least) || *least < 0)
		return false;
	if (number > 0)
		order->reversed = !order->reversed;
	*least = number > 0 ? 0 : -INFINITY;
	return true;
}

static bool read_difference(Node *left, Node *right, VecidxOrder *order, double *least) {
	double number;

	if (is_number(right, &number)) {
		if (!read_down(left, order, least))
			return false;
		*least -= number;
		return true;
	}
	if (!is_number(left, &number) || !read_down(right, order, least))
		return false;
	order->reversed = !order->reversed;
	*least = -INFINITY;
	return true;
}

static bool read_sum(Node *left, Node *right, VecidxOrder *order, double *least) {
	double number;
	Node *term = is_number(right, &number) ? left : right;

	if ((term == right && !is_number(left, &number)) || !read_down(term, order, least))
		return false;
	*least += number;
	return true;
}

static bool read_arithmetic(Oid function, Node *left, Node *right, VecidxOrder *order, double *least) {
	double number;

	switch (function) {
	case F_FLOAT8MI:
		return read_difference(left, right, order, least);
	case F_FLOAT8PL:
		return read_sum(left, right, order, least);
	case F_FLOAT8MUL:
		if (is_number(right, &number))
			return read_product(left, number, order, least);
		return is_number(left, &number) && read_product(right, number, order, least);
	case F_FLOAT8DIV:
		if (is_number(right, &number))
			return number != 0 && read_product(left, 1 / number, order, least);
		return is_number(left, &number) && read_quotient(number, right, order, least);
	default:
		return false;
	}
}

static bool read_down(Node *node, VecidxOrder *order, double *least) {
	List *arguments = NIL;
	Oid function = called(node, &arguments);
	const Measure *measure = OidIsValid(function) ? measure_of(function) : NULL;

	if (measure != NULL) {
		read_measure(node, function, arguments, measure, order);
		*least = measure->positive ? 0 : -INFINITY;
		return true;
	}
	order->bare = false;
	if (function == F_FLOAT8UM)
		return read_product(linitial(arguments), -1, order, least);
	if (list_length(arguments) != 2)
		return false;
	return read_arithmetic(function, linitial(arguments), lsecond(arguments), order, least);
}

bool vecidx_order_read(Node *expression, VecidxOrder *order) {
	double least;

	memset(order, 0, sizeof(*order));
	order->bare = true;
	return read_down(expression, order, &least);
}

static bool mentions(Node *node, void *context) {
	List *arguments;
	Oid function;

	if (node == NULL)
		return false;
	function = called(node, &arguments);
	if (OidIsValid(function) && measure_of(function) != NULL)
		return true;
	return expression_tree_walker(node, mentions, context);
}

bool vecidx_order_mentions(Node *expression) {
	return mentions(expression, NULL);
}

static Oid namespace_of_operator(Oid opno) {
	HeapTuple tuple = SearchSysCache1(OPEROID, ObjectIdGetDatum(opno));
	Oid result;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for operator %u", opno);
	result = ((Form_pg_operator)GETSTRUCT(tuple))->oprnamespace;
	ReleaseSysCache(tuple);
	return result;
}

char *vecidx_order_written(const VecidxOrder *order) {
	char *symbol = pstrdup(order->symbol);
	Oid left, right;

	op_input_types(order->opno, &left, &right);
	if (OpernameGetOprid(list_make1(makeString(symbol)), left, right) == order->opno)
		return symbol;
	return psprintf("OPERATOR(%s.%s)", quote_identifier(get_namespace_name(namespace_of_operator(order->opno))),
					symbol);
}
