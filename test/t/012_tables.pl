# Tables and transactions of every kind, each with indexes born empty that grow past their first training: temporary,
# unlogged, partitioned, in another tablespace, changed to LOGGED and back, truncated; COPY, savepoints, rollbacks, two-phase
# commits, SERIALIZABLE; and dump and restore. What is asked at the end of each is in VecidxTest.pm (sound).
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use VecidxTest;

my $dim = 6;
my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', "autovacuum = off\nfsync = off\nmax_prepared_transactions = 5\n");
$node->start;
create_helpers($node);

sub run_sql
{
	return $node->safe_psql('postgres', join(";\n", @_));
}
sub rows
{
	my ($table, $from, $to) = @_;
	return "INSERT INTO $table SELECT i, made_row(i, $dim) FROM generate_series($from, $to) i";
}
sub trained
{
	my ($table, $what) = @_;
	is(run_sql("SELECT bool_and(levels > 0) FROM unnest(ARRAY['" . join("', '", indexes_of($table)) . "']) i, vecidx_info(i::regclass)"), 't', "$what: trained");
	return;
}
sub all_well
{
	my ($table, $what) = @_;
	trained($table, $what);
	sound($node, $table, $dim, $what);
	return;
}

# one transaction: COPY of many rows into an empty table
make_table($node, 'copied', $dim, leaf_size => 20);
my $file = $node->basedir . '/rows.copy';
run_sql("COPY (SELECT i, made_row(i, $dim) FROM generate_series(1, 12000) i) TO '$file'", "COPY copied FROM '$file'");
all_well('copied', 'COPY');

# a temporary table lives in one session: all its questions in one call
is(run_sql("CREATE TEMP TABLE temporary (id int, v vector($dim))", 'CREATE INDEX temporary_v ON temporary USING vecidx (v) WITH (leaf_size = 20)',
		rows('temporary', 1, 6000), 'DELETE FROM temporary WHERE id % 3 = 0', 'VACUUM temporary', rows('temporary', 6001, 8000),
		'SET enable_seqscan = off', "SELECT levels > 0, vecidx_check('temporary_v', true) FROM vecidx_info('temporary_v')",
		"SELECT count(*), count(DISTINCT id) FROM (SELECT id FROM temporary ORDER BY v <-> made_vector(1, $dim)) s"),
	"t|\n6000|6000", 'temporary');

make_table($node, 'unlogged', $dim, kind => 'UNLOGGED', leaf_size => 20);
insert_rows($node, 'unlogged', $dim, 1, 6000);
all_well('unlogged', 'unlogged');
run_sql('ALTER TABLE unlogged SET LOGGED');
insert_rows($node, 'unlogged', $dim, 6001, 7000);
all_well('unlogged', 'SET LOGGED');
$node->stop('immediate');
$node->start;
is(run_sql('SELECT count(*) FROM unlogged'), '7000', 'SET LOGGED: rows outlive a crash');
all_well('unlogged', 'SET LOGGED and a crash');
run_sql('ALTER TABLE unlogged SET UNLOGGED');
insert_rows($node, 'unlogged', $dim, 7001, 8000);
all_well('unlogged', 'SET UNLOGGED');

# TRUNCATE, and everything once more; also in the transaction that fills it again
run_sql('TRUNCATE copied');
sound($node, 'copied', $dim, 'TRUNCATE');
insert_rows($node, 'copied', $dim, 1, 6000);
all_well('copied', 'filled after TRUNCATE');
run_sql('BEGIN', 'TRUNCATE copied', rows('copied', 1, 5500), 'COMMIT');
all_well('copied', 'TRUNCATE and rows in one transaction');
run_sql('BEGIN', 'TRUNCATE copied', rows('copied', 1, 5500), 'ROLLBACK');
all_well('copied', 'TRUNCATE rolled back');

# the rows that train the index are those of a transaction that fails, or parts of it
make_table($node, 'failed', $dim, leaf_size => 20);
run_sql('BEGIN', rows('failed', 1, 6000), 'ROLLBACK', rows('failed', 1, 500));
all_well('failed', 'trained on rows that were rolled back');
run_sql('VACUUM failed', rows('failed', 501, 5000));
all_well('failed', 'rolled back, vacuumed, filled');
make_table($node, 'saved', $dim, leaf_size => 20);
run_sql('BEGIN', rows('saved', 1, 2500), 'SAVEPOINT a', rows('saved', 2501, 5000), 'ROLLBACK TO a', rows('saved', 5001, 7500), 'SAVEPOINT b',
	'UPDATE saved SET v = made_row(-id, 6) WHERE id % 2 = 0', 'RELEASE b', 'SAVEPOINT c', 'DELETE FROM saved', 'ROLLBACK TO c', 'COMMIT');
is(run_sql('SELECT count(*) FROM saved'), '5000', 'savepoints: rows');
all_well('saved', 'savepoints');

# prepared transactions outlive a crash
make_table($node, 'prepared', $dim, leaf_size => 20);
run_sql('BEGIN', rows('prepared', 1, 5000), "PREPARE TRANSACTION 'kept'");
run_sql('BEGIN', rows('prepared', 5001, 8000), "PREPARE TRANSACTION 'dropped'");
is(run_sql("SET enable_seqscan = off; SELECT count(*) FROM (SELECT id FROM prepared ORDER BY v <-> made_vector(1, $dim)) s"), '0', 'prepared: not seen yet');
insert_rows($node, 'prepared', $dim, 8001, 9000);
$node->stop('immediate');
$node->start;
run_sql("COMMIT PREPARED 'kept'");
run_sql("ROLLBACK PREPARED 'dropped'");
is(run_sql('SELECT count(*) FROM prepared'), '6000', 'prepared: rows');
all_well('prepared', 'prepared');
run_sql('VACUUM prepared', rows('prepared', 9001, 12000));
all_well('prepared', 'prepared, vacuumed, filled');

# every statement SERIALIZABLE
make_table($node, 'serial', $dim, leaf_size => 20);
run_sql('SET default_transaction_isolation = serializable', rows('serial', 1, 4500), 'DELETE FROM serial WHERE id % 4 = 0', rows('serial', 4501, 6000));
run_sql('VACUUM serial');
all_well('serial', 'serializable');

# partitions, one of them made from a table; and a row that moves between them
run_sql("CREATE TABLE parted (id int, v vector($dim)) PARTITION BY RANGE (id)", 'CREATE TABLE parted1 PARTITION OF parted FOR VALUES FROM (0) TO (6000)',
	map({ "CREATE INDEX parted_$_->[0] ON parted USING vecidx (v vector_$_->[0]_ops) WITH (leaf_size = 20)" } @VecidxTest::classes),
	"CREATE TABLE parted2 (id int, v vector($dim))", rows('parted2', 6000, 10499), 'ALTER TABLE parted ATTACH PARTITION parted2 FOR VALUES FROM (6000) TO (12000)',
	rows('parted', 1, 5999), 'UPDATE parted SET id = id + 500 WHERE id BETWEEN 5500 AND 5999');
for my $part (qw(parted1 parted2))
{
	is(run_sql("SELECT count(*), bool_and(levels > 0), count(vecidx_check(indexrelid, true)) FROM pg_index, vecidx_info(indexrelid) WHERE indrelid = '$part'::regclass"), '3|t|3', "$part is sound");
}
for my $class (@VecidxTest::classes)
{
	is(run_sql('SET enable_seqscan = off', "SELECT count(*), count(DISTINCT (tableoid, ctid)) FROM (SELECT tableoid, ctid FROM parted ORDER BY v $class->[1] made_vector(1, $dim)) s") =~ s/\|.*//r,
		run_sql('SELECT count(*) FROM parted'), "partitioned: a scan by $class->[1] returns every row");
}

# another tablespace, there and back
my $place = $node->basedir . '/space';
mkdir $place or die $!;
$node->safe_psql('postgres', "CREATE TABLESPACE space LOCATION '$place'");
make_table($node, 'moved', $dim, leaf_size => 20);
run_sql('ALTER INDEX moved_l2 SET TABLESPACE space', rows('moved', 1, 6000), 'ALTER TABLE moved SET TABLESPACE space', 'ALTER INDEX moved_ip SET TABLESPACE space');
all_well('moved', 'another tablespace');
run_sql('ALTER INDEX moved_l2 SET TABLESPACE pg_default', 'DELETE FROM moved WHERE id % 2 = 0', rows('moved', 6001, 9000));
all_well('moved', 'back again');
run_sql('REINDEX (TABLESPACE pg_default) TABLE CONCURRENTLY moved', rows('moved', 9001, 9500));
all_well('moved', 'rebuilt elsewhere');

# dump and restore: the definitions with their options, and the rows
$node->safe_psql('postgres', 'CREATE DATABASE restored');
my $dump = $node->basedir . '/dump.sql';
$node->command_ok([ 'pg_dump', '-h', $node->host, '-p', $node->port, '-f', $dump, '-t', 'saved', '-t', 'moved', '--no-tablespaces', 'postgres' ], 'pg_dump');
$node->safe_psql('restored', 'CREATE EXTENSION vecidx');
$node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-h', $node->host, '-p', $node->port, '-f', $dump, 'restored' ], 'restored');
for my $table (qw(saved moved))
{
	my $ask = "SELECT count(vecidx_check(indexrelid, true)), string_agg(replace(pg_get_indexdef(indexrelid), 'public.', ''), E'\n' ORDER BY pg_get_indexdef(indexrelid)) FROM pg_index WHERE indrelid = '$table'::regclass";
	(my $definitions = $node->safe_psql('restored', $ask)) =~ s/^3\|//;
	is($definitions, run_sql($ask) =~ s/^3\|//r, "$table: all indexes are sound and defined as before");
	is($node->safe_psql('restored', "SET enable_seqscan = off; SELECT count(*) FROM (SELECT id FROM $table ORDER BY v <-> '[1,2,3,4,5,6]') s"),
		run_sql("SELECT count(*) FROM $table"), "$table: every row");
}

$node->stop;
done_testing();
