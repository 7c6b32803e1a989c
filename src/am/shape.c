/*
 * The shape of an index (meta page, mean, rotation, anchors), read once and kept with the relation, and what its
 * definition says before there is a meta page.
 */
#include "postgres.h"

#include <stddef.h>

#include "access/tupdesc.h"
#include "fmgr.h"
#include "storage/bufmgr.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "am/am.h"
#include "type/vector.h"

/* What rd_amcache points to: one chunk, freed by the relation cache. */
typedef struct CachedShape {
	uint64 serial; /* of this reading of the pages; none is given twice */
	max_align_t shape[];
} CachedShape;

static uint64 last_serial = 0;

static vx_index *shape_in(void *cached) {
	return (vx_index *)((CachedShape *)cached)->shape;
}

/* NULL, or what is wrong with block 0. */
static const char *open_meta(Relation index, CachedShape **cached) {
	const char *fault = NULL;
	Buffer buffer = ReadBuffer(index, VX_META_BLOCK);
	Page page = BufferGetPage(buffer);

	LockBuffer(buffer, BUFFER_LOCK_SHARE);
	fault = vx_meta_fault(page);
	if (fault == NULL) {
		Size size = vx_index_size(vx_page_meta(page)->dim, vx_page_meta(page)->nanchors);

		*cached = MemoryContextAlloc(index->rd_indexcxt, offsetof(CachedShape, shape) + size);
		(*cached)->serial = ++last_serial;
		vx_index_open(shape_in(*cached), page);
	}
	UnlockReleaseBuffer(buffer);
	return fault;
}

/* NULL, or what is wrong with block *block. */
static const char *open_mean(Relation index, vx_index *shape, BlockNumber *block) {
	const char *fault = NULL;
	uint32 next = vx_index_meta(shape)->mean;
	BlockNumber blocks = RelationGetNumberOfBlocks(index); /* after the meta page was read: what it names is there */

	for (uint32 part = 0; fault == NULL && next != VX_NO_BLOCK; part++) {
		Buffer buffer;

		*block = next;
		if (next >= blocks)
			return "it lies beyond the end of the index";
		buffer = ReadBuffer(index, next);
		LockBuffer(buffer, BUFFER_LOCK_SHARE);
		fault = vx_index_take_page(shape, part, BufferGetPage(buffer), &next);
		UnlockReleaseBuffer(buffer);
	}
	return fault;
}

/* Fills the cache. NULL, or what is wrong with block *block. */
static const char *load(Relation index, BlockNumber *block) {
	CachedShape *cached = NULL;
	const char *fault;

	*block = VX_META_BLOCK;
	if (RelationGetNumberOfBlocks(index) == 0)
		return "there is no meta page";
	fault = open_meta(index, &cached);
	if (fault == NULL)
		fault = open_mean(index, shape_in(cached), block);
	if (fault == NULL)
		index->rd_amcache = cached;
	else if (cached != NULL)
		pfree(cached);
	return fault;
}

const vx_index *vecidx_shape_cached(Relation index) {
	BlockNumber block;
	const char *fault;

	if (index->rd_amcache == NULL && (fault = load(index, &block)) != NULL)
		vecidx_report_corrupt(index, block, fault);
	return shape_in(index->rd_amcache);
}

/* What changes while the shape stays: the number of leaves, and so on. NULL, or what is wrong. */
static const char *read_meta(Relation index, ReadBufferMode mode, vx_meta *meta) {
	const char *fault;
	Buffer buffer;

	if (RelationGetNumberOfBlocks(index) == 0)
		return "there is no meta page";
	buffer = ReadBufferExtended(index, MAIN_FORKNUM, VX_META_BLOCK, mode, NULL);
	LockBuffer(buffer, BUFFER_LOCK_SHARE);
	fault = vx_meta_fault(BufferGetPage(buffer));
	if (fault == NULL)
		*meta = *vx_page_meta(BufferGetPage(buffer));
	UnlockReleaseBuffer(buffer);
	return fault;
}

void vecidx_meta_now(Relation index, vx_meta *meta) {
	const char *fault = read_meta(index, RBM_NORMAL, meta);

	if (fault != NULL)
		vecidx_report_corrupt(index, VX_META_BLOCK, fault);
}

/*
 * For the planner, which must not fail for an index that the query may not even use. A page whose header or checksum is
 * broken reads as zeros, with a warning; whoever uses the index then finds no meta page.
 */
bool vecidx_meta_if_sound(Relation index, vx_meta *meta) {
	return read_meta(index, RBM_ZERO_ON_ERROR, meta) == NULL;
}

vx_index *vecidx_shape_copy(Relation index) {
	const vx_index *shape = vecidx_shape_cached(index);
	Size size = vx_index_size(vx_index_meta(shape)->dim, vx_index_meta(shape)->nanchors);

	return memcpy(palloc(size), shape, size);
}

uint64 vecidx_shape_serial(Relation index) {
	vecidx_shape_cached(index);
	return ((CachedShape *)index->rd_amcache)->serial;
}

void vecidx_shape_forget(Relation index) {
	if (index->rd_amcache != NULL)
		pfree(index->rd_amcache);
	index->rd_amcache = NULL;
}

vx_metric vecidx_metric_of(Relation index) {
	FmgrInfo *proc = index_getprocinfo(index, 1, VECIDX_METRIC_PROC);
	int metric = DatumGetInt32(FunctionCall0Coll(proc, InvalidOid));

	if (metric != VX_L2 && metric != VX_COSINE && metric != VX_IP)
		ereport(ERROR, (errcode(ERRCODE_INVALID_OBJECT_DEFINITION),
						errmsg("support function %d of the operator class of index \"%s\" names no metric: %d",
							   VECIDX_METRIC_PROC, RelationGetRelationName(index), metric)));
	if (!vecidx_metric_fits(proc->fn_oid,
							get_opcode(get_opfamily_member(index->rd_opfamily[0], index->rd_opcintype[0],
														   index->rd_opcintype[0], VECIDX_DISTANCE_STRATEGY))))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_OBJECT_DEFINITION),
				 errmsg("support function %d of the operator class of index \"%s\" does not fit its operator",
						VECIDX_METRIC_PROC, RelationGetRelationName(index)),
				 errhint("Name vecidx_metric_l2() for <->, vecidx_metric_cosine() for <=> and vecidx_metric_ip() "
						 "for <#>.")));
	return (vx_metric)metric;
}

uint32 vecidx_dimension_of(Relation index) {
	Form_pg_attribute column = TupleDescAttr(RelationGetDescr(index), 0);
	int32 typmod = column->atttypmod;

	if (typmod < 0)
		getBaseTypeAndTypmod(column->atttypid, &typmod);
	if (typmod < 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("column does not have dimensions"),
						errhint("Declare the column with dimensions, as in vector(384), or index an expression that "
								"casts it to such a type.")));
	StaticAssertStmt(VECTOR_MAX_DIM <= VX_MAX_DIM, "an index has room for any vector");
	return (uint32)typmod;
}
