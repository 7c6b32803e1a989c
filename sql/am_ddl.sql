-- Indexes of every persistence, built and rebuilt in every way.
CREATE FUNCTION fill(target regclass, low int, high int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('INSERT INTO %s SELECT i, made_row(i, 10, 20) FROM generate_series(%s, %s) i', target, low, high);
END $$;
CREATE UNLOGGED TABLE unlogged (id int, v vector(10));
CREATE INDEX unlogged_v ON unlogged USING vecidx (v);
SELECT fill('unlogged', 1, 5000);
SELECT vecidx_check('unlogged_v', true), pg_relation_size('unlogged_v', 'init') > 0 AS init;
REINDEX INDEX unlogged_v;
SELECT fill('unlogged', 5001, 6000);
ALTER TABLE unlogged SET LOGGED;
SELECT vecidx_check('unlogged_v', true), rows, tree FROM vecidx_info('unlogged_v');
ALTER TABLE unlogged SET UNLOGGED;
SELECT vecidx_check('unlogged_v', true), rows, tree FROM vecidx_info('unlogged_v');

CREATE TEMP TABLE temporary (id int, v vector(10)) ON COMMIT DELETE ROWS;
CREATE INDEX temporary_v ON temporary USING vecidx (v vector_ip_ops);
BEGIN;
SELECT fill('temporary', 1, 300);
SET LOCAL vecidx.recall = 1;
SELECT same_order('temporary', format('v <#> %L', made_vector(1, 10)));
COMMIT;
SELECT rows FROM vecidx_info('temporary_v');

CREATE TABLE d (id int, v vector(10));
SELECT fill('d', 1, 6000);
CREATE INDEX CONCURRENTLY d_v ON d USING vecidx (v);
SELECT vecidx_check('d_v', true), rows, tree FROM vecidx_info('d_v');
REINDEX INDEX CONCURRENTLY d_v;
SELECT vecidx_check('d_v', true), rows FROM vecidx_info('d_v');
-- the same rows and seed give the same index
SELECT md5(string_agg(i::text, '')) AS before FROM vecidx_info('d_v') i \gset
REINDEX INDEX d_v;
SELECT md5(string_agg(i::text, '')) = :'before' AS same FROM vecidx_info('d_v') i;
CLUSTER d USING d_v;
VACUUM FULL d;
SELECT vecidx_check('d_v', true), rows FROM vecidx_info('d_v');
ALTER TABLE d ALTER v TYPE vector(4) USING subvector(v, 1, 4);
SELECT vecidx_check('d_v', true), rows, dimensions FROM vecidx_info('d_v');
ALTER TABLE d ADD COLUMN extra text DEFAULT 'x';
ALTER TABLE d ALTER extra TYPE varchar(3);
ALTER TABLE d ALTER id TYPE bigint;
SELECT vecidx_check('d_v', true), rows FROM vecidx_info('d_v');
SELECT pg_get_indexdef('d_v'::regclass);
ALTER INDEX d_v RENAME TO renamed;
COMMENT ON INDEX renamed IS 'kept';
BEGIN;
CREATE INDEX d_aborted ON d USING vecidx (v vector_ip_ops);
ROLLBACK;
BEGIN;
TRUNCATE d;
INSERT INTO d (id, v) VALUES (1, '[1,2,3,4]');
ROLLBACK;
SELECT vecidx_check('renamed', true), rows FROM vecidx_info('renamed');
-- created, filled and used in one transaction
BEGIN;
CREATE TABLE fresh (id int, v vector(10));
SELECT fill('fresh', 1, 5000);
CREATE INDEX fresh_v ON fresh USING vecidx (v);
SELECT fill('fresh', 5001, 5500);
SET LOCAL vecidx.recall = 1;
SELECT same_order('fresh', format('v <-> %L', made_row(1, 10, 20)), 20);
COMMIT;
SELECT vecidx_check('fresh_v', true);
-- little memory: fewer leaves, and it is said
SET maintenance_work_mem = '1MB';
CREATE TABLE wide (id int, v vector(200));
INSERT INTO wide SELECT i, made_vector(i, 200) FROM generate_series(1, 5000) i;
\set VERBOSITY terse
CREATE INDEX wide_v ON wide USING vecidx (v) WITH (leaf_size = 20);
SELECT vecidx_check('wide_v', true), rows FROM vecidx_info('wide_v');
RESET maintenance_work_mem;
DROP TABLE unlogged, temporary, d, fresh, wide;
DROP FUNCTION fill;
