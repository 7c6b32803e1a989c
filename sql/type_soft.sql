-- Soft errors of the input function: type_soft.out from PostgreSQL 17 on, type_soft_1.out for 15, which has none, and
-- type_soft_2.out for 16, whose COPY does not use them.
SELECT current_setting('server_version_num')::int < 160000 AS none,
  current_setting('server_version_num')::int >= 170000 AS on_error \gset
\if :none
\quit
\endif
SELECT input, type, pg_input_is_valid(input, type) AS valid, e.message, e.detail, e.sql_error_code FROM (VALUES
  ('[1,2,3]', 'vector'), ('[1,2,3]', 'vector(3)'), ('[1,2,3]', 'vector(2)'), ('hello', 'vector'), ('[1,', 'vector'),
  ('[1]]', 'vector'), ('[]', 'vector'), ('[NaN]', 'vector'), ('[inf]', 'vector'), ('[4e38]', 'vector')
) AS s(input, type), pg_input_error_info(input, type) e;
SELECT pg_input_is_valid('[' || repeat('1,', 16000) || '1]', 'vector'), pg_input_is_valid('{"[1]",NULL}', 'vector[]'),
  pg_input_is_valid('{"[1]","[x]"}', 'vector[]');
CREATE TABLE type_soft (id int, v vector(2));
\if :on_error
COPY type_soft FROM PROGRAM 'printf "1\\t[1,2]\\n2\\t[1]\\n3\\t[1,x]\\n4\\t[4e38,1]\\n5\\t[3,4]\\n"' WITH (ON_ERROR ignore);
\endif
SELECT * FROM type_soft ORDER BY id;
DROP TABLE type_soft;
