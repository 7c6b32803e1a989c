/*
 * vecidx_info(index): what an index is made of, for people: shape, rows, pages of each kind, bytes a row.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_authid.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"

#include "am/inspect.h"

PG_FUNCTION_INFO_V1(vecidx_info);

#define COLUMNS 20
/* A LIMIT 10 is what the expected work is told for. */
#define EXPECTED_FOR 10

typedef struct Census {
	int64 pages[VX_KIND_ANCHOR + 1]; /* by kind; 0: never written */
	int64 live, dead;
} Census;

static void count_page(Census *census, Page page, const vx_meta *meta, vx_row *rows) {
	uint32 n = vx_page_counts(page, meta) ? vx_page_rows(page, meta->dim, rows) : 0;
	int kind;

	for (kind = VX_KIND_ANCHOR; kind > 0 && !vx_page_is(page, (vx_page_kind)kind);)
		kind--;
	census->pages[kind]++;
	for (uint32 i = 0; i < n; i++) {
		if (rows[i].flags & VX_ROW_DEAD)
			census->dead++;
		else
			census->live++;
	}
}

static BlockNumber take_census(Relation index, const vx_meta *meta, Census *census) {
	BufferAccessStrategy strategy = GetAccessStrategy(BAS_BULKREAD);
	BlockNumber blocks = RelationGetNumberOfBlocks(index);
	vx_row *rows = palloc(sizeof(vx_row) * vx_list_per_page());

	for (BlockNumber block = 0; block < blocks; block++) {
		Buffer buffer = ReadBufferExtended(index, MAIN_FORKNUM, block, RBM_NORMAL, strategy);

		CHECK_FOR_INTERRUPTS();
		LockBuffer(buffer, BUFFER_LOCK_SHARE);
		count_page(census, BufferGetPage(buffer), meta, rows);
		UnlockReleaseBuffer(buffer);
	}
	pfree(rows);
	FreeAccessStrategy(strategy);
	return blocks;
}

static const char *metric_name(uint8 metric) {
	return metric == VX_L2 ? "l2" : metric == VX_COSINE ? "cosine" : "inner product";
}

/* In the order of the function's columns. */
static void fill(Datum *values, bool *isnull, const vx_meta *meta, double recall, const Census *census,
				 BlockNumber blocks) {
	vx_estimate work;
	int i = 0;

	vx_scan_estimate(meta, (double)census->live, recall, EXPECTED_FOR, &work);
	values[i++] = Int32GetDatum((int32)meta->version);
	values[i++] = Int32GetDatum((int32)meta->dim);
	values[i++] = CStringGetTextDatum(metric_name(meta->metric));
	values[i++] = CStringGetTextDatum(meta->levels == 0 ? "none" : "kmeans");
	values[i++] = Int32GetDatum(meta->levels);
	values[i++] = Int32GetDatum((int32)meta->leaves);
	values[i++] = Int32GetDatum((int32)meta->leaf_size);
	values[i++] = Int32GetDatum(meta->scan_bits);
	values[i++] = Int64GetDatum((int64)meta->seed);
	values[i++] = Int64GetDatum(census->live);
	values[i++] = Int64GetDatum(census->dead);
	values[i++] = Int64GetDatum(blocks);
	values[i++] = Int64GetDatum(census->pages[VX_KIND_INNER]);
	values[i++] = Int64GetDatum(census->pages[VX_KIND_LEAF]);
	values[i++] = Int64GetDatum(census->pages[VX_KIND_CODE] + census->pages[VX_KIND_REST]);
	values[i++] = Int64GetDatum(census->pages[VX_KIND_RAW]);
	values[i++] = Int64GetDatum(census->pages[VX_KIND_LIST]);
	values[i++] = Int64GetDatum(census->pages[0] + census->pages[VX_KIND_FREE]);
	isnull[i] = census->live == 0;
	values[i++] = Float8GetDatum(census->live == 0 ? 0 : (double)blocks * BLCKSZ / (double)census->live);
	values[i++] = Int64GetDatum((int64)work.entries);
	Assert(i == COLUMNS);
}

Datum vecidx_info(PG_FUNCTION_ARGS) {
	Datum values[COLUMNS];
	bool isnull[COLUMNS] = {false};
	Census census = {0};
	TupleDesc tuple;
	vx_meta meta;
	Relation index, heap;
	BlockNumber blocks;

	if (get_call_result_type(fcinfo, NULL, &tuple) != TYPEFUNC_COMPOSITE || tuple->natts != COLUMNS)
		elog(ERROR, "vecidx_info has another result type than the library expects");
	index = vecidx_open_for_inspection(PG_GETARG_OID(0), AccessShareLock, &heap);
	vecidx_check_inspector(index);
	vecidx_meta_now(index, &meta);
	blocks = take_census(index, &meta, &census);
	fill(values, isnull, &meta, vecidx_recall_of(index), &census, blocks);
	vecidx_close_inspected(index, heap, AccessShareLock);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(tuple), values, isnull)));
}
