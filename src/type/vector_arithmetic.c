/*
 * Element-wise arithmetic: sum, difference, product, multiples, negation, concatenation. A result that float cannot
 * hold is an error, never an infinity, because a stored vector is finite.
 */
#include "postgres.h"

#include <math.h>
#include <string.h>

#include "utils/float.h"

#include "type/vector.h"

PG_FUNCTION_INFO_V1(vecidx_vector_add);
PG_FUNCTION_INFO_V1(vecidx_vector_sub);
PG_FUNCTION_INFO_V1(vecidx_vector_mul);
PG_FUNCTION_INFO_V1(vecidx_vector_mul_float8);
PG_FUNCTION_INFO_V1(vecidx_float8_mul_vector);
PG_FUNCTION_INFO_V1(vecidx_vector_neg);
PG_FUNCTION_INFO_V1(vecidx_vector_concat);

/* Checked after the loop that makes the elements, which stays free of branches. */
static void check_overflow(const Vector *vector) {
	for (int i = 0; i < vector->dim; i++)
		if (isinf(vector->x[i]))
			float_overflow_error();
}

Datum vecidx_vector_add(PG_FUNCTION_ARGS) {
	const Vector *a = PG_GETARG_VECTOR_P(0);
	const Vector *b = PG_GETARG_VECTOR_P(1);
	Vector *result;

	vecidx_vector_check_same_dim(a, b);
	result = vecidx_vector_new(a->dim);
	for (int i = 0; i < a->dim; i++)
		result->x[i] = a->x[i] + b->x[i];
	check_overflow(result);
	PG_RETURN_VECTOR_P(result);
}

Datum vecidx_vector_sub(PG_FUNCTION_ARGS) {
	const Vector *a = PG_GETARG_VECTOR_P(0);
	const Vector *b = PG_GETARG_VECTOR_P(1);
	Vector *result;

	vecidx_vector_check_same_dim(a, b);
	result = vecidx_vector_new(a->dim);
	for (int i = 0; i < a->dim; i++)
		result->x[i] = a->x[i] - b->x[i];
	check_overflow(result);
	PG_RETURN_VECTOR_P(result);
}

Datum vecidx_vector_mul(PG_FUNCTION_ARGS) {
	const Vector *a = PG_GETARG_VECTOR_P(0);
	const Vector *b = PG_GETARG_VECTOR_P(1);
	Vector *result;

	vecidx_vector_check_same_dim(a, b);
	result = vecidx_vector_new(a->dim);
	for (int i = 0; i < a->dim; i++)
		result->x[i] = a->x[i] * b->x[i];
	check_overflow(result);
	for (int i = 0; i < a->dim; i++)
		if (result->x[i] == 0 && a->x[i] != 0 && b->x[i] != 0)
			float_underflow_error();
	PG_RETURN_VECTOR_P(result);
}

/* Multiplied in double and rounded once, so that a factor that float cannot hold is as good as any other. */
static Vector *multiple(const Vector *vector, double factor) {
	Vector *result = vecidx_vector_new(vector->dim);

	if (isnan(factor))
		ereport(ERROR, (errcode(ERRCODE_DATA_EXCEPTION), errmsg("NaN not allowed in vector")));
	if (isinf(factor))
		ereport(ERROR, (errcode(ERRCODE_DATA_EXCEPTION), errmsg("infinite value not allowed in vector")));
	for (int i = 0; i < vector->dim; i++)
		result->x[i] = (float)(vector->x[i] * factor);
	check_overflow(result);
	for (int i = 0; i < vector->dim; i++)
		if (result->x[i] == 0 && vector->x[i] != 0 && factor != 0)
			float_underflow_error();
	return result;
}

Datum vecidx_vector_mul_float8(PG_FUNCTION_ARGS) {
	const Vector *vector = PG_GETARG_VECTOR_P(0);

	PG_RETURN_VECTOR_P(multiple(vector, PG_GETARG_FLOAT8(1)));
}

Datum vecidx_float8_mul_vector(PG_FUNCTION_ARGS) {
	const Vector *vector = PG_GETARG_VECTOR_P(1);

	PG_RETURN_VECTOR_P(multiple(vector, PG_GETARG_FLOAT8(0)));
}

Datum vecidx_vector_neg(PG_FUNCTION_ARGS) {
	const Vector *vector = PG_GETARG_VECTOR_P(0);
	Vector *result = vecidx_vector_new(vector->dim);

	for (int i = 0; i < vector->dim; i++)
		result->x[i] = -vector->x[i];
	PG_RETURN_VECTOR_P(result);
}

Datum vecidx_vector_concat(PG_FUNCTION_ARGS) {
	const Vector *a = PG_GETARG_VECTOR_P(0);
	const Vector *b = PG_GETARG_VECTOR_P(1);
	int dim = a->dim + b->dim;
	Vector *result;

	(void)vecidx_vector_check_dim(dim, NULL);
	result = vecidx_vector_new(dim);
	memcpy(result->x, a->x, sizeof(float) * (size_t)a->dim);
	memcpy(result->x + a->dim, b->x, sizeof(float) * (size_t)b->dim);
	PG_RETURN_VECTOR_P(result);
}
