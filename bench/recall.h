/* Recall: which share of the true nearest k rows a query returned. */
#ifndef BENCH_RECALL_H
#define BENCH_RECALL_H

#include "exact.h"
#include "tool.h"

typedef struct truth {
	matrix base, queries, neighbours; /* neighbours: row numbers of the base, nearest first */
	exact_metric metric;
} truth;

double recall_of(const truth *t, size_t query, const int32_t *ids, int found, int k);

#endif
