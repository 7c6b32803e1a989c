/*
 * The rules every vector obeys (1 to 16000 finite elements, as many as the column says), each with its one error
 * message, and the only place where a vector is allocated.
 */
#include "postgres.h"

#include <math.h>

#include "type/vector.h"

Vector *vecidx_vector_new(int dim) {
	Vector *result = (Vector *)palloc0(VECTOR_SIZE(dim));

	SET_VARSIZE(result, VECTOR_SIZE(dim));
	result->dim = (int16)dim;
	return result;
}

bool vecidx_vector_check_dim(int dim, Node *escontext) {
	if (dim < 1)
		ereturn(escontext, false, (errcode(ERRCODE_DATA_EXCEPTION), errmsg("vector must have at least 1 dimension")));
	if (dim > VECTOR_MAX_DIM)
		ereturn(escontext, false,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("vector cannot have more than %d dimensions", VECTOR_MAX_DIM)));
	return true;
}

bool vecidx_vector_check_typmod(int32 typmod, int dim, Node *escontext) {
	if (typmod >= 0 && typmod != dim)
		ereturn(escontext, false,
				(errcode(ERRCODE_DATA_EXCEPTION), errmsg("expected %d dimensions, not %d", typmod, dim)));
	return true;
}

bool vecidx_vector_check_element(float value, Node *escontext) {
	if (isnan(value))
		ereturn(escontext, false, (errcode(ERRCODE_DATA_EXCEPTION), errmsg("NaN not allowed in vector")));
	if (isinf(value))
		ereturn(escontext, false, (errcode(ERRCODE_DATA_EXCEPTION), errmsg("infinite value not allowed in vector")));
	return true;
}

void vecidx_vector_check_same_dim(const Vector *a, const Vector *b) {
	if (a->dim != b->dim)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION), errmsg("different vector dimensions %d and %d", a->dim, b->dim)));
}
