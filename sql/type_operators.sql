-- Operators of the vector type.
SELECT '[1,2]'::vector <-> '[4,6]', '[1,2]'::vector <#> '[3,4]', '[1,0]'::vector <=> '[0,1]', '[1,2]'::vector <+> '[4,6]';
SELECT '[1,2,3]'::vector + '[4,5,6]', '[1,2,3]'::vector - '[4,5,7]', '[1,2,3]'::vector * '[4,5,6]', -'[1,0,-2]'::vector;
SELECT '[1,2,3]'::vector || '[4,5]', '[1]'::vector || '[2]' || '[3]';
-- multiples: a factor of any numeric type, computed in double precision and rounded once
SELECT '[1,2,3]'::vector * 2, 2 * '[1,2,3]'::vector, 0.1 * '[1,2,3]'::vector, '[1,-2]'::vector * -1.5::real,
  '[1e-38]'::vector * 1e70, 0 * '[-1,1e-45]'::vector, '[1,2]'::vector * NULL::float8;
SELECT command, outcome('SELECT ' || command) FROM (VALUES
  ($$'[3e38]'::vector + '[3e38]'$$), ($$'[-3e38]'::vector - '[3e38]'$$), ($$'[1e37]'::vector * '[1e37]'$$),
  ($$'[1e-37]'::vector * '[1e-37]'$$), ($$'[0,1e-37]'::vector * '[1e-37,0]'$$), ($$'[1e37]'::vector * 1e37$$),
  ($$1e-37 * '[1e-37]'::vector$$), ($$'[1]'::vector * 'NaN'::float8$$), ($$'-Infinity'::float8 * '[1]'::vector$$),
  ($$'[1,2]'::vector + '[1]'$$), ($$'[1,2]'::vector - '[1]'$$), ($$'[1,2]'::vector * '[1]'$$),
  ($$'[1,2]'::vector <-> '[1]'$$), ($$'[1,2]'::vector <#> '[1]'$$), ($$'[1,2]'::vector <=> '[1]'$$),
  ($$'[1,2]'::vector <+> '[1]'$$),
  ($$vector_dims(array_fill(0, ARRAY[16000])::vector || '[1]')$$),
  ($$vector_dims(array_fill(0, ARRAY[15999])::vector || '[1]')$$)
) AS limits(command);
-- order: lexicographic, then by dimension; different dimensions compare
SELECT a, b, a < b AS lt, a <= b AS le, a = b AS eq, a <> b AS ne, a >= b AS ge, a > b AS gt, vector_cmp(a, b) AS cmp
  FROM (VALUES ('[1,2,3]'::vector, '[1,2,3]'::vector), ('[1,2,3]', '[1,2]'), ('[1,2]', '[1,2,3]'), ('[1,2]', '[2,3,4]'),
    ('[2]', '[1,5,5]'), ('[0,1]', '[-0,1]'), ('[-1]', '[1]'), ('[1,3]', '[1,2,9]')) AS pairs(a, b);
SELECT vector_cmp('[1]', NULL), '[1]'::vector < NULL, NULL::vector = NULL::vector, NULL::vector IS NOT DISTINCT FROM NULL;
-- unquoted literals resolve to vector, arrays stay arrays
SELECT ARRAY[1,2,3] = ARRAY[1,2,3], ARRAY[1.5] || ARRAY[2], '{1,2}'::real[] < '{1,3}'::real[];
SELECT '[1,2]' <-> '[1,3]'::vector, '[1,2]'::vector = '[1,2]', '[2,3]' * '[1,2]'::vector;
-- core's own operators are resolved as before
SELECT - 1, 2 * 3, 2 * 1.5, - 1.5::float8, '2' * 3, interval '1 day' * 2, -interval '1 day';
