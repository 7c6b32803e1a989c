/*
 * Casts: to a column's dimension, to real[], and from arrays of integer, real, double precision and numeric.
 */
#include "postgres.h"

#include <math.h>
#include <stdlib.h>

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"

#include "type/vector.h"

PG_FUNCTION_INFO_V1(vecidx_vector);
PG_FUNCTION_INFO_V1(vecidx_array_to_vector);
PG_FUNCTION_INFO_V1(vecidx_vector_to_float4);

/* vector(n) from a vector: nothing is converted, only the dimension is checked. */
Datum vecidx_vector(PG_FUNCTION_ARGS) {
	Vector *vector = PG_GETARG_VECTOR_P(0);

	(void)vecidx_vector_check_typmod(PG_GETARG_INT32(1), vector->dim, NULL);
	PG_RETURN_VECTOR_P(vector);
}

/* By its decimal text, which rounds once; too large gives infinity and too small 0, as a cast from double does. */
static float numeric_to_float(Datum datum) {
	char *text = DatumGetCString(DirectFunctionCall1(numeric_out, datum));
	float result = strtof(text, NULL);

	pfree(text);
	return result;
}

static float element_to_float(Datum element, Oid type) {
	switch (type) {
	case INT4OID:
		return (float)DatumGetInt32(element);
	case FLOAT4OID:
		return DatumGetFloat4(element);
	case FLOAT8OID:
		return (float)DatumGetFloat8(element);
	case NUMERICOID:
		return numeric_to_float(element);
	default:
		ereport(ERROR, (errcode(ERRCODE_DATA_EXCEPTION), errmsg("unsupported array type")));
	}
	return 0; /* not reached */
}

Datum vecidx_array_to_vector(PG_FUNCTION_ARGS) {
	ArrayType *array = PG_GETARG_ARRAYTYPE_P(0);
	int32 typmod = PG_GETARG_INT32(1);
	Oid type = ARR_ELEMTYPE(array);
	int16 typlen;
	bool typbyval;
	char typalign;
	Datum *elements;
	int dim;
	Vector *result;

	if (ARR_NDIM(array) > 1)
		ereport(ERROR, (errcode(ERRCODE_DATA_EXCEPTION), errmsg("array must be 1-D")));
	if (ARR_HASNULL(array) && array_contains_nulls(array))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("array must not contain nulls")));

	get_typlenbyvalalign(type, &typlen, &typbyval, &typalign);
	deconstruct_array(array, type, typlen, typbyval, typalign, &elements, NULL, &dim);
	(void)vecidx_vector_check_dim(dim, NULL);
	(void)vecidx_vector_check_typmod(typmod, dim, NULL);

	result = vecidx_vector_new(dim);
	for (int i = 0; i < dim; i++) {
		result->x[i] = element_to_float(elements[i], type);
		(void)vecidx_vector_check_element(result->x[i], NULL);
	}
	pfree(elements);
	PG_RETURN_VECTOR_P(result);
}

Datum vecidx_vector_to_float4(PG_FUNCTION_ARGS) {
	const Vector *vector = PG_GETARG_VECTOR_P(0);
	Datum *elements = (Datum *)palloc(sizeof(Datum) * (Size)vector->dim);
	ArrayType *array;

	for (int i = 0; i < vector->dim; i++)
		elements[i] = Float4GetDatum(vector->x[i]);
	array = construct_array(elements, vector->dim, FLOAT4OID, sizeof(float4), true, TYPALIGN_INT);
	pfree(elements);
	PG_RETURN_ARRAYTYPE_P(array);
}
