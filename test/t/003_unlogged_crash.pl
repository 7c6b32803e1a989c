# An unlogged table is empty after a crash and after promotion, and its indexes serve on from their init forks.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use VecidxTest;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init(allows_streaming => 1);
$node->append_conf('postgresql.conf', "autovacuum = off\n");
$node->start;
create_helpers($node);

sub serves_on
{
	my ($server, $table, $what, $dim, $rows) = (@_, 20, 2000);
	is($server->safe_psql('postgres', "SELECT count(*) FROM $table"), '0', "$what: empty");
	sound($server, $table, $dim, "$what, empty");
	insert_rows($server, $table, $dim, 1, $rows);
	sound($server, $table, $dim, "$what, filled again");
	same_answers($server, $table, $dim, "$what, filled again");
	return;
}

make_table($node, 'built', 20, rows => 6000, kind => 'UNLOGGED');
make_table($node, 'filled', 20, kind => 'UNLOGGED');
insert_rows($node, 'filled', 20, 1, 1000);
# a tree from the start, codes of two pages
make_table($node, 'vast', 8121, kind => 'UNLOGGED');
insert_rows($node, 'vast', 8121, 1, 60);
$node->backup('backup');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'backup', has_streaming => 1);
$standby->start;

# made after the backup, so their init forks come through WAL alone
make_table($node, 'late', 20, kind => 'UNLOGGED');
insert_rows($node, 'late', 20, 1, 1000);
$node->wait_for_catchup($standby);
my ($status, $out, $err) = $standby->psql('postgres', "SELECT vecidx_check('late_l2')");
like($err, qr/It is unlogged, so it is not there during recovery/, 'no check of an unlogged index during recovery');

$node->stop('immediate');
$node->start;
serves_on($node, $_, "$_ after a crash") for qw(built filled late);
serves_on($node, 'vast', 'vast after a crash', 8121, 60);
$node->restart;
is($node->safe_psql('postgres', 'SELECT count(*) FROM built'), '2000', 'a clean restart keeps the rows');
sound($node, 'built', 20, 'clean restart');

$standby->promote;
serves_on($standby, $_, "$_ after promotion") for qw(built late);
serves_on($standby, 'vast', 'vast after promotion', 8121, 60);

$standby->stop;
$node->stop;
done_testing();
