# Bounds never exceed what the operators compute: the executor would raise "index returned tuples in wrong order".
# Random queries of every kind against rows of every kind, at all settings.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use VecidxTest;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', "autovacuum = off\nfsync = off\n");
$node->start;
create_helpers($node);
my $queries = $ENV{VECIDX_QUERIES} // 100000;

# near duplicates, tiny, large and mixed magnitudes beside ordinary rows
for my $dim (3, 25, 130)
{
	my $table = "b$dim";
	make_table($node, $table, $dim);
	$node->safe_psql('postgres', qq{
		INSERT INTO $table SELECT i, CASE i % 8
			WHEN 0 THEN made_vector(i % 40, $dim) + made_vector(i, $dim, 1e-6)
			WHEN 1 THEN made_vector(i, $dim, 1e-12)
			WHEN 2 THEN made_vector(i, $dim, 1e9)
			WHEN 3 THEN made_vector(i % 10, $dim)
			ELSE made_row(i, $dim) END
		FROM generate_series(1, 5000) i;
		REINDEX TABLE $table});
	$node->safe_psql('postgres', "INSERT INTO $table SELECT i, made_vector(i, $dim, 10.0 ^ (i % 12 - 6)) FROM generate_series(5001, 6000) i");
	for my $class ([ '<->', 'l2' ], [ '<=>', 'cosine' ], [ '<#>', 'ip' ])
	{
		my $n = int($queries / 9);
		my $done = $node->safe_psql('postgres', qq{
			SET enable_seqscan = off;
			DO \$\$
			DECLARE q vector; found int; total int := 0;
			BEGIN
				FOR i IN 1 .. $n LOOP
					PERFORM set_config('vecidx.recall', (ARRAY['0.95', '0.5', '1', '0.99'])[1 + i % 4], true);
					q := CASE i % 5 WHEN 0 THEN made_vector(i % 40, $dim) WHEN 1 THEN made_vector(i, $dim, 1e-12)
						WHEN 2 THEN made_vector(i, $dim, 1e9) WHEN 3 THEN (SELECT v FROM $table WHERE v IS NOT NULL OFFSET i % 20 LIMIT 1)
						ELSE made_vector(i, $dim) END;
					SELECT count(*) INTO found FROM (SELECT id FROM $table ORDER BY v $class->[0] q LIMIT 10 + i % 7) s;
					total := total + (found <> 10 + i % 7)::int;
				END LOOP;
				IF total > 0 THEN
					RAISE EXCEPTION '% short results', total;
				END IF;
			END \$\$;
			SELECT 'done'}, timeout => 900);
		is($done, 'done', "$n queries of $dim dimensions by $class->[1]");
	}
}

$node->stop;
done_testing();
