-- Storage parameters and settings: what they do, and what a wrong one says.
CREATE TABLE o AS SELECT made_vector(i, 20)::vector(20) AS v FROM generate_series(1, 6000) i;
CREATE INDEX o_default ON o USING vecidx (v);
CREATE INDEX o_given ON o USING vecidx (v) WITH (tree = KMeans, leaf_size = 100, scan_bits = 4, seed = 42);
CREATE INDEX o_auto ON o USING vecidx (v) WITH (tree = auto, scan_bits = auto, leaf_size = 0);
CREATE INDEX o_one ON o USING vecidx (v) WITH (scan_bits = 1, leaf_size = 1);
SELECT relname, reloptions, tree, leaf_size, scan_bits, seed, rows FROM pg_class, vecidx_info(oid)
    WHERE relname IN ('o_given', 'o_one') ORDER BY 1;
SELECT d.scan_bits = a.scan_bits AND d.leaf_size = a.leaf_size AND d.leaves = a.leaves AND d.pages = a.pages AS same
    FROM vecidx_info('o_default') d, vecidx_info('o_auto') a;
SELECT vecidx_check(oid, true) FROM pg_class WHERE relname ~ '^o_' ORDER BY oid;

CREATE FUNCTION am_outcome(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE state text; message text; detail text; hint text;
BEGIN
    EXECUTE statement;
    RETURN 'ok';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL,
        hint = PG_EXCEPTION_HINT;
    RETURN concat_ws(E'\n  ', state, message, nullif(detail, ''), nullif(hint, ''));
END $$;
SELECT am_outcome(format('CREATE INDEX ON o USING vecidx (v) WITH (%s)', o)) FROM unnest(ARRAY['tree = forest', 'tree = 3',
    'scan_bits = 3', 'scan_bits = 8', 'leaf_size = -1', 'leaf_size = 70000', 'leaf_size = many', 'seed = -1', 'lists = 100',
    'fillfactor = 70']) o;
SELECT am_outcome('ALTER INDEX o_given SET (' || o || ')') FROM unnest(ARRAY['tree = ball', 'seed = 7']) o;
SELECT am_outcome('ALTER INDEX o_given RESET (seed)');

SHOW vecidx.recall;
SELECT am_outcome('SET vecidx.recall = ' || r) FROM unnest(ARRAY['0.49', '1.01', '''NaN''', 'high', '0.5', '1']) r;
SELECT am_outcome('SET vecidx.probes = 3');
RESET vecidx.recall;

-- what can be indexed
SELECT am_outcome(s) FROM unnest(ARRAY[
    'CREATE TABLE u (v vector); CREATE INDEX ON u USING vecidx (v)',
    'CREATE INDEX ON o USING vecidx ((v::text::vector))',
    'CREATE INDEX ON o USING vecidx ((v::text::vector(19)))',
    'CREATE TABLE w (v vector(16000)); CREATE INDEX ON w USING vecidx (v); SELECT vecidx_check(''w_v_idx''); DROP TABLE w',
    'CREATE TABLE w (v vector(2000)); CREATE INDEX ON w USING vecidx (v); DROP TABLE w',
    'CREATE TABLE w (v vector(2029)); CREATE INDEX ON w USING vecidx (v) WITH (scan_bits = 2)',
    'CREATE TABLE w (v vector(1993)); CREATE INDEX ON w USING vecidx (v) WITH (scan_bits = 2)',
    'CREATE TABLE w (v vector(997)); CREATE INDEX ON w USING vecidx (v) WITH (scan_bits = 4)',
    'CREATE TABLE w (v vector(992)); CREATE INDEX ON w USING vecidx (v) WITH (scan_bits = 4); SELECT vecidx_check(''w_v_idx''); DROP TABLE w',
    'CREATE TABLE m (v vector(3), w vector(3)); CREATE INDEX ON m USING vecidx (v, w)',
    'CREATE UNIQUE INDEX ON o USING vecidx (v)',
    'CREATE INDEX ON o USING vecidx (v) INCLUDE (v)',
    'CREATE INDEX ON o USING vecidx (v vector_ops)',
    'CREATE INDEX ON o USING vecidx (v DESC)',
    'CREATE TABLE t (i int); CREATE INDEX ON t USING vecidx (i)']) s;
CREATE DOMAIN embedding AS vector(3);
CREATE TABLE dom AS SELECT '[1,2,3]'::vector::embedding AS e;
CREATE INDEX dom_e ON dom USING vecidx (e vector_l2_ops);
SELECT dimensions FROM vecidx_info('dom_e');

-- a column that is stored out of line
CREATE TABLE wide (v vector(768), w vector(1536), x vector(300));
CREATE INDEX ON wide USING vecidx (v);
CREATE INDEX ON wide USING vecidx (w vector_ip_ops);
CREATE INDEX ON wide USING vecidx (x);
ALTER TABLE wide ALTER v SET STORAGE PLAIN;
CREATE INDEX ON wide USING vecidx (v);

-- queries
SET enable_seqscan = off;
SELECT am_outcome('SELECT * FROM o ORDER BY v <-> ''[1,2,3]'' LIMIT 1');
SELECT am_outcome('SELECT count(*) FROM (SELECT * FROM o ORDER BY v <-> ''[1,2,3]'' LIMIT 0) s');
SELECT am_outcome('INSERT INTO wide (x) VALUES (''[1,2]'')');
DROP TABLE o, dom, wide;
DROP DOMAIN embedding;
DROP FUNCTION am_outcome;
