/* What the bench's C programs share (tool.h); every failure ends the program with a message that names its cause. */
#include "tool.h"

#include <fcntl.h>
#include <libpq-fe.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

void die(const char *format, ...) {
	va_list args;

	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(1);
}

void *need(void *memory) {
	if (memory == NULL)
		die("out of memory");
	return memory;
}

double now(void) {
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

long number(const char *text, long low, long high) {
	char *end;
	long value = strtol(text, &end, 10);

	if (end == text || *end != '\0' || value < low || value > high)
		die("\"%s\" is not a number from %ld to %ld", text, low, high);
	return value;
}

matrix map_matrix(const char *path, int width) {
	matrix m = {.width = width};
	struct stat info;
	int fd = open(path, O_RDONLY);

	if (fd < 0 || fstat(fd, &info) < 0)
		die("cannot read %s: %m", path);
	if (info.st_size == 0 || (size_t)info.st_size % (4 * (size_t)width) != 0)
		die("%s: %lld bytes are no rows of %d values", path, (long long)info.st_size, width);
	m.rows = (size_t)info.st_size / (4 * (size_t)width);
	m.data = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (m.data == MAP_FAILED)
		die("cannot map %s: %m", path);
	close(fd);
	return m;
}

char *put_vector(char *at, const float *values, int dim) {
	at = put_int16(at, dim);
	at = put_int16(at, 0);
	for (int i = 0; i < dim; i++) {
		uint32_t bits;

		memcpy(&bits, &values[i], sizeof bits);
		at = put_int32(at, bits);
	}
	return at;
}

PGconn *connect_to(const char *conninfo) {
	PGconn *conn = PQconnectdb(conninfo);

	if (PQstatus(conn) != CONNECTION_OK)
		die("%s", PQerrorMessage(conn));
	return conn;
}

void run_sql(PGconn *conn, const char *sql) {
	PGresult *result = PQexec(conn, sql);
	ExecStatusType status = PQresultStatus(result);

	if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK && status != PGRES_COPY_IN &&
		status != PGRES_EMPTY_QUERY)
		die("%s\nwhile running: %s", PQerrorMessage(conn), sql);
	PQclear(result);
}

/* One row of `count` numbers. */
void query_numbers(PGconn *conn, const char *sql, int count, double *numbers) {
	PGresult *result = PQexec(conn, sql);

	if (PQresultStatus(result) != PGRES_TUPLES_OK)
		die("%s\nwhile running: %s", PQerrorMessage(conn), sql);
	if (PQntuples(result) != 1 || PQnfields(result) != count)
		die("%d rows of %d columns instead of one row of %d from: %s", PQntuples(result), PQnfields(result), count,
			sql);
	for (int i = 0; i < count; i++)
		numbers[i] = atof(PQgetvalue(result, 0, i));
	PQclear(result);
}
