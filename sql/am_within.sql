-- Range search: conditions on a distance by the index. They find what a sequential scan finds, at every setting.
CREATE TABLE w (id int PRIMARY KEY, kind int, v vector(16));
ALTER TABLE w SET (autovacuum_enabled = off);
INSERT INTO w SELECT i, i % 10, made_row(i, 16, 40) FROM generate_series(1, 6000) i;
INSERT INTO w VALUES (6001, 1, NULL), (6002, 2, array_fill(0, ARRAY[16])::vector), (6003, 3, array_fill(3e38, ARRAY[16])::vector),
    (6004, 4, array_fill(1e-30, ARRAY[16])::vector);
CREATE INDEX w_l2 ON w USING vecidx (v);
CREATE INDEX w_cosine ON w USING vecidx (v vector_cosine_ops);
CREATE INDEX w_ip ON w USING vecidx (v vector_ip_ops);
ANALYZE w;

-- ids that satisfy a condition, by plain index scans, by bitmaps and without an index: how many, or which way differs
CREATE FUNCTION found(target regclass, condition text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    statement text := format('SELECT array_agg(id ORDER BY id) FROM (SELECT id FROM %s WHERE %s OFFSET 0) s', target, condition);
    by_table int[];
    by_index int[];
    by_bitmap int[];
    plans text[] := '{}';
BEGIN
    PERFORM set_config('enable_seqscan', 'on', true), set_config('enable_indexscan', 'off', true), set_config('enable_bitmapscan', 'off', true);
    EXECUTE statement INTO by_table;
    PERFORM set_config('enable_seqscan', 'off', true), set_config('enable_indexscan', 'on', true);
    plans := plans || (SELECT string_agg(p, ' ') FROM plan_of(statement) p);
    EXECUTE statement INTO by_index;
    PERFORM set_config('enable_indexscan', 'off', true), set_config('enable_bitmapscan', 'on', true);
    plans := plans || (SELECT string_agg(p, ' ') FROM plan_of(statement) p);
    EXECUTE statement INTO by_bitmap;
    PERFORM set_config('enable_seqscan', 'on', true), set_config('enable_indexscan', 'on', true);
    IF plans[1] !~ 'Index Scan using' OR plans[2] !~ 'Bitmap Index Scan' THEN
        RETURN 'not used: ' || plans[1] || plans[2];
    END IF;
    IF by_table IS DISTINCT FROM by_index OR by_table IS DISTINCT FROM by_bitmap THEN
        RETURN format('%s and %s rows instead of %s', cardinality(by_index), cardinality(by_bitmap), cardinality(by_table));
    END IF;
    RETURN coalesce(cardinality(by_table), 0);
END $$;
-- the same less the rank of the row whose distance is the radius: rows as far as it count too
CREATE FUNCTION beyond(target regclass, condition text, rank int) RETURNS boolean LANGUAGE sql
    RETURN found(target, condition)::int - rank BETWEEN 0 AND 9;
CREATE FUNCTION operator_of(metric text) RETURNS text LANGUAGE sql IMMUTABLE
    RETURN CASE metric WHEN 'l2' THEN '<->' WHEN 'cosine' THEN '<=>' ELSE '<#>' END;
-- the distance of the row that is so-and-so near
CREATE FUNCTION radius(target regclass, metric text, q vector, rank int) RETURNS float8 LANGUAGE plpgsql STABLE
    SET vecidx.recall = 1 AS $$
DECLARE r float8;
BEGIN
    EXECUTE format('SELECT d FROM (SELECT v %s $1 AS d FROM %s) s ORDER BY d OFFSET $2 - 1 LIMIT 1', operator_of(metric), target)
        INTO r USING q, rank;
    RETURN r;
END $$;

-- every form of the condition
SET enable_bitmapscan = off;
SELECT plan_of('SELECT id FROM w WHERE l2_within(v, made_row(1, 16, 40), 0.5)');
SELECT plan_of('SELECT id FROM w WHERE l2_within(made_row(1, 16, 40), v, 0.5) AND kind = 3');
SELECT plan_of('SELECT id FROM w WHERE v @<=> vector_ball(made_row(1, 16, 40), 0.1)');
SELECT plan_of('SELECT id FROM w WHERE ip_within(v, made_row(1, 16, 40), -5) AND l2_within(v, made_row(2, 16, 40), 1)');
SELECT plan_of('SELECT id FROM w WHERE l2_within(v, made_row(1, 16, 40), 1) AND l2_within(v, made_row(2, 16, 40), 1)');
SELECT plan_of('SELECT id FROM w WHERE l2_within(v, made_row(1, 16, 40), 1) ORDER BY v <-> made_row(1, 16, 40) LIMIT 5');
SELECT plan_of('SELECT id FROM w WHERE l2_within(v, (SELECT made_row(1, 16, 40)), 0.5)');
SELECT plan_of('DELETE FROM w WHERE cosine_within(v, made_row(1, 16, 40), 0.01)');
PREPARE within(vector, float8) AS SELECT count(*) FROM w WHERE l2_within(v, $1, $2);
SET plan_cache_mode = force_generic_plan;
SELECT plan_of('EXECUTE within(''[1]'', 1)');
RESET enable_bitmapscan;
SET enable_indexscan = off;
SELECT plan_of('SELECT id FROM w WHERE l2_within(v, made_row(1, 16, 40), 0.5)');
SELECT plan_of('SELECT id FROM w WHERE l2_within(v, made_row(1, 16, 40), 0.5) OR l2_within(v, made_row(2, 16, 40), 0.5)');
SELECT plan_of('SELECT id FROM w WHERE v @<-> ANY (ARRAY[vector_ball(made_row(1, 16, 40), 0.5), vector_ball(made_row(2, 16, 40), 0.5)])');
RESET enable_indexscan;
SET enable_seqscan = off;
-- what an index cannot do: no class for the metric, both sides from the table, a radius from the row, the negation, volatile
SELECT plan_of('SELECT id FROM w WHERE l1_within(v, made_row(1, 16, 40), 0.5)');
SELECT plan_of('SELECT id FROM w WHERE l2_within(v, v, 0.5)');
SELECT plan_of('SELECT id FROM w WHERE l2_within(v, ''[1]'', id)');
SELECT plan_of('SELECT id FROM w WHERE NOT l2_within(v, ''[1]'', 1)');
SELECT plan_of('SELECT id FROM w WHERE l2_within(v, made_row(1, 16, 40), random())');
RESET enable_seqscan;

-- as many rows as a sequential scan: none, one, some, many, all; by names of functions and by operators; at all settings
SELECT recall, metric, array_agg(beyond('w', format('%s_within(v, %L, %L)', metric, q, r), rank) ORDER BY rank) AS function,
       array_agg(beyond('w', format('v @%s vector_ball(%L, %L)', operator_of(metric), q, r), rank) ORDER BY rank) AS operator
    FROM unnest(ARRAY['0.5', '1']) recall, unnest(ARRAY['l2', 'cosine', 'ip']) metric, unnest(ARRAY[0, 1, 7, 300, 3000]) rank,
         made_row(7001, 16, 40) q, set_config('vecidx.recall', recall, false),
         LATERAL (SELECT CASE rank WHEN 0 THEN radius('w', metric, q, 1) - 0.01 ELSE radius('w', metric, q, rank) END AS r) s
    GROUP BY recall, metric ORDER BY recall, metric;
RESET vecidx.recall;
SELECT metric, found('w', format('%s_within(v, %L, ''Infinity'')', metric, q)) AS infinity,
       found('w', format('%s_within(v, %L, ''-Infinity'')', metric, q)) AS minus_infinity,
       found('w', format('%s_within(v, %L, ''NaN'')', metric, q)) AS nan
    FROM unnest(ARRAY['l2', 'cosine', 'ip']) metric, made_row(7001, 16, 40) q ORDER BY metric;
SELECT metric, count(*) FILTER (WHERE found('w', format('%s_within(v, %L, %L)', metric, q, radius('w', metric, q, 1 + i * 7))) ~ '[^0-9]') AS different
    FROM unnest(ARRAY['l2', 'cosine', 'ip']) metric, generate_series(1, 30) i, made_row(8000 + i, 16, 40) q GROUP BY metric ORDER BY metric;
-- several conditions
SELECT found('w', format('l2_within(v, %L, %L) AND l2_within(v, %L, %L)', a, radius('w', 'l2', a, 2500), b, radius('w', 'l2', b, 2500)))::int > 1000 AS two,
       found('w', format('l2_within(v, %L, %L) AND l2_within(v, %L, %L) AND l2_within(v, %L, %L)', a, radius('w', 'l2', a, 4000), b,
             radius('w', 'l2', b, 3000), a + b, radius('w', 'l2', a + b, 4000)))::int > 1000 AS three,
       found('w', format('l2_within(v, %L, 0.1) AND l2_within(v, %L, 0.1)', a, b)) AS none
    FROM made_row(1, 16, 40) a, made_row(2, 16, 40) b;
-- centers that no code can hold, zero, equal to rows
SELECT metric, left(q::text, 9) AS center, r, found('w', format('%s_within(v, %L, %L)', metric, q, r)) ~ '^[0-9]+$' AS same
    FROM unnest(ARRAY['l2', 'cosine', 'ip']) metric, unnest(ARRAY[array_fill(3e38, ARRAY[16])::vector, array_fill(0, ARRAY[16])::vector,
         array_fill(1e-30, ARRAY[16])::vector]) q, unnest(ARRAY[0, 1, 'Infinity']::float8[]) r ORDER BY 1, 2, 3;
SELECT id, found('w', format('l2_within(v, %L, 0)', v)) FROM w WHERE id IN (1, 5999);

-- together with an order, by the same vector or another one
SET enable_seqscan = off;
SET enable_sort = off;
SET enable_bitmapscan = off;
SELECT recall, metric, rank, (SELECT array_agg(coalesce(l::text, 'all') || ': ' || same_order('w', format('v %s %L', operator_of(metric), o), l, format('%s_within(v, %L, %L)', metric, q, r)))
                        FROM unnest(ARRAY[1, 10, NULL]) l) AS same
    FROM (VALUES ('1')) x(recall), unnest(ARRAY['l2', 'cosine', 'ip']) metric, unnest(ARRAY[4, 200, 4000]) rank,
         made_row(7001, 16, 40) q, set_config('vecidx.recall', recall, false), LATERAL (SELECT radius('w', metric, q, rank) AS r) s,
         LATERAL (SELECT CASE WHEN rank = 200 THEN made_row(7002, 16, 40) ELSE q END AS o) t
    ORDER BY metric, rank;
-- below 1 an order may miss a row, a condition does not: all of them without a limit, as many as there are with one
SET vecidx.recall = 0.5;
CREATE TABLE conditions AS SELECT rank, q, radius('w', 'l2', q, rank) AS r FROM unnest(ARRAY[4, 200, 4000]) rank, made_row(7001, 16, 40) q;
SELECT plan_of('SELECT FROM conditions, LATERAL (SELECT id FROM w WHERE l2_within(v, q, r) ORDER BY v <-> made_row(7002, 16, 40) LIMIT 9) s');
SELECT rank, count(*), count(DISTINCT id), bool_and(v <-> q <= r) AS within FROM conditions,
    LATERAL (SELECT id, v FROM w WHERE l2_within(v, q, r) ORDER BY v <-> made_row(7002, 16, 40)) s GROUP BY rank ORDER BY rank;
SELECT rank, count(*) FROM conditions,
    LATERAL (SELECT id FROM w WHERE l2_within(v, q, r) AND kind < 5 ORDER BY v <-> made_row(7002, 16, 40) LIMIT 50) s
    GROUP BY rank ORDER BY rank;
RESET vecidx.recall;
-- an order without a direction
SELECT count(*), count(DISTINCT id) FROM (SELECT id FROM w WHERE l2_within(v, made_row(7001, 16, 40), (SELECT radius('w', 'l2', made_row(7001, 16, 40), 200)))
    ORDER BY v <-> (SELECT NULL::vector)) s;

-- nested loops, with new conditions for each outer row, NULLs among them
CREATE TABLE q AS SELECT i AS id, made_row(9000 + i, 16, 40) AS v, 0.6 + i / 50.0 AS r FROM generate_series(1, 40) i;
INSERT INTO q VALUES (41, NULL, 1), (42, made_row(1, 16, 40), NULL), (43, made_row(1, 16, 40), 'NaN');
ANALYZE q;
SELECT plan_of('SELECT q.id, w.id FROM q JOIN w ON l2_within(w.v, q.v, q.r)');
CREATE TABLE pairs AS SELECT q.id AS q, w.id AS w FROM q JOIN w ON l2_within(w.v, q.v, q.r);
SET enable_indexscan = off;
SET enable_seqscan = on;
SELECT count(*) > 100 AS many, count(*) FILTER (WHERE b.w IS NULL) AS missing, (SELECT count(*) FROM pairs) = count(*) AS as_many
    FROM (SELECT q.id AS q, w.id AS w FROM q JOIN w ON l2_within(w.v, q.v, q.r)) a LEFT JOIN pairs b USING (q, w);
RESET enable_indexscan;
SELECT count(*) = (SELECT count(DISTINCT q) FROM pairs) AS as_many FROM q WHERE EXISTS (SELECT FROM w WHERE l2_within(w.v, q.v, q.r));
EXECUTE within(NULL, 1);
EXECUTE within('[1,2]', NULL);
EXECUTE within('[1,2]', 1);
RESET plan_cache_mode;
RESET enable_seqscan;
RESET enable_sort;
RESET enable_bitmapscan;

CREATE FUNCTION rest_of(c refcursor) RETURNS int LANGUAGE plpgsql AS $$
DECLARE n int := 0; id int;
BEGIN
    LOOP
        FETCH c INTO id;
        EXIT WHEN NOT FOUND;
        n := n + 1;
    END LOOP;
    RETURN n;
END $$;
-- a cursor among writes, then updates, deletes by the condition itself, inserts, VACUUM
SELECT radius('w', 'l2', made_row(7001, 16, 40), 300) AS r \gset
BEGIN;
DECLARE c CURSOR FOR SELECT id FROM w WHERE l2_within(v, made_row(7001, 16, 40), :r);
FETCH 1 FROM c \gset first_
DELETE FROM w WHERE l2_within(v, made_row(7001, 16, 40), :r) AND kind < 5;
SELECT rest_of('c');
SELECT count(*) FROM w WHERE l2_within(v, made_row(7001, 16, 40), :r) AND kind < 5;
ROLLBACK;
UPDATE w SET v = made_row(id + 20000, 16, 40) WHERE l2_within(v, made_row(7001, 16, 40), :r) AND kind = 1;
DELETE FROM w WHERE cosine_within(v, made_row(7003, 16, 40), (SELECT radius('w', 'cosine', made_row(7003, 16, 40), 500)));
SELECT count(*) FROM w;
INSERT INTO w SELECT i, i % 10, made_row(i, 16, 60) FROM generate_series(10001, 14000) i;
VACUUM w;
INSERT INTO w SELECT i, i % 10, made_row(i, 16, 60) FROM generate_series(14001, 15000) i;
SELECT metric, array_agg(beyond('w', format('%s_within(v, %L, %L)', metric, q, radius('w', metric, q, rank)), rank) ORDER BY rank)
    FROM unnest(ARRAY['l2', 'cosine', 'ip']) metric, unnest(ARRAY[1, 50, 2000]) rank, made_row(7005, 16, 60) q GROUP BY metric ORDER BY metric;
SELECT vecidx_check(c, true) FROM unnest(ARRAY['w_l2', 'w_cosine', 'w_ip']::regclass[]) c;

-- an index without a tree, an empty one, one on an expression, a partial one, partitions
CREATE TABLE few (id int, v vector(5));
CREATE INDEX few_v ON few USING vecidx (v);
SELECT found('few', 'l2_within(v, ''[1,2,3,4,5]'', 1)');
INSERT INTO few SELECT i, made_vector(i, 5) FROM generate_series(1, 500) i;
SELECT found('few', format('l2_within(v, made_vector(9, 5), %L)', radius('few', 'l2', made_vector(9, 5), rank))) FROM unnest(ARRAY[1, 20, 500]) rank;
CREATE INDEX few_part ON few USING vecidx ((subvector(v, 1, 2)::vector(2)) vector_ip_ops) WHERE id > 100;
SELECT found('few', 'ip_within(subvector(v, 1, 2)::vector(2), ''[1,2]'', -1) AND id > 100') ~ '^[0-9]+$' AS same;
CREATE TABLE parts (id int, v vector(5)) PARTITION BY RANGE (id);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (200);
CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM (200) TO (9000);
INSERT INTO parts SELECT * FROM few;
CREATE INDEX ON parts USING vecidx (v);
SELECT found('parts', 'l2_within(v, made_vector(9, 5), 0.7)') = found('few', 'l2_within(v, made_vector(9, 5), 0.7)') AS same;

-- the filter on the expression that rows are ordered by: the scan ends at the radius, and the rows are the same
CREATE FUNCTION pages_by(condition text) RETURNS int LANGUAGE sql
    RETURN pages_of('SELECT id FROM w WHERE ' || condition || ' ORDER BY v <-> made_row(7001, 16, 40) LIMIT 100');
SET enable_seqscan = off;
SET enable_sort = off;
SELECT pages_by('(v <-> made_row(7001, 16, 40)) * 1 < 0.3') AS unseen \gset
SELECT c, pages_by(c) < :unseen / 4 AS fewer FROM unnest(ARRAY['v <-> made_row(7001, 16, 40) < 0.3', 'v <-> made_row(7001, 16, 40) <= 0.3',
    '0.3 > v <-> made_row(7001, 16, 40)', '0.3 >= made_row(7001, 16, 40) <-> v', 'kind >= 0 AND v <-> made_row(7001, 16, 40) < 0.3',
    'v <-> made_row(7001, 16, 40) < 30 AND v <-> made_row(7001, 16, 40) < 0.3']) c;
-- other filters are not taken for one
SELECT c, same_order('w', format('v <-> %L', made_row(7001, 16, 40)), 100, c) FROM unnest(ARRAY['v <-> made_row(7001, 16, 40) > 1.3', 'v <-> made_row(7002, 16, 40) < 1.8',
    'v <=> made_row(7001, 16, 40) < 0.3', 'v <-> made_row(7001, 16, 40) < id', 'made_row(7001, 16, 40) <-> v > 1']) c;
SELECT recall, rank, (SELECT count(*) FROM (SELECT FROM w WHERE v <-> made_row(7001, 16, 40) <= r ORDER BY v <-> made_row(7001, 16, 40)) s) AS rows
    FROM unnest(ARRAY['0.5', '1']) recall, unnest(ARRAY[1, 30, 3000]) rank, set_config('vecidx.recall', recall, false),
         radius('w', 'l2', made_row(7001, 16, 40), rank) r ORDER BY recall, rank;
PREPARE below(float8, int) AS SELECT count(*) FROM (SELECT FROM w WHERE v <-> made_row(7001, 16, 40) < $1 ORDER BY v <-> made_row(7001, 16, 40) LIMIT $2) s;
SELECT radius('w', 'l2', made_row(7001, 16, 40), 31) AS r \gset
SET plan_cache_mode = force_generic_plan;
EXECUTE below(:r, 100);
EXECUTE below(:r, 5);
EXECUTE below(NULL, 5);
EXECUTE below('NaN', 5);
EXECUTE below('Infinity', 5);
RESET plan_cache_mode;
SELECT same_order('w', format('v <=> %L', made_row(7001, 16, 40)), 60, format('v <=> %L < 0.05', made_row(7001, 16, 40))),
       same_order('w', format('v <#> %L', made_row(7001, 16, 40)), 60, format('v <#> %L < -1', made_row(7001, 16, 40)));
RESET vecidx.recall;
RESET enable_seqscan;
RESET enable_sort;

-- the planner: few rows by the index, most of them by reading the table, however wide the vectors
CREATE FUNCTION node_of(statement text) RETURNS text LANGUAGE sql
    RETURN (SELECT CASE WHEN string_agg(p, ' ') ~ 'Index Scan' THEN 'index' ELSE 'table' END FROM plan_of(statement) p);
CREATE FUNCTION estimated(statement text) RETURNS int LANGUAGE plpgsql AS $$
DECLARE line text;
BEGIN
    FOR line IN EXECUTE 'EXPLAIN ' || statement LOOP
        RETURN substring(line FROM 'rows=([0-9]+)');
    END LOOP;
END $$;
ANALYZE w;
SELECT rank, node_of(s) AS scan, CASE WHEN rank < 100 THEN estimated(s) < 200 ELSE abs(estimated(s) - rank) < 2000 END AS estimated FROM unnest(ARRAY[1, 30, 9000, 10500]) rank,
    format('SELECT id FROM w WHERE l2_within(v, %L, %L)', made_row(7001, 16, 40), radius('w', 'l2', made_row(7001, 16, 40), rank)) s;
SELECT node_of('SELECT count(*) FROM w') AS all_rows;
CREATE TABLE wide (id int, kind int, v vector(300));
CREATE INDEX ON wide USING vecidx (v vector_cosine_ops);
ANALYZE wide;
INSERT INTO wide SELECT i, i % 2, CASE WHEN i % 5 > 0 THEN made_vector(i, 300) END FROM generate_series(1, 1000) i;
SELECT node_of('SELECT id FROM wide WHERE cosine_within(v, made_vector(1, 300), 0.1)') AS unknown;
ANALYZE wide;
SELECT r, node_of(s), CASE WHEN r < 1 THEN estimated(s) < 50 ELSE estimated(s) > 750 END AS estimated FROM unnest(ARRAY[0.1, 3]) r, format('SELECT id FROM wide WHERE cosine_within(v, made_vector(1, 300), %L)', r) s;
SELECT r, estimated(format('SELECT id FROM wide WHERE v @<=> vector_ball(made_vector(1, 300), %L)', r)) < 50 AS few FROM unnest(ARRAY[0.1, 3, 'NaN']::float8[]) r;
SELECT estimated('SELECT id FROM wide WHERE cosine_within(v, ''[1,2]'', 1)') AS other_dimension,
       estimated('SELECT id FROM wide WHERE cosine_within((SELECT v LIMIT 1), v, kind)') AS unknown;
UPDATE wide SET v = NULL;
ANALYZE wide;
SELECT estimated('SELECT id FROM wide WHERE cosine_within(v, made_vector(1, 300), 3)') AS nulls;
DEALLOCATE ALL;
DROP TABLE w, q, pairs, few, parts, conditions, wide;
DROP FUNCTION beyond, found, operator_of, radius(regclass, text, vector, int), pages_by, rest_of, node_of, estimated;
