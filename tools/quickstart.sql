-- What the quick start shows: the index is made, and a few searches with their time and their recall against the
-- exact answer of a sequential scan.
\pset tuples_only on
\pset format unaligned
SET client_min_messages = warning;

SELECT clock_timestamp() AS began \gset
CREATE INDEX words_embedding ON words USING vecidx (embedding vector_cosine_ops);
SELECT format('    made in %s ms, %s bytes a row',
              round(1000 * extract(epoch FROM clock_timestamp() - :'began')),
              round(pg_relation_size('words_embedding') / 20000.0));
VACUUM ANALYZE words;

-- The nearest words to one, by the index and by a sequential scan; times are the best of five runs.
CREATE FUNCTION pg_temp.search(word text, condition text, use_index bool, OUT found text[], OUT ms numeric)
LANGUAGE plpgsql AS $$
DECLARE
  query vector;
  began timestamptz;
  near text;
  sql text := format('SELECT w.word FROM words w WHERE %s ORDER BY w.embedding <=> $1 LIMIT 10', condition);
BEGIN
  SELECT w.embedding INTO query FROM words w WHERE w.word = search.word;
  PERFORM set_config('enable_indexscan', use_index::text, true), set_config('enable_seqscan', (NOT use_index)::text, true);
  FOR i IN 1..5 LOOP
    began := clock_timestamp();
    found := '{}';
    FOR near IN EXECUTE sql USING query LOOP
      found := found || near;
    END LOOP;
    ms := least(ms, 1000 * extract(epoch FROM clock_timestamp() - began));
  END LOOP;
END $$;

CREATE FUNCTION pg_temp.show(word text, condition text DEFAULT 'true') RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
  fast record;
  exact record;
  right_ones int;
BEGIN
  SELECT * INTO fast FROM pg_temp.search(word, condition, true);
  SELECT * INTO exact FROM pg_temp.search(word, condition, false);
  SELECT count(*) INTO right_ones FROM unnest(fast.found) f WHERE f = ANY (exact.found);
  RETURN format(E'  %s\n      %s of the %s nearest found, %s ms with the index, %s ms without',
                array_to_string(fast.found, ', '), right_ones, cardinality(exact.found),
                round(fast.ms, 2), round(exact.ms, 2));
END $$;

\echo
\echo 'The words nearest to "king":'
SELECT pg_temp.show('king');
\echo 'To "guitar":'
SELECT pg_temp.show('guitar');
\echo 'To "paris":'
SELECT pg_temp.show('paris');
\echo 'To "frog", among the 10,000 most frequent words (WHERE rank <= 10000):'
SELECT pg_temp.show('frog', 'rank <= 10000');
\echo

-- Every hundredth word.
\echo 'Searching for the ten nearest to each of 200 words:'
SELECT format('  recall %s, %s ms with the index, %s ms without',
              round(avg(cardinality(array(SELECT unnest(i.found) INTERSECT SELECT unnest(e.found))) / 10.0), 3),
              round(avg(i.ms), 2), round(avg(e.ms), 2))
FROM words, pg_temp.search(word, 'true', true) i, pg_temp.search(word, 'true', false) e
WHERE rank % 100 = 0;
SET vecidx.recall = 1;
SELECT format('  recall %s, %s ms with the index after SET vecidx.recall = 1',
              round(avg(cardinality(array(SELECT unnest(i.found) INTERSECT SELECT unnest(e.found))) / 10.0), 3),
              round(avg(i.ms), 2))
FROM words, pg_temp.search(word, 'true', true) i, pg_temp.search(word, 'true', false) e
WHERE rank % 100 = 0;
\echo
