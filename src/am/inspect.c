/*
 * Opens an index for the functions that look into it, and refuses what is not a vecidx index.
 */
#include "postgres.h"

#include "access/relation.h"
#include "access/table.h"
#include "access/xlog.h"
#include "catalog/index.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_class.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"

#include "am/inspect.h"

static void refuse(Relation index, int code, const char *message, const char *detail) {
	ereport(ERROR, (errcode(code), errmsg(message, RelationGetRelationName(index)),
					detail != NULL ? errdetail_internal("%s", detail) : 0));
}

static void check_relation(Relation index) {
	if (!vecidx_is_vecidx_index(index))
		refuse(index, ERRCODE_WRONG_OBJECT_TYPE, "\"%s\" is not a vecidx index", NULL);
	if (RELATION_IS_OTHER_TEMP(index))
		refuse(index, ERRCODE_FEATURE_NOT_SUPPORTED, "cannot look into index \"%s\"",
			   "It belongs to a temporary table of another session.");
	if (!index->rd_index->indisready)
		refuse(index, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, "cannot look into index \"%s\"",
			   "It has not been built.");
	if (RecoveryInProgress() && index->rd_rel->relpersistence != RELPERSISTENCE_PERMANENT)
		refuse(index, ERRCODE_FEATURE_NOT_SUPPORTED, "cannot look into index \"%s\"",
			   "It is unlogged, so it is not there during recovery.");
}

/* The table is locked first, as everywhere, or there could be a deadlock. */
Relation vecidx_open_for_inspection(Oid oid, LOCKMODE lock, Relation *heap) {
	Oid table = get_rel_relkind(oid) == RELKIND_INDEX ? IndexGetRelation(oid, true) : InvalidOid;
	Relation index;

	*heap = OidIsValid(table) ? table_open(table, lock) : NULL;
	index = relation_open(oid, lock);
	check_relation(index);
	if (*heap == NULL || IndexGetRelation(oid, false) != table)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE),
						errmsg("could not open parent table of index \"%s\"", RelationGetRelationName(index))));
	return index;
}

void vecidx_check_inspector(Relation index) {
	Oid user = GetUserId();

	if (!has_privs_of_role(user, index->rd_rel->relowner) && !has_privs_of_role(user, ROLE_PG_STAT_SCAN_TABLES))
		aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_INDEX, RelationGetRelationName(index));
}

void vecidx_close_inspected(Relation index, Relation heap, LOCKMODE lock) {
	relation_close(index, lock);
	table_close(heap, lock);
}
