/*
 * The last part of a build: every row of the table finds its leaf, is sorted by it, and goes to pages in that order.
 * Rows without codes (NULL, zero under cosine, huge values, or all of a small table) go to their pages at once.
 */
#include "postgres.h"

#include "access/tableam.h"
#include "catalog/index.h"
#include "catalog/pg_operator_d.h"
#include "catalog/pg_type_d.h"
#include "commands/progress.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "utils/memutils.h"
#include "utils/tuplesort.h"

#include "am/build.h"

/* Rows that look for their leaves together. */
#define BATCH 128

typedef struct Spool {
	VecidxBuild *build;
	Tuplesortstate *sort;
	TupleTableSlot *slot;
	char *batch;
	uint32 n;
	bytea *datum; /* one entry on its way into the sort */
	double rows;  /* of the table that the index holds */
	double coded;
} Spool;

/* Leaf number and refine code. */
static TupleDesc spool_tuple(void) {
	TupleDesc tuple = CreateTemplateTupleDesc(2);

	TupleDescInitEntry(tuple, 1, "leaf", INT4OID, -1, 0);
	TupleDescInitEntry(tuple, 2, "entry", BYTEAOID, -1, 0);
	return tuple;
}

/* The sort gets what training and writing leave of the memory. */
static int sort_memory(const VecidxBuild *build, Size writer) {
	Size used = build->train_memory + writer + (Size)BATCH * build->stride;
	Size left = build->memory > used ? build->memory - used : 0;

	return (int)Max(left / 1024, 64);
}

static void start_writer(VecidxBuild *build, Size *bytes) {
	*bytes = vx_writer_size(build->shape, build->train);
	build->writer =
		vx_writer_init(MemoryContextAllocHuge(CurrentMemoryContext, *bytes), *bytes, build->shape, build->train);
}

static void start_sort(Spool *spool, Size writer) {
	AttrNumber column = 1;
	Oid less = Int4LessOperator, collation = InvalidOid;
	bool nulls_first = false;

	spool->slot = MakeSingleTupleTableSlot(spool_tuple(), &TTSOpsVirtual);
	spool->sort = tuplesort_begin_heap(spool->slot->tts_tupleDescriptor, 1, &column, &less, &collation, &nulls_first,
									   sort_memory(spool->build, writer), NULL, TUPLESORT_NONE);
	spool->batch = palloc(BATCH * spool->build->stride);
	spool->datum = palloc(VARHDRSZ + spool->build->stride);
	SET_VARSIZE(spool->datum, VARHDRSZ + spool->build->stride);
}

static void put_into_sort(Spool *spool, uint32 leaf, const char *entry) {
	TupleTableSlot *slot = spool->slot;

	memcpy(VARDATA(spool->datum), entry, spool->build->stride);
	ExecClearTuple(slot);
	slot->tts_values[0] = Int32GetDatum((int32)leaf);
	slot->tts_values[1] = PointerGetDatum(spool->datum);
	slot->tts_isnull[0] = slot->tts_isnull[1] = false;
	ExecStoreVirtualTuple(slot);
	tuplesort_puttupleslot(spool->sort, slot);
}

static void flush_batch(Spool *spool) {
	uint32 leaf[BATCH];

	if (spool->n == 0)
		return;
	vx_train_assign(spool->build->train, spool->batch, spool->n, leaf);
	for (uint32 i = 0; i < spool->n; i++)
		put_into_sort(spool, leaf[i], spool->batch + i * spool->build->stride);
	spool->n = 0;
}

static void add_coded(Spool *spool, vx_row row, const float *x) {
	const VecidxBuild *build = spool->build;

	spool->coded++;
	if (build->train == NULL) {
		vx_writer_raw(build->writer, row, x);
		return;
	}
	vx_encode(build->shape, x, (vx_code_entry *)(spool->batch + spool->n * build->stride));
	((vx_code_entry *)(spool->batch + spool->n * build->stride))->row = row;
	if (++spool->n == BATCH)
		flush_batch(spool);
}

static void add_row(Relation index, ItemPointer tid, Datum *values, bool *isnull, bool alive, void *argument) {
	Spool *spool = argument;
	VecidxBuild *build = spool->build;
	vx_row row = vecidx_row_of(tid, isnull[0] ? VX_ROW_NULL : 0);

	if (isnull[0]) {
		vx_writer_late(build->writer, row);
	} else {
		const float *x = vecidx_build_vector(build, values[0]);

		switch (vx_classify(build->shape, x)) {
		case VX_CLASS_CODED:
			add_coded(spool, row, x);
			break;
		case VX_CLASS_WILD:
			vx_writer_wild(build->writer, row);
			break;
		case VX_CLASS_LATE:
			vx_writer_late(build->writer, row);
			break;
		}
	}
	vecidx_fork_drain(&build->pages, build->writer);
	spool->rows++;
	if ((uint64)spool->rows % 1024 == 0)
		pgstat_progress_update_param(PROGRESS_CREATEIDX_TUPLES_DONE, (int64)spool->rows);
}

static void write_sorted(Spool *spool) {
	VecidxBuild *build = spool->build;
	TupleTableSlot *slot = MakeSingleTupleTableSlot(spool->slot->tts_tupleDescriptor, &TTSOpsMinimalTuple);
	vx_code_entry *entry = palloc(build->stride);
	uint64 done = 0;

	while (tuplesort_gettupleslot(spool->sort, true, false, slot, NULL)) {
		bool isnull;
		int32 leaf = DatumGetInt32(slot_getattr(slot, 1, &isnull));
		struct varlena *code = (struct varlena *)DatumGetPointer(slot_getattr(slot, 2, &isnull));

		CHECK_FOR_INTERRUPTS();
		memcpy(entry, VARDATA_ANY(code), build->stride); /* the sort may have packed it unaligned */
		vx_writer_coded(build->writer, (uint32)leaf, entry);
		vecidx_fork_drain(&build->pages, build->writer);
		if (++done % 1024 == 0)
			pgstat_progress_update_param(PROGRESS_CREATEIDX_TUPLES_DONE, (int64)done);
	}
	ExecDropSingleTupleTableSlot(slot);
}

static void finish_writer(VecidxBuild *build) {
	vx_writer_finish(build->writer);
	vecidx_fork_drain(&build->pages, build->writer);
	if (build->pages.nblocks != vx_writer_blocks(build->writer))
		elog(ERROR, "vecidx wrote %u blocks instead of %u", build->pages.nblocks, vx_writer_blocks(build->writer));
}

double vecidx_build_write(VecidxBuild *build, double *rows) {
	Spool spool = {.build = build};
	double heap_rows;
	Size writer;

	pgstat_progress_update_param(PROGRESS_CREATEIDX_SUBPHASE, VECIDX_PHASE_ASSIGNING);
	pgstat_progress_update_param(PROGRESS_CREATEIDX_TUPLES_TOTAL, (int64)build->expected);
	pgstat_progress_update_param(PROGRESS_CREATEIDX_TUPLES_DONE, 0);
	start_writer(build, &writer);
	if (build->train != NULL)
		start_sort(&spool, writer);
	heap_rows = table_index_build_scan(build->heap, build->index, build->info, true, true, add_row, &spool, NULL);
	if (build->train != NULL) {
		flush_batch(&spool);
		pgstat_progress_update_param(PROGRESS_CREATEIDX_SUBPHASE, VECIDX_PHASE_SORTING);
		tuplesort_performsort(spool.sort);
		pgstat_progress_update_param(PROGRESS_CREATEIDX_SUBPHASE, VECIDX_PHASE_WRITING);
		pgstat_progress_update_param(PROGRESS_CREATEIDX_TUPLES_TOTAL, (int64)spool.coded);
		write_sorted(&spool);
		tuplesort_end(spool.sort);
		ExecDropSingleTupleTableSlot(spool.slot);
	}
	finish_writer(build);
	*rows = spool.rows;
	return heap_rows;
}
