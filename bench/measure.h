/* Measuring: a list of queries run again and again over one or more connections, and what the server counted. */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include "tool.h"

#include <libpq-fe.h>

#define MAX_PARAMS 2

/* One query: its parameters in binary. */
typedef struct question {
	const char *values[MAX_PARAMS];
	int lengths[MAX_PARAMS];
} question;

/* What every connection runs. `sql` is prepared; it returns one int4 column of at most k rows. */
typedef struct workload {
	const char *conninfo;
	const char *sql;
	const char *index;    /* which EXPLAIN and the server's counters must show; NULL: none of the vector's */
	const char *settings; /* SQL run first */
	const question *questions;
	size_t count;
	int params;
	int k;
	int connections;
	int warmup;
	long rounds;
	double seconds; /* further rounds until this much time passed */
} workload;

/* Counters of the server's statistics, per query. */
typedef struct counters {
	double index_pages, heap_pages, toast_pages, pages_read, scans, rows_read, rows_fetched;
} counters;

typedef struct measurement {
	double qps, p50, p99; /* medians over the rounds; p50 and p99 in microseconds */
	double cpu;           /* microseconds of the backend a query; negative when unknown */
	long rounds;
	counters per_query;
	int32_t *ids; /* k a query, of the first connection's last round */
	int *found;   /* rows a query */
} measurement;

measurement measure(const workload *w);

#endif
