/* What the bench's C programs share: giving up with a message, the clock, mapped files, libpq with checked results. */
#ifndef BENCH_TOOL_H
#define BENCH_TOOL_H

#include <stddef.h>
#include <stdint.h>

/* A file of `rows` rows of `width` 4-byte values, mapped read-only. */
typedef struct matrix {
	const void *data;
	size_t rows;
	int width;
} matrix;

_Noreturn void die(const char *format, ...) __attribute__((format(printf, 1, 2)));
void *need(void *memory);
double now(void);
long number(const char *text, long low, long high);
matrix map_matrix(const char *path, int width);

static inline const float *float_row(const matrix *m, size_t row) {
	return (const float *)m->data + row * (size_t)m->width;
}

static inline const int32_t *int_row(const matrix *m, size_t row) {
	return (const int32_t *)m->data + row * (size_t)m->width;
}

static inline char *put_int16(char *at, int value) {
	at[0] = (char)(value >> 8);
	at[1] = (char)value;
	return at + 2;
}

static inline char *put_int32(char *at, uint32_t value) {
	for (int i = 0; i < 4; i++)
		at[i] = (char)(value >> (24 - 8 * i));
	return at + 4;
}

static inline uint32_t get_int32(const char *at) {
	const unsigned char *byte = (const unsigned char *)at;

	return (uint32_t)byte[0] << 24 | (uint32_t)byte[1] << 16 | (uint32_t)byte[2] << 8 | byte[3];
}

/* Bytes of a vector in the binary format of the type: int16 dimension, int16 zero, float4 values, big-endian. */
static inline size_t vector_bytes(int dim) {
	return 4 + 4 * (size_t)dim;
}

char *put_vector(char *at, const float *values, int dim);

struct pg_conn;
struct pg_conn *connect_to(const char *conninfo);
void run_sql(struct pg_conn *conn, const char *sql);
void query_numbers(struct pg_conn *conn, const char *sql, int count, double *numbers);

#endif
