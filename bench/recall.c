/*
 * Recall (recall.h). A row that is as near as the k-th true neighbour counts as one: among equals any choice is right.
 * A row returned twice, or one that does not exist, is a fault of the index and ends the run.
 */
#include "recall.h"

static double distance_to(const truth *t, size_t query, int32_t id) {
	const float *q = float_row(&t->queries, query);
	const float *row = float_row(&t->base, (size_t)id);
	int dim = t->base.width;

	return exact_distance(t->metric, q, row, dim, exact_norm(t->metric, q, dim), exact_norm(t->metric, row, dim));
}

static int is_among(int32_t id, const int32_t *ids, int count) {
	for (int i = 0; i < count; i++)
		if (ids[i] == id)
			return 1;
	return 0;
}

double recall_of(const truth *t, size_t query, const int32_t *ids, int found, int k) {
	const int32_t *nearest = int_row(&t->neighbours, query);
	double limit = distance_to(t, query, nearest[k - 1]);
	int hits = 0;

	for (int i = 0; i < found; i++) {
		if (ids[i] < 0 || (size_t)ids[i] >= t->base.rows)
			die("query %zu returned row %d, which does not exist", query, ids[i]);
		if (is_among(ids[i], ids, i))
			die("query %zu returned row %d twice", query, ids[i]);
		hits += is_among(ids[i], nearest, k) || distance_to(t, query, ids[i]) <= limit;
	}
	return (double)hits / k;
}
