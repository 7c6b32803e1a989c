/*
 * Functions that look at a vector's shape or make another one from it: dimension, normalising, part, signs as bits.
 */
#include "postgres.h"

#include <math.h>
#include <string.h>

#include "access/detoast.h"
#include "utils/float.h"
#include "utils/varbit.h"

#include "type/vector.h"

PG_FUNCTION_INFO_V1(vecidx_vector_dims);
PG_FUNCTION_INFO_V1(vecidx_l2_normalize);
PG_FUNCTION_INFO_V1(vecidx_subvector);
PG_FUNCTION_INFO_V1(vecidx_binary_quantize);

/* Known from the datum's size: a vector stored out of line is not fetched. */
int vecidx_vector_datum_dim(Datum datum) {
	return (int)((toast_raw_datum_size(datum) - offsetof(Vector, x)) / sizeof(float));
}

float vecidx_vector_datum_element(Datum datum, int index) {
	int32 offset = (int32)(VECTOR_SIZE(index - 1) - VARHDRSZ);
	struct varlena *slice = PG_DETOAST_DATUM_SLICE(datum, offset, sizeof(float));
	float element;

	/* not through a pointer to float: the slice may have either kind of header */
	memcpy(&element, VARDATA_ANY(slice), sizeof(element));
	return element;
}

Datum vecidx_vector_dims(PG_FUNCTION_ARGS) {
	PG_RETURN_INT32(vecidx_vector_datum_dim(PG_GETARG_DATUM(0)));
}

/* The same direction with length 1; the zero vector has none and stays what it is. */
Datum vecidx_l2_normalize(PG_FUNCTION_ARGS) {
	const Vector *vector = PG_GETARG_VECTOR_P(0);
	Vector *result = vecidx_vector_new(vector->dim);
	double norm = vecidx_vector_norm_value(vector);

	if (norm > 0) {
		for (int i = 0; i < vector->dim; i++) {
			result->x[i] = (float)(vector->x[i] / norm);
			if (isinf(result->x[i]))
				float_overflow_error();
		}
	}
	PG_RETURN_VECTOR_P(result);
}

/* Elements start .. start + count - 1, counted from 1 as substring() does, as far as they exist. */
Datum vecidx_subvector(PG_FUNCTION_ARGS) {
	const Vector *vector = PG_GETARG_VECTOR_P(0);
	int64 start = PG_GETARG_INT32(1);
	int64 end = start + PG_GETARG_INT32(2);
	int dim;
	Vector *result;

	start = Max(start, 1);
	end = Min(end, (int64)vector->dim + 1);
	dim = end > start ? (int)(end - start) : 0;
	(void)vecidx_vector_check_dim(dim, NULL);
	result = vecidx_vector_new(dim);
	memcpy(result->x, vector->x + (start - 1), sizeof(float) * (size_t)dim);
	PG_RETURN_VECTOR_P(result);
}

/* One bit an element, set where it is above zero; the first element is the leftmost bit. */
Datum vecidx_binary_quantize(PG_FUNCTION_ARGS) {
	const Vector *vector = PG_GETARG_VECTOR_P(0);
	int size = VARBITTOTALLEN(vector->dim);
	VarBit *result = (VarBit *)palloc0(size);
	uint8 *bytes = VARBITS(result);

	SET_VARSIZE(result, size);
	VARBITLEN(result) = vector->dim;
	for (int i = 0; i < vector->dim; i++)
		bytes[i / BITS_PER_BYTE] |= (uint8)((vector->x[i] > 0) << (BITS_PER_BYTE - 1 - i % BITS_PER_BYTE));
	PG_RETURN_VARBIT_P(result);
}
