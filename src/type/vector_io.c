/*
 * Text and binary input and output of `vector`, and its type modifier. Every refused value is a soft error where the
 * server has them.
 */
#include "postgres.h"

#include "common/shortest_dec.h"
#include "lib/stringinfo.h"
#include "libpq/pqformat.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "type/vector.h"
#include "type/vector_parse.h"

PG_FUNCTION_INFO_V1(vecidx_vector_in);
PG_FUNCTION_INFO_V1(vecidx_vector_out);
PG_FUNCTION_INFO_V1(vecidx_vector_typmod_in);
PG_FUNCTION_INFO_V1(vecidx_vector_recv);
PG_FUNCTION_INFO_V1(vecidx_vector_send);

/* Says what the parser found. */
static bool report_parse(VectorParseStatus status, const char *text, const VectorParse *parse, float last,
						 Node *escontext) {
	switch (status) {
	case VECTOR_PARSE_OK:
		return true;
	case VECTOR_PARSE_NO_START:
		ereturn(escontext, false,
				(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
				 errmsg("invalid input syntax for type vector: \"%s\"", text),
				 errdetail("Vector contents must start with \"[\".")));
	case VECTOR_PARSE_JUNK:
		ereturn(escontext, false,
				(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
				 errmsg("invalid input syntax for type vector: \"%s\"", text),
				 errdetail("Junk after closing right brace.")));
	case VECTOR_PARSE_EMPTY:
		return vecidx_vector_check_dim(0, escontext);
	case VECTOR_PARSE_TOO_MANY:
		return vecidx_vector_check_dim(VECTOR_MAX_DIM + 1, escontext);
	case VECTOR_PARSE_OUT_OF_RANGE:
		ereturn(escontext, false,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("\"%s\" is out of range for type vector", pnstrdup(parse->token, parse->token_length))));
	case VECTOR_PARSE_NOT_FINITE:
		return vecidx_vector_check_element(last, escontext);
	case VECTOR_PARSE_SYNTAX:
		break;
	}
	ereturn(
		escontext, false,
		(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION), errmsg("invalid input syntax for type vector: \"%s\"", text)));
}

/* How many elements the text can have at most: one more than it has commas. */
static int elements_at_most(const char *text) {
	int count = 1;

	for (; *text != '\0' && count < VECTOR_MAX_DIM; text++)
		count += *text == ',';
	return count;
}

Vector *vecidx_vector_from_text(const char *text, int32 typmod, Node *escontext) {
	int room = elements_at_most(text);
	Vector *result = vecidx_vector_new(room);
	VectorParse parse;
	VectorParseStatus status = vecidx_vector_parse(text, result->x, room, &parse);
	float last = parse.dim < room ? result->x[parse.dim] : 0;

	if (!report_parse(status, text, &parse, last, escontext) ||
		!vecidx_vector_check_typmod(typmod, parse.dim, escontext))
		return NULL;
	result->dim = (int16)parse.dim;
	SET_VARSIZE(result, VECTOR_SIZE(parse.dim));
	return result;
}

Datum vecidx_vector_in(PG_FUNCTION_ARGS) {
	Vector *result = vecidx_vector_from_text(PG_GETARG_CSTRING(0), PG_GETARG_INT32(2), fcinfo->context);

	if (result == NULL)
		PG_RETURN_NULL();
	PG_RETURN_VECTOR_P(result);
}

char *vecidx_vector_to_text(const Vector *vector) {
	/* FLOAT_SHORTEST_DECIMAL_LEN counts a terminator, which is the comma's place; brackets and the end are 3 more */
	char *text = (char *)palloc((Size)FLOAT_SHORTEST_DECIMAL_LEN * vector->dim + 3);
	char *p = text;

	*p++ = '[';
	for (int i = 0; i < vector->dim; i++) {
		if (i > 0)
			*p++ = ',';
		p += float_to_shortest_decimal_bufn(vector->x[i], p);
	}
	*p++ = ']';
	*p = '\0';
	return text;
}

Datum vecidx_vector_out(PG_FUNCTION_ARGS) {
	PG_RETURN_CSTRING(vecidx_vector_to_text(PG_GETARG_VECTOR_P(0)));
}

/* The modifier is the dimension itself; -1 means any. */
Datum vecidx_vector_typmod_in(PG_FUNCTION_ARGS) {
	ArrayType *list = PG_GETARG_ARRAYTYPE_P(0);
	int n;
	int32 *typmods = ArrayGetIntegerTypmods(list, &n);

	if (n != 1)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("invalid type modifier")));
	if (typmods[0] < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("dimensions for type vector must be at least 1")));
	if (typmods[0] > VECTOR_MAX_DIM)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("dimensions for type vector cannot exceed %d", VECTOR_MAX_DIM)));
	PG_RETURN_INT32(typmods[0]);
}

Vector *vecidx_vector_from_message(StringInfo message, int32 typmod) {
	int16 dim = (int16)pq_getmsgint(message, sizeof(int16));
	int16 unused = (int16)pq_getmsgint(message, sizeof(int16));
	Vector *result;

	(void)vecidx_vector_check_dim(dim, NULL);
	(void)vecidx_vector_check_typmod(typmod, dim, NULL);
	if (unused != 0)
		ereport(ERROR, (errcode(ERRCODE_DATA_EXCEPTION), errmsg("expected unused to be 0, not %d", unused)));

	result = vecidx_vector_new(dim);
	for (int i = 0; i < dim; i++) {
		result->x[i] = pq_getmsgfloat4(message);
		(void)vecidx_vector_check_element(result->x[i], NULL);
	}
	return result;
}

Datum vecidx_vector_recv(PG_FUNCTION_ARGS) {
	PG_RETURN_VECTOR_P(vecidx_vector_from_message((StringInfo)PG_GETARG_POINTER(0), PG_GETARG_INT32(2)));
}

void vecidx_vector_to_message(StringInfo message, const Vector *vector) {
	enlargeStringInfo(message, (int)(2 * sizeof(int16) + sizeof(float) * (size_t)vector->dim));
	pq_sendint16(message, (uint16)vector->dim);
	pq_sendint16(message, (uint16)vector->unused);
	for (int i = 0; i < vector->dim; i++)
		pq_sendfloat4(message, vector->x[i]);
}

Datum vecidx_vector_send(PG_FUNCTION_ARGS) {
	StringInfoData message;

	pq_begintypsend(&message);
	vecidx_vector_to_message(&message, PG_GETARG_VECTOR_P(0));
	PG_RETURN_BYTEA_P(pq_endtypsend(&message));
}
