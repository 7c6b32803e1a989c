-- vector_ball, the type of what a condition on a distance is compared with, and the functions and operators that compare.
SELECT vector_ball('[1,2,3]', 0.5), vector_ball('[1]', 'Infinity'), vector_ball('[-0,1e-40]', 'NaN'), vector_ball('[1]', -2);
SELECT vector_ball(NULL, 1) IS NULL AS no_center, vector_ball('[1]', NULL) IS NULL AS no_radius;
SELECT '<[1,2,3],0.5>'::vector_ball, ' < [1, 2 ] , 3e0 > '::vector_ball, '<[1],-Infinity>'::vector_ball, '<[1],nan>'::vector_ball;
SELECT text, outcome(format('SELECT %L::vector_ball', text)) FROM unnest(ARRAY['', '<', '<>', '[1,2]', '<[1,2]>', '<[1,2],>',
    '<[1,2],x>', '<[1,2],1', '<[1,2],1>>', '<[1,2] 1>', '<[1,2],1> 2', '<1,2,1>', '<[],1>', '<[NaN],1>', '<[1e99],1>', '<[1],1e999>',
    '<[1]', 'x<[1],1>']) text;
SELECT '<[1,2],3>'::vector(2);
-- binary: as text again
CREATE TABLE balls (id int, b vector_ball);
INSERT INTO balls VALUES (1, '<[1,2,3],0.5>'), (2, NULL), (3, vector_ball(array_fill(1, ARRAY[3000])::vector, 1e300));
SELECT id, vector_ball_send(b) AS binary FROM balls WHERE id < 3;
SELECT current_setting('data_directory') || '/vecidx_type_ball' AS file \gset
SELECT 'cat > /dev/null; rm ' || quote_literal(:'file') AS remove \gset
COPY balls TO :'file' (FORMAT binary);
CREATE TABLE copies (LIKE balls);
COPY copies FROM :'file' (FORMAT binary);
COPY (SELECT 1) TO PROGRAM :'remove';
SELECT a.id, a.b::text IS NOT DISTINCT FROM c.b::text AS same FROM balls a JOIN copies c USING (id) ORDER BY id;
SELECT id, array_fill(1, ARRAY[3000])::vector @<-> b AS within FROM balls WHERE id = 3;

-- exactly what the distance operators say, compared by <=, at and beside each distance
SELECT op, bool_and(l2 = (d <= r)), bool_and(ball = (d <= r)) FROM
    (SELECT v, q FROM unnest(ARRAY['[1,2,3]', '[0,0,0]', '[-1,5,1e-30]', '[3e38,1,1]', '[0.1,0.7,-0.3]']::vector[]) v,
                      unnest(ARRAY['[3,1,2]', '[1,2,3]', '[1,1,1]', '[1e-40,0,0]']::vector[]) q) s,
    LATERAL (VALUES ('<->', v <-> q), ('<=>', v <=> q), ('<#>', v <#> q), ('<+>', v <+> q)) o(op, d),
    unnest(ARRAY[d, d - abs(d) * 1e-15, d + abs(d) * 1e-15, 0, -1, 1, 'Infinity', '-Infinity']::float8[]) r,
    LATERAL (SELECT CASE op WHEN '<->' THEN l2_within(v, q, r) WHEN '<=>' THEN cosine_within(v, q, r)
                            WHEN '<#>' THEN ip_within(v, q, r) ELSE l1_within(v, q, r) END AS l2,
                    CASE op WHEN '<->' THEN v @<-> vector_ball(q, r) WHEN '<=>' THEN v @<=> vector_ball(q, r)
                            WHEN '<#>' THEN v @<#> vector_ball(q, r) ELSE v @<+> vector_ball(q, r) END AS ball) c
    WHERE d <> 'NaN' AND r <> 'NaN' GROUP BY op ORDER BY op;
-- NaN is within nothing, and nothing is within NaN
SELECT cosine_within('[0,0]', '[1,2]', 'Infinity') AS zero, cosine_within('[1,2]', '[0,0]', 'Infinity') AS zero_center,
    l2_within('[1,2]', '[1,2]', 'NaN') AS nan_radius, '[1,2]' @<-> vector_ball('[1,2]', 'NaN') AS nan_ball,
    '[0,0]' @<=> vector_ball('[1,2]', 'Infinity') AS zero_in_ball;
SELECT l2_within(NULL, '[1]', 1) IS NULL AS a, l2_within('[1]', NULL, 1) IS NULL AS b, l2_within('[1]', '[1]', NULL) IS NULL AS r,
    NULL::vector @<-> vector_ball('[1]', 1) IS NULL AS v, '[1]'::vector @<-> NULL IS NULL AS ball;
SELECT outcome(c) FROM unnest(ARRAY['SELECT l2_within(''[1,2]'', ''[1,2,3]'', 1)', 'SELECT cosine_within(''[1,2]'', ''[1]'', 1)',
    'SELECT ip_within(''[1,2]'', ''[1,2,3]'', 1)', 'SELECT l1_within(''[1,2]'', ''[1,2,3]'', 1)',
    'SELECT ''[1,2]'' @<-> vector_ball(''[1]'', 1)']) c;
SELECT proname, provolatile, proisstrict, proparallel, prosupport FROM pg_proc WHERE proname ~ '_within$|_in_ball$' ORDER BY proname COLLATE "C";
-- vectors out of line
CREATE TABLE wide (v vector(3000));
ALTER TABLE wide ALTER v SET STORAGE EXTERNAL;
INSERT INTO wide SELECT array_fill(i, ARRAY[3000])::vector FROM generate_series(1, 5) i;
SELECT count(*) FROM wide WHERE l2_within(v, array_fill(2, ARRAY[3000])::vector, sqrt(3000)) AND v @<-> vector_ball(array_fill(1, ARRAY[3000])::vector, 60);
DROP TABLE balls, copies, wide;
