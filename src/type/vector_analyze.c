/*
 * ANALYZE for vectors: what it keeps of every type with an order, and beside that a few of the column's vectors, from
 * which the planner estimates how many rows are within a radius. Histograms would do for that only up to 254
 * dimensions: values above 1 kB are not kept in them.
 */
#include "postgres.h"

#include "commands/vacuum.h"
#include "common/hashfn.h"

#include "type/vector_analyze.h"

PG_FUNCTION_INFO_V1(vecidx_vector_typanalyze);

/* Elements of all vectors that are kept, and how many vectors that may be. */
#define SAMPLE_ELEMENTS 50000
#define FEWEST 20
#define MOST 100

typedef struct Standard {
	AnalyzeAttrComputeStatsFunc compute;
	void *data;
} Standard;

/* A row of part i of `parts` of the rows, which come in the order of the table: not always the same one, for rows may
 * take turns. */
static int row_of(int i, int parts, int rows) {
	int first = (int)((int64)i * rows / parts), next = (int)((int64)(i + 1) * rows / parts);

	return first + (int)(hash_bytes_uint32((uint32)i) % (uint32)Max(next - first, 1));
}

static int take_sample(VacAttrStatsP stats, AnalyzeAttrFetchFunc fetch, int rows, Datum *sample) {
	MemoryContext old = MemoryContextSwitchTo(stats->anl_context);
	int taken = 0, wanted = MOST;

	for (int i = 0; i < wanted; i++) {
		bool isnull;
		Datum value = fetch(stats, row_of(i, wanted, rows), &isnull);

		if (isnull)
			continue;
		if (taken == 0)
			wanted = Max(FEWEST, Min(MOST, SAMPLE_ELEMENTS / vecidx_vector_datum_dim(value)));
		sample[taken++] = PointerGetDatum(PG_DETOAST_DATUM_COPY(value));
	}
	MemoryContextSwitchTo(old);
	return taken;
}

static void compute_stats(VacAttrStatsP stats, AnalyzeAttrFetchFunc fetch, int rows, double total_rows) {
	Standard *standard = stats->extra_data;
	Datum *sample = MemoryContextAlloc(stats->anl_context, sizeof(Datum) * MOST);
	int slot = 0, taken;

	stats->extra_data = standard->data;
	standard->compute(stats, fetch, rows, total_rows);
	stats->extra_data = standard;
	while (slot < STATISTIC_NUM_SLOTS && stats->stakind[slot] != 0)
		slot++;
	if (!stats->stats_valid || slot == STATISTIC_NUM_SLOTS)
		return;
	taken = take_sample(stats, fetch, rows, sample);
	if (taken == 0)
		return;
	stats->stakind[slot] = VECTOR_SAMPLE_KIND;
	stats->stavalues[slot] = sample;
	stats->numvalues[slot] = taken;
}

Datum vecidx_vector_typanalyze(PG_FUNCTION_ARGS) {
	VacAttrStats *stats = (VacAttrStats *)PG_GETARG_POINTER(0);
	Standard *standard;

	if (!std_typanalyze(stats))
		PG_RETURN_BOOL(false);
	standard = palloc(sizeof(Standard));
	standard->compute = stats->compute_stats;
	standard->data = stats->extra_data;
	stats->compute_stats = compute_stats;
	stats->extra_data = standard;
	PG_RETURN_BOOL(true);
}
