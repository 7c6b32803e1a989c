-- More dimensions than a page has room for in one way or another: raw vectors, scan codes, refine codes. Each table has
-- indexes that grew from nothing and one that was built over rows.
SET client_min_messages = warning; -- vectors out of line
CREATE FUNCTION wide_checks(dim int) RETURNS TABLE (index name, tree text, several boolean, rows_agree boolean, checked text)
    LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY EXECUTE format('SELECT relname, i.tree, i.leaves > 1, i.rows = (SELECT count(*) FROM wide_%s),
                                        vecidx_check(oid, true)::text
                                 FROM pg_class, vecidx_info(oid) i WHERE relname ~ ''^wide_%1$s_'' ORDER BY 1', dim);
END $$;
CREATE PROCEDURE wide_table(kind text, dim int, rows int) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE %s TABLE wide_%s (id int, v vector(%2$s)) WITH (autovacuum_enabled = off)', kind, dim);
    EXECUTE format('CREATE INDEX wide_%s_l2 ON wide_%1$s USING vecidx (v)', dim);
    EXECUTE format('CREATE INDEX wide_%s_ip ON wide_%1$s USING vecidx (v vector_ip_ops)', dim);
    EXECUTE format('INSERT INTO wide_%s SELECT i, CASE i WHEN 5 THEN NULL ELSE made_row(i, %1$s, 4) END
                    FROM generate_series(1, %s) i', dim, rows);
    EXECUTE format('CREATE INDEX wide_%s_cosine ON wide_%1$s USING vecidx (v vector_cosine_ops)', dim);
END $$;
CALL wide_table('', 3072, 120);
CALL wide_table('UNLOGGED', 8121, 80);
CALL wide_table('', 16000, 60);
SELECT c.* FROM unnest(ARRAY[3072, 8121, 16000]) dim, wide_checks(dim) c;
SELECT dim, op, measured_recall(format('wide_%s', dim), 'v', op, dim, 10, int4range(500, 502)) >= 0.8 AS recalled
    FROM unnest(ARRAY[3072, 8121, 16000]) dim, unnest(ARRAY['<->', '<=>', '<#>']) op;
SET vecidx.recall = 1;
SELECT dim, op, same_order(format('wide_%s', dim), format('v %s %L', op, made_row(1000, dim, 4)))
    FROM unnest(ARRAY[3072, 8121, 16000]) dim, unnest(ARRAY['<->', '<=>', '<#>']) op;

-- slots of rows that went are used again
DELETE FROM wide_3072 WHERE id % 3 = 0;
DELETE FROM wide_8121 WHERE id % 3 = 0;
DELETE FROM wide_16000 WHERE id % 3 = 0;
VACUUM wide_3072, wide_8121, wide_16000;
SELECT c.* FROM unnest(ARRAY[3072, 8121, 16000]) dim, wide_checks(dim) c;
SELECT relname, code_pages INTO TEMP before FROM pg_class, vecidx_info(oid) WHERE relname ~ '^wide_[0-9]+_';
INSERT INTO wide_3072 SELECT i, made_row(i, 3072, 4) FROM generate_series(201, 215) i;
INSERT INTO wide_8121 SELECT i, made_row(i, 8121, 4) FROM generate_series(201, 215) i;
INSERT INTO wide_16000 SELECT i, made_row(i, 16000, 4) FROM generate_series(201, 215) i;
SELECT relname, b.code_pages = i.code_pages AS reused FROM before b, vecidx_info(relname::regclass) i ORDER BY 1;
SELECT dim, op, same_order(format('wide_%s', dim), format('v %s %L', op, made_row(1001, dim, 4)), 50)
    FROM unnest(ARRAY[3072, 8121, 16000]) dim, unnest(ARRAY['<->', '<=>', '<#>']) op;

-- all go; a build over what is left, and one by several processes
DELETE FROM wide_8121;
VACUUM wide_8121;
SELECT * FROM wide_checks(8121);
INSERT INTO wide_8121 SELECT 1, made_row(1, 8121, 4);
SELECT same_order('wide_8121', format('v <-> %L', made_row(1001, 8121, 4)));
SET min_parallel_table_scan_size = 0;
SET maintenance_work_mem = '128MB';
ALTER TABLE wide_16000 SET (parallel_workers = 2);
REINDEX TABLE wide_16000;
REINDEX TABLE CONCURRENTLY wide_8121;
SELECT c.* FROM unnest(ARRAY[8121, 16000]) dim, wide_checks(dim) c;
SELECT dim, op, same_order(format('wide_%s', dim), format('v %s %L', op, made_row(1002, dim, 4)))
    FROM unnest(ARRAY[8121, 16000]) dim, unnest(ARRAY['<->', '<=>', '<#>']) op;
TRUNCATE wide_8121;
SELECT * FROM wide_checks(8121);
-- with memory for nothing it is one leaf
SET maintenance_work_mem = '1MB';
REINDEX INDEX wide_16000_l2;
SELECT vecidx_check('wide_16000_l2', true), leaves FROM vecidx_info('wide_16000_l2');
SELECT same_order('wide_16000', format('v <-> %L', made_row(1002, 16000, 4)), 20);
DROP TABLE wide_3072, wide_8121, wide_16000, before;
DROP FUNCTION wide_checks;
DROP PROCEDURE wide_table;
RESET client_min_messages;
RESET vecidx.recall;
