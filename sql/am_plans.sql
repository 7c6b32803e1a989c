-- Scans inside larger plans: filters, cursors, nested loops, subqueries, prepared statements, partial and expression
-- indexes, partitions. The result must be that of a sequential scan wherever recall is 1.
SET vecidx.recall = 1;
CREATE TABLE a (id int PRIMARY KEY, kind int, v vector(12));
INSERT INTO a SELECT i, i % 7, made_row(i, 12, 30) FROM generate_series(1, 6000) i;
INSERT INTO a VALUES (6001, 1, NULL), (6002, 2, array_fill(0, ARRAY[12])::vector);
CREATE INDEX a_v ON a USING vecidx (v);
ANALYZE a;
SET enable_seqscan = off;
SET enable_bitmapscan = off;

-- filters: LIMIT is met however few rows qualify
SELECT plan_of('SELECT id FROM a WHERE kind = 3 ORDER BY v <-> made_row(1, 12, 30) LIMIT 10');
SELECT c, same_order('a', format('v <-> %L', made_row(7000, 12, 30)), 10, c)
    FROM unnest(ARRAY['kind = 3', 'id % 500 = 0', 'id % 2999 = 0', 'v IS NULL', 'id < 0', 'v <-> ''[1,1,1,1,1,1,1,1,1,1,1,1]'' < 3']) c;

-- a cursor, and a cursor that goes on after others ran
BEGIN;
DECLARE c CURSOR FOR SELECT id FROM a ORDER BY v <-> made_row(2, 12, 30) LIMIT 5000;
FETCH 3 FROM c;
SELECT count(*) FROM (SELECT id FROM a ORDER BY v <-> made_row(3, 12, 30) LIMIT 70) s;
INSERT INTO a SELECT 10000 + i, 0, made_row(2, 12, 30) FROM generate_series(1, 100) i;
FETCH 3 FROM c;
MOVE 4000 FROM c;
DELETE FROM a WHERE id > 10000;
FETCH 1 FROM c;
DECLARE d SCROLL CURSOR FOR SELECT id FROM a ORDER BY v <-> made_row(2, 12, 30);
FETCH 2 FROM d;
FETCH BACKWARD 1 FROM d;
FETCH LAST FROM d;
CLOSE c;
COMMIT;
BEGIN;
DECLARE h CURSOR WITH HOLD FOR SELECT id FROM a ORDER BY v <-> made_row(2, 12, 30) LIMIT 3;
COMMIT;
FETCH ALL FROM h;
CLOSE h;

-- nested loops: one scan for each outer row
SELECT plan_of('SELECT o.id, n.id FROM (SELECT * FROM a WHERE id <= 3) o, LATERAL (SELECT id FROM a ORDER BY a.v <-> o.v LIMIT 2) n');
SELECT count(*), count(*) FILTER (WHERE o.id = n.id AND n.d = 0) AS itself
    FROM (SELECT * FROM a WHERE id <= 300) o, LATERAL (SELECT id, v <-> o.v AS d FROM a ORDER BY a.v <-> o.v LIMIT 2) n;
SELECT o.id, count(n.id) FROM (SELECT * FROM a WHERE id > 5999) o LEFT JOIN LATERAL
    (SELECT id FROM a ORDER BY a.v <-> o.v LIMIT 4) n ON true GROUP BY o.id ORDER BY o.id;
SELECT (SELECT id FROM a ORDER BY v <-> made_row(q, 12, 30) LIMIT 1) = q AS found FROM generate_series(10, 14) q;

-- LIMIT is seen where it stands above the scan, and makes it one pass instead of several
RESET vecidx.recall;
-- the first one reads the root for those that follow
SELECT pages_of('SELECT id FROM a ORDER BY v <-> made_row(1, 12, 30) LIMIT (SELECT 320)') AS unknown \gset
SELECT pages_of('SELECT id FROM a ORDER BY v <-> made_row(1, 12, 30) LIMIT (SELECT 320)') AS unknown \gset
SELECT l, pages_of('SELECT id FROM a ORDER BY v <-> made_row(1, 12, 30) ' || l) < :unknown AS fewer
    FROM unnest(ARRAY['LIMIT 320', 'LIMIT 20 OFFSET 300', 'FETCH FIRST 320 ROWS ONLY',
                      'LIMIT (SELECT 320)']) l;
PREPARE limited(int) AS SELECT id FROM a ORDER BY v <-> made_row(1, 12, 30) LIMIT $1;
SET plan_cache_mode = force_generic_plan;
SELECT pages_of('EXECUTE limited(320)') < :unknown AS fewer;
SELECT pages_of('SELECT * FROM (SELECT id, v FROM a UNION ALL SELECT id, v FROM a) s ORDER BY v <-> made_row(1, 12, 30) LIMIT 320')
    < 2 * :unknown AS fewer;
RESET plan_cache_mode;
SET vecidx.recall = 1;

-- LIMIT as constant, parameter, expression, subquery; OFFSET; WITH TIES; FOR UPDATE; Append
PREPARE byparam(vector, int, bigint) AS SELECT count(*), max(id) FROM (SELECT id FROM a ORDER BY v <-> $1 LIMIT $2 OFFSET $3) s;
SET plan_cache_mode = force_generic_plan;
EXECUTE byparam(made_row(5, 12, 30), 10, 0);
EXECUTE byparam(made_row(5, 12, 30), 10, 5);
EXECUTE byparam(made_row(5, 12, 30), NULL, 0);
EXECUTE byparam(made_row(5, 12, 30), 0, 0);
SELECT count(*) FROM (SELECT id FROM a ORDER BY v <-> (SELECT NULL::vector) LIMIT 3) s;
SET plan_cache_mode = force_custom_plan;
EXECUTE byparam(made_row(5, 12, 30), 10, 0);
EXECUTE byparam(made_row(5, 12, 30), 10, 5);
SELECT plan_of('EXECUTE byparam(made_row(5, 12, 30), 1, 1)');
RESET plan_cache_mode;
SELECT count(*), max(id) FROM (SELECT id FROM a ORDER BY v <-> made_row(5, 12, 30) LIMIT (SELECT 10)) s;
SELECT count(*) FROM (SELECT id FROM a ORDER BY v <-> made_row(5, 12, 30) OFFSET 6000) s;
SELECT id FROM a ORDER BY v <-> made_row(5, 12, 30) FETCH FIRST 1 ROWS WITH TIES;
SELECT id FROM a ORDER BY v <-> made_row(5, 12, 30) LIMIT 1 FOR UPDATE;
SELECT count(*), max(d) FROM (SELECT v <-> made_row(5, 12, 30) AS d FROM a
    UNION ALL SELECT v <-> made_row(5, 12, 30) FROM a ORDER BY 1 LIMIT 20) s;
SELECT id FROM a ORDER BY v <-> made_row(5, 12, 30), id LIMIT 1;
DO $$
DECLARE n int := 3; r record; total int := 0;
BEGIN
    FOR r IN SELECT id FROM a ORDER BY v <-> made_row(5, 12, 30) LIMIT n LOOP
        total := total + (SELECT count(*) FROM (SELECT id FROM a ORDER BY v <-> made_row(r.id, 12, 30) LIMIT n + 1) s);
    END LOOP;
    RAISE NOTICE 'found %', total;
END $$;

-- errors in the middle leave nothing behind
\set VERBOSITY terse
SELECT 1 / (id - 5) FROM a ORDER BY v <-> made_row(5, 12, 30) LIMIT 3;
BEGIN;
SAVEPOINT s;
SELECT 1 / (id - 5) FROM a ORDER BY v <-> made_row(5, 12, 30) LIMIT 3;
ROLLBACK TO s;
SELECT id FROM a ORDER BY v <-> made_row(5, 12, 30) LIMIT 1;
COMMIT;
\set VERBOSITY default

-- partial and expression indexes
CREATE INDEX a_partial ON a USING vecidx (v vector_ip_ops) WHERE kind = 2;
SELECT rows FROM vecidx_info('a_partial');
SELECT same_order('a', format('v <#> %L', made_row(7001, 12, 30)), 10, 'kind = 2'),
       same_order('a', format('v <#> %L', made_row(7001, 12, 30)), 10, 'kind = 3');
SELECT plan_of('SELECT count(*) FROM a WHERE kind = 2') ~ 'a_partial' AS unordered LIMIT 1;
CREATE INDEX a_expression ON a USING vecidx ((subvector(v, 1, 4)::vector(4)) vector_cosine_ops);
SELECT same_order('a', format('(subvector(v, 1, 4)::vector(4)) <=> %L', made_vector(7, 4)), 10);
INSERT INTO a SELECT i, i % 7, made_row(i, 12, 30) FROM generate_series(6003, 6500) i;
SELECT same_order('a', format('(subvector(v, 1, 4)::vector(4)) <=> %L', made_vector(8, 4)), 10),
       same_order('a', format('v <#> %L', made_row(7002, 12, 30)), 10, 'kind = 2');
SELECT relname, vecidx_check(oid, true) FROM pg_class WHERE relname ~ '^a_' AND relam = (SELECT oid FROM pg_am WHERE amname = 'vecidx')
    ORDER BY 1;

-- partitions are merged in order
CREATE TABLE parts (id int, v vector(12)) PARTITION BY RANGE (id);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (2000);
CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM (2000) TO (9000);
INSERT INTO parts SELECT id, v FROM a;
CREATE INDEX parts_v ON parts USING vecidx (v);
ANALYZE parts;
SELECT plan_of('SELECT id FROM parts ORDER BY v <-> made_row(5, 12, 30) LIMIT 3');
SELECT array_agg(id) = (SELECT array_agg(id) FROM (SELECT id FROM a ORDER BY v <-> made_row(5, 12, 30) LIMIT 50) s) AS same
    FROM (SELECT id FROM parts ORDER BY v <-> made_row(5, 12, 30) LIMIT 50) s;
DROP TABLE a, parts;
