-- Text input and output, and the type modifier.
SELECT input, outcome(format('SELECT %L::vector', input)) FROM (VALUES
  ('[1,2,3]'), ('[-1,-2,-3]'), ('[1.,2.,3.]'), (' [ 1,  2 ,    3  ] '), ('[.5,+1,-.25]'),
  ('[1.23456]'), ('[1e3,1E-3,2e+2]'), ('[0x10,0x1p-2,-0X.8p1]'), ('[0,-0]'), ('[1e-45]'), ('[1e-46]'), ('[-1e-46]'),
  ('[1.5e38,-1.5e38]'), ('[3.4028235e38]'), ('[1.17549435e-38]'), ('[16777217,16777219,9007199254740993]'),
  ('[0.1,0.30000001192092896,123456789.123456789]'), ('[00001,1e00000000001,1.000000000000000000000000000001]')
) AS accepted(input);
-- halfway between two floats in double precision, though not in truth
SELECT value, outcome(format('SELECT ''[%s]''::vector', value)), value::real FROM unnest(ARRAY['0.881204217672348',
  '0.937887579202652', '0.808529406785965', '0.556123286485672', '-0.556123286485672']) value;
-- all six kinds of space
SELECT outcome(format('SELECT %L::vector', translate('a[1b,2c,3d,e4f]a', 'abcdef', E'\t\n\r' || chr(11) || chr(12) || ' ')));
SELECT input, outcome(format('SELECT %L::vector', input)) FROM (VALUES
  ('[hello,1]'), ('[1,2,3'), ('['), ('[ '), ('[,'), ('[,]'), ('[1,]'), ('[1a]'), ('[1,,3]'), ('[1, ,3]'), ('[1 2]'),
  ('[1e,2]'), ('[1e+]'), ('[.]'), ('[-]'), ('[+-1]'), ('[1.2.3]'), ('[1;2]'), ('[[1]]'), ('[1}'), ('[1,2,3]9'),
  ('[1,2,3]]'), ('[1,2,3] ,'), ('1,2,3'), (''), (' '), ('{1,2,3}'), ('[]'), ('[ ]'), ('[NaN,1]'), ('[nan]'),
  ('[Infinity,1]'), ('[-Infinity,1]'), ('[1,inf]'), ('[4e38,1]'), ('[1,-4e38]'), ('[1e400]'),
  ('[340282350000000000000000000000000000001e10]')
) AS refused(input);
-- 16000 elements are the limit
SELECT vector_dims(('[' || repeat('1,', 15999) || '1]')::vector);
SELECT outcome(format('SELECT %L::vector', '[' || repeat('1,', 16000) || '1]'));
SELECT outcome(format('SELECT %L::vector', '[' || repeat('1,', 16000) || 'x]'));
-- type modifier
SELECT '[1,2,3]'::vector(3), format_type('vector'::regtype, 3), format_type('vector'::regtype, -1);
SELECT type, outcome(format('SELECT %L::%s', '[1,2,3]', type)) FROM (VALUES
  ('vector(2)'), ('vector(4)'), ('vector(3,2)'), ('vector(''a'')'), ('vector(0)'), ('vector(-1)'), ('vector(16000)'),
  ('vector(16001)'), ('vector(2147483647)')
) AS typmod(type);
SELECT outcome($$SELECT ('[' || repeat('1,', 15999) || '1]')::vector(16000) IS NOT NULL$$);
CREATE TABLE type_input (id int PRIMARY KEY, v vector(3));
INSERT INTO type_input VALUES (1, '[1,2,3]'), (2, NULL);
INSERT INTO type_input VALUES (3, '[1,2]');
INSERT INTO type_input VALUES (3, '[1,2]'::vector);
INSERT INTO type_input VALUES (3, '{1,2,3}'::real[]) RETURNING *;
UPDATE type_input SET v = '[1,2,3,4]';
ALTER TABLE type_input ALTER v TYPE vector(4);
ALTER TABLE type_input ALTER v TYPE vector;
ALTER TABLE type_input ALTER v TYPE vector(3);
SELECT attname, format_type(atttypid, atttypmod), attstorage FROM pg_attribute
  WHERE attrelid = 'type_input'::regclass AND attnum > 0 ORDER BY attnum;
SELECT * FROM type_input ORDER BY id;
-- the array type, and a vector as an element
SELECT ARRAY['[1,2]', NULL, '[3]']::vector[], '{"[1,2]","[3,4]"}'::vector(2)[];
SELECT outcome($$SELECT '{"[1,2]","[3]"}'::vector(2)[]$$);
SELECT to_regtype('vector'), to_regtype('_vector'), to_regtype('vector[]');
-- short, plain, external and never compressed
CREATE TABLE type_storage (dims int, v vector);
INSERT INTO type_storage SELECT d, array_fill(1::real, ARRAY[d])::vector FROM unnest(ARRAY[1, 29, 30, 400, 600, 16000]) d;
SELECT dims, vector_dims(v), vector_norm(v), pg_column_size(v), v[dims], v[dims + 1] FROM type_storage ORDER BY dims;
DROP TABLE type_input, type_storage;
