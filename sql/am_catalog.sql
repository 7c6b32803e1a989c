-- What the catalogs say of the access method, operator classes that are wrong, functions for inspection, privileges.
SELECT opcname, amvalidate(oid), opcdefault FROM pg_opclass WHERE opcmethod = (SELECT oid FROM pg_am WHERE amname = 'vecidx')
    ORDER BY opcname;
SELECT a, pg_indexam_has_property((SELECT oid FROM pg_am WHERE amname = 'vecidx'), a)
    FROM unnest(ARRAY['can_order', 'can_unique', 'can_multi_col', 'can_include']) a;
CREATE TABLE c (v vector(3), i int);
INSERT INTO c VALUES ('[1,2,3]', 1), (NULL, 2), ('[0,0,0]', 3);
CREATE INDEX c_v ON c USING vecidx (v);
CREATE INDEX c_i ON c (i);
SELECT p, pg_index_column_has_property('c_v', 1, p) FROM unnest(ARRAY['distance_orderable', 'orderable', 'returnable', 'search_array',
    'search_nulls', 'asc']) p;
SELECT p, pg_index_has_property('c_v', p) FROM unnest(ARRAY['clusterable', 'index_scan', 'bitmap_scan', 'backward_scan']) p;

-- an operator class of one's own
CREATE OPERATOR CLASS own_ops FOR TYPE vector USING vecidx AS
    OPERATOR 1 <=> (vector, vector) FOR ORDER BY float_ops, FUNCTION 1 vecidx_metric_cosine();
SELECT amvalidate(oid) FROM pg_opclass WHERE opcname = 'own_ops';
CREATE INDEX c_own ON c USING vecidx (v own_ops);
SELECT metric, rows FROM vecidx_info('c_own');
-- and wrong ones
\set VERBOSITY terse
CREATE FUNCTION no_metric() RETURNS int LANGUAGE sql IMMUTABLE RETURN 9;
CREATE FUNCTION not_a_metric(int) RETURNS int LANGUAGE sql IMMUTABLE RETURN 1;
CREATE FUNCTION as_text(vector, vector) RETURNS text LANGUAGE sql IMMUTABLE RETURN '';
CREATE OPERATOR <~~> (LEFTARG = vector, RIGHTARG = vector, FUNCTION = as_text);
CREATE OPERATOR CLASS empty_ops FOR TYPE vector USING vecidx AS STORAGE vector;
CREATE OPERATOR CLASS search_ops FOR TYPE vector USING vecidx AS OPERATOR 1 = (vector, vector), FUNCTION 1 vecidx_metric_l2();
CREATE OPERATOR CLASS text_ops FOR TYPE vector USING vecidx AS
    OPERATOR 1 <~~> (vector, vector) FOR ORDER BY text_ops, FUNCTION 1 vecidx_metric_l2();
CREATE OPERATOR CLASS sort_ops FOR TYPE vector USING vecidx AS
    OPERATOR 1 <-> (vector, vector) FOR ORDER BY integer_ops, FUNCTION 1 vecidx_metric_l2();
CREATE OPERATOR CLASS strategy_ops FOR TYPE vector USING vecidx AS
    OPERATOR 2 <-> (vector, vector) FOR ORDER BY float_ops, FUNCTION 1 vecidx_metric_l2();
CREATE OPERATOR CLASS strategy_ops FOR TYPE vector USING vecidx AS
    OPERATOR 3 <-> (vector, vector) FOR ORDER BY float_ops, FUNCTION 1 vecidx_metric_l2();
-- conditions: of another metric, on what is no ball, as an order, with a support function that makes none
CREATE OPERATOR CLASS condition_ops FOR TYPE vector USING vecidx AS
    OPERATOR 1 <-> (vector, vector) FOR ORDER BY float_ops, OPERATOR 2 @<=> (vector, vector_ball), FUNCTION 1 vecidx_metric_l2();
CREATE OPERATOR CLASS no_ball_ops FOR TYPE vector USING vecidx AS
    OPERATOR 1 <-> (vector, vector) FOR ORDER BY float_ops, OPERATOR 2 = (vector, vector), FUNCTION 1 vecidx_metric_l2();
CREATE OPERATOR CLASS making_ops FOR TYPE vector USING vecidx AS
    OPERATOR 1 <-> (vector, vector) FOR ORDER BY float_ops, FUNCTION 1 vecidx_metric_l2(), FUNCTION 2 not_a_metric(int);
CREATE OPERATOR CLASS support_ops FOR TYPE vector USING vecidx AS
    OPERATOR 1 <-> (vector, vector) FOR ORDER BY float_ops, FUNCTION 1 not_a_metric(int);
CREATE OPERATOR CLASS metric_ops FOR TYPE vector USING vecidx AS
    OPERATOR 1 <-> (vector, vector) FOR ORDER BY float_ops, FUNCTION 1 no_metric();
-- an operator of another metric, and one that only looks alike
CREATE FUNCTION like_l2(vector, vector) RETURNS float8 LANGUAGE sql IMMUTABLE RETURN $1 <-> $2;
CREATE OPERATOR <~> (LEFTARG = vector, RIGHTARG = vector, FUNCTION = like_l2);
CREATE OPERATOR CLASS other_ops FOR TYPE vector USING vecidx AS
    OPERATOR 1 <+> (vector, vector) FOR ORDER BY float_ops, FUNCTION 1 vecidx_metric_l2();
CREATE OPERATOR CLASS alike_ops FOR TYPE vector USING vecidx AS
    OPERATOR 1 <~> (vector, vector) FOR ORDER BY float_ops, FUNCTION 1 vecidx_metric_l2();
SELECT opcname, amvalidate(oid) FROM pg_opclass WHERE opcname IN ('empty_ops', 'search_ops', 'text_ops', 'sort_ops', 
    'strategy_ops', 'condition_ops', 'no_ball_ops', 'making_ops', 'support_ops', 'metric_ops', 'other_ops', 'alike_ops') AND opcmethod = (SELECT oid FROM pg_am WHERE amname = 'vecidx') ORDER BY opcname;
CREATE INDEX ON c USING vecidx (v metric_ops);
CREATE INDEX ON c USING vecidx (v other_ops);
CREATE INDEX ON c USING vecidx (v alike_ops);

-- inspection
\x
SELECT format_version, dimensions, metric, tree, levels, leaves, seed, rows, dead_rows, pages, inner_pages, leaf_pages, code_pages,
    raw_pages, list_pages, unused_pages, bytes_per_row, expected_entries, leaf_size > 0 AND scan_bits IN (1, 2, 4) AS shaped
    FROM vecidx_info('c_v');
\x
SELECT vecidx_check('c_v'), vecidx_check('c_v', true), vecidx_check(NULL) IS NULL AS nothing;
\set VERBOSITY default
SELECT vecidx_check('c_i');
SELECT vecidx_info('c');
SELECT vecidx_info('pg_class');
SELECT vecidx_check(0);
CREATE TABLE p (v vector(3)) PARTITION BY LIST (v);
CREATE INDEX p_v ON p USING vecidx (v);
SELECT vecidx_check('p_v');
CREATE ROLE vecidx_reader;
GRANT SELECT ON c TO vecidx_reader;
SET ROLE vecidx_reader;
SELECT vecidx_check('c_v');
SELECT rows FROM vecidx_info('c_v');
RESET ROLE;
GRANT pg_stat_scan_tables TO vecidx_reader;
SET ROLE vecidx_reader;
SELECT rows FROM vecidx_info('c_v');
RESET ROLE;
DROP TABLE c, p;
DROP OWNED BY vecidx_reader;
DROP ROLE vecidx_reader;
DROP OPERATOR FAMILY own_ops USING vecidx;
DROP OPERATOR FAMILY empty_ops USING vecidx;
DROP OPERATOR FAMILY search_ops USING vecidx;
DROP OPERATOR FAMILY text_ops USING vecidx;
DROP OPERATOR FAMILY sort_ops USING vecidx;
DROP OPERATOR FAMILY strategy_ops USING vecidx;
DROP OPERATOR FAMILY condition_ops USING vecidx;
DROP OPERATOR FAMILY no_ball_ops USING vecidx;
DROP OPERATOR FAMILY making_ops USING vecidx;
DROP OPERATOR FAMILY support_ops USING vecidx;
DROP OPERATOR FAMILY metric_ops USING vecidx;
DROP OPERATOR FAMILY other_ops USING vecidx;
DROP OPERATOR FAMILY alike_ops USING vecidx;
DROP OPERATOR <~> (vector, vector);
DROP FUNCTION like_l2;
DROP OPERATOR <~~> (vector, vector);
DROP FUNCTION as_text, no_metric, not_a_metric;
