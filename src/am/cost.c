/*
 * What the planner is told a scan costs. The core says how many pages, entries and refinements a scan for k rows takes;
 * here they get prices. A pass that finds too few rows that the filters let through is followed by one for twice as
 * many. All passes until LIMIT is met are start-up cost; reading on to the end is what the further ones take.
 *
 * A scan with conditions and no order opens all leaves whose balls meet theirs, mostly all there are, and compares
 * their rows' codes, which is several times cheaper than the rows themselves. So it pays as long as few rows satisfy
 * the conditions; that share is selectivity.c's to estimate.
 */
#include "postgres.h"

#include <float.h>
#include <math.h>

#include "access/genam.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "utils/float.h"
#include "utils/selfuncs.h"

#include "am/am.h"

/*
 * Prices. An index that is searched is an index that is cached, so a page costs what pinning it and a first look at it
 * cost beside the work inside: a hundredth of a random read from disk. A scan code is compared in a few cycles for many
 * of the dimensions that it covers, a refine code or a vector in a few a dimension.
 */
#define PAGE_PRICE (0.01 * random_page_cost)
#define ENTRY_PRICE(dim) (cpu_operator_cost * (0.02 + (dim) / 1000.0))
#define REFINE_PRICE(dim) (cpu_operator_cost * (1.0 + (dim) / 100.0))

/* A row handed out is remembered, and passed on by the executor or put into a bitmap. */
#define ROW_PRICE (4 * cpu_tuple_cost)

/* Rows wanted when no LIMIT tells. */
#define DEFAULT_ROWS 10

/* What an index is taken for whose meta page cannot be read. */
static vx_meta unknown_meta(double rows) {
	vx_meta meta = {.dim = 100, .metric = VX_L2, .scan_bits = 2};

	meta.levels = rows > 4000 ? 1 : 0;
	meta.leaves = (uint32)Min(rows / 250, 1e9);
	return meta;
}

/* What a scan's work depends on beside the rows wanted. */
typedef struct Searched {
	vx_meta meta;
	double recall;
} Searched;

static Searched searched(IndexOptInfo *info) {
	Searched searched = {unknown_meta(info->tuples), 0.95};
	vx_meta found;
	Relation index;

	if (info->hypothetical)
		return searched;
	index = index_open(info->indexoid, NoLock); /* the planner holds a lock already */
	if (vecidx_meta_if_sound(index, &found))
		searched.meta = found;
	searched.recall = vecidx_recall_of(index);
	index_close(index, NoLock);
	return searched;
}

static Cost price_of(const vx_meta *meta, const vx_estimate *work) {
	uint32 covered = vx_scan_dims(meta->dim, meta->scan_bits);

	return work->pages * PAGE_PRICE + work->entries * ENTRY_PRICE(covered) + work->refined * REFINE_PRICE(meta->dim);
}

/* The share of rows that the filters let through. */
static Selectivity share_wanted(PlannerInfo *root, IndexOptInfo *info) {
	return clauselist_selectivity(root, info->indrestrictinfo, info->rel->relid, JOIN_INNER, NULL);
}

/* What the passes take that look for more than `done` and up to `wanted` rows; each looks for twice as many. */
static Cost passes_price(const Searched *index, double rows, double *done, double wanted) {
	Cost price = 0;
	vx_estimate work;

	while (*done < wanted) {
		*done *= 2;
		vx_scan_estimate(&index->meta, rows, index->recall, Min(*done, rows), &work);
		price += price_of(&index->meta, &work);
	}
	return price;
}

/*
 * The executor computes the ordering operator for nearly every row it is handed, and puts them in order: reading to the
 * end is never cheaper than sorting.
 */
static Cost order_price(PlannerInfo *root, IndexPath *path, double rows) {
	QualCost cost;

	cost_qual_eval(&cost, path->indexorderbys, root);
	return rows * (cost.per_tuple + 2 * cpu_operator_cost * log2(rows + 1));
}

/* Share of rows that satisfy the conditions of the index; 1 without any. */
static Selectivity share_within(PlannerInfo *root, IndexPath *path) {
	List *clauses = NIL;
	ListCell *cell;

	foreach (cell, path->indexclauses)
		clauses = lappend(clauses, lfirst_node(IndexClause, cell)->rinfo);
	return clauselist_selectivity(root, clauses, path->indexinfo->rel->relid, JOIN_INNER, NULL);
}

/* What reading all takes that conditions leave. */
static Cost range_price(const vx_meta *meta, double rows, Selectivity share, double *pages) {
	vx_estimate work;

	vx_range_estimate(meta, rows, share, &work);
	*pages = work.pages;
	return price_of(meta, &work) + work.rows * ROW_PRICE;
}

/* An ordered scan; with conditions it reads no more than all that they leave, but for the passes. */
static void ordered_cost(PlannerInfo *root, IndexPath *path, const Searched *index, Selectivity share, Cost *startup,
						 Cost *total, double *pages) {
	IndexOptInfo *info = path->indexinfo;
	double rows = Max(info->tuples, 1), limit = root->limit_tuples > 0 ? root->limit_tuples : DEFAULT_ROWS;
	double done = Min(limit, rows) / 2;
	vx_estimate all;

	*startup = passes_price(index, rows, &done, Min(limit / Max(share_wanted(root, info), 1e-9), rows));
	*total = *startup + passes_price(index, rows, &done, rows);
	vx_scan_estimate(&index->meta, rows, index->recall, rows, &all);
	*pages = all.pages;
	if (share < 1) {
		*total = range_price(&index->meta, rows, share, pages);
		*startup = Min(*startup, *total);
	}
	*total += order_price(root, path, rows * share);
}

void vecidx_cost_estimate(PlannerInfo *root, IndexPath *path, double loop_count, Cost *startup, Cost *total,
						  Selectivity *selectivity, double *correlation, double *pages) {
	IndexOptInfo *info = path->indexinfo;
	double rows = Max(info->tuples, 1);
	Searched index;

	*selectivity = 1;
	*correlation = 0;
	if (path->indexorderbys == NIL && path->indexclauses == NIL) {
		*startup = *total = get_float8_infinity();
		*pages = info->pages;
		vecidx_disable_path(path);
		return;
	}
	index = searched(info);
	if (path->indexclauses != NIL)
		*selectivity = share_within(root, path);
	if (path->indexorderbys != NIL) {
		ordered_cost(root, path, &index, *selectivity, startup, total, pages);
	} else {
		*startup = 0;
		*total = range_price(&index.meta, rows, *selectivity, pages);
	}
	*pages = Min(*pages, info->pages);
}
