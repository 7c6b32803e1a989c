/*
 * The text form of a vector, read without the server: a pure function on bytes, so that it can be fuzzed alone.
 */
#ifndef VECIDX_VECTOR_PARSE_H
#define VECIDX_VECTOR_PARSE_H

#include <stddef.h>

typedef enum VectorParseStatus {
	VECTOR_PARSE_OK,
	VECTOR_PARSE_NO_START,     /* does not begin with '[' */
	VECTOR_PARSE_SYNTAX,       /* anything else that is not a list of numbers in brackets */
	VECTOR_PARSE_JUNK,         /* something follows the closing bracket */
	VECTOR_PARSE_EMPTY,        /* no elements */
	VECTOR_PARSE_TOO_MANY,     /* more elements than there is room for */
	VECTOR_PARSE_OUT_OF_RANGE, /* a number too large for float: token and token_length say which */
	VECTOR_PARSE_NOT_FINITE    /* a written NaN or infinity: its value is in x[dim] */
} VectorParseStatus;

typedef struct VectorParse {
	int dim; /* elements read so far */
	const char *token;
	size_t token_length;
} VectorParse;

/*
 * Reads the zero-terminated `text` into x, which has room for max_dim elements (at least 1). Stops at the first fault;
 * a number below the range of float becomes 0. Needs the numeric locale "C", as the server has it.
 */
extern VectorParseStatus vecidx_vector_parse(const char *text, float *x, int max_dim, VectorParse *parse);

#endif
