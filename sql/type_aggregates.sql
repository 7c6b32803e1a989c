-- avg(vector) and sum(vector), serial, parallel, in windows, and their support functions called by hand.
CREATE TABLE type_aggregates (g int, v vector);
SELECT avg(v), sum(v) FROM type_aggregates;
INSERT INTO type_aggregates VALUES (1, '[1,2,3]'), (1, '[3,5,7]'), (2, NULL), (3, '[1]'), (3, NULL), (4, '[1,2]'), (4, '[2]');
SELECT g, avg(v), sum(v), count(v) FROM type_aggregates WHERE g < 4 GROUP BY g ORDER BY g;
SELECT outcome('SELECT avg(v) FROM type_aggregates WHERE g = 4'), outcome('SELECT sum(v) FROM type_aggregates WHERE g = 4');
SELECT avg(v), outcome($$SELECT sum(v) FROM unnest(ARRAY['[3e38]'::vector, '[3e38]']) v$$)
  FROM unnest(ARRAY['[3e38]'::vector, '[3e38]']) v;
SELECT avg(v) OVER w, sum(v) OVER w FROM (VALUES (1, '[1,2]'::vector), (2, '[3,4]'), (3, '[8,9]')) s(i, v)
  WINDOW w AS (ORDER BY i ROWS BETWEEN 1 PRECEDING AND CURRENT ROW);
SELECT avg(v) FILTER (WHERE i <> 2), avg(DISTINCT v), sum(v ORDER BY i DESC)
  FROM (VALUES (1, '[1,2]'::vector), (2, '[3,4]'), (3, '[1,2]')) s(i, v);
-- parallel workers give the same; the values are exact
CREATE TABLE type_parallel AS SELECT i, ARRAY[i % 100, -i % 7, 1]::vector(3) AS v FROM generate_series(1, 20000) i;
ALTER TABLE type_parallel SET (parallel_workers = 2);
ANALYZE type_parallel;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
EXPLAIN (COSTS OFF) SELECT avg(v), sum(v) FROM type_parallel;
SELECT avg(v), sum(v) FROM type_parallel;
SELECT i % 2 AS odd, avg(v), sum(v) FROM type_parallel GROUP BY 1 ORDER BY 1;
-- a worker without rows
SELECT avg(v), sum(v) FROM type_parallel WHERE i = 77;
SELECT avg(v), sum(v) FROM type_parallel WHERE i < 0;
SET max_parallel_workers_per_gather = 0;
SELECT avg(v), sum(v) FROM type_parallel;
RESET ALL;
DROP TABLE type_aggregates, type_parallel;
-- support functions
SELECT vector_accum('{0}', '[1,2]'), vector_accum('{1,5,6}', '[1,2]'), vector_combine('{1,1,2}', '{2,3,4}'),
  vector_combine('{0}', '{1,2}'), vector_combine('{1,2}', '{0}'), vector_combine('{0}', '{0}'), vector_avg('{2,4,8}'),
  vector_avg('{0}'), vector_avg('{0,1}');
SELECT command, outcome('SELECT ' || command) FROM (VALUES
  ($$vector_avg('{1}')$$), ($$vector_avg('{}')$$), ($$vector_avg('{{1,2}}')$$), ($$vector_avg('{NULL}')$$),
  ($$vector_avg('{1,NaN}')$$), ($$vector_avg('{1,1e300}')$$), ($$vector_avg(array_fill(1, ARRAY[16002]))$$),
  ($$vector_accum('{}', '[1]')$$), ($$vector_accum('{{1,2}}', '[1]')$$), ($$vector_accum('{1,NULL}', '[1]')$$),
  ($$vector_accum('{1,2}', '[1,2]')$$), ($$vector_accum('{1,Infinity}', '[1]')$$),
  ($$vector_combine('{}', '{1,2}')$$), ($$vector_combine('{1,2}', '{{1}}')$$), ($$vector_combine('{1,2}', '{1,2,3}')$$),
  ($$vector_combine('{1,1.7e308}', '{1,1.7e308}')$$)
) AS states(command);
-- called by hand they leave their arguments alone
SELECT vector_accum(s, '[1,1]'), s FROM (SELECT array_agg(i::float8) AS s FROM generate_series(1, 3) i OFFSET 0) q;
