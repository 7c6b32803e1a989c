/*
 * Distances, products and norms as SQL functions. The float sums come from the core's kernels and become float8 by the
 * formulas of vecidx/distance.h, which the index shares, so that what it promises holds for what is computed here.
 */
#include "postgres.h"

#include <math.h>

#include "vecidx/distance.h"

#include "type/distance_memo.h"

PG_FUNCTION_INFO_V1(vecidx_l2_distance);
PG_FUNCTION_INFO_V1(vecidx_vector_l2_squared_distance);
PG_FUNCTION_INFO_V1(vecidx_inner_product);
PG_FUNCTION_INFO_V1(vecidx_vector_negative_inner_product);
PG_FUNCTION_INFO_V1(vecidx_cosine_distance);
PG_FUNCTION_INFO_V1(vecidx_l1_distance);
PG_FUNCTION_INFO_V1(vecidx_linf_distance);
PG_FUNCTION_INFO_V1(vecidx_vector_spherical_distance);
PG_FUNCTION_INFO_V1(vecidx_vector_norm);

#define RETURN_DISTANCE(function) PG_RETURN_FLOAT8(vecidx_distance(function, PG_GETARG_DATUM(0), PG_GETARG_DATUM(1)))

double vecidx_measure_l2(const Vector *a, const Vector *b) {
	return vx_l2_value(vx_l2_squared(a->x, b->x, (uint32_t)a->dim));
}

Datum vecidx_l2_distance(PG_FUNCTION_ARGS) {
	RETURN_DISTANCE(vecidx_measure_l2);
}

static double l2_squared_distance(const Vector *a, const Vector *b) {
	return (double)vx_l2_squared(a->x, b->x, (uint32_t)a->dim);
}

/* Without the root: the same order, for support functions and for those who only compare. */
Datum vecidx_vector_l2_squared_distance(PG_FUNCTION_ARGS) {
	RETURN_DISTANCE(l2_squared_distance);
}

static double inner_product(const Vector *a, const Vector *b) {
	return (double)vx_inner_product(a->x, b->x, (uint32_t)a->dim);
}

Datum vecidx_inner_product(PG_FUNCTION_ARGS) {
	RETURN_DISTANCE(inner_product);
}

double vecidx_measure_ip(const Vector *a, const Vector *b) {
	return vx_ip_value(vx_inner_product(a->x, b->x, (uint32_t)a->dim));
}

/* Index scans sort ascending, so the operator is the negative product. */
Datum vecidx_vector_negative_inner_product(PG_FUNCTION_ARGS) {
	RETURN_DISTANCE(vecidx_measure_ip);
}

double vecidx_measure_cosine(const Vector *a, const Vector *b) {
	float terms[3];

	vx_cosine_terms(a->x, b->x, (uint32_t)a->dim, terms);
	return vx_cosine_value(terms);
}

Datum vecidx_cosine_distance(PG_FUNCTION_ARGS) {
	RETURN_DISTANCE(vecidx_measure_cosine);
}

double vecidx_measure_l1(const Vector *a, const Vector *b) {
	return (double)vx_l1(a->x, b->x, (uint32_t)a->dim);
}

Datum vecidx_l1_distance(PG_FUNCTION_ARGS) {
	RETURN_DISTANCE(vecidx_measure_l1);
}

static double linf_distance(const Vector *a, const Vector *b) {
	return (double)vx_linf(a->x, b->x, (uint32_t)a->dim);
}

Datum vecidx_linf_distance(PG_FUNCTION_ARGS) {
	RETURN_DISTANCE(linf_distance);
}

static double spherical_distance(const Vector *a, const Vector *b) {
	double product = inner_product(a, b);

	/* rounding, or arguments that are not unit vectors, must not leave the domain of acos */
	if (product > 1.0)
		product = 1.0;
	else if (product < -1.0)
		product = -1.0;
	return acos(product) / M_PI;
}

/* The angle between unit vectors as a part of a half turn, in [0, 1]: a metric, unlike the cosine distance. */
Datum vecidx_vector_spherical_distance(PG_FUNCTION_ARGS) {
	RETURN_DISTANCE(spherical_distance);
}

double vecidx_vector_norm_value(const Vector *vector) {
	double sum = 0.0;

	for (int i = 0; i < vector->dim; i++)
		sum += (double)vector->x[i] * (double)vector->x[i];
	return sqrt(sum);
}

/* In double, so that it neither overflows nor underflows: SQL's vector_norm and l2_norm. */
Datum vecidx_vector_norm(PG_FUNCTION_ARGS) {
	const Vector *vector = PG_GETARG_VECTOR_P(0);

	PG_RETURN_FLOAT8(vecidx_vector_norm_value(vector));
}
