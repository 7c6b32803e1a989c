-- INSERT, UPDATE, DELETE and VACUUM, from an empty index on and on one that has a tree.
CREATE TABLE w (id serial, v vector(32));
ALTER TABLE w SET (autovacuum_enabled = off);
CREATE INDEX w_l2 ON w USING vecidx (v);
CREATE INDEX w_cosine ON w USING vecidx (v vector_cosine_ops);
CREATE INDEX w_ip ON w USING vecidx (v vector_ip_ops);
INSERT INTO w (v) SELECT CASE WHEN i % 100 = 0 THEN NULL WHEN i % 101 = 0 THEN array_fill(0, ARRAY[32])::vector
                              ELSE made_row(i, 32, 20) END FROM generate_series(1, 3000) i;
SELECT relname, vecidx_check(oid, true), tree, rows, dead_rows FROM pg_class, vecidx_info(oid) WHERE relname ~ '^w_(l2|co|ip)'
    ORDER BY 1;
SET vecidx.recall = 1;
SELECT op, same_order('w', format('v %s %L', op, made_row(5000, 32, 20))) FROM unnest(ARRAY['<->', '<=>', '<#>']) op;

-- a tree, and as many rows again
INSERT INTO w (v) SELECT made_row(i, 32, 20) FROM generate_series(3001, 6000) i;
REINDEX TABLE w;
INSERT INTO w (v) SELECT CASE WHEN i % 100 = 0 THEN NULL WHEN i % 101 = 0 THEN array_fill(0, ARRAY[32])::vector
                              WHEN i % 103 = 0 THEN array_fill(1e30, ARRAY[32])::vector
                              ELSE made_row(i, 32, 20) END FROM generate_series(6001, 12000) i;
SELECT relname, vecidx_check(oid, true), tree, rows, dead_rows FROM pg_class, vecidx_info(oid) WHERE relname ~ '^w_(l2|co|ip)'
    ORDER BY 1;
SELECT op, same_order('w', format('v %s %L', op, made_row(5001, 32, 20))) FROM unnest(ARRAY['<->', '<=>', '<#>']) op;
RESET vecidx.recall;
-- a small tree that doubled, and a dial that knows no figures of this index yet
SELECT op, measured_recall('w', 'v', op, 32, 10, int4range(20000, 20050)) >= 0.75 AS recalled
    FROM unnest(ARRAY['<->', '<=>', '<#>']) op;

-- dead rows stay in the index and out of the results until VACUUM, then go
DELETE FROM w WHERE id % 3 = 0;
UPDATE w SET v = made_row(id + 50000, 32, 20) WHERE id % 50 = 1;
SET vecidx.recall = 1;
SELECT op, same_order('w', format('v %s %L', op, made_row(5002, 32, 20))) FROM unnest(ARRAY['<->', '<=>', '<#>']) op;
VACUUM w;
SELECT relname, vecidx_check(oid, true), rows = (SELECT count(*) FROM w) AS rows_agree, dead_rows > 4000 AS dead, reltuples
    FROM pg_class, vecidx_info(oid) WHERE relname ~ '^w_(l2|co|ip)' ORDER BY 1;
SELECT op, same_order('w', format('v %s %L', op, made_row(5003, 32, 20))) FROM unnest(ARRAY['<->', '<=>', '<#>']) op;

-- row pointers that VACUUM has set free are used again by the table
INSERT INTO w (v) SELECT made_row(i, 32, 20) FROM generate_series(12001, 15000) i;
SELECT op, same_order('w', format('v %s %L', op, made_row(5004, 32, 20))) FROM unnest(ARRAY['<->', '<=>', '<#>']) op;
VACUUM (INDEX_CLEANUP ON, PARALLEL 2) w;
SELECT relname, vecidx_check(oid, true) FROM pg_class WHERE relname ~ '^w_(l2|co|ip)' ORDER BY 1;

-- HOT updates leave the index alone; an aborted insert leaves rows that nobody sees
ALTER TABLE w ADD COLUMN note text;
UPDATE w SET note = 'x' WHERE id < 100;
BEGIN;
INSERT INTO w (v) SELECT made_row(77, 32, 20) FROM generate_series(1, 200);
SELECT same_order('w', format('v <-> %L', made_row(77, 32, 20)), 250);
ROLLBACK;
SELECT same_order('w', format('v <-> %L', made_row(77, 32, 20)), 250);
SELECT vecidx_check('w_l2', true);

-- everything goes, and the index serves on
DELETE FROM w;
VACUUM w;
SELECT rows FROM vecidx_info('w_l2');
SET enable_seqscan = off;
SELECT count(*) FROM (SELECT * FROM w ORDER BY v <-> made_row(1, 32, 20)) s;
INSERT INTO w (v) SELECT made_row(i, 32, 20) FROM generate_series(1, 100) i;
SELECT same_order('w', format('v <-> %L', made_row(5005, 32, 20)));
SELECT vecidx_check('w_l2', true);
TRUNCATE w;
SELECT rows, tree FROM vecidx_info('w_l2');
INSERT INTO w (v) VALUES (made_row(1, 32, 20));
SELECT count(*) FROM (SELECT * FROM w ORDER BY v <-> made_row(1, 32, 20)) s;

-- what an index must refuse
ALTER TABLE w ALTER v TYPE vector;
\set VERBOSITY terse
INSERT INTO w (v) VALUES ('[1,2,3]');
DROP TABLE w;

-- rows unlike those the leaves were made of: their codes are coarse, and yet each finds itself
CREATE TABLE unlike (id int, v vector(24));
INSERT INTO unlike SELECT i, made_vector(-1 - i % 20, 24, 10) + made_vector(i, 24, 0.01) FROM generate_series(1, 6000) i;
CREATE INDEX ON unlike USING vecidx (v);
INSERT INTO unlike SELECT i, made_vector(i, 24) FROM generate_series(6001, 10000) i;
RESET vecidx.recall;
SET enable_seqscan = off;
SELECT count(*) >= 95 AS found FROM (SELECT v FROM unlike WHERE id > 9900) q,
    LATERAL (SELECT v <-> q.v AS d FROM unlike ORDER BY v <-> q.v LIMIT 1) s WHERE d = 0;
RESET enable_seqscan;
DROP TABLE unlike;

-- rows that move away from those an index was trained on: searches there are exact when asked, and as sure as elsewhere
CREATE TABLE moving (id serial, v vector(16));
CREATE INDEX moving_v ON moving USING vecidx (v) WITH (leaf_size = 40);
INSERT INTO moving (v) SELECT made_vector(i, 16) FROM generate_series(1, 4100) i;
INSERT INTO moving (v) SELECT made_vector(-5, 16, 20) + made_vector(i, 16) FROM generate_series(4101, 6000) i;
SELECT vecidx_check('moving_v', true);
SET vecidx.recall = 1;
SELECT same_order('moving', format('v <-> %L', made_vector(-5, 16, 20) + made_vector(7777, 16)));
SELECT same_order('moving', format('v <-> %L', made_vector(7777, 16)));
RESET vecidx.recall;
SET enable_seqscan = off;
SELECT count(*) >= 95 AS found FROM (SELECT v FROM moving WHERE id > 5900) q,
    LATERAL (SELECT v <-> q.v AS d FROM moving ORDER BY v <-> q.v LIMIT 1) s WHERE d = 0;
RESET enable_seqscan;
DROP TABLE moving;
