# After a crash the indexes are sound and hold every committed row: built, filled from empty, vacuumed, and in the midst
# of concurrent inserts; also where CREATE INDEX writes no WAL.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use VecidxTest;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', "wal_level = replica\nmax_connections = 20\nautovacuum = off\n");
$node->start;
create_helpers($node);

sub crash
{
	$node->stop('immediate');
	$node->start;
	return;
}

make_table($node, 'built', 20, rows => 6000);
make_table($node, 'filled', 12);
insert_rows($node, 'filled', 12, 1, 3000);
crash();
sound($node, 'built', 20, 'built');
sound($node, 'filled', 12, 'filled from empty');

$node->safe_psql('postgres', 'CHECKPOINT');
insert_rows($node, 'built', 20, 6001, 9000);
$node->safe_psql('postgres', 'DELETE FROM filled WHERE id % 3 = 0; VACUUM filled');
crash();
sound($node, 'built', 20, 'inserted into a tree');
sound($node, 'filled', 12, 'vacuumed');
same_answers($node, 'built', 20, 'inserted into a tree');
same_answers($node, 'filled', 12, 'vacuumed');

# Crashes while four clients insert and one deletes and vacuums. Committed rows are in the table, so that the index
# agrees with the table is all that counts.
my $insert = $node->basedir . '/insert.sql';
append_to_file($insert, '\set n random(1, 1000000)' . "\nINSERT INTO built VALUES (1000000 + :n, made_row(:n, 20));\n");
my $vacuum = $node->basedir . '/vacuum.sql';
append_to_file($vacuum, "DELETE FROM built WHERE ctid IN (SELECT ctid FROM built LIMIT 10);\nVACUUM built;\n");
for my $round (1 .. 4)
{
	my ($out, $err) = ('', '');
	my $pgbench = IPC::Run::start(
		[ 'pgbench', '-n', '-c', '4', '-j', '1', '-T', '30', '-f', "$insert\@20", '-f', "$vacuum\@1",
			'-h', $node->host, '-p', $node->port, 'postgres' ], '>', \$out, '2>', \$err);
	sleep 2;
	$node->safe_psql('postgres', 'CHECKPOINT') if $round % 2;
	sleep 1;
	$node->stop('immediate');
	IPC::Run::finish($pgbench);
	$node->start;
	$node->safe_psql('postgres', 'UPDATE built SET id = -id WHERE false');
	my $checks = join(', ', map { "vecidx_check('$_', true)" } indexes_of('built'));
	my ($status, $stdout, $stderr) = $node->psql('postgres', "SELECT $checks");
	is($stderr, '', "round $round: sound after a crash amid inserts");
	same_answers($node, 'built', 20, "round $round");
}
cmp_ok($node->safe_psql('postgres', 'SELECT count(*) FROM built WHERE id > 1000000'), '>', 100, 'rows were inserted meanwhile');

# CREATE TABLE, INSERT and CREATE INDEX in one transaction write no WAL at this level.
$node->append_conf('postgresql.conf', "wal_level = minimal\nmax_wal_senders = 0\nwal_skip_threshold = 0\n");
$node->restart;
$node->safe_psql('postgres', q{
	BEGIN;
	CREATE TABLE unwritten (id int, v vector(20)) WITH (autovacuum_enabled = off);
	INSERT INTO unwritten SELECT i, made_row(i, 20) FROM generate_series(1, 6000) i;
	CREATE INDEX unwritten_l2 ON unwritten USING vecidx (v);
	CREATE INDEX unwritten_cosine ON unwritten USING vecidx (v vector_cosine_ops);
	CREATE INDEX unwritten_ip ON unwritten USING vecidx (v vector_ip_ops);
	INSERT INTO unwritten SELECT i, made_row(i, 20) FROM generate_series(6001, 7000) i;
	COMMIT;
});
crash();
sound($node, 'unwritten', 20, 'wal_level minimal');
insert_rows($node, 'unwritten', 20, 7001, 8000);
crash();
sound($node, 'unwritten', 20, 'wal_level minimal, then inserts');

$node->stop;
done_testing();
