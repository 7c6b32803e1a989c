/*
 * Loads the rows of a set into a fresh table `items(id int PRIMARY KEY, v vector(DIM))` by binary COPY, or builds the
 * index on it, and prints what it took as JSON.
 *
 *   load -d CONNINFO [-s NAME=VALUE]... table EXTENSION BASE.f32 DIM default|plain|external
 *   load -d CONNINFO [-s NAME=VALUE]... index "USING hnsw (v vector_l2_ops) WITH (m = 16)"
 *
 * The table is vacuumed and analysed, so that the figures afterwards are those of a table at rest.
 */
#include "tool.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COPY_BUFFER (1 << 20)

static void check_copy(PGconn *conn, int status) {
	if (status != 1)
		die("COPY: %s", PQerrorMessage(conn));
}

static void copy_rows(PGconn *conn, const matrix *base) {
	static const char header[19] = "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0";
	size_t row_bytes = 2 + 4 + 4 + 4 + vector_bytes(base->width);
	char *buffer = need(malloc(COPY_BUFFER + row_bytes));
	char *at = buffer + sizeof header;
	PGresult *result;

	run_sql(conn, "COPY items (id, v) FROM STDIN (FORMAT binary)");
	memcpy(buffer, header, sizeof header);
	for (size_t row = 0; row < base->rows; row++) {
		at = put_int16(at, 2);
		at = put_int32(at, 4);
		at = put_int32(at, (uint32_t)row);
		at = put_int32(at, (uint32_t)vector_bytes(base->width));
		at = put_vector(at, float_row(base, row), base->width);
		if (at - buffer >= COPY_BUFFER) {
			check_copy(conn, PQputCopyData(conn, buffer, (int)(at - buffer)));
			at = buffer;
		}
	}
	at = put_int16(at, -1);
	check_copy(conn, PQputCopyData(conn, buffer, (int)(at - buffer)));
	check_copy(conn, PQputCopyEnd(conn, NULL));
	while ((result = PQgetResult(conn)) != NULL) {
		if (PQresultStatus(result) != PGRES_COMMAND_OK)
			die("COPY: %s", PQerrorMessage(conn));
		PQclear(result);
	}
	free(buffer);
}

static void load_table(PGconn *conn, const char *extension, const char *path, int dim, const char *storage) {
	matrix base = map_matrix(path, dim);
	char sql[256];
	double start, bytes[2];

	snprintf(sql, sizeof sql, "CREATE EXTENSION %s; CREATE TABLE items (id int, v vector(%d))", extension, dim);
	run_sql(conn, sql);
	if (strcmp(storage, "default") != 0) {
		snprintf(sql, sizeof sql, "ALTER TABLE items ALTER v SET STORAGE %s", storage);
		run_sql(conn, sql);
	}
	start = now();
	copy_rows(conn, &base);
	printf("{\"load_s\": %.3f", now() - start);
	run_sql(conn, "ALTER TABLE items ADD PRIMARY KEY (id)");
	run_sql(conn, "VACUUM (FREEZE, ANALYZE) items");
	query_numbers(conn, "SELECT pg_table_size('items'), count(*) FROM items", 2, bytes);
	if (bytes[1] != (double)base.rows)
		die("%.0f rows loaded of %zu", bytes[1], base.rows);
	printf(", \"rows\": %zu, \"table_bytes\": %.0f}\n", base.rows, bytes[0]);
}

static void build_index(PGconn *conn, const char *definition) {
	char sql[512];
	double start, seconds, bytes;

	run_sql(conn, "SET client_min_messages = warning");
	run_sql(conn, "DROP INDEX IF EXISTS items_v_idx");
	run_sql(conn, "CHECKPOINT");
	snprintf(sql, sizeof sql, "CREATE INDEX items_v_idx ON items %s", definition);
	start = now();
	run_sql(conn, sql);
	seconds = now() - start;
	run_sql(conn, "VACUUM ANALYZE items");
	query_numbers(conn, "SELECT pg_relation_size('items_v_idx')", 1, &bytes);
	printf("{\"build_s\": %.3f, \"index_bytes\": %.0f}\n", seconds, bytes);
}

static void set(PGconn *conn, char *setting) {
	char sql[256];
	char *equals = strchr(setting, '=');

	if (equals == NULL)
		die("a setting is NAME=VALUE, not %s", setting);
	snprintf(sql, sizeof sql, "SET %.*s = '%s'", (int)(equals - setting), setting, equals + 1);
	run_sql(conn, sql);
}

int main(int argc, char **argv) {
	PGconn *conn = NULL;
	int option;

	while ((option = getopt(argc, argv, "d:s:")) != -1) {
		if (option == 'd')
			conn = connect_to(optarg);
		else if (option == 's' && conn != NULL)
			set(conn, optarg);
		else
			conn = NULL;
	}
	argv += optind;
	argc -= optind;
	if (conn != NULL && argc == 5 && strcmp(argv[0], "table") == 0)
		load_table(conn, argv[1], argv[2], (int)number(argv[3], 1, 16000), argv[4]);
	else if (conn != NULL && argc == 2 && strcmp(argv[0], "index") == 0)
		build_index(conn, argv[1]);
	else
		die("usage: load -d CONNINFO [-s NAME=VALUE]... table EXTENSION BASE.f32 DIM default|plain|external\n"
			"       load -d CONNINFO [-s NAME=VALUE]... index DEFINITION");
	PQfinish(conn);
	return 0;
}
