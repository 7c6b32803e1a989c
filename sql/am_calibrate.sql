-- Calibration: an index measures itself when it is built, when it has changed and on request; what searches make of it;
-- whose recall counts.

CREATE TABLE cal (id int PRIMARY KEY, v vector(16));
INSERT INTO cal SELECT i, made_vector(i, 16) FROM generate_series(1, 8000) i;
CREATE INDEX cal_v ON cal USING vecidx (v);
CREATE TABLE asked (v vector(16));
INSERT INTO asked SELECT made_vector(100000 + i, 16) FROM generate_series(1, 200) i;

-- three curves that rise
CREATE VIEW rising AS
SELECT by, k, count(*) AS recalls, min(queries) = max(queries) AND min(queries) > 500 AS asked,
       bool_and(found BETWEEN least(recall, 0.99) AND 1) AS as_asked,
       bool_and(effort >= before AND entries >= entries_before AND leaves >= leaves_before) AS rises
FROM (SELECT *, lag(effort, 1, 0::real) OVER w AS before, lag(entries, 1, 0::real) OVER w AS entries_before,
             lag(leaves, 1, 0::real) OVER w AS leaves_before
      FROM vecidx_calibration('cal_v') WINDOW w AS (PARTITION BY by, k ORDER BY recall)) c
GROUP BY by, k ORDER BY by, k;
SELECT * FROM rising;

-- recall over the queries, by comparison with a sequential scan; ties count as found
CREATE FUNCTION recall_found(k int, target float8 DEFAULT 0.95) RETURNS float8 LANGUAGE plpgsql
    SET enable_sort = off SET enable_seqscan = off SET vecidx.recall FROM CURRENT AS $$
DECLARE
    q vector;
    found float8[];
    hits int := 0;
    kth float8;
BEGIN
    PERFORM set_config('vecidx.recall', target::text, true);
    FOR q IN SELECT v FROM asked LOOP
        found := ARRAY(SELECT v <-> q FROM cal ORDER BY v <-> q LIMIT k);
        SELECT max(d) INTO kth FROM (SELECT v::real[]::vector <-> q AS d FROM cal ORDER BY 1 LIMIT k) s;
        hits := hits + (SELECT count(*) FROM unnest(found) d WHERE d <= kth);
    END LOOP;
    RETURN hits / (k * (SELECT count(*) FROM asked))::float8;
END $$;
CREATE FUNCTION expected() RETURNS bigint LANGUAGE sql AS $$SELECT expected_entries FROM vecidx_info('cal_v')$$;

SELECT k, target, recall_found(k, target) >= target - 0.02 AS enough
FROM unnest(ARRAY[0.8, 0.95, 0.99]) target, unnest(ARRAY[1, 10, 100]) k ORDER BY k, target;
SELECT recall_found(100, 0.7) < 0.9 AS no_more_than_needed;

-- an index's own default, which a setting of the session replaces, and one of a function
CREATE FUNCTION expected_in_function() RETURNS bigint LANGUAGE sql SET vecidx.recall = 0.8 AS 'SELECT expected()';
CREATE TEMP TABLE work AS SELECT expected() AS usual;
ALTER INDEX cal_v SET (recall = 0.999);
SELECT expected() > usual AS own_default, expected_in_function() < usual AS in_function FROM work;
SET vecidx.recall = 0.8;
SELECT expected() < usual AS session FROM work;
RESET vecidx.recall;
SELECT expected() > usual AS own_default FROM work;
BEGIN;
SET LOCAL vecidx.recall = 0.8;
SELECT expected() < usual AS local FROM work;
COMMIT;
SELECT expected() > usual AS own_default FROM work;
ALTER INDEX cal_v RESET (recall);
SELECT expected() = usual AS usual FROM work;
ALTER INDEX cal_v SET (recall = 1.5);
ALTER INDEX cal_v SET (recall = 0.1);

-- on request
SELECT vecidx_calibrate('cal_v') > 500 AS asked;
SELECT * FROM rising;

-- by queries: far ones are harder to serve, and only who asks for it pays
SELECT vecidx_calibrate('cal_v', ARRAY(SELECT v * 3 FROM asked)) AS asked;
SELECT DISTINCT by, k, queries FROM vecidx_calibration('cal_v') WHERE by = 'queries' ORDER BY k;
SHOW vecidx.calibration;
SET vecidx.calibration = 'queries';
SELECT count(*) FROM (SELECT id FROM cal ORDER BY v <-> (SELECT v * 3 FROM asked LIMIT 1) LIMIT 10) s;
RESET vecidx.calibration;
SET vecidx.calibration = 'guesses';

-- when it has changed
SELECT DISTINCT queries > 0 AS measured FROM vecidx_calibration('cal_v') WHERE by = 'rows';
CREATE TEMP TABLE before AS SELECT * FROM vecidx_calibration('cal_v') WHERE by = 'rows';
INSERT INTO cal SELECT i, made_vector(i, 16) FROM generate_series(8001, 8400) i;
VACUUM cal;
SELECT count(*) AS changed FROM (TABLE before EXCEPT SELECT * FROM vecidx_calibration('cal_v') WHERE by = 'rows') s;
INSERT INTO cal SELECT i, made_vector(i, 16) FROM generate_series(8401, 12000) i;
VACUUM cal;
SELECT count(*) > 0 AS changed FROM (TABLE before EXCEPT SELECT * FROM vecidx_calibration('cal_v') WHERE by = 'rows') s;
DELETE FROM cal WHERE id % 2 = 0;
VACUUM cal;
SELECT recall_found(10) >= 0.93 AS enough;
SELECT vecidx_check('cal_v', true);

-- an index that is created empty is measured by its first VACUUM
TRUNCATE cal;
SELECT count(*) FROM vecidx_calibration('cal_v');
INSERT INTO cal SELECT i, made_vector(i, 16) FROM generate_series(1, 8000) i;
SELECT recall_found(10) >= 0.93 AS enough;
SELECT count(*) FROM vecidx_calibration('cal_v');
VACUUM cal;
SELECT * FROM rising;
SELECT recall_found(10) >= 0.93 AS enough;

-- a small index is exact
CREATE TABLE few AS SELECT id, v FROM cal WHERE id <= 100;
CREATE INDEX few_v ON few USING vecidx (v);
SELECT vecidx_calibrate('few_v');
SELECT count(*) FROM vecidx_calibration('few_v');
SELECT vecidx_calibrate('few_v', ARRAY(SELECT v FROM asked));

-- errors
SELECT vecidx_calibrate('cal_pkey');
SELECT vecidx_calibrate('cal_v', ARRAY(SELECT v FROM asked LIMIT 7));
SELECT vecidx_calibrate('cal_v', array_fill('[1,2,3]'::vector, ARRAY[60]));
SELECT vecidx_calibrate('cal_v', array_fill(NULL::vector, ARRAY[60]));
BEGIN READ ONLY;
SELECT vecidx_calibrate('cal_v');
ROLLBACK;
CREATE ROLE somebody;
SET ROLE somebody;
SELECT vecidx_calibrate('cal_v');
SELECT count(*) FROM vecidx_calibration('cal_v');
RESET ROLE;
DROP ROLE somebody;
DROP TABLE cal, few, asked CASCADE;
