-- When the planner takes the index: for LIMIT 10 from 2,000 rows of 384 dimensions up, not without a LIMIT.
CREATE TABLE p (id int PRIMARY KEY, category int, v vector(384));
ALTER TABLE p SET (autovacuum_enabled = off);
INSERT INTO p SELECT i, i % 500, made_vector(i, 384) FROM generate_series(1, 2000) i;
CREATE INDEX p_v ON p USING vecidx (v);
CREATE INDEX p_category ON p (category);
ANALYZE p;
CREATE FUNCTION node_of(statement text) RETURNS text LANGUAGE sql AS
    $$ SELECT string_agg(substring(p FROM '(?:Index |Seq |Bitmap Heap )Scan.*| Sort$'), ',')
       FROM plan_of(statement) p WHERE p ~ 'Scan|Sort$' AND p !~ 'Bitmap Index' $$;
SELECT node_of('SELECT id FROM p ORDER BY v <-> made_vector(1, 384) LIMIT 10') AS limit_10;
SELECT node_of('SELECT id FROM p ORDER BY v <-> made_vector(1, 384)') AS no_limit;
SELECT node_of('SELECT id FROM p ORDER BY v <-> made_vector(1, 384) LIMIT 1900') AS limit_nearly_all;
SELECT node_of('SELECT count(*) FROM p') AS no_order;
SELECT node_of('SELECT id FROM p WHERE v <-> made_vector(1, 384) < 1') AS condition_only;
SELECT node_of('SELECT id FROM p ORDER BY v <-> made_vector(1, 384) DESC LIMIT 10') AS descending;
SELECT node_of('SELECT id FROM p ORDER BY v <=> made_vector(1, 384) LIMIT 10') AS other_operator;
SELECT node_of('SELECT id FROM p WHERE category = 7 ORDER BY v <-> made_vector(1, 384) LIMIT 10') AS very_selective;
SELECT node_of('SELECT id FROM p WHERE category < 400 ORDER BY v <-> made_vector(1, 384) LIMIT 10') AS hardly_selective;
SELECT node_of('SELECT id FROM p WHERE id = 7 ORDER BY v <-> made_vector(1, 384) LIMIT 10') AS primary_key;

-- wide vectors, whether in line or not
CREATE TABLE toasted (id int, v vector(768));
INSERT INTO toasted SELECT i, made_vector(i, 768) FROM generate_series(1, 2000) i;
\set VERBOSITY terse
SET client_min_messages = warning;
CREATE INDEX ON toasted USING vecidx (v);
RESET client_min_messages;
ANALYZE toasted;
SELECT node_of('SELECT id FROM toasted ORDER BY v <-> made_vector(1, 768) LIMIT 10') AS limit_10;
SELECT node_of('SELECT id FROM toasted ORDER BY v <-> made_vector(1, 768)') AS no_limit;

-- a tree, at every setting; before ANALYZE as well
CREATE TABLE tree (id int, v vector(64));
INSERT INTO tree SELECT i, made_row(i, 64, 50) FROM generate_series(1, 8000) i;
CREATE INDEX ON tree USING vecidx (v vector_cosine_ops);
SELECT node_of('SELECT id FROM tree ORDER BY v <=> made_row(1, 64, 50) LIMIT 10') AS limit_10;
SELECT node_of('SELECT id FROM tree ORDER BY v <=> made_row(1, 64, 50)') AS no_limit;
SET vecidx.recall = 1;
SELECT node_of('SELECT id FROM tree ORDER BY v <=> made_row(1, 64, 50) LIMIT 10') AS limit_10;
RESET vecidx.recall;

-- small and empty tables are read through; a forced scan works
CREATE TABLE few (v vector(3));
CREATE INDEX ON few USING vecidx (v);
SELECT node_of('SELECT * FROM few ORDER BY v <-> ''[1,2,3]'' LIMIT 10') IS NOT NULL AS planned;
INSERT INTO few VALUES ('[1,2,3]');
ANALYZE few;
SELECT node_of('SELECT * FROM few ORDER BY v <-> ''[1,2,3]'' LIMIT 10') AS one_row;

-- the planner reads an index that is not valid or not built without an error
UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'p_v'::regclass;
SELECT node_of('SELECT id FROM p ORDER BY v <-> made_vector(1, 384) LIMIT 10') AS invalid;
UPDATE pg_index SET indisvalid = true WHERE indexrelid = 'p_v'::regclass;
DROP FUNCTION node_of;
DROP TABLE p, toasted, tree, few;
