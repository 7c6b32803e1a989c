# Inserts, deletes, updates, searches, VACUUM and index builds at the same time: no error, no lost row, sound indexes.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use VecidxTest;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', "autovacuum = off\nfsync = off\nmax_connections = 30\nmaintenance_work_mem = 8MB\n");
$node->start;
create_helpers($node);
make_table($node, 'tree', 16, rows => 6000);
make_table($node, 'raw', 16);
# a VACUUM that could shorten the table waits five seconds for each other VACUUM in the queue
$node->safe_psql('postgres', "ALTER TABLE $_ SET (vacuum_truncate = off)") for qw(tree raw);

my $search = join("\n", map {
	"SET LOCAL vecidx.recall = $_->[1];\nSELECT count(*) FROM (SELECT id FROM :t ORDER BY v $_->[0] made_vector(:n, 16) LIMIT :k) s;"
} [ '<->', 0.95 ], [ '<=>', 1 ], [ '<#>', 0.8 ]);
my $setup = "\\set n random(1, 1000000)\n\\set k random(1, 40)\n";

for my $table (qw(tree raw))
{
	(my $on_table = $search) =~ s/:t\b/$table/g;
	$node->pgbench(
		'--no-vacuum --client=6 --jobs=2 --transactions=' . ($ENV{VECIDX_TRANSACTIONS} // 400),
		0, [qr{actually processed}], [qr{^$}],
		"$table under load",
		{
			"${table}_insert\@8" => "${setup}INSERT INTO $table VALUES (1000000 + :n, made_row(:n, 16));",
			"${table}_many\@1" => "${setup}INSERT INTO $table SELECT 1000000 + :n + i, made_row(:n + i, 16) FROM generate_series(1, 50) i;",
			"${table}_update\@2" => "${setup}UPDATE $table SET v = made_row(:n, 16) WHERE ctid = (SELECT ctid FROM $table LIMIT 1 OFFSET :k);",
			"${table}_delete\@1" => "${setup}DELETE FROM $table WHERE ctid IN (SELECT ctid FROM $table OFFSET :n % 3000 LIMIT 30);",
			"${table}_search\@6" => "${setup}BEGIN;\nSET LOCAL enable_seqscan = off;\n$on_table\nCOMMIT;",
			"${table}_vacuum\@1" => "VACUUM $table;",
		});
	sound($node, $table, 16, "$table after the load");
	same_answers($node, $table, 16, "$table after the load");
}

# builds beside writers
my $load = $node->basedir . '/load.sql';
append_to_file($load, "${setup}INSERT INTO tree VALUES (3000000 + :n, made_row(:n, 16));\nDELETE FROM tree WHERE id = 1000000 + :n % 1000;\n");
my ($out, $err) = ('', '');
my $pgbench = IPC::Run::start([ 'pgbench', '-n', '-c', '2', '-T', '300', '-f', $load, '-h', $node->host, '-p', $node->port, 'postgres' ],
	'>', \$out, '2>', \$err);
for my $round (1 .. 3)
{
	$node->safe_psql('postgres', "REINDEX INDEX CONCURRENTLY tree_$_; VACUUM tree") for qw(l2 cosine ip);
}
IPC::Run::kill_kill($pgbench);
unlike($err, qr/ERROR|FATAL|PANIC/, 'no error beside concurrent builds');
$node->poll_query_until('postgres', "SELECT count(*) = 0 FROM pg_stat_activity WHERE application_name = 'pgbench'");
sound($node, 'tree', 16, 'concurrent builds');
same_answers($node, 'tree', 16, 'concurrent builds');

$node->stop;
done_testing();
