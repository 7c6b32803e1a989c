-- Annoy's own introduction: 1,000 vectors of 40 equal numbers. All spreads are equal; under cosine all directions are,
-- and item 0 is the zero vector. The neighbours of item 0 are 0 to 9, 0.0632456 apart.
CREATE TABLE reference AS SELECT i AS id, array_fill(0.01 * i, ARRAY[40])::vector(40) AS v FROM generate_series(0, 999) i;
CREATE INDEX reference_l2 ON reference USING vecidx (v);
CREATE INDEX reference_cosine ON reference USING vecidx (v vector_cosine_ops);
CREATE INDEX reference_ip ON reference USING vecidx (v vector_ip_ops);
SET enable_seqscan = off;
SET enable_sort = off;
SELECT id, round((v <-> (SELECT v FROM reference WHERE id = 0))::numeric, 6) FROM reference
    ORDER BY v <-> array_fill(0, ARRAY[40])::vector LIMIT 10;
SELECT id FROM reference ORDER BY v <#> array_fill(1, ARRAY[40])::vector LIMIT 10;
SELECT count(*), count(DISTINCT id), min(n) FILTER (WHERE id = 0) AS zero_at FROM
    (SELECT id, row_number() OVER () AS n FROM (SELECT id FROM reference ORDER BY v <=> array_fill(1, ARRAY[40])::vector) s) t;
SET vecidx.recall = 1;
SELECT op, same_order('reference', format('v %s %L', op, array_fill(0.01 * i, ARRAY[40])::vector)) AS all
    FROM unnest(ARRAY['<->', '<=>', '<#>']) op, unnest(ARRAY[1, 500]) i;
RESET vecidx.recall;

-- the same in a tree
INSERT INTO reference SELECT 1000 + i, array_fill(0.01 * i, ARRAY[40])::vector FROM generate_series(0, 9999) i;
REINDEX TABLE reference;
SELECT relname, tree FROM pg_class, vecidx_info(oid) WHERE relname ~ '^reference_' ORDER BY 1;
SELECT array_agg(id % 1000 ORDER BY n) FROM
    (SELECT id, row_number() OVER () AS n FROM
        (SELECT id FROM reference ORDER BY v <-> array_fill(0, ARRAY[40])::vector LIMIT 10) s) t;
SELECT id FROM reference ORDER BY v <#> array_fill(1, ARRAY[40])::vector LIMIT 3;
SELECT count(*), count(DISTINCT id) FROM (SELECT id FROM reference ORDER BY v <=> array_fill(1, ARRAY[40])::vector) s;
SET vecidx.recall = 1;
SELECT op, same_order('reference', format('v %s %L', op, array_fill(0.01 * i, ARRAY[40])::vector)) AS all
    FROM unnest(ARRAY['<->', '<=>', '<#>']) op, unnest(ARRAY[1, 5000]) i;
RESET vecidx.recall;
SELECT vecidx_check(oid, true) FROM pg_class WHERE relname ~ '^reference_';

-- all rows equal
CREATE TABLE equal AS SELECT i AS id, '[1,2,3]'::vector(3) AS v FROM generate_series(1, 9000) i;
CREATE INDEX equal_v ON equal USING vecidx (v);
SELECT count(*), count(DISTINCT id), max(d) FROM (SELECT id, v <-> '[1,2,3]' AS d FROM equal ORDER BY v <-> '[1,2,3]') s;
SELECT count(*) FROM (SELECT id FROM equal ORDER BY v <-> '[4,2,3]' LIMIT 10) s;
SELECT vecidx_check('equal_v', true);
DROP TABLE reference, equal;
