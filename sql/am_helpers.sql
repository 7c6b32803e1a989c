-- Functions that the access method's tests share: data made without a random generator, and a comparison of what an
-- index returns with what a sequential scan returns.

-- Uniform in [-1, 1), the same on every machine.
CREATE FUNCTION made_vector(seed int, dim int, scale float8 DEFAULT 1) RETURNS vector
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN (SELECT array_agg(hashint4(seed * 2003 + j) / 2147483648.0 * scale ORDER BY j)::vector
            FROM generate_series(1, dim) j);

-- Around one of `clusters` centres, as embeddings are.
CREATE FUNCTION made_row(seed int, dim int, clusters int) RETURNS vector
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN made_vector(-1 - (hashint4(seed) & 1048575) % clusters, dim) + made_vector(seed, dim, 0.3);

-- The plan of a statement without costs and with vectors cut short.
CREATE FUNCTION plan_of(statement text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE line text;
BEGIN
    FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || statement LOOP
        CONTINUE WHEN line ~ '^ *Disabled: true$'; -- only PostgreSQL 18 says it
        line := regexp_replace(line, '''\[[^]]*\]''::vector', 'query', 'g');
        line := regexp_replace(line, '<\[[^]]*\]', '<center', 'g');
        -- as PostgreSQL 17 and later write it
        RETURN NEXT replace(replace(line, ' (returns $0)', ''), '$0', '(InitPlan 1).col1');
    END LOOP;
END $$;

-- Does the index return the same distances in the same order as a sequential scan?
-- 'yes', 'not used' when the plan is another, or the first difference.
CREATE FUNCTION same_order(target regclass, expression text, wanted int DEFAULT NULL, condition text DEFAULT 'true')
    RETURNS text LANGUAGE plpgsql SET enable_seqscan = off SET enable_sort = off AS $$
DECLARE
    statement text := format('SELECT %s AS d FROM %s WHERE %s ORDER BY %s LIMIT %s', expression, target, condition,
                             expression, coalesce(wanted::text, 'ALL'));
    by_index float8[];
    by_table float8[];
BEGIN
    IF NOT EXISTS (SELECT FROM plan_of(statement) p WHERE p LIKE '%Index Scan using%') THEN
        RETURN 'not used';
    END IF;
    EXECUTE format('SELECT array_agg(d) FROM (%s) s', statement) INTO by_index;
    PERFORM set_config('enable_indexscan', 'off', true), set_config('enable_seqscan', 'on', true),
            set_config('enable_sort', 'on', true);
    EXECUTE format('SELECT array_agg(d) FROM (%s) s', statement) INTO by_table;
    PERFORM set_config('enable_indexscan', 'on', true);
    IF by_index IS NOT DISTINCT FROM by_table THEN
        RETURN 'yes';
    END IF;
    IF cardinality(by_index) IS DISTINCT FROM cardinality(by_table) THEN
        RETURN format('%s rows instead of %s', cardinality(by_index), cardinality(by_table));
    END IF;
    FOR i IN 1 .. cardinality(by_table) LOOP
        IF by_index[i] IS DISTINCT FROM by_table[i] THEN
            RETURN format('row %s: %s instead of %s', i, by_index[i], by_table[i]);
        END IF;
    END LOOP;
    RETURN 'equal only as a whole';
END $$;

-- Share of the true nearest `wanted` rows that the index finds, over queries made from `seeds`.
CREATE FUNCTION measured_recall(target regclass, column_name text, operator text, dim int, wanted int, seeds int4range)
    RETURNS float8 LANGUAGE plpgsql SET enable_seqscan = off SET enable_sort = off AS $$
DECLARE
    found bigint := 0;
    hits bigint;
    limit_distance float8;
BEGIN
    FOR seed IN lower(seeds) .. upper(seeds) - 1 LOOP
        PERFORM set_config('enable_indexscan', 'off', true), set_config('enable_seqscan', 'on', true),
                set_config('enable_sort', 'on', true);
        EXECUTE format('SELECT max(d) FROM (SELECT %1$I %2$s $1 AS d FROM %3$s ORDER BY %1$I %2$s $1 LIMIT %4$s) s',
                       column_name, operator, target, wanted)
            INTO limit_distance USING made_row(seed, dim, 50);
        PERFORM set_config('enable_indexscan', 'on', true), set_config('enable_seqscan', 'off', true),
                set_config('enable_sort', 'off', true);
        EXECUTE format('SELECT count(*) FILTER (WHERE d <= $2)
                        FROM (SELECT %1$I %2$s $1 AS d FROM %3$s ORDER BY %1$I %2$s $1 LIMIT %4$s) s',
                       column_name, operator, target, wanted)
            INTO hits USING made_row(seed, dim, 50), limit_distance;
        found := found + hits;
    END LOOP;
    RETURN found::float8 / (wanted * (upper(seeds) - lower(seeds)));
END $$;
