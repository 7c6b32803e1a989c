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
my $queries = $ENV{VECIDX_QUERIES} // 9000;

# Near duplicates beside ordinary rows; in the second table also tiny and huge ones, whose mean lies far from most rows,
# so that nearly every row must be rechecked: few queries there.
sub ask
{
	my ($table, $dim, $class, $n) = @_;
	my $done = $node->safe_psql('postgres', qq{
		SET enable_seqscan = off;
		DO \$\$
		DECLARE q vector; found int; short int := 0;
		BEGIN
			FOR i IN 1 .. $n LOOP
				PERFORM set_config('vecidx.recall', (ARRAY['0.95', '0.5', '1', '0.99'])[1 + i / 5 % 4], true);
				q := CASE i % 5 WHEN 0 THEN made_vector(i % 40, $dim) WHEN 1 THEN made_vector(i, $dim, 1e-12)
					WHEN 2 THEN made_vector(i, $dim, 1e9) WHEN 3 THEN made_vector(i % 40, $dim) + made_vector(i, $dim, 1e-6)
					ELSE made_vector(i, $dim) END;
				SELECT count(*) INTO found FROM (SELECT id FROM $table ORDER BY v $class->[1] q LIMIT 10 + i % 7) s;
				short := short + (found <> 10 + i % 7)::int;
			END LOOP;
			IF short > 0 THEN
				RAISE EXCEPTION '% short results', short;
			END IF;
		END \$\$;
		SELECT 'done'});
	is($done, 'done', "$n queries of $table by $class->[0]");
	return;
}

for my $dim (3, 25, 130)
{
	make_table($node, "plain$dim", $dim);
	$node->safe_psql('postgres', qq{
		INSERT INTO plain$dim SELECT i, CASE i % 8 WHEN 0 THEN made_vector(i % 40, $dim) + made_vector(i, $dim, 1e-6)
			WHEN 1 THEN made_vector(i % 10, $dim) ELSE made_row(i, $dim) END FROM generate_series(1, 5000) i;
		REINDEX TABLE plain$dim;
		INSERT INTO plain$dim SELECT i, made_row(i, $dim) FROM generate_series(5001, 6000) i});
	make_table($node, "mixed$dim", $dim);
	$node->safe_psql('postgres', qq{
		INSERT INTO mixed$dim SELECT * FROM plain$dim LIMIT 4000;
		INSERT INTO mixed$dim SELECT i, made_vector(i, $dim, 10.0 ^ (i % 24 - 12)) FROM generate_series(1, 1000) i;
		REINDEX TABLE mixed$dim;
		INSERT INTO mixed$dim SELECT i, made_vector(i, $dim, 10.0 ^ (i % 36 - 18)) FROM generate_series(1, 500) i});
	for my $class (@VecidxTest::classes)
	{
		ask("plain$dim", $dim, $class, int($queries / 9));
		ask("mixed$dim", $dim, $class, int($queries / 900));
	}
}

$node->stop;
done_testing();
