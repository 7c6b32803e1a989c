-- Creates the extension, and helpers, for every test after this one.
CREATE EXTENSION vecidx;
-- What a command gives: its first value, or SQLSTATE, message, detail and hint of its error.
CREATE FUNCTION outcome(command text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  result text;
  state text;
  message text;
  detail text;
  hint text;
BEGIN
  EXECUTE command INTO result;
  RETURN coalesce(result, 'NULL');
EXCEPTION WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL,
    hint = PG_EXCEPTION_HINT;
  RETURN concat_ws(' | ', state, message, nullif(detail, ''), nullif(hint, ''));
END $$;
-- How many pages it visits, of tables and indexes, all of them cached.
CREATE FUNCTION pages_of(statement text) RETURNS int LANGUAGE plpgsql AS $$
DECLARE line text;
BEGIN
    FOR line IN EXECUTE 'EXPLAIN (ANALYZE, BUFFERS, COSTS OFF, TIMING OFF) ' || statement LOOP
        IF line ~ 'Buffers: shared hit=' THEN
            RETURN substring(line FROM 'hit=([0-9]+)');
        END IF;
    END LOOP;
END $$;
