/*
 * `vector_ball`: made of a vector and a radius, read and written as `<[1,2,3],0.5>`, in binary as the radius and then
 * the vector. Every radius is a value, so that a condition never fails because of it: nothing lies within NaN or below
 * the smallest result.
 */
#include "postgres.h"

#include <ctype.h>

#include "libpq/pqformat.h"
#include "utils/builtins.h"
#include "utils/float.h"

#include "type/vector_ball.h"

PG_FUNCTION_INFO_V1(vecidx_vector_ball);
PG_FUNCTION_INFO_V1(vecidx_vector_ball_in);
PG_FUNCTION_INFO_V1(vecidx_vector_ball_out);
PG_FUNCTION_INFO_V1(vecidx_vector_ball_recv);
PG_FUNCTION_INFO_V1(vecidx_vector_ball_send);

static VectorBall *make_ball(const Vector *center, double radius) {
	Size size = offsetof(VectorBall, center) + VECTOR_SIZE(center->dim);
	VectorBall *ball = (VectorBall *)palloc0(size);

	SET_VARSIZE(ball, size);
	ball->radius = radius;
	memcpy(ball->center, center, VECTOR_SIZE(center->dim));
	return ball;
}

Datum vecidx_vector_ball(PG_FUNCTION_ARGS) {
	PG_RETURN_POINTER(make_ball(PG_GETARG_VECTOR_P(0), PG_GETARG_FLOAT8(1)));
}

static char *skip_spaces(char *p) {
	while (isspace((unsigned char)*p))
		p++;
	return p;
}

static Datum refuse(const char *text, Node *escontext) {
	ereturn(escontext, (Datum)0,
			(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
			 errmsg("invalid input syntax for type vector_ball: \"%s\"", text),
			 errdetail("A ball is written as \"<[1,2,3],0.5>\": its center and its radius.")));
}

Datum vecidx_vector_ball_in(PG_FUNCTION_ARGS) {
	char *text = PG_GETARG_CSTRING(0), *p = skip_spaces(text), *end;
	Node *escontext = fcinfo->context;
	Vector *center;
	double radius;

	end = *p == '<' ? strchr(p, ']') : NULL;
	if (end == NULL)
		return refuse(text, escontext);
	center = vecidx_vector_from_text(pnstrdup(p + 1, (Size)(end - p)), -1, escontext);
	if (center == NULL)
		PG_RETURN_NULL();
	p = skip_spaces(end + 1);
	if (*p != ',')
		return refuse(text, escontext);
	radius = vecidx_float8_in(p + 1, &end, "vector_ball", text, escontext);
	if (vecidx_soft_error(escontext))
		PG_RETURN_NULL();
	if (*end != '>' || *skip_spaces(end + 1) != '\0')
		return refuse(text, escontext);
	PG_RETURN_POINTER(make_ball(center, radius));
}

Datum vecidx_vector_ball_out(PG_FUNCTION_ARGS) {
	const VectorBall *ball = PG_GETARG_VECTOR_BALL_P(0);

	PG_RETURN_CSTRING(
		psprintf("<%s,%s>", vecidx_vector_to_text(VECTOR_BALL_CENTER(ball)), float8out_internal(ball->radius)));
}

Datum vecidx_vector_ball_recv(PG_FUNCTION_ARGS) {
	StringInfo message = (StringInfo)PG_GETARG_POINTER(0);
	double radius = pq_getmsgfloat8(message);

	PG_RETURN_POINTER(make_ball(vecidx_vector_from_message(message, -1), radius));
}

Datum vecidx_vector_ball_send(PG_FUNCTION_ARGS) {
	const VectorBall *ball = PG_GETARG_VECTOR_BALL_P(0);
	StringInfoData message;

	pq_begintypsend(&message);
	pq_sendfloat8(&message, ball->radius);
	vecidx_vector_to_message(&message, VECTOR_BALL_CENTER(ball));
	PG_RETURN_BYTEA_P(pq_endtypsend(&message));
}
