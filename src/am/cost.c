/*
 * What the planner is told a scan costs. The core says how many pages, entries and refinements a scan for k rows takes;
 * here they get prices. A pass that finds too few rows that the filters let through is followed by one for twice as
 * many. All passes until LIMIT is met are start-up cost; reading on to the end is what the further ones take.
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

void vecidx_cost_estimate(PlannerInfo *root, IndexPath *path, double loop_count, Cost *startup, Cost *total,
						  Selectivity *selectivity, double *correlation, double *pages) {
	IndexOptInfo *info = path->indexinfo;
	double rows = Max(info->tuples, 1), limit = root->limit_tuples > 0 ? root->limit_tuples : DEFAULT_ROWS, done;
	Searched index;
	vx_estimate all;

	*selectivity = 1;
	*correlation = 0;
	if (path->indexorderbys == NIL) {
		*startup = *total = get_float8_infinity();
		*pages = info->pages;
		vecidx_disable_path(path);
		return;
	}
	index = searched(info);
	done = Min(limit, rows) / 2;
	*startup = passes_price(&index, rows, &done, Min(limit / Max(share_wanted(root, info), 1e-9), rows));
	*total = *startup + passes_price(&index, rows, &done, rows) + order_price(root, path, rows);
	vx_scan_estimate(&index.meta, rows, index.recall, rows, &all);
	*pages = Min(all.pages, info->pages);
}
