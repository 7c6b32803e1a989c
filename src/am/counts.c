/*
 * The counts of a scan, and which scan of the session is the last one.
 *
 * The core counts in its own memory, which serves one scan after the other. So a scan notes what the core has counted
 * before, and takes the difference when it leaves the workspace: at its end, or when an error or a closed cursor frees
 * the memory, which calls back. A query pays for no more than that.
 */
#include "postgres.h"

#include "am/counts.h"

/* The scan that began a search last, while it has a workspace; after that its counts lie in `last`. */
static const VecidxCounts *current = NULL;
static VecidxCounts last;

static void add(vx_scan_stats *sum, const vx_scan_stats *more, const vx_scan_stats *less) {
	sum->passes += more->passes - less->passes;
	sum->pages += more->pages - less->pages;
	sum->inner_nodes += more->inner_nodes - less->inner_nodes;
	sum->leaves += more->leaves - less->leaves;
	sum->entries += more->entries - less->entries;
	sum->refined += more->refined - less->refined;
	sum->rows += more->rows - less->rows;
}

/* Zeros before the core has been started. */
static vx_scan_stats counted_in(const VecidxWorkspace *work) {
	vx_scan_stats stats = {0};

	if (work->core != NULL)
		vx_scan_stats_get(work->core, &stats);
	return stats;
}

void vecidx_counts_start(VecidxCounts *counts, Relation index, VecidxWorkspace *work, const vx_query *query,
						 bool anew) {
	if (counts->work != work) {
		Assert(counts->work == NULL && work->counts == NULL);
		counts->before = counted_in(work);
		counts->work = work;
		work->counts = counts;
	}
	counts->index = RelationGetRelid(index);
	counts->recall = query->recall;
	counts->rows = query->k;
	if (!anew)
		counts->searches++;
	current = counts;
}

vx_scan_stats vecidx_counts_total(const VecidxCounts *counts) {
	vx_scan_stats total = counts->sum, now;

	if (counts->work != NULL) {
		now = counted_in(counts->work);
		add(&total, &now, &counts->before);
	}
	return total;
}

void vecidx_counts_leave(VecidxWorkspace *work) {
	VecidxCounts *counts = work->counts;

	if (counts == NULL)
		return;
	counts->sum = vecidx_counts_total(counts);
	counts->work = NULL;
	work->counts = NULL;
	if (current == counts) {
		last = *counts;
		current = NULL;
	}
}

const VecidxCounts *vecidx_counts_last(void) {
	if (current != NULL)
		return current;
	return last.searches > 0 ? &last : NULL;
}
