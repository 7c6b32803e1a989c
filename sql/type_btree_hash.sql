-- B-tree and hash operator classes: sorting, uniqueness, merge and hash joins, hash aggregates, hash indexes.
CREATE TABLE type_order (id int, v vector);
INSERT INTO type_order VALUES (1, '[1,2,3]'), (2, '[1,2]'), (3, '[0,5]'), (4, NULL), (5, '[-0,5]'), (6, '[1,2,3]'), (7, '[-1]');
SELECT id, v FROM type_order ORDER BY v, id;
SELECT id, v FROM type_order ORDER BY v DESC NULLS LAST, id;
CREATE INDEX type_order_btree ON type_order (v);
SET enable_seqscan = off;
SET enable_bitmapscan = off;
EXPLAIN (COSTS OFF) SELECT v FROM type_order WHERE v = '[1,2,3]' ORDER BY v;
SELECT id FROM type_order WHERE v = '[1,2,3]' ORDER BY id;
SELECT id FROM type_order WHERE v >= '[0,5]' AND v < '[1,2,3]' ORDER BY id;
SELECT id FROM type_order WHERE v IN ('[1,2]', '[0,5]', '[9]') ORDER BY id;
DROP INDEX type_order_btree;
CREATE INDEX type_order_hash ON type_order USING hash (v);
EXPLAIN (COSTS OFF) SELECT id FROM type_order WHERE v = '[0,5]';
SELECT id FROM type_order WHERE v = '[0,5]' ORDER BY id;
SELECT id FROM type_order WHERE v = '[1,2]' ORDER BY id;
DROP INDEX type_order_hash;
RESET ALL;
CREATE UNIQUE INDEX type_order_unique ON type_order (v) WHERE id IN (3, 7);
INSERT INTO type_order VALUES (3, '[-0,5]');
DROP INDEX type_order_unique;
-- equal vectors hash alike, -0 included; the 32-bit hash is the low half of the 64-bit one with seed 0
SELECT vector_hash('[0,5]') = vector_hash('[-0,5]'), vector_hash_extended('[0,5]', 0) = vector_hash_extended('[-0,5]', 0),
  vector_hash('[0]') = vector_hash('[0,0]'), vector_hash_extended('[1]', 1) = vector_hash_extended('[1]', 2),
  vector_hash('[-0,1]') <> vector_hash('[1,-0]');
SELECT bool_and(vector_hash(v)::bit(32) = vector_hash_extended(v, 0)::bit(32)
    AND vector_hash_extended(v, 0) <> vector_hash_extended(v, 1))
  FROM (SELECT ARRAY[i, 0, -i]::vector AS v FROM generate_series(1, 1000) i) s;
-- few collisions
SELECT count(DISTINCT vector_hash(v)) > 9990 FROM (SELECT ARRAY[i, i % 10]::vector AS v FROM generate_series(1, 10000) i) s;
-- hash and merge joins, hash and sort aggregates agree
SET enable_nestloop = off;
SET enable_mergejoin = off;
EXPLAIN (COSTS OFF) SELECT a.id, b.id FROM type_order a JOIN type_order b ON a.v = b.v;
SELECT a.id, b.id FROM type_order a JOIN type_order b ON a.v = b.v ORDER BY 1, 2;
SET enable_mergejoin = on;
SET enable_hashjoin = off;
EXPLAIN (COSTS OFF) SELECT a.id, b.id FROM type_order a JOIN type_order b ON a.v = b.v;
SELECT a.id, b.id FROM type_order a JOIN type_order b ON a.v = b.v ORDER BY 1, 2;
SELECT a.id, b.id FROM type_order a FULL JOIN (SELECT * FROM type_order WHERE id < 3) b ON a.v = b.v ORDER BY 1, 2;
RESET ALL;
SET enable_sort = off;
EXPLAIN (COSTS OFF) SELECT count(*) FROM type_order GROUP BY v;
SELECT count(*), min(id) FROM type_order GROUP BY v ORDER BY 2;
SET enable_sort = on;
SET enable_hashagg = off;
SELECT count(*), min(id) FROM type_order GROUP BY v ORDER BY 2;
RESET ALL;
SELECT count(*) FROM (SELECT v FROM type_order INTERSECT SELECT v FROM type_order WHERE id > 3) s;
SELECT DISTINCT v FROM type_order ORDER BY v;
DROP TABLE type_order;
-- partition by hash of a vector
CREATE TABLE type_partition (v vector) PARTITION BY HASH (v);
CREATE TABLE type_partition0 PARTITION OF type_partition FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE type_partition1 PARTITION OF type_partition FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO type_partition SELECT ARRAY[i]::vector FROM generate_series(1, 100) i;
SELECT count(*), count(DISTINCT tableoid) FROM type_partition;
DROP TABLE type_partition;
-- both are the default operator classes
SELECT amname, opcname, opcdefault, amvalidate(c.oid) FROM pg_opclass c JOIN pg_am a ON a.oid = opcmethod
  WHERE opcintype = 'vector'::regtype AND amname IN ('btree', 'hash') ORDER BY amname;
