-- Errors as a client sees them, then their SQLSTATEs alone.
SELECT '[1,2,3'::vector;
SELECT '1,2,3'::vector;
SELECT '[1,2,3]9'::vector;
SELECT '[1,2]'::vector <-> '[1]'::vector;
SELECT '[1,2,3]'::vector(2);
SELECT 1::vector(0);
SELECT ('[1]'::vector)[1:2];
SELECT ('[1]'::vector)[1][2];
SELECT ('[1]'::vector)['[1]'::vector];
\set VERBOSITY sqlstate
SELECT '[1,2,3'::vector;
SELECT '[]'::vector;
SELECT '[NaN]'::vector;
SELECT '[4e38]'::vector;
SELECT '[1,2,3]'::vector(2);
SELECT '[1]'::vector(0);
SELECT '[1]'::vector(16001);
SELECT '[1]'::vector(1,2);
SELECT '[1]'::vector('a');
SELECT '{NULL}'::real[]::vector;
SELECT '{{1}}'::real[]::vector;
SELECT array_fill(0, ARRAY[16001])::vector;
SELECT '[1,2]'::vector <-> '[1]'::vector;
SELECT '[3e38]'::vector + '[3e38]';
SELECT '[1e-38]'::vector * '[1e-38]';
SELECT vector_avg('{}');
SELECT vector_avg('{1}');
SELECT ('[1]'::vector)[1:2];
SELECT ('[1]'::vector)['[1]'::vector];
-- operators and casts that do not exist
SELECT '[1]'::vector / 2;
SELECT '[1]'::vector <~> '[1]'::vector;
SELECT '[1]'::vector = '{1}'::real[];
SELECT '{1}'::text[]::vector;
