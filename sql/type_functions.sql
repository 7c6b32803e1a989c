-- Functions of the vector type.
SELECT vector_dims('[1,2,3]'), vector_norm('[3,4]'), l2_norm('[3,4]'), vector_norm('[0,0]');
-- norms are computed in double precision
SELECT vector_norm('[3e37,4e37]')::real, l2_norm('[3e-30,4e-30]')::real;
SELECT l2_distance('[0,0]', '[3,4]'), l2_distance('[0,0]', '[0,1]'), l2_distance('[3e38]', '[-3e38]'),
  l2_distance('[1e-30]', '[0]');
SELECT inner_product('[1,2]', '[3,4]'), inner_product('[1]', '[-2]'), inner_product('[3e38]', '[3e38]'),
  inner_product('[3e38]', '[-3e38]');
SELECT cosine_distance('[1,2]', '[2,4]'), cosine_distance('[1,2]', '[0,0]'), cosine_distance('[0,0]', '[0,0]'),
  cosine_distance('[1,1]', '[1,1]'), cosine_distance('[1,0]', '[0,2]'), cosine_distance('[1,1]', '[-1,-1]'),
  cosine_distance('[1,2]', '[-2,-4]'), cosine_distance('[3e38]', '[3e38]'), cosine_distance('[1e-30]', '[1e-30]');
-- rounding never takes the similarity out of [-1,1]
SELECT bool_and(cosine_distance(v, 3 * v) BETWEEN 0 AND 1e-6 AND cosine_distance(v, -v) BETWEEN 2 - 1e-6 AND 2)
  FROM (SELECT ARRAY[sin(i), cos(i * i), 0.1 * i]::vector AS v FROM generate_series(1, 1000) i) s;
SELECT l1_distance('[0,0]', '[3,4]'), l1_distance('[0,0]', '[0,-1]'), l1_distance('[3e38]', '[-3e38]');
SELECT linf_distance('[0,0]', '[3,-4]'), linf_distance('[1,2,3]', '[1,2,3]'), linf_distance('[3e38]', '[-3e38]');
SELECT vector_l2_squared_distance('[0,0]', '[3,4]'), vector_negative_inner_product('[1,2]', '[3,4]');
SELECT vector_spherical_distance('[1,0]', '[1,0]'), vector_spherical_distance('[1,0]', '[0,1]'),
  vector_spherical_distance('[1,0]', '[-1,0]'), vector_spherical_distance('[2,0]', '[2,0]');
-- every length of a vector agrees with arithmetic in numeric (the values are exact)
SELECT count(*) AS lengths, bool_and(vector_l2_squared_distance(a, b) = l2 AND inner_product(a, b) = ip
    AND l1_distance(a, b) = l1 AND linf_distance(a, b) = linf AND cosine_distance(a, b) = 1 - ip / sqrt(aa * bb)) AS right
  FROM generate_series(1, 80) d, LATERAL (
    SELECT array_agg(x ORDER BY i)::vector AS a, array_agg(y ORDER BY i)::vector AS b, sum((x - y) * (x - y))::float8 AS l2,
      sum(x * y)::float8 AS ip, sum(abs(x - y))::float8 AS l1, max(abs(x - y))::float8 AS linf,
      sum(x * x)::float8 AS aa, sum(y * y)::float8 AS bb
    FROM (SELECT i, (i * 7 % 13 - 6)::int AS x, (i * 5 % 11 - 4)::int AS y FROM generate_series(1, d) i) e) v;
SELECT l2_normalize('[3,4]'), l2_normalize('[3,0]'), l2_normalize('[0,0.1]'), l2_normalize('[0,0]'), l2_normalize('[3e38]'),
  l2_normalize('[3e38,1e-37]'), l2_normalize('[1e-45,0]');
SELECT binary_quantize('[1,0,-1]'), binary_quantize('[0,0.1,-0.2,-0.3,0.4,0.5,0.6,-0.7,0.8,-0.9,1]'),
  binary_quantize('[-0,1e-45,-1e-45]'), binary_quantize('[1,1,1,1,1,1,1,1]'), length(binary_quantize('[1,2,3]')),
  binary_quantize('[1,-1]')::bit(2);
SELECT pg_typeof(binary_quantize('[1]')), octet_length(binary_quantize(array_fill(1, ARRAY[16000])::vector));
SELECT start, count, outcome(format('SELECT subvector(''[1,2,3,4,5]''::vector, %s, %s)', start, count)) FROM (VALUES
  (1, 3), (3, 2), (3, 3), (3, 9), (1, 5), (5, 1), (-1, 3), (-1, 2), (0, 1), (0, 2), (6, 1), (1, 0), (3, -1), (-5, 3),
  (1, 2147483647), (3, 2147483647), (-2147483644, 2147483647), (-2147483648, 2147483647), (2147483647, 2147483647),
  (-2147483648, -2147483648)
) AS part(start, count);
-- NULL arguments
SELECT l2_distance(NULL, '[1]'), cosine_distance('[1]', NULL), vector_dims(NULL), l2_normalize(NULL),
  subvector('[1]', NULL, 1), binary_quantize(NULL);
-- distances need equal dimensions
SELECT f, outcome(format('SELECT %s(''[1,2]'', ''[3]'')', f)) FROM unnest(ARRAY['l2_distance', 'inner_product',
  'cosine_distance', 'l1_distance', 'linf_distance', 'vector_l2_squared_distance', 'vector_negative_inner_product',
  'vector_spherical_distance']) f;
