/*
 * CREATE INDEX and REINDEX: sample the table, train the tree, bring the rows into its order, write each page once.
 *
 * Pages go through shared buffers without WAL, for nobody else can see the index yet; at the end all of them are
 * logged. All memory that grows with the table is bounded by maintenance_work_mem.
 */
#include "postgres.h"

#include "access/heaptoast.h"
#include "access/htup_details.h"
#include "access/xloginsert.h"
#include "catalog/index.h"
#include "commands/progress.h"
#include "miscadmin.h"
#include "optimizer/optimizer.h"
#include "pgstat.h"
#include "storage/bufmgr.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "am/build.h"
#include "am/faults.h"
#include "type/vector.h"

/* Of maintenance_work_mem, what a build leaves for everything that is not counted: up to an eighth. */
#define LARGEST_RESERVE ((Size)4 * 1024 * 1024)

const float *vecidx_build_vector(const VecidxBuild *build, Datum value) {
	MemoryContext old = MemoryContextSwitchTo(build->row);
	Vector *vector;

	MemoryContextReset(build->row);
	vector = DatumGetVector(value);
	MemoryContextSwitchTo(old);
	if ((uint32)vector->dim != build->dim)
		ereport(ERROR, (errcode(ERRCODE_DATA_EXCEPTION),
						errmsg("expected %d dimensions, not %d", (int)build->dim, (int)vector->dim)));
	return vector->x;
}

/* Above some 1,000 dimensions a block of 16 scan codes outgrows a page when each dimension has many bits. */
static void check_scan_bits(uint32 dim, int bits) {
	if (bits != 0 && vx_leaf_capacity(dim, (uint32)bits) == 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("scan_bits = %d is too much for vectors of %u dimensions", bits, dim),
						errhint("Use a smaller value, or \"auto\".")));
}

void vecidx_build_share(VecidxBuild *build, vx_index *shape) {
	build->shape = shape;
	build->dim = vx_index_meta(shape)->dim;
	build->stride = vx_code_stride(build->dim);
	build->row = AllocSetContextCreate(CurrentMemoryContext, "vecidx build row", ALLOCSET_DEFAULT_SIZES);
}

static void shape_build(VecidxBuild *build, Relation index) {
	VecidxOptions options = vecidx_options_of(index);
	uint32 dim = vecidx_dimension_of(index);
	vx_index *shape = palloc(vx_index_size(dim, 0));

	build->index = index;
	check_scan_bits(dim, options.scan_bits);
	vx_index_shape(shape, dim, vecidx_metric_of(index), options.scan_bits, options.leaf_size, options.seed);
	vecidx_build_share(build, shape);
	build->memory = (Size)maintenance_work_mem * 1024;
	build->memory -= Min(build->memory / 8, LARGEST_RESERVE);
	build->pages.index = index;
}

bool vecidx_stored_out_of_line(Form_pg_attribute column, uint32 dim) {
	Size size = VECTOR_SIZE(dim);

	return column->attstorage != TYPSTORAGE_PLAIN && column->attstorage != TYPSTORAGE_MAIN &&
		   size > TOAST_TUPLE_TARGET && MAXALIGN(SizeofHeapTupleHeader) + size <= MaxHeapTupleSize;
}

/* Out of line, every distance that the executor computes costs a look into the TOAST table. */
static void advise_storage(Relation heap, IndexInfo *info, uint32 dim) {
	AttrNumber number = info->ii_IndexAttrNumbers[0];
	Form_pg_attribute column;

	if (number == InvalidAttrNumber)
		return;
	column = TupleDescAttr(RelationGetDescr(heap), number - 1);
	if (!vecidx_stored_out_of_line(column, dim))
		return;
	ereport(NOTICE,
			(errmsg("vectors of column \"%s\" are stored out of line, which makes every search slower",
					NameStr(column->attname)),
			 errhint("Before the rows are loaded, do ALTER TABLE %s ALTER COLUMN %s SET STORAGE PLAIN.",
					 quote_identifier(RelationGetRelationName(heap)), quote_identifier(NameStr(column->attname)))));
}

IndexBuildResult *vecidx_build(Relation heap, Relation index, IndexInfo *info) {
	VecidxBuild build = {.heap = heap, .info = info};
	pg_atomic_uint64 rows;
	IndexBuildResult *result = palloc(sizeof(IndexBuildResult));
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "vecidx build", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);

	if (RelationGetNumberOfBlocks(index) != 0)
		elog(ERROR, "index \"%s\" already contains data", RelationGetRelationName(index));
	build.pages.fork = MAIN_FORKNUM;
	shape_build(&build, index);
	build.workers = vecidx_planned_workers(heap, index, info);
	pg_atomic_init_u64(&rows, 0);
	build.rows = &rows;
	advise_storage(heap, info, build.dim);
	vecidx_build_train(&build);
	result->heap_tuples = vecidx_build_write(&build, &result->index_tuples);
	vecidx_team_end(&build);
	pgstat_progress_update_param(PROGRESS_CREATEIDX_SUBPHASE, VECIDX_PHASE_CALIBRATING);
	vecidx_calibrate_new(heap, index, build.workers, info->ii_Concurrent);
	vecidx_fault("before", "build");
	if (RelationNeedsWAL(index))
		log_newpage_range(index, MAIN_FORKNUM, 0, build.pages.nblocks, true);
	vecidx_fault("after", "build");
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return result;
}

/* The fork from which an unlogged index is reset after a crash: it is always logged. */
void vecidx_build_empty(Relation index) {
	VecidxBuild build = {0};
	Size bytes;

	shape_build(&build, index);
	build.pages.fork = INIT_FORKNUM;
	vecidx_build_train_nothing(&build);
	bytes = vx_writer_size(build.shape, build.train);
	build.writer = vx_writer_init(palloc(bytes), bytes, build.shape, build.train);
	vx_writer_finish(build.writer);
	vecidx_fork_drain(&build.pages, build.writer);
	log_newpage_range(index, INIT_FORKNUM, 0, build.pages.nblocks, true);
}
