-- vecidx_last_scan: what the scan that began to search last has looked at, while it runs and afterwards.
SELECT count(*) AS before FROM vecidx_last_scan();
CREATE TABLE s (id int PRIMARY KEY, v vector(12));
INSERT INTO s SELECT i, made_row(i, 12, 30) FROM generate_series(1, 6000) i;
CREATE INDEX s_v ON s USING vecidx (v);
CREATE TABLE few (id int, v vector(3));
INSERT INTO few SELECT i, made_vector(i, 3) FROM generate_series(1, 20) i;
CREATE INDEX few_v ON few USING vecidx (v vector_cosine_ops);
ANALYZE s, few;
SELECT count(*) AS built FROM vecidx_last_scan();
SET enable_seqscan = off;
SET enable_sort = off;
CREATE VIEW seen AS SELECT index, recall, k, searches, passes, pages > leaves + inner_nodes AS more_pages, inner_nodes, leaves > 5 AS leaves,
    entries > 100 AS entries, refined BETWEEN 10 AND entries AS refined, rows BETWEEN 10 AND refined AS rows FROM vecidx_last_scan();
SELECT count(*) FROM (SELECT FROM s ORDER BY v <-> made_row(7, 12, 30) LIMIT 10) s;
SELECT * FROM seen;
-- the same once more: counts begin anew, though the memory is the same (and the root is remembered)
SELECT count(*) FROM (SELECT FROM s ORDER BY v <-> made_row(7, 12, 30) LIMIT 10) s;
SELECT leaves, entries, refined, rows FROM vecidx_last_scan() \gset first_
SELECT count(*) FROM (SELECT FROM s ORDER BY v <-> made_row(7, 12, 30) LIMIT 10) s;
SELECT searches, passes, leaves = :first_leaves AND entries = :first_entries AND refined = :first_refined AND rows = :first_rows AS same
    FROM vecidx_last_scan();
-- what was asked for
SET vecidx.recall = 1;
SELECT count(*) FROM (SELECT FROM s ORDER BY v <-> made_row(7, 12, 30) LIMIT 10 OFFSET 3) s;
SELECT recall, k, entries > :first_entries AS more FROM vecidx_last_scan();
RESET vecidx.recall;
SELECT count(*) FROM (SELECT FROM s ORDER BY v <-> made_row(7, 12, 30) LIMIT (SELECT 100)) s;
SELECT k, passes FROM vecidx_last_scan();
-- an index without a tree; all rows
SELECT count(*) FROM (SELECT FROM few ORDER BY v <=> '[1,2,3]') s;
SELECT index, k, searches, passes, leaves, entries, rows FROM vecidx_last_scan();
-- no search at all leaves the last one
SELECT count(*) FROM (SELECT FROM s ORDER BY v <-> made_row(7, 12, 30) LIMIT 0) s;
SELECT index FROM vecidx_last_scan();

-- all searches of a nested loop together
SELECT count(*) FROM generate_series(1, 5) i, LATERAL (SELECT FROM s ORDER BY v <-> made_row(7, 12, 30) LIMIT 10) n
    WHERE i > 0;
SELECT searches, leaves = 1 * :first_leaves AS once FROM vecidx_last_scan();
SELECT count(*) FROM few f, LATERAL (SELECT FROM few n ORDER BY n.v <=> f.v LIMIT 2) n;
SELECT index, k, searches, entries, rows FROM vecidx_last_scan();

-- a scan that runs, another one beside it, and going on with the first
BEGIN;
DECLARE c CURSOR FOR SELECT id FROM s ORDER BY v <-> made_row(7, 12, 30);
FETCH 3 FROM c;
SELECT index, k, searches, passes, rows BETWEEN 4 AND 30 AS few_rows FROM vecidx_last_scan();
MOVE 1000 FROM c;
SELECT index, searches, passes > 5 AS more_passes, rows > 1000 AS more_rows FROM vecidx_last_scan();
SELECT count(*) FROM (SELECT FROM few ORDER BY v <=> '[1,2,3]' LIMIT 3) s;
SELECT index FROM vecidx_last_scan();
MOVE 1 FROM c;
SELECT index FROM vecidx_last_scan();
CLOSE c;
SELECT index FROM vecidx_last_scan();
-- closing one that runs
DECLARE c CURSOR FOR SELECT id FROM s ORDER BY v <-> made_row(7, 12, 30);
FETCH 3 FROM c;
CLOSE c;
SELECT index, rows BETWEEN 4 AND 30 AS few_rows FROM vecidx_last_scan();
-- its own query
SELECT DISTINCT l.index, l.searches FROM (SELECT id FROM s ORDER BY v <-> made_row(7, 12, 30) LIMIT 3) f, LATERAL
    (SELECT f.id, index, searches FROM vecidx_last_scan() OFFSET 0) l;
COMMIT;

-- errors: what the scan had done until then
\set VERBOSITY terse
SELECT count(*) FROM (SELECT FROM few ORDER BY v <=> '[1,2,3]' LIMIT 3) s;
SELECT 1 / (id - 7) FROM s ORDER BY v <-> made_row(7, 12, 30) LIMIT 3;
SELECT index, searches, leaves > 0 AS leaves FROM vecidx_last_scan();
BEGIN;
SAVEPOINT p;
DECLARE c CURSOR FOR SELECT id FROM few ORDER BY v <=> '[1,2,3]';
FETCH 1 FROM c;
SELECT 1 / 0;
ROLLBACK TO p;
SELECT index, searches, entries FROM vecidx_last_scan();
COMMIT;
SELECT count(*) FROM (SELECT FROM few ORDER BY v <=> '[1,2]' LIMIT 3) s;
SELECT index, searches FROM vecidx_last_scan();
SELECT count(*) FROM (SELECT FROM s ORDER BY v <-> made_row(7, 12, 30) LIMIT 10) s;
SELECT searches, leaves = :first_leaves AS same FROM vecidx_last_scan();
\set VERBOSITY default

-- EXPLAIN ANALYZE shows the same from PostgreSQL 18 on, below the node that searched, in all formats; EXPLAIN does not
CREATE FUNCTION explained(options text, statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    line text;
    lines text := '';
BEGIN
    FOR line IN EXECUTE format('EXPLAIN (COSTS OFF, %s) %s', options, statement) LOOP
        lines := lines || line || E'\n';
    END LOOP;
    RETURN lines;
END $$;
SELECT options, explained('TIMING OFF, SUMMARY OFF, BUFFERS OFF, ANALYZE' || options,
                          'SELECT id FROM s ORDER BY v <-> made_row(7, 12, 30) LIMIT 10') ~
                CASE WHEN current_setting('server_version_num')::int >= 180000 THEN pattern ELSE '^(?!.*Nearest)' END AS as_it_should
    FROM (VALUES (', FORMAT TEXT', '\n   +Nearest-Neighbour Search: recall=0.95 k=10 passes=1 pages=\d+ leaves=\d+ entries=\d+ refined=\d+ returned=1\d\n'),
                 (', FORMAT JSON', '"Nearest-Neighbour Search": \{\s*"Recall Target": 0.950,\s*"Rows Looked For": 10,\s*"Passes": 1,'),
                 (', FORMAT YAML', 'Nearest-Neighbour Search:\s*Recall Target: 0.950\s*Rows Looked For: 10\s*Passes: 1\s'),
                 (', FORMAT XML', '<Nearest-Neighbour-Search>\s*<Recall-Target>0.950</Recall-Target>')) t(options, pattern);
SELECT explained('ANALYZE OFF', 'SELECT id FROM s ORDER BY v <-> made_row(7, 12, 30) LIMIT 10') !~ 'Nearest' AS not_executed,
       explained('ANALYZE', 'SELECT id FROM s ORDER BY v <-> made_row(7, 12, 30) LIMIT 0') !~ 'Nearest' AS not_searched,
       explained('ANALYZE', 'SELECT id FROM s ORDER BY id LIMIT 10') !~ 'Nearest' AS not_ours;
SELECT current_setting('server_version_num')::int < 180000 OR explained('ANALYZE, TIMING OFF, FORMAT JSON', $$SELECT count(*) FROM few f, LATERAL
    (SELECT FROM few n ORDER BY n.v <=> f.v LIMIT 2) n$$) ~ '"Entries Scanned": 400,' AS all_loops;

-- an index that is gone; another session knows nothing of this one
DROP VIEW seen;
DROP FUNCTION explained;
DROP TABLE s, few;
SELECT index::text ~ '^\d+$' AS number, searches > 0 AS searched FROM vecidx_last_scan();
\c
SELECT count(*) FROM vecidx_last_scan();
