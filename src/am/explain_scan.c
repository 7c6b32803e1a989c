/*
 * EXPLAIN ANALYZE of an index scan, from PostgreSQL 18 on: what its searches have looked at, all loops together. Before
 * that vecidx_last_scan() is the place to look.
 */
#include "postgres.h"

#include "fmgr.h"

#include "am/counts.h"

#ifdef VECIDX_EXPLAIN_NODE_HOOK

#include "access/relscan.h"
#include "commands/explain.h"
#include "commands/explain_format.h"
#include "commands/explain_state.h"
#include "lib/stringinfo.h"

static explain_per_node_hook_type next_explain_node = NULL;

#define GROUP "Nearest-Neighbour Search"

/* In one line, as buffers are. */
static void show_text(const VecidxCounts *counts, const vx_scan_stats *total, ExplainState *es) {
	StringInfoData line;

	initStringInfo(&line);
	appendStringInfo(&line, "recall=%g", counts->recall);
	if (counts->rows > 0)
		appendStringInfo(&line, " k=%u", counts->rows);
	appendStringInfo(&line,
					 " passes=" UINT64_FORMAT " pages=" UINT64_FORMAT " leaves=" UINT64_FORMAT " entries=" UINT64_FORMAT
					 " refined=" UINT64_FORMAT " returned=" UINT64_FORMAT,
					 total->passes, total->pages, total->leaves, total->entries, total->refined, total->rows);
	ExplainPropertyText(GROUP, line.data, es);
	pfree(line.data);
}

static void show_group(const VecidxCounts *counts, const vx_scan_stats *total, ExplainState *es) {
	ExplainOpenGroup(GROUP, GROUP, true, es);
	ExplainPropertyFloat("Recall Target", NULL, counts->recall, 3, es);
	if (counts->rows > 0)
		ExplainPropertyInteger("Rows Looked For", NULL, counts->rows, es);
	ExplainPropertyInteger("Passes", NULL, (int64)total->passes, es);
	ExplainPropertyInteger("Index Pages", NULL, (int64)total->pages, es);
	ExplainPropertyInteger("Leaves Visited", NULL, (int64)total->leaves, es);
	ExplainPropertyInteger("Entries Scanned", NULL, (int64)total->entries, es);
	ExplainPropertyInteger("Entries Refined", NULL, (int64)total->refined, es);
	ExplainPropertyInteger("Rows Returned", NULL, (int64)total->rows, es);
	ExplainCloseGroup(GROUP, GROUP, true, es);
}

static void show(const VecidxCounts *counts, ExplainState *es) {
	vx_scan_stats total = vecidx_counts_total(counts);

	if (es->format == EXPLAIN_FORMAT_TEXT)
		show_text(counts, &total, es);
	else
		show_group(counts, &total, es);
}

/* The scan's counts, NULL where it is none of ours or was not executed. */
static const VecidxCounts *counts_of(PlanState *node) {
	IndexScanDesc scan = IsA(node, IndexScanState)         ? ((IndexScanState *)node)->iss_ScanDesc
						 : IsA(node, BitmapIndexScanState) ? ((BitmapIndexScanState *)node)->biss_ScanDesc
														   : NULL;

	return scan != NULL && vecidx_is_vecidx_index(scan->indexRelation) ? vecidx_scan_counts(scan) : NULL;
}

static void explain_node(PlanState *node, List *ancestors, const char *relationship, const char *plan_name,
						 ExplainState *es) {
	const VecidxCounts *counts = es->analyze ? counts_of(node) : NULL;

	if (next_explain_node != NULL)
		next_explain_node(node, ancestors, relationship, plan_name, es);
	if (counts != NULL && counts->searches > 0)
		show(counts, es);
}

void vecidx_explain_install(void) {
	next_explain_node = explain_per_node_hook;
	explain_per_node_hook = explain_node;
}

#else

void vecidx_explain_install(void) {}

#endif
