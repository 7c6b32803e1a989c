-- Casts to and from vector.
SELECT '[1,2,3]'::vector::vector(3), '[1.5,-0]'::vector::real[], ('[1,2]'::vector::real[])[2];
SELECT '{1,2,3}'::integer[]::vector, '{1.5,2}'::real[]::vector(2), '{1.5,2}'::double precision[]::vector,
  '{1.5,2,1e-10}'::numeric[]::vector, ARRAY[1,2,3]::vector, ARRAY[1.5,2.5]::vector, '[5:6]={1,2}'::int[]::vector;
-- through real: rounded once, too small becomes 0
SELECT '{16777217,-2147483648}'::integer[]::vector, '{1e-46,-1e-46,0.1}'::double precision[]::vector,
  '{1e-46,-1e-46,0.1,16777217,1.000000059604644775390625,1.00000005960464477539062500001}'::numeric[]::vector;
SELECT value, outcome(format('SELECT %s::vector', value)) FROM (VALUES
  ($$'{}'::real[]$$), ($$'{{1}}'::real[]$$), ($$'{{1,2},{3,4}}'::int[]$$), ($$'{NULL}'::real[]$$),
  ($$'{1,NULL}'::numeric[]$$), ($$'{NaN}'::real[]$$), ($$'{Infinity}'::real[]$$), ($$'{-Infinity}'::real[]$$),
  ($$'{4e38,1}'::double precision[]$$), ($$'{-4e38,1}'::double precision[]$$), ($$'{NaN}'::double precision[]$$),
  ($$'{4e38}'::numeric[]$$), ($$'{NaN}'::numeric[]$$), ($$'{Infinity}'::numeric[]$$), ($$'{-Infinity}'::numeric[]$$),
  ($$'{}'::int[]$$), ($$array_fill(0, ARRAY[16001])$$), ($$'{a}'::text[]$$), ($$'{1,2}'::bigint[]$$)
) AS refused(value);
SELECT type, outcome(format('SELECT ARRAY[1,2,3]::%s::vector(2)', type))
  FROM unnest(ARRAY['integer[]', 'real[]', 'double precision[]', 'numeric[]']) type;
SELECT outcome($$SELECT '[1,2,3]'::vector::vector(2)$$), outcome($$SELECT '[1,2,3]'::vector(3)::vector(2)$$);
-- the private function refuses other element types
SELECT outcome($$SELECT array_to_vector('{1}'::int[], -1, true)$$), outcome($$SELECT array_to_vector('{1,2}'::int[], 1, true)$$);
CREATE FUNCTION text_array_to_vector(text[], integer, boolean) RETURNS vector
  AS '$libdir/vecidx', 'vecidx_array_to_vector' LANGUAGE C IMMUTABLE STRICT;
SELECT outcome($$SELECT text_array_to_vector('{1}', -1, true)$$);
DROP FUNCTION text_array_to_vector;
SELECT vector_to_float4('[1,2]', -1, false), vector('[1,2]', 2, true), outcome($$SELECT vector('[1,2]', 3, true)$$);
-- contexts: vector to real[] implicit, arrays to vector in assignments
SELECT castsource::regtype, casttarget::regtype, castcontext FROM pg_cast
  WHERE 'vector'::regtype IN (castsource, casttarget) ORDER BY castsource::regtype::text COLLATE "C", casttarget;
CREATE FUNCTION total(real[]) RETURNS real LANGUAGE sql AS 'SELECT sum(x) FROM unnest($1) x';
SELECT total('[1,2,3]'::vector);
DROP FUNCTION total;
CREATE TABLE type_casts (v vector(2), a real[]);
INSERT INTO type_casts VALUES (ARRAY[1,2], '[3,4]'::vector), ('{1,2}'::numeric[], NULL);
INSERT INTO type_casts VALUES (ARRAY[1,2,3], NULL);
SELECT * FROM type_casts;
DROP TABLE type_casts;
-- vector to real[] being implicit must not make comparing arrays ambiguous
SELECT ARRAY[1,2,3] = ARRAY[1,2,3];
