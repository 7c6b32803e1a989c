# A steady mix of inserts, updates, deletes, searches and VACUUM on two connections, with what it costs over time: 20
# seconds, or VECIDX_MINUTES (make soak MINUTES=30). At the end indexes are sound, answer as the table does, and have not
# grown beyond reason.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use VecidxTest;

my $seconds = ($ENV{VECIDX_MINUTES} // 0) * 60 || 20;
my $slices = $seconds > 600 ? int($seconds / 60) : 4;
my $dim = 24;
my $rows = $ENV{VECIDX_MINUTES} ? 30000 : 6000;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', "autovacuum = off\nfsync = off\nmax_wal_size = 4GB\n");
$node->start;
create_helpers($node);
make_table($node, 'soak', $dim, rows => $rows, leaf_size => 20);
$node->safe_psql('postgres', 'CREATE INDEX ON soak (id); ALTER TABLE soak SET (vacuum_truncate = off)');

# As many rows come as go; what comes lies elsewhere than what went, so that leaves are born and die.
my $base = $node->basedir;
my $most = 2 * $rows;
my %work = (
	insert => "INSERT INTO soak SELECT :id, made_row(:id + :drift, $dim);",
	update => "UPDATE soak SET v = made_row(:id + :drift + 1, $dim) WHERE id = :id;",
	# one row of those that may share the id
	delete => 'DELETE FROM soak WHERE ctid = (SELECT ctid FROM soak WHERE id >= :id ORDER BY id LIMIT 1);',
	search => "SET enable_seqscan = off;\nSELECT id FROM soak ORDER BY v <-> made_vector(:id, $dim) LIMIT 10;\nSELECT id FROM soak ORDER BY v <=> made_vector(:id, $dim) LIMIT 10;",
	vacuum => 'VACUUM soak;');
my %share = (insert => 30, update => 15, delete => 30, search => 40, vacuum => 1);
sub slice
{
	my ($i) = @_; # made_vector takes seeds up to a million
	my @files;
	for my $kind (sort keys %work)
	{
		my $file = "$base/$kind.$i.sql";
		append_to_file($file, "\\set id random(1, $most)\n\\set drift 100000 * ($i % 9 + 1)\n$work{$kind}\n");
		push @files, '-f', "$file\@$share{$kind}";
	}
	my ($out, $err) = ('', '');
	IPC::Run::run([ 'pgbench', '-n', '-c', '2', '-j', '1', '-T', int($seconds / $slices), @files, '-h', $node->host, '-p', $node->port, 'postgres' ],
		'>', \$out, '2>', \$err);
	my ($tps) = $out =~ /^tps = (\d+)/m;
	return ($tps // 0, $err);
}

sub sizes
{
	return $node->safe_psql('postgres', q{SELECT string_agg(pg_relation_size(i::regclass) / 1024 || ' kB', ', ') FROM unnest(ARRAY['soak_l2', 'soak_cosine', 'soak_ip']) i});
}
note "index sizes at first: " . sizes();
my $errors = '';
for my $i (0 .. $slices - 1)
{
	my ($tps, $err) = slice($i);
	$errors .= $err;
	my $state = $node->safe_psql('postgres', q{SELECT format('%s rows, %s leaves, %s pages unused', count(*), max(leaves), max(unused_pages)) FROM soak, vecidx_info('soak_l2')});
	note sprintf('after %d s: %d transactions a second, %s; index sizes %s', ($i + 1) * int($seconds / $slices), $tps, $state, sizes());
	cmp_ok($tps, '>', 0, "slice $i ran");
}
unlike($errors, qr/ERROR|FATAL|PANIC/, 'no error');
sound($node, 'soak', $dim, 'after all');
same_answers($node, 'soak', $dim, 'after all');
$node->safe_psql('postgres', 'VACUUM soak');
my $used = $node->safe_psql('postgres', q{SELECT pg_relation_size('soak_l2')});
$node->safe_psql('postgres', 'REINDEX TABLE soak');
my $fresh = $node->safe_psql('postgres', q{SELECT pg_relation_size('soak_l2')});
note sprintf('index size is %.2f times that of a rebuilt one', $used / $fresh);
# a leaf of 20 rows has a page of its own for its scan codes, however full, and often one for its refine codes
cmp_ok($used, '<', 2 * $fresh, 'pages are used again');

$node->stop;
done_testing();
