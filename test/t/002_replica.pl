# A streaming replica answers as its primary does, may check its indexes, and works on after promotion. Every page that
# replay makes is compared with the primary's.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use VecidxTest;

my $primary = PostgreSQL::Test::Cluster->new('primary');
$primary->init(allows_streaming => 1);
$primary->append_conf('postgresql.conf', "autovacuum = off\nwal_consistency_checking = 'all'\n");
$primary->start;
create_helpers($primary);
make_table($primary, 'early', 16, rows => 6000);
$primary->backup('backup');

my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'backup', has_streaming => 1);
$standby->start;

sub agree
{
	my ($table, $dim, $what) = @_;
	$primary->wait_for_catchup($standby);
	is(answers($standby, $table, $dim, 1), answers($primary, $table, $dim, 1), "$what: the same answers");
	sound($standby, $table, $dim, "$what, standby");
	return;
}

agree('early', 16, 'from the backup');
make_table($primary, 'built', 24, rows => 7000);
agree('built', 24, 'built');
make_table($primary, 'filled', 12);
insert_rows($primary, 'filled', 12, 1, 3000);
insert_rows($primary, 'built', 24, 7001, 9000);
agree('filled', 12, 'filled from empty');
agree('built', 24, 'inserted into a tree');
$primary->safe_psql('postgres', 'DELETE FROM built WHERE id % 4 = 0; VACUUM built; DELETE FROM filled WHERE id < 1000; VACUUM filled');
insert_rows($primary, 'built', 24, 20001, 21000);
agree('built', 24, 'vacuumed');
agree('filled', 12, 'vacuumed');
$primary->safe_psql('postgres', 'REINDEX TABLE CONCURRENTLY early');
agree('early', 16, 'rebuilt');

# writers on the primary, checks on the standby
my $load = $primary->basedir . '/load.sql';
append_to_file($load, "\\set n random(1, 1000000)\nINSERT INTO built SELECT 100000 + :n, made_row(:n + i, 24) FROM generate_series(1, 20) i;\n");
my ($out, $err) = ('', '');
my $pgbench = IPC::Run::start([ 'pgbench', '-n', '-c', '2', '-R', '60', '-T', '300', '-f', $load, '-h', $primary->host, '-p', $primary->port, 'postgres' ],
	'>', \$out, '2>', \$err);
$primary->poll_query_until('postgres', "SELECT count(*) > 9000 FROM built");
my $checked = 0;
for my $round (1 .. 20)
{
	my (undef, undef, $found) = $standby->psql('postgres', "SELECT vecidx_check('built_l2', true), vecidx_check('built_ip', true)");
	unlike($found, qr/corrupted|missing/, "no false alarm while rows are replayed, round $round");
	$checked++ if $found eq '';
	$primary->safe_psql('postgres', 'DELETE FROM built WHERE id > 100000 AND id % 3 = 0; VACUUM built') if $round % 5 == 0;
}
cmp_ok($checked, '>', 0, 'checks pass beside replay');
IPC::Run::kill_kill($pgbench);
unlike($err, qr/ERROR|FATAL|PANIC/, 'no error beside the checks');
$primary->poll_query_until('postgres', "SELECT count(*) = 0 FROM pg_stat_activity WHERE application_name = 'pgbench'");
agree('built', 24, 'after the load');

$standby->promote;
insert_rows($standby, 'built', 24, 30001, 31000);
$standby->safe_psql('postgres', 'DELETE FROM built WHERE id % 5 = 0; VACUUM built');
sound($standby, 'built', 24, 'promoted');
same_answers($standby, 'built', 24, 'promoted');

$standby->stop;
$primary->stop;
done_testing();
