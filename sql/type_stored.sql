-- Distances to vectors out of line: the same as to those in the row, however often, in whichever order and transaction.
CREATE TABLE stored (id int PRIMARY KEY, v vector(900));
ALTER TABLE stored ALTER v SET STORAGE EXTERNAL;
INSERT INTO stored SELECT i, (SELECT array_agg(sin(i * 37 + j)::float4) FROM generate_series(1, 900) j)::vector
  FROM generate_series(1, 400) i;
CREATE TABLE inline (id int, v vector(900));
ALTER TABLE inline ALTER v SET STORAGE PLAIN;
INSERT INTO inline SELECT * FROM stored;
SELECT pg_relation_size(reltoastrelid) > 400 * 3600 AS out_of_line FROM pg_class WHERE oid = 'stored'::regclass;

-- more rows than are remembered, twice over, by every operator and by functions
CREATE FUNCTION differences(q vector) RETURNS bigint LANGUAGE sql AS $$
  SELECT count(*) FROM stored s JOIN inline i USING (id), generate_series(1, 2)
    WHERE (s.v <-> q, s.v <=> q, s.v <#> q, s.v <+> q, q <-> s.v, q <=> s.v, inner_product(q, s.v), linf_distance(s.v, q))
      IS DISTINCT FROM
          (i.v <-> q, i.v <=> q, i.v <#> q, i.v <+> q, q <-> i.v, q <=> i.v, inner_product(q, i.v), linf_distance(i.v, q))
$$;
SELECT differences(v) FROM inline WHERE id <= 3 ORDER BY id;

-- fetched once, however often they are asked for
SELECT pages_of('SELECT v FROM stored WHERE id <= 50') AS rows \gset
SELECT pages_of('SELECT v <-> array_fill(1, ARRAY[900])::vector FROM stored WHERE id <= 50') AS once \gset
SELECT pages_of('SELECT v <-> array_fill(1, ARRAY[900])::vector, v <-> array_fill(1, ARRAY[900])::vector
                   FROM stored WHERE id <= 50') AS twice \gset
SELECT :once - :rows >= 100 AS fetched, :once = :twice AS remembered;

-- both sides out of line
SELECT count(*) FROM stored a, stored b, inline i, inline j
  WHERE a.id <= 5 AND b.id <= 5 AND i.id = a.id AND j.id = b.id AND (a.v <-> b.v) IS DISTINCT FROM (i.v <-> j.v);

-- values that change under the same query
SELECT id FROM stored, (SELECT v AS q FROM inline WHERE id = 1) q ORDER BY stored.v <-> q LIMIT 1;
UPDATE stored SET v = (SELECT v FROM inline WHERE id = 400) WHERE id = 1;
SELECT count(*) FROM stored, (SELECT v AS q FROM inline WHERE id = 1) q WHERE stored.v <-> q = 0;
BEGIN;
UPDATE stored SET v = (SELECT v FROM inline WHERE id = 1) WHERE id = 2;
SELECT id FROM stored, (SELECT v AS q FROM inline WHERE id = 1) q WHERE stored.v <-> q = 0;
ROLLBACK;
SELECT count(*) FROM stored, (SELECT v AS q FROM inline WHERE id = 1) q WHERE stored.v <-> q = 0;
TRUNCATE stored;
INSERT INTO stored SELECT id + 1000, v FROM inline WHERE id = 1;
SELECT id FROM stored, (SELECT v AS q FROM inline WHERE id = 1) q WHERE stored.v <-> q = 0;

-- a query of another dimension, after one that was remembered
SELECT v <-> '[1,2]' FROM stored;
SELECT '[1,2]' <=> v FROM stored;
SELECT count(*) FROM stored WHERE v <-> (SELECT v FROM inline WHERE id = 1) = 0;

-- by the index, which has each row's distance computed twice
CREATE TABLE wide_stored (id int, v vector(900));
ALTER TABLE wide_stored ALTER v SET STORAGE EXTERNAL;
INSERT INTO wide_stored SELECT id, v FROM inline;
CREATE INDEX ON wide_stored USING vecidx (v vector_l2_ops);
SET enable_seqscan = off;
WITH q AS MATERIALIZED (SELECT v FROM inline WHERE id = 7)
SELECT array_agg(id) = (SELECT array_agg(id) FROM (SELECT id FROM inline ORDER BY v <-> (SELECT v FROM q) LIMIT 10) t)
  FROM (SELECT id FROM wide_stored ORDER BY v <-> (SELECT v FROM q) LIMIT 10) t;

-- nobody looks at the sort expression's value: no vector is fetched for it
SELECT v AS q FROM inline WHERE id = 7 \gset
SELECT pages_of(format('SELECT id FROM wide_stored ORDER BY v <-> %L LIMIT 10', :'q')) AS warm \gset
SELECT pages_of(format('SELECT id FROM wide_stored ORDER BY v <-> %L LIMIT 10', :'q')) AS idle \gset
SELECT pages_of(format('SELECT id, v <-> %L FROM wide_stored ORDER BY 2 LIMIT 10', :'q')) AS asked \gset
SELECT :asked - :idle >= 20 AS spared;
-- and it is there for whoever does
CREATE TABLE nearest AS SELECT id, v <-> :'q' AS d FROM inline ORDER BY 2 LIMIT 10;
SELECT array_agg(id ORDER BY d) AS ids FROM nearest \gset
SELECT (SELECT array_agg((t.id, d)::text) FROM (SELECT id, v <-> :'q' AS d FROM wide_stored ORDER BY d LIMIT 10) t) =
       (SELECT array_agg((id, d)::text ORDER BY d) FROM nearest) AS selected;
SELECT array_agg(id) = :'ids' AS ties
  FROM (SELECT id FROM wide_stored ORDER BY v <-> :'q' FETCH FIRST 10 ROWS WITH TIES) t;
SELECT array_agg(id) = :'ids' AS below_a_sort
  FROM (SELECT * FROM (SELECT id, v FROM wide_stored ORDER BY v <-> :'q' LIMIT 10) t ORDER BY v <-> :'q') t;
CREATE TABLE copied (id int);
INSERT INTO copied SELECT id FROM wide_stored ORDER BY v <-> :'q' LIMIT 10;
SELECT array_agg(id) = :'ids' AS inserted FROM copied;
BEGIN;
DECLARE c SCROLL CURSOR FOR SELECT id FROM wide_stored ORDER BY v <-> :'q' LIMIT 10;
FETCH 3 FROM c;
FETCH BACKWARD 2 FROM c;
COMMIT;
SELECT count(*) FROM generate_series(1, 3) g, LATERAL (SELECT id FROM wide_stored
    ORDER BY v <-> (SELECT v FROM inline WHERE id = g) LIMIT 2) t WHERE t.id = g;
DROP TABLE stored, inline, wide_stored, nearest, copied;
DROP FUNCTION differences;
