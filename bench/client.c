/*
 * Runs the queries of a set through prepared statements with binary parameters and results, and prints recall, speed
 * and what the server counted as one line of JSON.
 *
 *   client -d CONNINFO -f PREFIX -D DIM -m l2|cosine|ip [-k 10] [-p index] [-r 1] [-t 0] [-c 1] [-n 1000] [-w 1000]
 *          [-s NAME=VALUE]...
 *
 * PREFIX_base.f32, PREFIX_q.f32 and PREFIX_gt.i32 are the set. -p says which plan is measured; the run fails if the
 * server chooses another one:
 *   index  ORDER BY v <-> $1 LIMIT k by the index on the vector
 *   seq    the same by sequential scan and sort
 *   pk     k rows by primary key: the least a query of k rows can take here
 *   rank   the same rows ordered by their distance: what a query takes if the index cost nothing
 */
#include "measure.h"
#include "recall.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct plan {
	const char *name, *index, *sql, *settings;
	int by_key, by_vector;
} plan;

/* %s: the distance operator; %d: k. */
static const plan plans[] = {
	{"index", "items_v_idx", "SELECT id FROM items ORDER BY v %s $1 LIMIT %d", "", 0, 1},
	{"seq", NULL, "SELECT id FROM items ORDER BY v %s $1 LIMIT %d", "SET enable_indexscan = off;", 0, 1},
	{"pk", "items_pkey", "SELECT id FROM items WHERE id = ANY($1)",
	 "SET enable_indexonlyscan = off; SET enable_bitmapscan = off; SET enable_seqscan = off;", 1, 0},
	{"rank", "items_pkey", "SELECT id FROM items WHERE id = ANY($2) ORDER BY v %s $1",
	 "SET enable_bitmapscan = off; SET enable_seqscan = off;", 1, 1},
};

typedef struct arguments {
	const char *conninfo, *prefix, *metric;
	const plan *plan;
	int dim, k, connections, warmup;
	long rounds, queries;
	double seconds;
	char settings[2048];
} arguments;

static const char usage[] = "usage: client -d CONNINFO -f PREFIX -D DIM -m l2|cosine|ip [-k 10] [-p index|seq|pk|rank]"
							" [-r ROUNDS] [-t SECONDS] [-c CONNECTIONS] [-n QUERIES] [-w WARMUP] [-s NAME=VALUE]...";

static const plan *plan_named(const char *name) {
	for (size_t i = 0; i < sizeof plans / sizeof *plans; i++)
		if (strcmp(plans[i].name, name) == 0)
			return &plans[i];
	die("no such plan: %s", name);
}

static void add_setting(arguments *a, const char *setting) {
	const char *equals = strchr(setting, '=');
	size_t used = strlen(a->settings);

	if (equals == NULL || strlen(setting) + 10 > sizeof a->settings - used)
		die("a setting is NAME=VALUE, not %s", setting);
	snprintf(a->settings + used, sizeof a->settings - used, "SET %.*s = '%s';", (int)(equals - setting), setting,
			 equals + 1);
}

static arguments parse(int argc, char **argv) {
	arguments a = {.plan = &plans[0], .k = 10, .connections = 1, .warmup = 1000, .rounds = 1, .queries = 1000000};
	int option;

	while ((option = getopt(argc, argv, "d:f:D:m:k:p:r:t:c:n:w:s:")) != -1)
		switch (option) {
		case 'd':
			a.conninfo = optarg;
			break;
		case 'f':
			a.prefix = optarg;
			break;
		case 'D':
			a.dim = (int)number(optarg, 1, 16000);
			break;
		case 'm':
			a.metric = optarg;
			break;
		case 'k':
			a.k = (int)number(optarg, 1, 100000);
			break;
		case 'p':
			a.plan = plan_named(optarg);
			break;
		case 'r':
			a.rounds = number(optarg, 1, 1000000);
			break;
		case 't':
			a.seconds = (double)number(optarg, 0, 100000);
			break;
		case 'c':
			a.connections = (int)number(optarg, 1, 1000);
			break;
		case 'n':
			a.queries = number(optarg, 1, 100000000);
			break;
		case 'w':
			a.warmup = (int)number(optarg, 0, 100000000);
			break;
		case 's':
			add_setting(&a, optarg);
			break;
		default:
			die("%s", usage);
		}
	if (a.conninfo == NULL || a.prefix == NULL || a.metric == NULL || a.dim == 0 || optind != argc)
		die("%s", usage);
	return a;
}

static matrix map_part(const char *prefix, const char *suffix, int width) {
	char path[4096];

	snprintf(path, sizeof path, "%s%s", prefix, suffix);
	return map_matrix(path, width);
}

static truth open_truth(const arguments *a) {
	truth t = {.base = map_part(a->prefix, "_base.f32", a->dim), .queries = map_part(a->prefix, "_q.f32", a->dim)};
	matrix flat = map_part(a->prefix, "_gt.i32", 1);

	if (!exact_metric_named(a->metric, &t.metric))
		die("%s", usage);
	t.neighbours = flat;
	t.neighbours.width = (int)(flat.rows / t.queries.rows);
	t.neighbours.rows = t.queries.rows;
	if (flat.rows % t.queries.rows != 0 || t.neighbours.width < a->k)
		die("%s_gt.i32 has no %d neighbours for each of %zu queries", a->prefix, a->k, t.queries.rows);
	return t;
}

/* The parameters of one query: the vector, the ids of the true neighbours, or both, in binary. */
static question make_question(const arguments *a, const truth *t, size_t query) {
	size_t vector = a->plan->by_vector ? vector_bytes(a->dim) : 0;
	size_t ids = a->plan->by_key ? 20 + 8 * (size_t)a->k : 0;
	char *at = need(malloc(vector + ids));
	question q = {{at, at + vector}, {(int)vector, (int)ids}};
	static const uint32_t int4_oid = 23;

	if (!a->plan->by_vector)
		q = (question){{at}, {(int)ids}};
	if (a->plan->by_vector)
		at = put_vector(at, float_row(&t->queries, query), a->dim);
	if (a->plan->by_key) {
		/* an array: dimensions, has nulls, element type, length, lower bound, elements */
		uint32_t head[] = {1, 0, int4_oid, (uint32_t)a->k, 1};

		for (int i = 0; i < 5; i++)
			at = put_int32(at, head[i]);
		for (int i = 0; i < a->k; i++) {
			at = put_int32(at, 4);
			at = put_int32(at, (uint32_t)int_row(&t->neighbours, query)[i]);
		}
	}
	return q;
}

static void report(const arguments *a, const truth *t, const workload *w, const measurement *m) {
	double sum = 0;
	size_t missing = 0;

	for (size_t i = 0; i < w->count; i++) {
		sum += recall_of(t, i, m->ids + i * (size_t)w->k, m->found[i], w->k);
		missing += (size_t)(w->k - m->found[i]);
	}
	printf("{\"plan\": \"%s\", \"k\": %d, \"connections\": %d, \"queries\": %zu, \"rounds\": %ld, \"recall\": %.5f, "
		   "\"missing_rows\": %zu, \"qps\": %.1f, \"p50_us\": %.1f, \"p99_us\": %.1f, \"cpu_us\": %.1f, ",
		   a->plan->name, a->k, a->connections, w->count, m->rounds, sum / (double)w->count, missing, m->qps, m->p50,
		   m->p99, m->cpu);
	printf("\"index_pages\": %.2f, \"heap_pages\": %.2f, \"toast_pages\": %.2f, \"pages_read\": %.3f, \"scans\": %.3f, "
		   "\"rows_from_index\": %.2f, \"heap_rows\": %.2f}\n",
		   m->per_query.index_pages, m->per_query.heap_pages, m->per_query.toast_pages, m->per_query.pages_read,
		   m->per_query.scans, m->per_query.rows_read, m->per_query.rows_fetched);
}

int main(int argc, char **argv) {
	static const char *const operators[] = {[EXACT_L2] = "<->", [EXACT_COSINE] = "<=>", [EXACT_IP] = "<#>"};
	arguments a = parse(argc, argv);
	truth t = open_truth(&a);
	size_t count = (size_t)a.queries < t.queries.rows ? (size_t)a.queries : t.queries.rows;
	question *questions = need(malloc(count * sizeof(question)));
	char sql[256], settings[4096];
	workload w = {.conninfo = a.conninfo, .sql = sql, .settings = settings, .index = a.plan->index};
	measurement m;

	for (size_t i = 0; i < count; i++)
		questions[i] = make_question(&a, &t, i);
	if (a.plan->by_vector)
		snprintf(sql, sizeof sql, a.plan->sql, operators[t.metric], a.k);
	else
		snprintf(sql, sizeof sql, "%s", a.plan->sql);
	snprintf(settings, sizeof settings, "%s%s", a.plan->settings, a.settings);
	w.questions = questions;
	w.count = count;
	w.params = a.plan->by_key + a.plan->by_vector;
	w.k = a.k;
	w.connections = a.connections;
	w.warmup = a.warmup;
	w.rounds = a.rounds;
	w.seconds = a.seconds;
	m = measure(&w);
	report(&a, &t, &w, &m);
	return 0;
}
