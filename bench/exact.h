/*
 * The distances in double precision, in one place: the ground truth and the check of a tie must agree to the last
 * bit. The order is what counts: L2 is squared, inner product is negated, as the operators order rows.
 */
#ifndef BENCH_EXACT_H
#define BENCH_EXACT_H

#include <math.h>
#include <string.h>

typedef enum exact_metric {
	EXACT_L2,
	EXACT_COSINE,
	EXACT_IP,
} exact_metric;

/* Eight sums side by side: the compiler may then use vector registers without reordering one sum. */
#define EXACT_LANES 8

static inline double exact_total(const double *sum) {
	return ((sum[0] + sum[4]) + (sum[1] + sum[5])) + ((sum[2] + sum[6]) + (sum[3] + sum[7]));
}

static inline double exact_dot(const float *a, const float *b, int dim) {
	double sum[EXACT_LANES] = {0};
	int i = 0;

	for (; i + EXACT_LANES <= dim; i += EXACT_LANES)
		for (int j = 0; j < EXACT_LANES; j++)
			sum[j] += (double)a[i + j] * (double)b[i + j];
	for (; i < dim; i++)
		sum[i % EXACT_LANES] += (double)a[i] * (double)b[i];
	return exact_total(sum);
}

static inline double exact_l2(const float *a, const float *b, int dim) {
	double sum[EXACT_LANES] = {0};
	int i = 0;

	for (; i + EXACT_LANES <= dim; i += EXACT_LANES)
		for (int j = 0; j < EXACT_LANES; j++) {
			double diff = (double)a[i + j] - (double)b[i + j];

			sum[j] += diff * diff;
		}
	for (; i < dim; i++) {
		double diff = (double)a[i] - (double)b[i];

		sum[i % EXACT_LANES] += diff * diff;
	}
	return exact_total(sum);
}

/* norms: of the query and of the row, used by the cosine only. NaN where a direction does not exist. */
static inline double exact_distance(exact_metric metric, const float *query, const float *row, int dim,
									double query_norm, double row_norm) {
	switch (metric) {
	case EXACT_L2:
		return exact_l2(query, row, dim);
	case EXACT_IP:
		return -exact_dot(query, row, dim);
	case EXACT_COSINE:
		break;
	}
	return 1.0 - exact_dot(query, row, dim) / (query_norm * row_norm);
}

static inline double exact_norm(exact_metric metric, const float *row, int dim) {
	return metric == EXACT_COSINE ? sqrt(exact_dot(row, row, dim)) : 0;
}

/* Returns 0 when the name is unknown. */
static inline int exact_metric_named(const char *name, exact_metric *metric) {
	static const char *const names[] = {"l2", "cosine", "ip"};

	for (int i = 0; i < 3; i++)
		if (strcmp(name, names[i]) == 0) {
			*metric = (exact_metric)i;
			return 1;
		}
	return 0;
}

#endif
