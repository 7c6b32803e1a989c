/*
 * avg(vector). The state is a float8 array, the count and then the sums, because an aggregate over a plain array type
 * can be combined by parallel workers without functions of its own to move the state. sum(vector) needs only addition.
 */
#include "postgres.h"

#include <math.h>
#include <string.h>

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/float.h"

#include "type/vector.h"

PG_FUNCTION_INFO_V1(vecidx_vector_accum);
PG_FUNCTION_INFO_V1(vecidx_vector_combine);
PG_FUNCTION_INFO_V1(vecidx_vector_avg);

/* The numbers of a state: count, then one sum a dimension. These functions can be called by anyone, so look first. */
static double *state_numbers(ArrayType *state, const char *caller, int *dim) {
	if (ARR_NDIM(state) != 1 || ARR_DIMS(state)[0] < 1 || ARR_HASNULL(state) || ARR_ELEMTYPE(state) != FLOAT8OID)
		elog(ERROR, "%s: expected state array", caller);
	*dim = ARR_DIMS(state)[0] - 1;
	return (double *)ARR_DATA_PTR(state);
}

/* A state of zeros; *numbers is its content. */
static ArrayType *new_state(int dim, double **numbers) {
	Size size = ARR_OVERHEAD_NONULLS(1) + sizeof(double) * (Size)(dim + 1);
	ArrayType *state = (ArrayType *)palloc0(size);

	SET_VARSIZE(state, size);
	state->ndim = 1;
	state->dataoffset = 0;
	state->elemtype = FLOAT8OID;
	ARR_DIMS(state)[0] = dim + 1;
	ARR_LBOUND(state)[0] = 1;
	*numbers = (double *)ARR_DATA_PTR(state);
	return state;
}

Datum vecidx_vector_accum(PG_FUNCTION_ARGS) {
	ArrayType *state = PG_GETARG_ARRAYTYPE_P(0);
	const Vector *vector = PG_GETARG_VECTOR_P(1);
	int dim;
	double *old = state_numbers(state, "vector_accum", &dim);
	ArrayType *result = state;
	double *sums = old;

	/* the first row decides the dimension */
	if (dim > 0)
		(void)vecidx_vector_check_typmod(dim, vector->dim, NULL);

	/* the executor lets an aggregate change its own state in place, which saves a copy a row */
	if (dim == 0 || !AggCheckCallContext(fcinfo, NULL)) {
		result = new_state(vector->dim, &sums);
		memcpy(sums, old, sizeof(double) * (size_t)(dim + 1));
	}

	sums[0] += 1.0;
	for (int i = 0; i < vector->dim; i++) {
		sums[i + 1] += vector->x[i];
		if (unlikely(isinf(sums[i + 1])))
			float_overflow_error();
	}
	PG_RETURN_ARRAYTYPE_P(result);
}

Datum vecidx_vector_combine(PG_FUNCTION_ARGS) {
	ArrayType *state1 = PG_GETARG_ARRAYTYPE_P(0);
	ArrayType *state2 = PG_GETARG_ARRAYTYPE_P(1);
	int dim1;
	int dim2;
	const double *sums1 = state_numbers(state1, "vector_combine", &dim1);
	const double *sums2 = state_numbers(state2, "vector_combine", &dim2);
	ArrayType *result;
	double *sums;

	/* a worker that saw no row has nothing to say about the dimension */
	if (sums1[0] == 0.0)
		PG_RETURN_ARRAYTYPE_P(state2);
	if (sums2[0] == 0.0)
		PG_RETURN_ARRAYTYPE_P(state1);

	(void)vecidx_vector_check_typmod(dim1, dim2, NULL);
	result = new_state(dim1, &sums);
	for (int i = 0; i <= dim1; i++) {
		sums[i] = sums1[i] + sums2[i];
		if (isinf(sums[i]))
			float_overflow_error();
	}
	PG_RETURN_ARRAYTYPE_P(result);
}

Datum vecidx_vector_avg(PG_FUNCTION_ARGS) {
	ArrayType *state = PG_GETARG_ARRAYTYPE_P(0);
	int dim;
	const double *sums = state_numbers(state, "vector_avg", &dim);
	Vector *result;

	if (sums[0] == 0.0)
		PG_RETURN_NULL();
	(void)vecidx_vector_check_dim(dim, NULL);
	result = vecidx_vector_new(dim);
	for (int i = 0; i < dim; i++) {
		result->x[i] = (float)(sums[i + 1] / sums[0]);
		(void)vecidx_vector_check_element(result->x[i], NULL);
	}
	PG_RETURN_VECTOR_P(result);
}
