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

/* Digits and at most one point as an integer and a power of ten. False where the integer does not fit. */
static bool read_mantissa(const char **text, uint64_t *mantissa, int *exponent) {
	const char *p = *text;
	bool point = false;
	bool any = false;

	*mantissa = 0;
	*exponent = 0;
	for (; is_digit(*p) || (*p == '.' && !point); p++) {
		if (*p == '.') {
			point = true;
			continue;
		}
		/* room for one more digit: 19 of them always fit */
		if (*mantissa >= UINT64_C(1000000000000000000))
			return false;
		*mantissa = *mantissa * 10 + (uint64_t)(*p - '0');
		*exponent -= point;
		any = true;
	}
	*text = p;
	return any;
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
 * A decimal of at most 19 digits and a power of ten that is an exact double: converting the digits and one operation
 * each round once, so the double is within 2 ulp of the truth and rounds to the same float unless it is as near to a
 * middle between two floats. Returns the end of the number, or NULL for strtof.
 */
static const char *read_short_decimal(const char *text, float *value) {
	static const double power[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
								   1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
	/* a double has 29 bits more than a float */
	const uint64_t middle = UINT64_C(1) << 28;
	const char *p = text;
	bool negative = *p == '-';
	uint64_t mantissa;
	uint64_t bits;
	int exponent;
	double result;

	/* x87 would round once more */
	if (FLT_EVAL_METHOD != 0)
		return NULL;
	if (*p == '-' || *p == '+')
		p++;
	if (!read_mantissa(&p, &mantissa, &exponent) || !read_exponent(&p, &exponent))
		return NULL;
	if (exponent < -22 || exponent > 22 || !(*p == ',' || *p == ']' || is_space(*p)))
		return NULL;

	result = exponent < 0 ? (double)mantissa / power[-exponent] : (double)mantissa * power[exponent];
	/* denormal floats have fewer bits, and too large is an error */
	if (result != 0 && !(result >= (double)FLT_MIN && result <= (double)FLT_MAX))
		return NULL;
	memcpy(&bits, &result, sizeof(bits));
	bits &= 2 * middle - 1;
	if (bits + 4 >= middle && bits <= middle + 4)
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
