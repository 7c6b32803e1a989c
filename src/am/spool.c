/*
 * Every row of the table finds its leaf and goes into a sort by leaf. Rows without codes (NULL, zero under cosine, huge
 * values) sort behind the last leaf, so that one stream brings all rows to the one process that writes pages.
 */
#include "postgres.h"

#include "access/tableam.h"
#include "catalog/index.h"
#include "catalog/pg_operator_d.h"
#include "catalog/pg_type_d.h"
#include "commands/progress.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "utils/memutils.h"

#include "am/spool.h"

/* Rows that look for their leaves together, and how many of them between two looks for interrupts. */
#define BATCH 128
#define SLICE 32
/* What a worker's process takes besides its sort. */
#define WORKER_OVERHEAD ((Size)4 * 1024 * 1024)
/* Runs are written and merged without looks for interrupts: more memory would only make these longer. */
#define MOST_SORT_MEMORY ((Size)128 * 1024 * 1024)

typedef struct Spool {
	VecidxBuild *build;
	Tuplesortstate *sort;
	TupleTableSlot *slot;
	char *batch;
	uint32 n;
	bytea *datum; /* one entry on its way into the sort */
	uint64 rows;  /* of the table that the index holds */
	uint64 told;  /* of these, in the common count */
} Spool;

int vecidx_sort_memory(const VecidxBuild *build, int participants) {
	Size used = build->train_memory + vx_writer_size(build->shape, build->train);
	Size left;

	if (build->team != NULL)
		used += dsm_segment_map_length(build->team->router) + (participants - 1) * WORKER_OVERHEAD;
	left = build->memory > used ? build->memory - used : 0;
	left /= participants;
	used = (Size)BATCH * build->stride;
	left = left > used ? left - used : 0;
	return (int)(Max(Min(left, MOST_SORT_MEMORY) / 1024, 64));
}

/* ---- tuples: leaf number, and refine code or row */

TupleDesc vecidx_spool_tuple(void) {
	TupleDesc tuple = CreateTemplateTupleDesc(2);

	TupleDescInitEntry(tuple, 1, "leaf", INT4OID, -1, 0);
	TupleDescInitEntry(tuple, 2, "entry", BYTEAOID, -1, 0);
	return tuple;
}

static Tuplesortstate *begin_sort(TupleDesc tuple, SortCoordinate coordinate, int memory) {
	AttrNumber column = 1;
	Oid less = Int4LessOperator, collation = InvalidOid;
	bool nulls_first = false;

	return tuplesort_begin_heap(tuple, 1, &column, &less, &collation, &nulls_first, memory, coordinate, TUPLESORT_NONE);
}

static void put_into_sort(Spool *spool, uint32 leaf, const void *content, Size size) {
	TupleTableSlot *slot = spool->slot;

	SET_VARSIZE(spool->datum, VARHDRSZ + size);
	memcpy(VARDATA(spool->datum), content, size);
	ExecClearTuple(slot);
	slot->tts_values[0] = Int32GetDatum((int32)leaf);
	slot->tts_values[1] = PointerGetDatum(spool->datum);
	slot->tts_isnull[0] = slot->tts_isnull[1] = false;
	ExecStoreVirtualTuple(slot);
	tuplesort_puttupleslot(spool->sort, slot);
}

bool vecidx_spool_next(const VecidxBuild *build, Tuplesortstate *sort, TupleTableSlot *slot, VecidxSpooled *kind,
					   uint32 *leaf, const void **content) {
	bool isnull;

	if (!tuplesort_gettupleslot(sort, true, false, slot, NULL))
		return false;
	*leaf = (uint32)DatumGetInt32(slot_getattr(slot, 1, &isnull));
	*content = VARDATA_ANY((struct varlena *)DatumGetPointer(slot_getattr(slot, 2, &isnull)));
	*kind = *leaf < build->leaves ? VECIDX_SPOOLED_CODED : (VecidxSpooled)(*leaf - build->leaves);
	return true;
}

/* ---- rows of the table */

/* Adds to the common count what is new of this process, and shows it. */
static void count_rows(Spool *spool) {
	uint64 rows = pg_atomic_fetch_add_u64(spool->build->rows, (int64)(spool->rows - spool->told));

	rows += spool->rows - spool->told;
	spool->told = spool->rows;
	if (!IsParallelWorker())
		pgstat_progress_update_param(PROGRESS_CREATEIDX_TUPLES_DONE, (int64)rows);
}

static void find_leaves(const VecidxBuild *build, const char *entries, uint32 n, uint32 *leaf) {
	if (build->router != NULL)
		vx_router_assign(build->router, build->shape, entries, n, leaf);
	else
		vx_train_assign(build->train, entries, n, leaf);
}

static void flush_batch(Spool *spool) {
	Size stride = spool->build->stride;
	uint32 leaf[BATCH];

	for (uint32 i = 0; i < spool->n; i += SLICE) {
		CHECK_FOR_INTERRUPTS();
		find_leaves(spool->build, spool->batch + i * stride, Min(SLICE, spool->n - i), leaf + i);
	}
	for (uint32 i = 0; i < spool->n; i++)
		put_into_sort(spool, leaf[i], spool->batch + i * stride, stride);
	spool->n = 0;
}

static void add_coded(Spool *spool, vx_row row, const float *x) {
	vx_code_entry *entry = (vx_code_entry *)(spool->batch + spool->n * spool->build->stride);

	vx_encode(spool->build->shape, x, entry);
	entry->row = row;
	if (++spool->n == BATCH)
		flush_batch(spool);
}

static void add_listed(Spool *spool, VecidxSpooled kind, vx_row row) {
	put_into_sort(spool, spool->build->leaves + kind, &row, sizeof(row));
}

static void add_row(Relation index, ItemPointer tid, Datum *values, bool *isnull, bool alive, void *argument) {
	Spool *spool = argument;
	VecidxBuild *build = spool->build;
	vx_row row = vecidx_row_of(tid, isnull[0] ? VX_ROW_NULL : 0);

	if (isnull[0]) {
		add_listed(spool, VECIDX_SPOOLED_LATE, row);
	} else {
		const float *x = vecidx_build_vector(build, values[0]);

		switch (vx_classify(build->shape, x)) {
		case VX_CLASS_CODED:
			add_coded(spool, row, x);
			break;
		case VX_CLASS_WILD:
			add_listed(spool, VECIDX_SPOOLED_WILD, row);
			break;
		case VX_CLASS_LATE:
			add_listed(spool, VECIDX_SPOOLED_LATE, row);
			break;
		}
	}
	if (++spool->rows % 1024 == 0)
		count_rows(spool);
}

/* ---- sorts */

static Tuplesortstate *fill_and_sort(VecidxBuild *build, SortCoordinate coordinate, int memory, TableScanDesc scan,
									 VecidxPart *part) {
	Spool spool = {.build = build};

	spool.slot = MakeSingleTupleTableSlot(vecidx_spool_tuple(), &TTSOpsVirtual);
	spool.sort = begin_sort(spool.slot->tts_tupleDescriptor, coordinate, memory);
	spool.batch = palloc(BATCH * build->stride);
	spool.datum = palloc(VARHDRSZ + Max(build->stride, sizeof(vx_row)));
	part->heap_rows = table_index_build_scan(build->heap, build->index, build->info, true, !IsParallelWorker(), add_row,
											 &spool, scan);
	flush_batch(&spool);
	count_rows(&spool);
	part->rows = (double)spool.rows;
	part->broken_hot_chain = build->info->ii_BrokenHotChain;
	if (!IsParallelWorker())
		pgstat_progress_update_param(PROGRESS_CREATEIDX_SUBPHASE, VECIDX_PHASE_SORTING);
	tuplesort_performsort(spool.sort);
	ExecDropSingleTupleTableSlot(spool.slot);
	pfree(spool.batch);
	pfree(spool.datum);
	return spool.sort;
}

Tuplesortstate *vecidx_spool_all(VecidxBuild *build, double *heap_rows, double *rows) {
	VecidxPart part;
	Tuplesortstate *sort = fill_and_sort(build, NULL, vecidx_sort_memory(build, 1), NULL, &part);

	*heap_rows = part.heap_rows;
	*rows = part.rows;
	return sort;
}

void vecidx_spool_share(VecidxBuild *build, SortCoordinate coordinate, int memory, TableScanDesc scan,
						VecidxPart *part) {
	tuplesort_end(fill_and_sort(build, coordinate, memory, scan, part));
}

Tuplesortstate *vecidx_spool_merge(const VecidxBuild *build, SortCoordinate coordinate) {
	Tuplesortstate *sort = begin_sort(vecidx_spool_tuple(), coordinate, vecidx_sort_memory(build, 1));

	tuplesort_performsort(sort);
	return sort;
}
