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

$standby->promote;
insert_rows($standby, 'built', 24, 30001, 31000);
$standby->safe_psql('postgres', 'DELETE FROM built WHERE id % 5 = 0; VACUUM built');
sound($standby, 'built', 24, 'promoted');
same_answers($standby, 'built', 24, 'promoted');

$standby->stop;
$primary->stop;
done_testing();
