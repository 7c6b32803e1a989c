-- v[i] reads one element as real.
SELECT ('[1,2.5,3]'::vector)[1], ('[1,2.5,3]'::vector)[2], ('[1,2.5,3]'::vector)[3], pg_typeof(('[1]'::vector)[1]);
SELECT i, ('[1,2,3]'::vector)[i] FROM unnest(ARRAY[-2147483648, -1, 0, 1, 3, 4, 2147483647, NULL]) i;
SELECT i, ('[1,2,3]'::vector)[i + 0] FROM unnest(ARRAY[3, NULL]) i;
SELECT (NULL::vector)[1], ('[7,8]'::vector)['2'], ('[7,8]'::vector)[1.6], ('[7,8]'::vector)[2::bigint];
-- from a table: short, plain and out of line
CREATE TABLE type_subscript (id int, v vector);
INSERT INTO type_subscript SELECT d, array_agg(i ORDER BY i)::vector
  FROM unnest(ARRAY[3, 100, 16000]) d, generate_series(1, d) i GROUP BY d;
SELECT id, v[1], v[3], v[100], v[16000], v[id], v[id + 1] FROM type_subscript ORDER BY id;
SELECT id FROM type_subscript WHERE v[100] IS NULL OR v[1] + v[2] = 4;
CREATE INDEX ON type_subscript ((v[2]));
-- a view that uses it can be dumped
CREATE VIEW type_view AS SELECT id, v[id - i] AS element, -v AS negated, 2 * v + v * 0.5::float8 AS sum,
  v <-> v AS distance, v::vector(3) AS three FROM type_subscript, generate_series(1, 2) i;
SELECT pg_get_viewdef('type_view');
DROP TABLE type_subscript CASCADE;
SELECT command, outcome(command) FROM (VALUES
  ($$SELECT ('[1,2]'::vector)[1:2]$$), ($$SELECT ('[1,2]'::vector)[:]$$), ($$SELECT ('[1,2]'::vector)[1][1]$$),
  ($$SELECT ('[1,2]'::vector)['a']$$), ($$SELECT ('[1,2]'::vector)['[1]'::vector]$$),
  ($$SELECT ('[1,2]'::vector)[true]$$)
) AS refused(command);
CREATE TABLE type_subscript (v vector);
INSERT INTO type_subscript (v[1]) VALUES (1);
UPDATE type_subscript SET v[1] = 2;
UPDATE type_subscript SET v[1:2] = '[1,2]';
DROP TABLE type_subscript;
