-- Range search beside a sequential scan, in a database with vecidx: psql -X -f bench/range.sql
-- 100,000 vectors of 100 dimensions in 1,000 clusters. For radii that hold so many rows: median milliseconds of fifteen
-- runs (planning included) of what the planner chooses, of the index by plain and by bitmap scans, and of reading the table.
\set ON_ERROR_STOP on
SET client_min_messages = warning;
CREATE SCHEMA range_bench;
SET search_path = range_bench, public;
SET max_parallel_workers_per_gather = 0;
SELECT setseed(0.5) \g /dev/null
CREATE FUNCTION normal_vector(deviation float8, seed int) RETURNS vector LANGUAGE sql VOLATILE
    RETURN (SELECT array_agg(deviation * sqrt(-2 * ln(1 - random())) * cos(2 * pi() * random()))::vector
            FROM generate_series(1, 100) j WHERE seed IS NOT NULL);
CREATE TABLE centers AS SELECT c, normal_vector(1, c) AS v FROM generate_series(0, 999) c;
CREATE TABLE s (id int, v vector(100)) WITH (autovacuum_enabled = off);
INSERT INTO s SELECT i, centers.v + normal_vector(0.5, i) FROM generate_series(1, 100000) i JOIN centers ON c = i % 1000 ORDER BY i * 7919 % 100003;
CREATE INDEX s_v ON s USING vecidx (v);
VACUUM ANALYZE s;

CREATE TABLE queries AS SELECT n, q.v AS q, (SELECT d FROM (SELECT s.v <-> q.v AS d FROM s) t ORDER BY d OFFSET n - 1 LIMIT 1) AS r
    FROM (SELECT v FROM s WHERE id = 77) q, unnest(ARRAY[1, 100, 1000, 10000, 50000, 100000]) n;
CREATE FUNCTION milliseconds(statement text, way text, OUT rows bigint, OUT ms numeric, OUT node text) LANGUAGE plpgsql AS $$
DECLARE
    plan json;
    times float8[] := '{}';
BEGIN
    PERFORM set_config('enable_seqscan', CASE WHEN way IN ('table', 'chosen') THEN 'on' ELSE 'off' END, true),
            set_config('enable_indexscan', CASE WHEN way IN ('plain', 'chosen') THEN 'on' ELSE 'off' END, true),
            set_config('enable_bitmapscan', CASE WHEN way IN ('bitmap', 'chosen') THEN 'on' ELSE 'off' END, true);
    FOR i IN 1 .. 15 LOOP
        EXECUTE 'EXPLAIN (ANALYZE, TIMING OFF, FORMAT json) ' || statement INTO plan;
        times := times || (plan->0->>'Execution Time')::float8 + (plan->0->>'Planning Time')::float8;
    END LOOP;
    rows := (plan->0->'Plan'->>'Actual Rows')::float8;
    node := plan->0->'Plan'->>'Node Type';
    ms := round((SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY t) FROM unnest(times) t)::numeric, 2);
END $$;
SELECT rows, max(ms) FILTER (WHERE way = 'chosen') AS chosen, max(node) FILTER (WHERE way = 'chosen') AS by,
       max(ms) FILTER (WHERE way = 'plain') AS plain, max(ms) FILTER (WHERE way = 'bitmap') AS bitmap,
       max(ms) FILTER (WHERE way = 'table') AS table
    FROM queries, unnest(ARRAY['chosen', 'plain', 'bitmap', 'table']) way,
         milliseconds(format('SELECT id FROM s WHERE l2_within(v, %L, %L)', q, r), way) m
    GROUP BY rows ORDER BY rows;
DROP SCHEMA range_bench CASCADE;
