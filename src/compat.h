/*
 * What differs between PostgreSQL 15, 16, 17 and 18, in one place, so that no other file asks for PG_VERSION_NUM.
 * Include it after postgres.h and fmgr.h.
 */
#ifndef VECIDX_COMPAT_H
#define VECIDX_COMPAT_H

#if PG_VERSION_NUM < 150000
#error "vecidx needs PostgreSQL 15 or later"
#endif

/* The varlena macros moved out of postgres.h in 16. */
#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

/* Input functions report soft errors from 16 on; before that the same call raises. The context is then unused. */
#if PG_VERSION_NUM >= 160000
#include "nodes/miscnodes.h"
#else
#define ereturn(context, dummy_value, ...)                                                                             \
	do {                                                                                                               \
		(void)(context);                                                                                               \
		ereport(ERROR, __VA_ARGS__);                                                                                   \
		return dummy_value;                                                                                            \
	} while (0)
#endif

/* A number in a value's text form, soft errors as above; include utils/float.h. */
#if PG_VERSION_NUM >= 160000
#define vecidx_float8_in(text, end, type, whole, context) float8in_internal(text, end, type, whole, context)
#define vecidx_soft_error(context) SOFT_ERROR_OCCURRED(context)
#else
#define vecidx_float8_in(text, end, type, whole, context) float8in_internal(text, end, type, whole)
#define vecidx_soft_error(context) ((void)(context), false)
#endif

/* Only 18 can show a module's name and version (pg_get_loaded_modules). */
#if PG_VERSION_NUM >= 180000
#define VECIDX_MODULE_MAGIC(module, release) PG_MODULE_MAGIC_EXT(.name = module, .version = release)
#else
#define VECIDX_MODULE_MAGIC(module, release) PG_MODULE_MAGIC
#endif

/* Number of the transaction in this session; include storage/proc.h. */
#if PG_VERSION_NUM >= 170000
#define vecidx_local_transaction() (MyProc->vxid.lxid)
#else
#define vecidx_local_transaction() (MyProc->lxid)
#endif

/* What a setting's check hook hands on is malloc'ed before 16, and allocated by guc.c from then on. */
#if PG_VERSION_NUM >= 160000
#define vecidx_guc_malloc(size) guc_malloc(LOG, size)
#else
#define vecidx_guc_malloc(size) malloc(size)
#endif

/* ---- access method: include after utils/rel.h and storage/bufmgr.h */

/* How many workers a build may have. Before 17 PostgreSQL asks only for btree; include optimizer/optimizer.h. */
#if PG_VERSION_NUM >= 170000
#define vecidx_can_build_parallel(am) ((am)->amcanbuildparallel = true)
#define vecidx_planned_workers(heap, index, info) ((info)->ii_ParallelWorkers)
#else
#define vecidx_can_build_parallel(am) ((void)(am))
#define vecidx_planned_workers(heap, index, info)                                                                      \
	plan_create_index_workers(RelationGetRelid(heap), RelationGetRelid(index))
#endif

/* A path that must not be taken: infinite cost says it before 18, this from then on. */
#if PG_VERSION_NUM >= 180000
#define vecidx_disable_path(index_path) ((index_path)->path.disabled_nodes = 2)
#else
#define vecidx_disable_path(index_path) ((void)(index_path))
#endif

/* EXPLAIN ANALYZE shows "Index Searches". */
#if PG_VERSION_NUM >= 180000
#define vecidx_count_search(scan)                                                                                      \
	do {                                                                                                               \
		if ((scan)->instrument != NULL)                                                                                \
			(scan)->instrument->nsearches++;                                                                           \
	} while (0)
#else
#define vecidx_count_search(scan) ((void)(scan))
#endif

/* What the columns of a grouped query stand for: a relation of their own from 18 on. */
#if PG_VERSION_NUM >= 180000
#define vecidx_group_columns(entry) ((entry)->rtekind == RTE_GROUP ? (entry)->groupexprs : NIL)
#else
#define vecidx_group_columns(entry) ((void)(entry), NIL)
#endif

/* May the user do to the tables what the statement does? Include executor/executor.h. */
#if PG_VERSION_NUM >= 160000
#define vecidx_check_permissions(plan) ExecCheckPermissions((plan)->rtable, (plan)->permInfos, true)
#else
#define vecidx_check_permissions(plan) ExecCheckRTPerms((plan)->rtable, true)
#endif

/* Rows that an index puts in order can be sorted by a second key as they come. */
#if PG_VERSION_NUM >= 160000
#define VECIDX_SORTS_WITHIN_TIES true
#else
#define VECIDX_SORTS_WITHIN_TIES false
#endif

/* Others may add to what EXPLAIN says of a plan's node. */
#if PG_VERSION_NUM >= 180000
#define VECIDX_EXPLAIN_NODE_HOOK
#endif

#if PG_VERSION_NUM >= 180000
#define vecidx_vacuum_delay() vacuum_delay_point(false)
#else
#define vecidx_vacuum_delay() vacuum_delay_point()
#endif

/* The table that is vacuumed: known from 16 on, and only needed for a closer horizon. */
#if PG_VERSION_NUM >= 160000
#define vecidx_vacuumed_heap(info) ((info)->heaprel)
#else
#define vecidx_vacuumed_heap(info) ((Relation)NULL)
#endif

/* A new page at the end of the relation, pinned and locked exclusively; src/am/page.c does it by hand before 16. */
#if PG_VERSION_NUM >= 160000
#define vecidx_extend_relation(relation) ExtendBufferedRel(BMR_REL(relation), MAIN_FORKNUM, NULL, EB_LOCK_FIRST)
#endif

#if PG_VERSION_NUM >= 160000
#define vecidx_tuplesort_getdatum(sort, value, isnull) tuplesort_getdatum(sort, true, false, value, isnull, NULL)
#else
#define vecidx_tuplesort_getdatum(sort, value, isnull) tuplesort_getdatum(sort, true, value, isnull, NULL)
#endif

/* The file behind a relation. */
#if PG_VERSION_NUM >= 160000
#define vecidx_locator(relation) ((relation)->rd_locator)
#define vecidx_file_number(relation) ((relation)->rd_locator.relNumber)
#else
#define vecidx_locator(relation) ((relation)->rd_node)
#define vecidx_file_number(relation) ((relation)->rd_node.relNode)
#endif

#endif
