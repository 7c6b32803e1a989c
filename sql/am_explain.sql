-- vecidx_explain: which index a query uses, or why it uses none, and how to write it so that it does.
CREATE TABLE items (id int PRIMARY KEY, category int, e vector(12), other vector(12), loose vector);
INSERT INTO items SELECT i, i % 7, made_row(i, 12, 30), NULL, made_row(i, 12, 30) FROM generate_series(1, 6000) i;
CREATE INDEX items_l2 ON items USING vecidx (e);
CREATE INDEX items_cosine ON items USING vecidx (e vector_cosine_ops);
ANALYZE items;
\pset format unaligned
\pset null none
-- Costs, which differ between versions, left out.
CREATE FUNCTION said(query text) RETURNS TABLE (finding text, detail text, rewritten text) LANGUAGE sql AS
    $$ SELECT finding, regexp_replace(detail, '\d+\.\d\d', 'N', 'g'), rewritten FROM vecidx_explain(query) $$;

-- nothing is wrong
SELECT * FROM said('SELECT id FROM items ORDER BY e <-> $1 LIMIT 10');
SELECT * FROM said('SELECT id, category FROM items WHERE category < $2 ORDER BY $1 <=> e LIMIT $3;');
SELECT * FROM said('SELECT * FROM (SELECT id, e <-> $1 AS d FROM items) s ORDER BY d LIMIT 10');
SELECT * FROM said('WITH q AS (SELECT $1::vector AS v) SELECT id FROM items, q ORDER BY e <-> q.v LIMIT 10');
SELECT * FROM said('SELECT id FROM items ORDER BY e <-> (SELECT e FROM items WHERE id = 7) LIMIT 10');
SELECT * FROM said('SELECT n.id FROM (SELECT * FROM items WHERE id <= 3) o, LATERAL (SELECT id FROM items i ORDER BY i.e <-> o.e LIMIT 2) n');
SELECT * FROM said('SELECT id FROM (SELECT id, e FROM items UNION ALL SELECT id, e FROM items) s ORDER BY e <-> $1 LIMIT 3');
SELECT * FROM said('SELECT id, e <-> $1 FROM items UNION ALL SELECT id, e <-> $1 FROM items ORDER BY 2 LIMIT 3');
SELECT * FROM said('SELECT id FROM (SELECT * FROM items ORDER BY e <-> $1) s LIMIT 3');
SELECT * FROM said('DELETE FROM items WHERE id IN (SELECT id FROM items ORDER BY e <-> $1 LIMIT 10)');
SELECT * FROM said('SELECT (SELECT id FROM items ORDER BY e <-> $1 LIMIT 1), (SELECT id FROM items ORDER BY e <=> $1 LIMIT 1)');
SELECT * FROM said('SELECT (SELECT id FROM items ORDER BY e <-> $1 LIMIT 1), (SELECT id FROM items ORDER BY e <-> $2 DESC LIMIT 1)');

-- functions instead of operators
SELECT * FROM said('SELECT id FROM items ORDER BY l2_distance(e, $1) LIMIT 10');
SELECT * FROM said('SELECT id FROM items i ORDER BY public.l2_distance( $1::vector || $2, /* the column */ i.e ) ASC LIMIT 10 -- ten');
SELECT finding FROM said('SELECT id FROM items ORDER BY cosine_distance(e, ''[1,2,3,4,5,6,7,8,9,10,11,12]''), id LIMIT 10') WHERE finding = 'function';
SELECT * FROM said('SELECT id FROM items ORDER BY vector_l2_squared_distance(e, $1) LIMIT 10');
SELECT * FROM said('SELECT id, cosine_distance(e, $1) AS d FROM items ORDER BY d LIMIT 10');
SELECT * FROM said('SELECT id FROM items ORDER BY inner_product(e, $1) DESC LIMIT 10');

-- similarities
SELECT * FROM said('SELECT id FROM items ORDER BY 1 - (e <=> $1) DESC LIMIT 10');
SELECT * FROM said('SELECT id FROM items ORDER BY 1 - (e <=> $1) DESC NULLS LAST LIMIT 10');
SELECT * FROM said('SELECT id, 1 - (e <=> $1) AS similarity FROM items WHERE category IN (SELECT 3 ORDER BY 1) ORDER BY similarity DESC LIMIT 10');
SELECT * FROM said('SELECT id, 1 - (e <=> $1) FROM items ORDER BY 2 DESC LIMIT 10');
SELECT * FROM said('SELECT * FROM (SELECT id, 1 - cosine_distance(e, $1) AS s FROM items ORDER BY 1 - cosine_distance(e, $1) DESC LIMIT 10) t ORDER BY id');
SELECT * FROM said('SELECT id FROM items ORDER BY -(e <#> $1) DESC LIMIT 10');
SELECT * FROM said('SELECT id FROM items ORDER BY (e <#> $1) * -1 DESC LIMIT 10') WHERE finding = 'similarity';
SELECT * FROM said('SELECT id FROM items ORDER BY 1 / (1 + (e <-> $1)) DESC LIMIT 10');
SELECT * FROM said('SELECT id FROM items ORDER BY 1 - 2 * ((e <=> $1) / 3 - 1) DESC LIMIT 10');
SELECT * FROM said('SELECT id FROM items ORDER BY 5 - inner_product(e, $1) / -2 DESC LIMIT 10');
-- not in every case
SELECT * FROM said('SELECT id FROM items ORDER BY 1 / (0.5 - (e <-> $1)) LIMIT 10');
SELECT * FROM said('SELECT id FROM items ORDER BY 1 / (e <#> $1) LIMIT 10');
SELECT * FROM said('SELECT id FROM items ORDER BY (e <-> $1) * 0 LIMIT 10');
SELECT * FROM said('SELECT id FROM items ORDER BY (e <-> $1) + category LIMIT 10');
SELECT * FROM said('SELECT id FROM items ORDER BY round((e <-> $1)::numeric, 3) LIMIT 10');
-- in a function that is put in, and in a subquery, the text cannot be changed
CREATE FUNCTION similarity(a vector, b vector) RETURNS float8 LANGUAGE sql IMMUTABLE RETURN 1 - (a <=> b);
SELECT * FROM said('SELECT id FROM items ORDER BY similarity(e, $1) DESC LIMIT 10');
SELECT * FROM said('SELECT * FROM (SELECT id, 1 - (e <=> $1) AS s FROM items) t ORDER BY s DESC LIMIT 10');
CREATE OR REPLACE FUNCTION similarity(a vector, b vector) RETURNS float8 LANGUAGE sql IMMUTABLE AS 'SELECT 1 - (a <=> b)';
-- the place of the operator in the function is that of another one in the query
SELECT * FROM said('SELECT id, (e <=> $2) FROM items ORDER BY similarity(e, $1) DESC LIMIT 10');
DROP FUNCTION similarity;

-- the rewritten query returns the same rows
CREATE FUNCTION same_rows(query text, OUT same bool, OUT rows int) LANGUAGE plpgsql AS $$
DECLARE
    other text := (SELECT f.rewritten FROM vecidx_explain(query) f WHERE f.detail ~ 'is used then');
    a int[]; b int[];
BEGIN
    EXECUTE format('SELECT array_agg(id) FROM (%s) s', query) INTO a;
    EXECUTE format('SELECT array_agg(id) FROM (%s) s', other) INTO b;
    same := a = b;
    rows := cardinality(b);
END $$;
SET vecidx.recall = 1;
SELECT q, same_rows(format('SELECT id FROM items ORDER BY %s LIMIT 20', replace(q, 'Q', quote_literal(made_row(9000, 12, 30)))))
    FROM unnest(ARRAY['l2_distance(e, Q)', 'vector_l2_squared_distance(Q, e)', '1 - (e <=> Q) DESC', '3 / (2 + cosine_distance(e, Q)) DESC',
                      '(e <-> Q) * -3 + 1 DESC NULLS LAST', '-2 / (1 + (e <-> Q))', 'e <-> Q NULLS FIRST']) q;
RESET vecidx.recall;
DROP FUNCTION same_rows;

-- directions, NULLs, further keys
SELECT * FROM said('SELECT id FROM items ORDER BY e <-> $1 DESC LIMIT 10');
SELECT * FROM said('SELECT id FROM items ORDER BY 1 - (e <=> $1) LIMIT 10');
SELECT * FROM said('SELECT id FROM items ORDER BY inner_product(e, $1) LIMIT 10');
SELECT * FROM said('SELECT id FROM items ORDER BY e <-> $1 NULLS FIRST LIMIT 10');
SELECT * FROM said('SELECT id, e <-> $1 AS d FROM items ORDER BY d NULLS FIRST LIMIT 10');
SELECT * FROM said('SELECT id FROM items ORDER BY ((e OPERATOR(public.<->) $1)) USING < NULLS FIRST LIMIT 10');
SELECT finding = CASE WHEN current_setting('server_version_num')::int < 160000 THEN 'more_keys' ELSE 'index' END AS second_key
    FROM said('SELECT id FROM items ORDER BY e <-> $1, id LIMIT 10');
SELECT bool_and(rewritten = CASE WHEN current_setting('server_version_num')::int < 160000 THEN 'SELECT id FROM items ORDER BY e <=> $1 LIMIT 10'
                                 ELSE 'SELECT id FROM items ORDER BY e <=> $1, id DESC LIMIT 10' END) AS second_key
    FROM said('SELECT id FROM items ORDER BY 1 - (e <=> $1) DESC, id DESC LIMIT 10');

-- no LIMIT, no order
SELECT * FROM said('SELECT id FROM items ORDER BY e <-> $1');
SELECT * FROM said('SELECT id FROM items ORDER BY e <-> $1 LIMIT ALL');
SELECT * FROM said('SELECT id FROM items ORDER BY l2_distance(e, $1)');
SELECT * FROM said('SELECT id FROM items WHERE id IN (SELECT id FROM items ORDER BY e <-> $1) LIMIT 3');
SELECT * FROM said('SELECT id FROM items WHERE e <-> $1 < 3 ORDER BY id LIMIT 10');
SELECT * FROM said('INSERT INTO items (id) VALUES (0)');

-- the indexes of the table
SELECT * FROM said('SELECT id FROM items ORDER BY e <#> $1 LIMIT 10');
SELECT * FROM said('SELECT id FROM items ORDER BY other <#> $1 LIMIT 10');
SELECT * FROM said('SELECT id FROM items ORDER BY other <=> $1');
SELECT * FROM said('SELECT id FROM items ORDER BY e <+> $1 LIMIT 10');
SELECT * FROM said('SELECT id FROM items ORDER BY linf_distance(e, $1) LIMIT 10');
SELECT * FROM said('SELECT id FROM items ORDER BY loose <-> $1 LIMIT 10');
SELECT * FROM said('SELECT id FROM items ORDER BY loose::vector(12) <-> $1 LIMIT 10');
SELECT * FROM said('SELECT id FROM items ORDER BY subvector(e, 1, 4) <=> $1 LIMIT 10');
CREATE INDEX items_cast ON items USING vecidx ((loose::vector(12)));
SELECT * FROM said('SELECT id FROM items ORDER BY loose <-> $1 LIMIT 10');
SELECT * FROM said('SELECT id FROM items ORDER BY loose::vector(12) <-> $1 LIMIT 10');
SELECT * FROM said('SELECT id FROM items ORDER BY l2_distance($1, loose::vector(12)) LIMIT 10');
CREATE INDEX items_partial ON items USING vecidx (e vector_ip_ops) WHERE category = 3;
SELECT * FROM said('SELECT id FROM items WHERE category = 3 ORDER BY e <#> $1 LIMIT 10');
SELECT * FROM said('SELECT id FROM items WHERE category < 4 ORDER BY e <#> $1 LIMIT 10');
SELECT * FROM said('SELECT id FROM items WHERE category = $2 ORDER BY e <#> $1 LIMIT 10');
UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'items_cosine'::regclass;
SELECT * FROM said('SELECT id FROM items ORDER BY e <=> $1 LIMIT 10');
UPDATE pg_index SET indisvalid = true WHERE indexrelid = 'items_cosine'::regclass;
SELECT * FROM said('SELECT id FROM items ORDER BY e <=> $1 LIMIT 10');
CREATE OPERATOR CLASS own_ops FOR TYPE vector USING vecidx AS
    OPERATOR 1 <=> (vector, vector) FOR ORDER BY float_ops, FUNCTION 1 vecidx_metric_cosine();
SELECT * FROM said('SELECT id FROM items ORDER BY other <=> $1 LIMIT 10');
CREATE INDEX items_own ON items USING vecidx (other own_ops);
SELECT * FROM said('SELECT id FROM items ORDER BY other <=> $1 LIMIT 10');
DROP OPERATOR FAMILY own_ops USING vecidx CASCADE;

-- query vectors
SELECT * FROM said('SELECT id FROM items ORDER BY e <-> other LIMIT 10');
SELECT * FROM said('SELECT i.id FROM items i, items j WHERE j.id = 7 ORDER BY i.e <-> j.e LIMIT 10');
SELECT * FROM said('WITH q AS (SELECT e AS v FROM items WHERE id = 3) SELECT id FROM items, q ORDER BY e <-> q.v LIMIT 10');
SELECT * FROM said('SELECT id FROM items ORDER BY e <-> made_vector((random() * 10)::int, 12) LIMIT 10');
SELECT * FROM said('SELECT id FROM items ORDER BY l2_distance(made_vector((random() * 10)::int, 12), e) LIMIT 10');
SELECT * FROM said('SELECT id FROM items ORDER BY $2 <-> $1::vector LIMIT 3');
SELECT * FROM said('SELECT id FROM generate_series(1, 3) id ORDER BY made_vector(id, 12) <-> $1 LIMIT 3');

-- what lies between table and order
SELECT * FROM said('WITH s AS MATERIALIZED (SELECT id, e <-> $1 AS d FROM items) SELECT * FROM s ORDER BY d LIMIT 10');
SELECT * FROM said('WITH s AS (SELECT id, e <-> $1 AS d FROM items) SELECT * FROM s WHERE d > (SELECT min(d) FROM s) ORDER BY d LIMIT 10');
SELECT * FROM said('SELECT * FROM (SELECT id, e FROM items OFFSET 5) s ORDER BY e <-> $1 LIMIT 10');
SELECT finding = 'order_above' OR current_setting('server_version_num')::int >= 160000 AS through_distinct
    FROM said('SELECT DISTINCT id, e <-> $1 AS d FROM items ORDER BY d LIMIT 10');
SELECT * FROM said('SELECT category, min(e <-> $1) FROM items GROUP BY category ORDER BY 2 LIMIT 10');
SELECT * FROM said('SELECT category, avg(e) <-> $1 FROM items GROUP BY category ORDER BY 2 LIMIT 10');
SELECT * FROM said('SELECT id, e FROM items EXCEPT SELECT id, e FROM items ORDER BY 1 LIMIT 10');
SELECT * FROM said('SELECT * FROM (SELECT e FROM items UNION SELECT other FROM items) s ORDER BY e <-> $1 LIMIT 10');
SELECT * FROM said('SELECT * FROM (WITH b AS (SELECT * FROM items) SELECT * FROM b) s ORDER BY e <-> $1 LIMIT 10');
SELECT * FROM said('SELECT id FROM items i, LATERAL (SELECT i.e <-> $1 AS d) s ORDER BY d LIMIT 10');
SELECT * FROM said('SELECT id FROM items i, LATERAL (SELECT l2_distance(i.e, $1) AS d) s ORDER BY d LIMIT 10');
SELECT * FROM said('SELECT id FROM items i, LATERAL (SELECT i.other AS v OFFSET 0) s ORDER BY i.e <-> s.v LIMIT 10');
SELECT * FROM said('SELECT id FROM items ORDER BY e <-> (SELECT i.e FROM items i WHERE i.id = items.id) LIMIT 10');
SELECT * FROM said('SELECT id FROM (SELECT * FROM items) s ORDER BY e <-> (SELECT i.e FROM items i WHERE i.id = s.id) LIMIT 10');
SELECT * FROM said('SELECT id FROM (SELECT i.id, i.e FROM pg_class c, items i) s ORDER BY e <-> (SELECT x.e FROM items x WHERE x.id = s.id) LIMIT 10');
SELECT * FROM said('WITH RECURSIVE t AS (SELECT id, e FROM items UNION ALL SELECT id, e FROM t WHERE false) SELECT * FROM t ORDER BY e <-> $1 LIMIT 3');
SELECT * FROM said('SELECT * FROM items a FULL JOIN items b USING (id, e) ORDER BY e <-> $1 LIMIT 3');
SELECT * FROM said('SELECT * FROM (SELECT s FROM items s) t ORDER BY (t.s).e <-> $1 LIMIT 3');
SELECT * FROM said('(SELECT id, 1 AS d FROM items ORDER BY l2_distance(e, $1) LIMIT 3) UNION ALL (SELECT id, 1 - (e <=> $1) FROM items ORDER BY 2 DESC LIMIT 3) ORDER BY d LIMIT 2');
SELECT * FROM said('SELECT DISTINCT ON (l2_distance(e, $1)) id FROM items ORDER BY l2_distance(e, $1) LIMIT 3');
SELECT * FROM said('SELECT i.id FROM items j LEFT JOIN items i USING (id) ORDER BY i.e <-> $1 LIMIT 3');
CREATE VIEW seen AS SELECT id, e AS embedding, e <-> '[1,2,3,4,5,6,7,8,9,10,11,12]' AS d FROM items;
CREATE VIEW barred WITH (security_barrier) AS SELECT id, e FROM items;
CREATE VIEW ordered AS SELECT id FROM items ORDER BY e <-> '[1,2,3,4,5,6,7,8,9,10,11,12]' LIMIT 3;
SELECT * FROM said('SELECT id FROM seen ORDER BY d LIMIT 10');
SELECT * FROM said('SELECT id FROM seen ORDER BY l2_distance(embedding, $1) LIMIT 10');
SELECT * FROM said('SELECT id FROM barred WHERE id > $2 ORDER BY e <-> $1 LIMIT 10');
SELECT * FROM said('SELECT id FROM ordered');
DROP VIEW seen, barred, ordered;

-- the planner's choice
SELECT * FROM said('SELECT id FROM items WHERE id = 7 ORDER BY e <-> $1 LIMIT 10');
SELECT * FROM said('SELECT id FROM items WHERE id = 7 ORDER BY l2_distance(e, $1) LIMIT 10');
SET enable_indexscan = off;
SELECT * FROM said('SELECT id FROM items ORDER BY e <-> $1 LIMIT 10');
RESET enable_indexscan;
CREATE TABLE few (id int, e vector(3));
INSERT INTO few SELECT i, made_vector(i, 3) FROM generate_series(1, 10) i;
CREATE INDEX ON few USING vecidx (e);
SELECT * FROM said('SELECT id FROM few ORDER BY e <-> $1 LIMIT 10');
ANALYZE few;
SELECT regexp_replace(detail, '\d+', 'N', 'g') FROM said('SELECT id FROM few ORDER BY e <-> $1 LIMIT 10');
-- what was set to find out is not set any more
SELECT name, setting FROM pg_settings WHERE name IN ('enable_seqscan', 'enable_bitmapscan', 'enable_sort', 'enable_indexscan') ORDER BY 1;

-- partitions
CREATE TABLE parts (id int, e vector(12)) PARTITION BY RANGE (id);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (3000);
CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM (3000) TO (9000);
INSERT INTO parts SELECT id, e FROM items;
CREATE INDEX parts_e ON parts USING vecidx (e);
ANALYZE parts;
SELECT finding, detail ~ 'parts_._e_idx' AS of_a_partition FROM said('SELECT id FROM parts ORDER BY e <-> $1 LIMIT 10');
SELECT * FROM said('SELECT id FROM parts WHERE id = $2 ORDER BY e <=> $1 LIMIT 10');
DROP TABLE parts;

-- vectors out of line; what is recommended helps
CREATE TABLE wide (id int, e vector(768));
INSERT INTO wide SELECT i, made_vector(i, 768) FROM generate_series(1, 2000) i;
SET client_min_messages = warning;
CREATE INDEX wide_e ON wide USING vecidx (e);
RESET client_min_messages;
ANALYZE wide;
SELECT * FROM said('SELECT id FROM wide ORDER BY e <-> $1 LIMIT 10');
ALTER TABLE wide ALTER COLUMN e SET STORAGE PLAIN;
VACUUM FULL wide;
SELECT coalesce(pg_relation_size(reltoastrelid), 0) AS out_of_line FROM pg_class WHERE oid = 'wide'::regclass;
SELECT * FROM said('SELECT id FROM wide ORDER BY e <-> $1 LIMIT 10');
DROP TABLE wide;

-- names that must be quoted or qualified
CREATE SCHEMA "Other";
CREATE TABLE "Other"."My Items" (id int, "My E" vector(3));
SELECT * FROM said('SELECT id FROM "Other"."My Items" ORDER BY l2_distance("My E", $1) LIMIT 10');
SET search_path = "Other", pg_catalog;
SELECT * FROM public.vecidx_explain('SELECT id FROM "My Items" ORDER BY public.l2_distance("My E", $1) LIMIT 10');
SELECT * FROM public.vecidx_explain('SELECT id FROM "My Items" ORDER BY "My E" OPERATOR(public.<->) public.made_vector((random() * 9)::int, 3) LIMIT 10');
-- another operator of the name comes first there
CREATE OPERATOR "Other".<-> (LEFTARG = public.vector, RIGHTARG = public.vector, FUNCTION = public.l1_distance);
SET search_path = "Other", public;
SELECT rewritten FROM vecidx_explain('SELECT id FROM "My Items" ORDER BY l2_distance("My E", $1) LIMIT 10');
SELECT * FROM vecidx_explain('SELECT id FROM "My Items" ORDER BY "My E" <-> $1 LIMIT 10');
RESET search_path;
SET client_min_messages = warning;
DROP SCHEMA "Other" CASCADE;
RESET client_min_messages;

-- errors: of the query, with their place in it, and of what is no query; nothing is executed
SELECT * FROM vecidx_explain('SELECT id FROM items ORDER BY e <-> 1 LIMIT 10');
SELECT * FROM vecidx_explain('SELECT id FRM items ORDER BY e');
SELECT * FROM vecidx_explain('SELECT id FROM nowhere');
SELECT * FROM vecidx_explain('SELECT $1 + $2');
SELECT * FROM vecidx_explain('SELECT 1; SELECT 2');
SELECT * FROM vecidx_explain(' -- nothing');
SELECT * FROM vecidx_explain('EXPLAIN SELECT 1');
SELECT * FROM vecidx_explain('SELECT id INTO x FROM items');
SELECT * FROM vecidx_explain('DROP TABLE items');
SELECT * FROM vecidx_explain(NULL);
SELECT finding FROM vecidx_explain('DELETE FROM items');
SELECT count(*) FROM items;
-- with the caller's rights
CREATE ROLE vecidx_reader;
GRANT SELECT (id) ON items TO vecidx_reader;
SET ROLE vecidx_reader;
SELECT * FROM vecidx_explain('SELECT id FROM items ORDER BY e <-> $1 LIMIT 10');
SELECT finding FROM vecidx_explain('SELECT id FROM items');
RESET ROLE;
DROP OWNED BY vecidx_reader;
DROP ROLE vecidx_reader;
\pset format aligned
\pset null ''
DROP FUNCTION said;
DROP TABLE items, few;
