-- Scans of a raw index and of a tree, exact and approximate: order, completeness, NULL and zero vectors.
CREATE TABLE small (id int, v vector(8));
INSERT INTO small SELECT i, made_vector(i, 8) FROM generate_series(1, 500) i;
INSERT INTO small SELECT 500 + i, made_vector(7, 8) FROM generate_series(1, 20) i; -- ties
INSERT INTO small VALUES (1001, NULL), (1002, NULL), (1003, array_fill(0, ARRAY[8])::vector);
CREATE INDEX small_l2 ON small USING vecidx (v);
CREATE INDEX small_cosine ON small USING vecidx (v vector_cosine_ops);
CREATE INDEX small_ip ON small USING vecidx (v vector_ip_ops);

CREATE TABLE large (id int, v vector(24));
INSERT INTO large SELECT i, made_row(i, 24, 50) FROM generate_series(1, 8000) i;
INSERT INTO large SELECT 8000 + i, made_row(77, 24, 50) FROM generate_series(1, 50) i;
INSERT INTO large SELECT 9000 + i, CASE WHEN i % 2 = 0 THEN array_fill(0, ARRAY[24])::vector END
    FROM generate_series(1, 6) i;
CREATE INDEX large_l2 ON large USING vecidx (v);
CREATE INDEX large_cosine ON large USING vecidx (v vector_cosine_ops);
CREATE INDEX large_ip ON large USING vecidx (v vector_ip_ops);
SELECT relname, tree, levels, rows, dead_rows FROM pg_class, vecidx_info(oid) WHERE relname ~ '^(small|large)_'
    ORDER BY relname;

-- a raw index is exact at every setting; so is a tree at recall 1
SET vecidx.recall = 0.5;
SELECT op, same_order('small', format('v %s %L', op, made_vector(9000, 8)), 20) AS top,
       same_order('small', format('v %s %L', op, made_vector(7, 8)), 30) AS ties,
       same_order('small', format('v %s %L', op, made_vector(9001, 8))) AS all
    FROM unnest(ARRAY['<->', '<=>', '<#>']) op;
SET vecidx.recall = 1;
SELECT op, same_order('large', format('v %s %L', op, made_row(9000, 24, 50)), 20) AS top,
       same_order('large', format('v %s %L', op, made_row(77, 24, 50)), 60) AS ties,
       same_order('large', format('v %s %L', op, made_row(9001, 24, 50))) AS all
    FROM unnest(ARRAY['<->', '<=>', '<#>']) op;
SELECT op, count(*) FILTER (WHERE same <> 'yes') AS different
    FROM unnest(ARRAY['<->', '<=>', '<#>']) op, generate_series(10001, 10040) i,
         same_order('large', format('v %s %L', op, made_row(i, 24, 50)), 10) same
    GROUP BY op ORDER BY op;

-- below 1 the dial holds what it promises, and a scan read to its end returns every row once, the late ones last
RESET vecidx.recall;
SELECT op, measured_recall('large', 'v', op, 24, 10, int4range(20000, 20050)) >= 0.94 AS recalled
    FROM unnest(ARRAY['<->', '<=>', '<#>']) op;
SET enable_seqscan = off;
SET enable_sort = off;
SELECT count(*), count(DISTINCT id), (array_agg(v IS NULL ORDER BY n DESC))[1:4] AS last
    FROM (SELECT id, v, row_number() OVER () AS n FROM (SELECT * FROM large ORDER BY v <-> made_row(1, 24, 50)) s) t;
SELECT count(*), count(DISTINCT id), array_agg(id > 9000 AND v IS NOT NULL ORDER BY n DESC) FILTER (WHERE n > 8050) AS zero
    FROM (SELECT id, v, row_number() OVER () AS n FROM (SELECT * FROM large ORDER BY v <=> made_row(1, 24, 50)) s) t;
SELECT count(*), count(DISTINCT id), (array_agg(v IS NULL ORDER BY n DESC))[1:4] AS last
    FROM (SELECT id, v, row_number() OVER () AS n FROM (SELECT * FROM large ORDER BY v <#> made_row(1, 24, 50)) s) t;

-- a NULL query and, under cosine, a zero query: every row, in any order
SELECT count(*), count(DISTINCT id) FROM (SELECT id FROM large ORDER BY v <-> (SELECT NULL::vector)) s;
SELECT count(*), count(DISTINCT id) FROM (SELECT id FROM large ORDER BY v <=> (SELECT NULL::vector)) s;
SELECT count(*), count(DISTINCT id) FROM (SELECT id FROM large ORDER BY v <=> array_fill(0, ARRAY[24])::vector) s;
SELECT count(*), count(DISTINCT id) FROM (SELECT id FROM small ORDER BY v <=> array_fill(0, ARRAY[8])::vector) s;
SELECT bool_or(p ~ 'Index Scan using large_cosine') AS by_index
    FROM plan_of('SELECT id FROM large ORDER BY v <=> (SELECT NULL::vector) LIMIT 1') p;
SET vecidx.recall = 1;
SELECT same_order('large', format('v <-> %L', array_fill(0, ARRAY[24])::vector), 100);
SELECT same_order('large', format('v <#> %L', array_fill(0, ARRAY[24])::vector), 100);
RESET vecidx.recall;

-- a second ordering expression settles ties of the first
SELECT plan_of(format('SELECT id FROM small ORDER BY v <-> %1$L, v <-> %2$L LIMIT 5', made_vector(1, 8), made_vector(2, 8)));
CREATE TABLE pairs AS SELECT i AS id, ('[' || i / 10 || ',' || i % 10 || ']')::vector(2) AS v FROM generate_series(0, 99) i;
CREATE INDEX ON pairs USING vecidx (v);
SELECT array_agg(id) FROM (SELECT id FROM pairs ORDER BY v <-> '[3,3]', v <-> '[9,8]' LIMIT 9) s;
RESET enable_seqscan;
RESET enable_sort;
SELECT array_agg(id) FROM (SELECT id FROM pairs ORDER BY (v <-> '[3,3]') + 0, v <-> '[9,8]' LIMIT 9) s;
SET enable_seqscan = off;
SET enable_sort = off;

-- near duplicates: the one nearest row is found among them, although their distances are below what scan codes tell apart
CREATE TABLE alike (id int, v vector(64));
INSERT INTO alike SELECT i, made_vector(-1 - i % 1000, 64) + made_vector(i, 64, 0.02) FROM generate_series(1, 8000) i;
CREATE INDEX ON alike USING vecidx (v);
SELECT count(*) >= 95 AS found FROM (SELECT v FROM alike WHERE id <= 100) q,
    LATERAL (SELECT v <-> q.v AS d FROM alike ORDER BY v <-> q.v LIMIT 1) s WHERE d = 0;
DROP TABLE alike;

-- the index is empty, then holds one row
CREATE TABLE nothing (v vector(3));
CREATE INDEX ON nothing USING vecidx (v vector_cosine_ops);
SELECT * FROM nothing ORDER BY v <=> '[1,2,3]' LIMIT 5;
INSERT INTO nothing VALUES ('[1,2,3]');
SELECT v, v <=> '[1,2,3]' AS d FROM nothing ORDER BY v <=> '[1,2,3]' LIMIT 5;

-- extreme values: too large for codes, denormal, infinite distances
CREATE TABLE extreme (id int, v vector(4));
INSERT INTO extreme VALUES (1, '[3e38,3e38,3e38,3e38]'), (2, '[-3e38,0,0,0]'), (3, '[1e-45,0,0,0]'), (4, '[1e-40,1e-40,0,0]'),
    (5, '[1e20,1,1,1]'), (6, '[0,0,0,0]'), (7, '[1,1,1,1]'), (8, '[1e16,1e16,1e16,1e16]'), (9, NULL);
INSERT INTO extreme SELECT 100 + i, made_vector(i, 4) FROM generate_series(1, 6000) i;
CREATE INDEX ON extreme USING vecidx (v);
CREATE INDEX ON extreme USING vecidx (v vector_cosine_ops);
CREATE INDEX ON extreme USING vecidx (v vector_ip_ops);
SET vecidx.recall = 1;
SELECT op, q, same_order('extreme', format('v %s %L', op, q), 50) AS top, same_order('extreme', format('v %s %L', op, q)) AS all
    FROM unnest(ARRAY['<->', '<#>', '<=>']) op,
         unnest(ARRAY['[1,1,1,1]', '[3e38,3e38,3e38,3e38]', '[1e-45,0,0,0]', '[1e20,1,0,0]', '[-1e16,0,1,0]']) q
    ORDER BY op, q;
RESET vecidx.recall;
SELECT count(*), count(DISTINCT id) FROM (SELECT id FROM extreme ORDER BY v <-> '[1,1,1,1]') s;
SELECT vecidx_check(indexrelid, true) FROM pg_index JOIN pg_class ON oid = indrelid
    WHERE relname IN ('small', 'large', 'pairs', 'nothing', 'extreme') ORDER BY indexrelid;
DROP TABLE small, large, pairs, nothing, extreme;
