-- What the quick start shows: the index is made, then searches with their time and their recall against the exact
-- answer, which a sequential scan gives. Times are the server's, without the way to the client.
\pset tuples_only on
\pset format unaligned
SET client_min_messages = warning;

SELECT clock_timestamp() AS began \gset
CREATE INDEX words_embedding ON words USING vecidx (embedding vector_cosine_ops);
SELECT format('    made in %s ms, %s bytes a row',
              round(1000 * extract(epoch FROM clock_timestamp() - :'began')),
              round(pg_relation_size('words_embedding') / 20000.0));
VACUUM ANALYZE words;

-- The words nearest to one, by whatever plan the planner takes or by a sequential scan; the best time of some runs.
CREATE FUNCTION pg_temp.search(target text, condition text, use_index bool, runs int, OUT neighbours text[], OUT ms numeric)
LANGUAGE plpgsql AS $$
DECLARE
  query vector;
  began timestamptz;
  near text;
  sql text := format('SELECT word FROM words WHERE %s ORDER BY embedding <=> $1 LIMIT 10', condition);
BEGIN
  SELECT embedding INTO query FROM words WHERE word = target;
  PERFORM set_config('enable_indexscan', use_index::text, true);
  FOR i IN 1..runs LOOP
    began := clock_timestamp();
    neighbours := '{}';
    FOR near IN EXECUTE sql USING query LOOP
      neighbours := neighbours || near;
    END LOOP;
    ms := least(ms, 1000 * extract(epoch FROM clock_timestamp() - began));
  END LOOP;
END $$;

CREATE FUNCTION pg_temp.right_ones(answer text[], truth text[]) RETURNS bigint
LANGUAGE sql AS 'SELECT count(*) FROM unnest(answer) a WHERE a = ANY (truth)';

CREATE FUNCTION pg_temp.show(target text, condition text) RETURNS text
LANGUAGE sql AS $$
  SELECT format(E'  %s\n    %s of the %s nearest found; %s ms with the index, %s ms without',
                array_to_string(fast.neighbours, ', '), pg_temp.right_ones(fast.neighbours, exact.neighbours),
                cardinality(exact.neighbours), round(fast.ms, 2), round(exact.ms, 2))
  FROM pg_temp.search(target, condition, true, 5) fast, pg_temp.search(target, condition, false, 3) exact
$$;

\echo
\echo 'Nearest to "king":'
SELECT pg_temp.show('king', $$word <> 'king'$$);
\echo 'Nearest to "guitar":'
SELECT pg_temp.show('guitar', $$word <> 'guitar'$$);
\echo 'Nearest to "paris":'
SELECT pg_temp.show('paris', $$word <> 'paris'$$);
\echo 'Nearest to "frog" among the 5,000 most frequent words (WHERE rank <= 5000):'
SELECT pg_temp.show('frog', 'rank <= 5000');
\echo

\echo 'The ten nearest to each of 200 words:'
CREATE TEMP TABLE truth AS
SELECT word, e.* FROM words, pg_temp.search(word, 'true', false, 1) e WHERE rank % 100 = 0;
SELECT format('  recall %s, %s ms each with the index, %s ms without',
              round(avg(pg_temp.right_ones(i.neighbours, t.neighbours) / 10.0), 3), round(avg(i.ms), 2), round(avg(t.ms), 2))
FROM truth t, pg_temp.search(word, 'true', true, 2) i;
SET vecidx.recall = 1;
SELECT format('  recall %s, %s ms each after SET vecidx.recall = 1',
              round(avg(pg_temp.right_ones(i.neighbours, t.neighbours) / 10.0), 3), round(avg(i.ms), 2))
FROM truth t, pg_temp.search(word, 'true', true, 2) i;
\echo
