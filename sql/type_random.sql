-- Random vectors survive output and input as text and in binary, and hold what their functions promise.
SELECT setseed(0.25);
-- every kind of finite float: of all exponents, denormal, short decimals, integers, and -0
CREATE FUNCTION random_float() RETURNS real LANGUAGE sql VOLATILE AS $$
  SELECT (CASE floor(random() * 5)
    WHEN 0 THEN (1 + floor(random() * 8388608) / 8388608) * 2.0::float8 ^ floor(random() * 254 - 126)
    WHEN 1 THEN floor(1 + random() * 8388607) * 2.0::float8 ^ -149
    WHEN 2 THEN floor(random() * 2000000 - 1000000) / 1000000
    WHEN 3 THEN floor(random() * 200 - 100)
    ELSE '-0'::float8 END * CASE WHEN random() < 0.5 THEN -1 ELSE 1 END)::real
$$;
CREATE TABLE type_random AS SELECT d AS id, array_agg(random_float())::vector AS v
  FROM generate_series(1, 1000) d, generate_series(1, 1 + d % 37) i GROUP BY d;
SELECT count(*), sum(vector_dims(v)) FROM type_random;
-- text, as written and with spaces and more digits than needed
SELECT count(*) FROM type_random WHERE vector_send(v::text::vector) <> vector_send(v);
SELECT count(*) FROM type_random, LATERAL (SELECT string_agg(x::float8::text, ' , ' ORDER BY i) AS digits
  FROM unnest(v::real[]) WITH ORDINALITY e(x, i)) s WHERE vector_send(('[ ' || digits || ' ]')::vector) <> vector_send(v);
-- binary
SELECT current_setting('data_directory') || '/vecidx_type_random' AS file \gset
SELECT 'cat > /dev/null; rm ' || quote_literal(:'file') AS remove \gset
COPY type_random TO :'file' WITH (FORMAT binary);
CREATE TABLE type_random2 (LIKE type_random);
COPY type_random2 FROM :'file' WITH (FORMAT binary);
COPY (SELECT 1) TO PROGRAM :'remove';
SELECT count(*), count(*) FILTER (WHERE vector_send(a.v) = vector_send(b.v)) FROM type_random a JOIN type_random2 b USING (id);
-- casts, subscripts, parts, signs
SELECT count(*) FROM type_random WHERE vector_send(v::real[]::vector) <> vector_send(v)
  OR vector_send(v::real[]::float8[]::vector) <> vector_send(v)
  OR vector_send(v::real[]::text::numeric[]::vector) <> vector_send(v + array_fill(0, ARRAY[vector_dims(v)])::vector);
SELECT count(*) FROM type_random, generate_series(0, vector_dims(v) + 1) i
  WHERE float4send(v[i]) IS DISTINCT FROM float4send((v::real[])[i]);
SELECT count(*) FROM type_random, generate_series(1, vector_dims(v) - 1) i
  WHERE vector_send(subvector(v, 1, i) || subvector(v, i + 1, 37)) <> vector_send(v);
SELECT count(*) FROM type_random WHERE v <> -(-v) OR v * 1 <> v OR v - v <> 0 * v OR vector_hash(0 * v) <> vector_hash(0 * -v);
-- the input rounds as the server's real does: decimals of 1 to 20 digits, and halfway cases
SELECT count(*), count(*) FILTER (WHERE float4send((('[' || t || ']')::vector)[1]) <> float4send(t::real)) FROM (
  SELECT (CASE WHEN random() < 0.5 THEN '-' ELSE '' END) || left(floor(random() * 1e15)::text || floor(random() * 1e5)::text,
    (1 + random() * 19)::int) || (ARRAY['', '.', '.5', 'e-7', 'e12', 'E+3', '.25e-20', '.0e17'])[1 + floor(random() * 8)::int] AS t
  FROM generate_series(1, 20000)
  UNION ALL
  -- exactly between two floats, and a little beside
  SELECT ((16777216 + 2 * i) * 2.0::numeric ^ (i % 21 - 10) + (2.0::numeric ^ (i % 21 - 10)) + j * 1e-9::numeric)::text
  FROM generate_series(1, 2000) i, generate_series(-1, 1) j) s;
-- the order is that of the arrays
SELECT count(*) FROM type_random a, type_random b WHERE a.id % 10 = 0 AND b.id % 7 = 0
  AND (vector_cmp(a.v, b.v) <> -vector_cmp(b.v, a.v) OR vector_cmp(a.v, b.v) <> (a.v::real[] > b.v::real[])::int - (a.v::real[] < b.v::real[])::int);
DROP FUNCTION random_float;
DROP TABLE type_random, type_random2;
