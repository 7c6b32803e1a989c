/*
 * Measuring (measure.h). Each connection is one thread; a round is every query once on every connection. The clock
 * runs from sending a bound prepared statement to having the rows in hand. Counters come from the server's statistics,
 * which sessions are made to report at once, and which also prove that the index answered every query.
 */
#include "measure.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STATEMENT "q"
#define COUNTERS 7

typedef struct session {
	const workload *w;
	PGconn *conn;
	size_t offset; /* connections start at different queries */
	double *latency;
	int32_t *ids;
	int *found;
	pthread_barrier_t *start;
	double began, ended;
} session;

static void ask(session *s, size_t i) {
	const workload *w = s->w;
	int formats[MAX_PARAMS] = {1, 1};
	double start = now();
	PGresult *result =
		PQexecPrepared(s->conn, STATEMENT, w->params, w->questions[i].values, w->questions[i].lengths, formats, 1);
	int rows = PQntuples(result);

	if (PQresultStatus(result) != PGRES_TUPLES_OK)
		die("%s", PQerrorMessage(s->conn));
	if (rows > w->k || PQnfields(result) != 1)
		die("query %zu returned %d rows of %d columns", i, rows, PQnfields(result));
	for (int row = 0; row < rows; row++)
		s->ids[i * (size_t)w->k + (size_t)row] = (int32_t)get_int32(PQgetvalue(result, row, 0));
	s->found[i] = rows;
	PQclear(result);
	s->latency[i] = now() - start;
}

static void *one_round(void *argument) {
	session *s = argument;

	pthread_barrier_wait(s->start);
	s->began = now();
	for (size_t i = 0; i < s->w->count; i++)
		ask(s, (i + s->offset) % s->w->count);
	s->ended = now();
	return NULL;
}

/* Fails unless the plan is the one that is to be measured. */
static void check_plan(PGconn *conn, const workload *w) {
	int formats[MAX_PARAMS] = {1, 1};
	char sql[512], plan[4096] = "", scan[128] = "Seq Scan on items";
	bool found = false;
	PGresult *result;

	if (w->index != NULL)
		snprintf(scan, sizeof scan, "Index Scan using %s on items", w->index);

	snprintf(sql, sizeof sql, "EXPLAIN (COSTS OFF) %s", w->sql);
	result = PQexecParams(conn, sql, w->params, NULL, w->questions[0].values, w->questions[0].lengths, formats, 0);
	if (PQresultStatus(result) != PGRES_TUPLES_OK)
		die("%s\nwhile running: %s", PQerrorMessage(conn), sql);
	for (int row = 0; row < PQntuples(result); row++) {
		const char *line = PQgetvalue(result, row, 0); /* long where it shows a vector */
		size_t used = strlen(plan);

		found = found || strstr(line, scan) != NULL;
		snprintf(plan + used, sizeof plan - used, "%s\n", line);
	}
	PQclear(result);
	if (!found)
		die("the plan has no \"%s\":\n%s", scan, plan);
}

static void open_session(session *s, const workload *w, int number) {
	PGresult *result;

	s->w = w;
	s->conn = connect_to(w->conninfo);
	s->offset = w->count * (size_t)number / (size_t)w->connections;
	s->latency = need(calloc(w->count, sizeof(double)));
	s->ids = need(calloc(w->count * (size_t)w->k, sizeof(int32_t)));
	s->found = need(calloc(w->count, sizeof(int)));
	run_sql(s->conn, w->settings);
	check_plan(s->conn, w);
	run_sql(s->conn, w->settings); /* again: planning loaded the extension, which now refuses misspelt names */
	result = PQprepare(s->conn, STATEMENT, w->sql, 0, NULL);
	if (PQresultStatus(result) != PGRES_COMMAND_OK)
		die("%s\nwhile preparing: %s", PQerrorMessage(s->conn), w->sql);
	PQclear(result);
	for (int i = 0; i < w->warmup; i++)
		ask(s, (s->offset + (size_t)i) % w->count);
}

/* The server's counters since its start; every session reports its own first. */
static void read_counters(session *sessions, const workload *w, double *values) {
	char sql[1024];

	for (int i = 0; i < w->connections; i++)
		run_sql(sessions[i].conn, "SELECT pg_stat_force_next_flush()");
	snprintf(sql, sizeof sql,
			 "SELECT pg_stat_get_blocks_fetched(i), pg_stat_get_blocks_fetched(t), coalesce(toast, 0),"
			 " pg_stat_get_blocks_fetched(i) - pg_stat_get_blocks_hit(i) + pg_stat_get_blocks_fetched(t)"
			 " - pg_stat_get_blocks_hit(t), pg_stat_get_numscans(i), pg_stat_get_tuples_returned(i),"
			 " pg_stat_get_tuples_fetched(i) FROM (SELECT '%s'::regclass::oid AS i, oid AS t,"
			 " (SELECT sum(pg_stat_get_blocks_fetched(x)) FROM (SELECT reltoastrelid AS x UNION ALL"
			 "  SELECT indexrelid FROM pg_index WHERE indrelid = reltoastrelid) r) AS toast"
			 " FROM pg_class WHERE oid = 'items'::regclass) s",
			 w->index != NULL ? w->index : "items_pkey");
	query_numbers(sessions[0].conn, sql, COUNTERS, values);
}

/* CPU time of a server process in seconds as the kernel counts it; negative where there is no such file. */
static double cpu_time(PGconn *conn) {
	char path[64];
	double nanoseconds = -1;
	FILE *file;

	snprintf(path, sizeof path, "/proc/%d/schedstat", PQbackendPID(conn));
	file = fopen(path, "r");
	if (file == NULL)
		return -1;
	if (fscanf(file, "%lf", &nanoseconds) != 1)
		nanoseconds = -1;
	fclose(file);
	return nanoseconds < 0 ? -1 : 1e-9 * nanoseconds;
}

static int compare_doubles(const void *a, const void *b) {
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double quantile(double *sorted, size_t count, double q) {
	return sorted[(size_t)(q * (double)(count - 1) + 0.5)];
}

/* One round over all sessions: adds its three figures at `at` of the three series. */
static void run_round(session *sessions, const workload *w, double **series, long at) {
	size_t n = w->count * (size_t)w->connections;
	double *all = need(malloc(n * sizeof(double)));
	pthread_t *threads = need(malloc((size_t)w->connections * sizeof *threads));
	pthread_barrier_t start;
	double began = 0, ended = 0;

	pthread_barrier_init(&start, NULL, (unsigned)w->connections);
	for (int i = 0; i < w->connections; i++) {
		sessions[i].start = &start;
		if (pthread_create(&threads[i], NULL, one_round, &sessions[i]) != 0)
			die("cannot start a thread");
	}
	for (int i = 0; i < w->connections; i++) {
		pthread_join(threads[i], NULL);
		if (i == 0 || sessions[i].began < began)
			began = sessions[i].began;
		if (sessions[i].ended > ended)
			ended = sessions[i].ended;
		memcpy(all + (size_t)i * w->count, sessions[i].latency, w->count * sizeof(double));
	}
	pthread_barrier_destroy(&start);
	qsort(all, n, sizeof(double), compare_doubles);
	series[0][at] = (double)n / (ended - began);
	series[1][at] = 1e6 * quantile(all, n, 0.5);
	series[2][at] = 1e6 * quantile(all, n, 0.99);
	free(threads);
	free(all);
}

static double median(double *values, long count) {
	qsort(values, (size_t)count, sizeof(double), compare_doubles);
	return count % 2 != 0 ? values[count / 2] : 0.5 * (values[count / 2 - 1] + values[count / 2]);
}

static counters difference(const double *before, const double *after, double queries) {
	double d[COUNTERS];

	for (int i = 0; i < COUNTERS; i++)
		d[i] = (after[i] - before[i]) / queries;
	return (counters){d[0], d[1], d[2], d[3], d[4], d[5], d[6]};
}

measurement measure(const workload *w) {
	session *sessions = need(calloc((size_t)w->connections, sizeof(session)));
	double *series[3] = {NULL, NULL, NULL};
	double before[COUNTERS], after[COUNTERS], cpu, began;
	measurement m = {0};

	for (int i = 0; i < w->connections; i++)
		open_session(&sessions[i], w, i);
	read_counters(sessions, w, before);
	cpu = cpu_time(sessions[0].conn);
	began = now();
	while (m.rounds < w->rounds || now() - began < w->seconds) {
		for (int i = 0; i < 3; i++)
			series[i] = need(realloc(series[i], (size_t)(m.rounds + 1) * sizeof(double)));
		run_round(sessions, w, series, m.rounds++);
	}
	m.cpu = cpu < 0 ? -1 : 1e6 * (cpu_time(sessions[0].conn) - cpu) / ((double)w->count * (double)m.rounds);
	read_counters(sessions, w, after);
	m.per_query = difference(before, after, (double)w->count * (double)m.rounds * w->connections);
	if (w->index != NULL && m.per_query.scans < 1)
		die("the index answered only %.3f of the queries", m.per_query.scans);
	m.qps = median(series[0], m.rounds);
	m.p50 = median(series[1], m.rounds);
	m.p99 = median(series[2], m.rounds);
	m.ids = sessions[0].ids;
	m.found = sessions[0].found;
	for (int i = 0; i < w->connections; i++)
		PQfinish(sessions[i].conn);
	return m;
}
