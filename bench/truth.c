/*
 * Finds the true nearest neighbours of each query by comparing it with every row in double precision.
 *
 *   truth BASE.f32 QUERIES.f32 DIM l2|cosine|ip K OUT.i32
 *
 * Equal distances are ordered by row number. Rows without a distance (zero vectors under cosine) are no neighbours.
 */
#include "exact.h"
#include "tool.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define MAX_THREADS 64
#define BLOCK_VALUES 65536 /* rows compared with all of a thread's queries before the next rows: half a MB of cache */
#define QUERY_BATCH 8

/* The same sums in wider registers where the machine has them; the results are the same to the bit. */
#if defined(__x86_64__)
#define VECTOR_CLONES __attribute__((target_clones("avx2", "default")))
#else
#define VECTOR_CLONES
#endif

typedef struct neighbour {
	double distance;
	int32_t row;
} neighbour;

typedef struct job {
	matrix base, queries;
	exact_metric metric;
	int k;
	double *norms;   /* of the base */
	neighbour *best; /* k a query, sorted; rows not found yet are -1 at infinity */
	atomic_size_t next;
} job;

/* Keeps the k nearest sorted; few rows get here once the list is full, so insertion is cheap. */
static void offer(neighbour *best, int k, double distance, int32_t row) {
	int at = k - 1;

	if (!(distance < best[at].distance))
		return;
	for (; at > 0 && distance < best[at - 1].distance; at--)
		best[at] = best[at - 1];
	best[at] = (neighbour){distance, row};
}

VECTOR_CLONES static void compare(job *j, size_t query, size_t from, size_t to) {
	int dim = j->base.width;
	const float *q = float_row(&j->queries, query);
	double norm = exact_norm(j->metric, q, dim);
	neighbour *best = j->best + query * (size_t)j->k;

	for (size_t row = from; row < to; row++)
		offer(best, j->k, exact_distance(j->metric, q, float_row(&j->base, row), dim, norm, j->norms[row]),
			  (int32_t)row);
}

static void *work(void *argument) {
	job *j = argument;
	size_t step = BLOCK_VALUES / (size_t)j->base.width + 1;
	size_t first;

	while ((first = atomic_fetch_add(&j->next, QUERY_BATCH)) < j->queries.rows) {
		size_t last = first + QUERY_BATCH < j->queries.rows ? first + QUERY_BATCH : j->queries.rows;

		for (size_t from = 0; from < j->base.rows; from += step) {
			size_t to = from + step < j->base.rows ? from + step : j->base.rows;

			for (size_t query = first; query < last; query++)
				compare(j, query, from, to);
		}
	}
	return NULL;
}

static void run(job *j) {
	pthread_t threads[MAX_THREADS];
	long count = sysconf(_SC_NPROCESSORS_ONLN);

	count = count < 1 ? 1 : count > MAX_THREADS ? MAX_THREADS : count;
	for (long i = 0; i < count; i++)
		if (pthread_create(&threads[i], NULL, work, j) != 0)
			die("cannot start a thread");
	for (long i = 0; i < count; i++)
		pthread_join(threads[i], NULL);
}

static void write_rows(const job *j, const char *path) {
	FILE *out = fopen(path, "wb");

	if (out == NULL)
		die("cannot write %s: %m", path);
	for (size_t i = 0; i < j->queries.rows * (size_t)j->k; i++)
		if (fwrite(&j->best[i].row, sizeof(int32_t), 1, out) != 1)
			die("cannot write %s: %m", path);
	if (fclose(out) != 0)
		die("cannot write %s: %m", path);
}

int main(int argc, char **argv) {
	job j = {0};
	int dim;

	if (argc != 7 || !exact_metric_named(argv[4], &j.metric))
		die("usage: truth BASE.f32 QUERIES.f32 DIM l2|cosine|ip K OUT.i32");
	dim = (int)number(argv[3], 1, 16000);
	j.base = map_matrix(argv[1], dim);
	j.queries = map_matrix(argv[2], dim);
	j.k = (int)number(argv[5], 1, (long)j.base.rows);
	j.norms = need(malloc(j.base.rows * sizeof(double)));
	for (size_t row = 0; row < j.base.rows; row++)
		j.norms[row] = exact_norm(j.metric, float_row(&j.base, row), dim);
	j.best = need(malloc(j.queries.rows * (size_t)j.k * sizeof(neighbour)));
	for (size_t i = 0; i < j.queries.rows * (size_t)j.k; i++)
		j.best[i] = (neighbour){INFINITY, -1};
	run(&j);
	write_rows(&j, argv[6]);
	return 0;
}
