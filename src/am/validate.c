/*
 * Checks an operator class: one ordering operator a type, which returns float8 and is sorted as such, and a support
 * function that names the metric; for conditions, an operator on what the other support function makes. What is wrong
 * is reported as INFO, as the built-in access methods do.
 */
#include "postgres.h"

#include "access/amvalidate.h"
#include "access/htup_details.h"
#include "catalog/pg_amop.h"
#include "catalog/pg_amproc.h"
#include "catalog/pg_opclass.h"
#include "catalog/pg_opfamily.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"
#include "utils/syscache.h"

#include "am/am.h"

typedef struct Validation {
	Oid family;
	char *family_name;
	Oid type; /* of the class */
	bool sound;
} Validation;

__attribute__((format(printf, 2, 3))) static void complain(Validation *v, const char *format, ...) {
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	ereport(INFO, (errcode(ERRCODE_INVALID_OBJECT_DEFINITION),
				   errmsg("operator family \"%s\" of access method vecidx %s", v->family_name, text)));
	v->sound = false;
}

static void check_ordering(Validation *v, Form_pg_amop member, const char *name) {
	if (member->amoplefttype != member->amoprighttype)
		complain(v, "contains operator %s with different left and right input types", name);
	if (member->amoppurpose != AMOP_ORDER) {
		complain(v, "contains operator %s without ORDER BY specification", name);
		return;
	}
	if (!check_amop_signature(member->amopopr, FLOAT8OID, member->amoplefttype, member->amoprighttype))
		complain(v, "contains operator %s with wrong signature", name);
	if (get_op_rettype(member->amopopr) == FLOAT8OID && !opfamily_can_sort_type(member->amopsortfamily, FLOAT8OID))
		complain(v, "contains incorrect ORDER BY opfamily specification for operator %s", name);
}

static void check_condition(Validation *v, Form_pg_amop member, const char *name) {
	Oid type = member->amoplefttype;

	if (member->amoppurpose != AMOP_SEARCH)
		complain(v, "contains operator %s with invalid ORDER BY specification", name);
	else if (!check_amop_signature(member->amopopr, BOOLOID, type, member->amoprighttype))
		complain(v, "contains operator %s with wrong signature", name);
	else if (!vecidx_condition_fits(get_opfamily_proc(v->family, type, type, VECIDX_METRIC_PROC),
									get_opcode(member->amopopr)))
		complain(v, "contains operator %s that is not of the metric in support function %d", name, VECIDX_METRIC_PROC);
}

static void check_operator(Validation *v, Form_pg_amop member) {
	char *name = format_operator(member->amopopr);

	if (member->amopstrategy == VECIDX_DISTANCE_STRATEGY)
		check_ordering(v, member, name);
	else if (member->amopstrategy == VECIDX_WITHIN_STRATEGY)
		check_condition(v, member, name);
	else
		complain(v, "contains operator %s with invalid strategy number %d", name, member->amopstrategy);
}

static bool support_fits(Form_pg_amproc member) {
	if (member->amprocnum == VECIDX_METRIC_PROC)
		return check_amproc_signature(member->amproc, INT4OID, true, 0, 0);
	return check_amproc_signature(member->amproc, get_func_rettype(member->amproc), true, 2, 2, member->amproclefttype,
								  FLOAT8OID);
}

static void check_support(Validation *v, Form_pg_amproc member) {
	char *name = format_procedure(member->amproc);

	if (member->amproclefttype != member->amprocrighttype)
		complain(v, "contains support function %s with different left and right input types", name);
	if (member->amprocnum < 1 || member->amprocnum > VECIDX_PROCS)
		complain(v, "contains function %s with invalid support number %d", name, member->amprocnum);
	else if (!support_fits(member))
		complain(v, "contains function %s with wrong signature for support number %d", name, member->amprocnum);
}

/* What the class's own type must have; members for other types make the family loose, not wrong. */
static void check_complete(Validation *v, List *groups) {
	uint64 operators = 0, functions = 0;
	ListCell *cell;

	foreach (cell, groups) {
		OpFamilyOpFuncGroup *group = lfirst(cell);

		if (group->lefttype == v->type && group->righttype == v->type) {
			operators = group->operatorset;
			functions = group->functionset;
		}
	}
	if ((operators & ((uint64)1 << VECIDX_DISTANCE_STRATEGY)) == 0)
		complain(v, "is missing the ordering operator for type %s", format_type_be(v->type));
	if ((functions & ((uint64)1 << VECIDX_METRIC_PROC)) == 0)
		complain(v, "is missing support function %d for type %s", VECIDX_METRIC_PROC, format_type_be(v->type));
	if (v->sound &&
		!vecidx_metric_fits(get_opfamily_proc(v->family, v->type, v->type, VECIDX_METRIC_PROC),
							get_opcode(get_opfamily_member(v->family, v->type, v->type, VECIDX_DISTANCE_STRATEGY))))
		complain(v, "contains a metric in support function %d that is not its operator's", VECIDX_METRIC_PROC);
}

static void check_members(Validation *v) {
	CatCList *operators = SearchSysCacheList1(AMOPSTRATEGY, ObjectIdGetDatum(v->family));
	CatCList *functions = SearchSysCacheList1(AMPROCNUM, ObjectIdGetDatum(v->family));

	for (int i = 0; i < operators->n_members; i++)
		check_operator(v, (Form_pg_amop)GETSTRUCT(&operators->members[i]->tuple));
	for (int i = 0; i < functions->n_members; i++)
		check_support(v, (Form_pg_amproc)GETSTRUCT(&functions->members[i]->tuple));
	check_complete(v, identify_opfamily_groups(operators, functions));
	ReleaseCatCacheList(functions);
	ReleaseCatCacheList(operators);
}

bool vecidx_validate(Oid opclass) {
	Validation v = {.sound = true};
	HeapTuple tuple = SearchSysCache1(CLAOID, ObjectIdGetDatum(opclass));
	Form_pg_opclass form;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for operator class %u", opclass);
	form = (Form_pg_opclass)GETSTRUCT(tuple);
	v.family = form->opcfamily;
	v.type = form->opcintype;
	ReleaseSysCache(tuple);

	tuple = SearchSysCache1(OPFAMILYOID, ObjectIdGetDatum(v.family));
	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for operator family %u", v.family);
	v.family_name = pstrdup(NameStr(((Form_pg_opfamily)GETSTRUCT(tuple))->opfname));
	ReleaseSysCache(tuple);

	check_members(&v);
	return v.sound;
}
