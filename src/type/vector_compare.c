/*
 * The order of vectors: lexicographic over the common elements, then the shorter first, as arrays have it. 0 and -0 are
 * equal here, so they hash alike, and equal vectors need not look alike.
 */
#include "postgres.h"

#include <math.h>

#include "common/hashfn.h"

#include "type/vector.h"

PG_FUNCTION_INFO_V1(vecidx_vector_lt);
PG_FUNCTION_INFO_V1(vecidx_vector_le);
PG_FUNCTION_INFO_V1(vecidx_vector_eq);
PG_FUNCTION_INFO_V1(vecidx_vector_ne);
PG_FUNCTION_INFO_V1(vecidx_vector_ge);
PG_FUNCTION_INFO_V1(vecidx_vector_gt);
PG_FUNCTION_INFO_V1(vecidx_vector_cmp);
PG_FUNCTION_INFO_V1(vecidx_vector_hash);
PG_FUNCTION_INFO_V1(vecidx_vector_hash_extended);

int vecidx_vector_compare(const Vector *a, const Vector *b) {
	int common = Min(a->dim, b->dim);

	for (int i = 0; i < common; i++) {
		if (a->x[i] < b->x[i])
			return -1;
		if (a->x[i] > b->x[i])
			return 1;
	}
	return (a->dim > b->dim) - (a->dim < b->dim);
}

/* Sorting calls this in memory that lives as long as the sort, so copies are freed. */
static int compare_args(FunctionCallInfo fcinfo) {
	Vector *a = PG_GETARG_VECTOR_P(0);
	Vector *b = PG_GETARG_VECTOR_P(1);
	int order = vecidx_vector_compare(a, b);

	PG_FREE_IF_COPY(a, 0);
	PG_FREE_IF_COPY(b, 1);
	return order;
}

Datum vecidx_vector_lt(PG_FUNCTION_ARGS) {
	PG_RETURN_BOOL(compare_args(fcinfo) < 0);
}

Datum vecidx_vector_le(PG_FUNCTION_ARGS) {
	PG_RETURN_BOOL(compare_args(fcinfo) <= 0);
}

Datum vecidx_vector_eq(PG_FUNCTION_ARGS) {
	PG_RETURN_BOOL(compare_args(fcinfo) == 0);
}

Datum vecidx_vector_ne(PG_FUNCTION_ARGS) {
	PG_RETURN_BOOL(compare_args(fcinfo) != 0);
}

Datum vecidx_vector_ge(PG_FUNCTION_ARGS) {
	PG_RETURN_BOOL(compare_args(fcinfo) >= 0);
}

Datum vecidx_vector_gt(PG_FUNCTION_ARGS) {
	PG_RETURN_BOOL(compare_args(fcinfo) > 0);
}

Datum vecidx_vector_cmp(PG_FUNCTION_ARGS) {
	PG_RETURN_INT32(compare_args(fcinfo));
}

/* The bytes to hash. Only a vector with a -0 in it is copied, to make that 0. */
static const unsigned char *hashed_bytes(const Vector *vector, int *length) {
	*length = (int)(sizeof(float) * (size_t)vector->dim);
	for (int i = 0; i < vector->dim; i++) {
		float *copy;

		if (vector->x[i] != 0 || !signbit(vector->x[i]))
			continue;
		copy = (float *)palloc((Size)*length);
		for (int j = 0; j < vector->dim; j++)
			copy[j] = vector->x[j] == 0 ? 0.0f : vector->x[j];
		return (const unsigned char *)copy;
	}
	return (const unsigned char *)vector->x;
}

/* Hash joins and hash aggregates call these in short-lived memory. */
Datum vecidx_vector_hash(PG_FUNCTION_ARGS) {
	const Vector *vector = PG_GETARG_VECTOR_P(0);
	int length;
	const unsigned char *bytes = hashed_bytes(vector, &length);

	return hash_any(bytes, length);
}

Datum vecidx_vector_hash_extended(PG_FUNCTION_ARGS) {
	const Vector *vector = PG_GETARG_VECTOR_P(0);
	uint64 seed = (uint64)PG_GETARG_INT64(1);
	int length;
	const unsigned char *bytes = hashed_bytes(vector, &length);

	return hash_any_extended(bytes, length, seed);
}
