-- Binary input and output, and COPY.
SELECT vector_send('[1,-2.5,0]'), vector_send('[-0,1e-45]');
-- COPY as text
CREATE TABLE type_copy (id int, v vector(3));
INSERT INTO type_copy VALUES (1, '[1,2,3]'), (2, NULL), (3, '[-0,1e-45,3.4028235e38]');
COPY type_copy TO STDOUT;
COPY type_copy (v) TO STDOUT WITH (FORMAT csv);
COPY type_copy FROM STDIN;
4	[4,5,6]
5	 [ 7 , 8 , 9 ]
6	\N
\.
COPY type_copy FROM STDIN;
7	[1,2]
\.
COPY type_copy FROM STDIN;
7	[1,x,3]
\.
SELECT * FROM type_copy ORDER BY id;
-- round trip through a binary file of the server's
SELECT current_setting('data_directory') || '/vecidx_type_copy' AS file \gset
SELECT 'cat > /dev/null; rm ' || quote_literal(:'file') AS remove \gset
COPY type_copy TO :'file' WITH (FORMAT binary);
CREATE TABLE type_copy2 (LIKE type_copy);
COPY type_copy2 FROM :'file' WITH (FORMAT binary);
SELECT count(*), count(*) FILTER (WHERE a.v::text IS NOT DISTINCT FROM b.v::text)
  FROM type_copy a JOIN type_copy2 b USING (id);
CREATE TABLE type_copy3 (id int, v vector(2));
COPY type_copy3 FROM :'file' WITH (FORMAT binary);
COPY (SELECT 1) TO PROGRAM :'remove';
DROP TABLE type_copy, type_copy2, type_copy3;
-- binary input of any bytes: a binary COPY of one field, written by printf
CREATE TABLE type_raw (v vector);
CREATE FUNCTION receive(field bytea) RETURNS vector LANGUAGE plpgsql AS $$
DECLARE
  content bytea := '\x5047434f50590aff0d0a000000000000000000'::bytea || '\x0001'::bytea || int4send(length(field)) || field
    || '\xffff'::bytea;
  octal text;
  result vector;
BEGIN
  SELECT string_agg('\' || (b >> 6) || (b >> 3 & 7) || (b & 7), '' ORDER BY i) INTO octal
    FROM (SELECT i, get_byte(content, i) AS b FROM generate_series(0, length(content) - 1) i) s;
  EXECUTE format('COPY type_raw FROM PROGRAM %L WITH (FORMAT binary)', format('printf ''%s''', octal));
  DELETE FROM type_raw RETURNING v INTO result;
  RETURN result;
END $$;
SELECT bytes, outcome(format('SELECT receive(%L)', bytes)) FROM (VALUES
  ('\x000100003f800000'::bytea), ('\x000200003f80000080000000'), ('\x0001000000000001'), ('\x00010000ff7fffff'),
  ('\x00000000'), ('\xffff0000'), ('\x800000003f800000'), ('\x3e810000'), ('\x7fff0000'),
  ('\x000100013f800000'), ('\x0001ffff3f800000'), ('\x000100007fc00000'), ('\x000100007f800000'), ('\x00010000ff800000'),
  ('\x000200003f800000'), ('\x000100003f80'), ('\x0001'), ('\x'), ('\x000100003f80000000')
) AS message(bytes);
ALTER TABLE type_raw ALTER v TYPE vector(2);
SELECT outcome($$SELECT receive('\x000100003f800000')$$), outcome($$SELECT receive('\x000200003f80000080000000')$$);
DROP FUNCTION receive;
DROP TABLE type_raw;
