/*
 * Reads `[1, 2.5, -3e-2]`. Most elements of real data are short decimals, which one multiplication or division turns
 * into the correctly rounded float; whatever else there is goes to strtof, which also defines what is accepted.
 */
#include "type/vector_parse.h"

#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* The locale must not matter, so isspace() is not used. */
static bool is_space(char c) {
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\v' || c == '\f';
}

static bool is_digit(char c) {
	return c >= '0' && c <= '9';
}

static const char *skip_space(const char *p) {
	while (is_space(*p))
		p++;
	return p;
}

/* Digits and at most one point as an integer and a power of ten. False where the integer would not be exact. */
static bool read_mantissa(const char **text, uint64_t *mantissa, int *exponent) {
	const char *p = *text;
	bool point = false;
	int digits = 0;

	*mantissa = 0;
	*exponent = 0;
	for (; is_digit(*p) || (*p == '.' && !point); p++) {
		if (*p == '.') {
			point = true;
			continue;
		}
		/* 15 digits are below 2^53 */
		if (++digits > 15)
			return false;
		*mantissa = *mantissa * 10 + (uint64_t)(*p - '0');
		*exponent -= point;
	}
	*text = p;
	return digits > 0;
}

/* An `e` with its digits, added to the exponent. False where strtof should look. */
static bool read_exponent(const char **text, int *exponent) {
	const char *p = *text;
	bool negative;
	int value = 0;

	if (*p != 'e' && *p != 'E')
		return true;
	p++;
	negative = *p == '-';
	if (*p == '-' || *p == '+')
		p++;
	if (!is_digit(*p))
		return false;
	for (; is_digit(*p); p++) {
		value = value * 10 + (*p - '0');
		if (value > 99)
			return false;
	}
	*exponent += negative ? -value : value;
	*text = p;
	return true;
}

/*
 * A decimal whose integer part and power of ten are exact doubles: one operation rounds it correctly to double, and the
 * second rounding, to float, is right too unless the double lies exactly between two floats. Returns the end of the
 * number, or NULL for strtof.
 */
static const char *read_short_decimal(const char *text, float *value) {
	static const double power[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
								   1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
	const uint64_t below_float = (UINT64_C(1) << 29) - 1;
	const char *p = text;
	bool negative = *p == '-';
	uint64_t mantissa;
	uint64_t bits;
	int exponent;
	double result;

	/* x87 would round a third time */
	if (FLT_EVAL_METHOD != 0)
		return NULL;
	if (*p == '-' || *p == '+')
		p++;
	if (!read_mantissa(&p, &mantissa, &exponent) || !read_exponent(&p, &exponent))
		return NULL;
	if (exponent < -22 || exponent > 22 || !(*p == ',' || *p == ']' || is_space(*p)))
		return NULL;
	result = exponent < 0 ? (double)mantissa / power[-exponent] : (double)mantissa * power[exponent];
	memcpy(&bits, &result, sizeof(bits));
	if ((bits & below_float) == (below_float + 1) / 2)
		return NULL;
	*value = (float)(negative ? -result : result);
	return p;
}

static VectorParseStatus read_element(const char **text, float *value, VectorParse *parse) {
	const char *end = read_short_decimal(*text, value);
	char *stop;

	if (end == NULL) {
		errno = 0;
		*value = strtof(*text, &stop);
		if (stop == *text)
			return VECTOR_PARSE_SYNTAX;
		/* ERANGE is also set where the value underflows; that is accepted */
		if (errno == ERANGE && isinf(*value)) {
			parse->token = *text;
			parse->token_length = (size_t)(stop - *text);
			return VECTOR_PARSE_OUT_OF_RANGE;
		}
		if (!isfinite(*value))
			return VECTOR_PARSE_NOT_FINITE;
		end = stop;
	}
	*text = skip_space(end);
	return VECTOR_PARSE_OK;
}

VectorParseStatus vecidx_vector_parse(const char *text, float *x, int max_dim, VectorParse *parse) {
	const char *p = skip_space(text);

	*parse = (VectorParse){0};
	if (*p != '[')
		return VECTOR_PARSE_NO_START;
	p = skip_space(p + 1);
	if (*p == ']')
		return VECTOR_PARSE_EMPTY;

	for (;;) {
		VectorParseStatus status;

		if (parse->dim == max_dim)
			return VECTOR_PARSE_TOO_MANY;
		p = skip_space(p);
		status = read_element(&p, &x[parse->dim], parse);
		if (status != VECTOR_PARSE_OK)
			return status;
		parse->dim++;
		if (*p == ']')
			break;
		if (*p != ',')
			return VECTOR_PARSE_SYNTAX;
		p++;
	}
	return *skip_space(p + 1) == '\0' ? VECTOR_PARSE_OK : VECTOR_PARSE_JUNK;
}
