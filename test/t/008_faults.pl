# At every named place of the code that writes, an error and a crash: the index is sound afterwards, has every committed
# row and takes new ones. Needs a library built with FAULTS=1, whose path is in VECIDX_FAULTS (tools/test.sh tap).
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use VecidxTest;

my $library = $ENV{VECIDX_FAULTS} // '';
plan skip_all => 'no library with fault points: build one with make FAULTS=1 and name it in VECIDX_FAULTS' unless -f $library;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', "autovacuum = off\nrestart_after_crash = on\nmax_parallel_maintenance_workers = 0\nfsync = off\n");
$node->start;
create_helpers($node);
$node->safe_psql('postgres', "UPDATE pg_proc SET probin = '$library' WHERE probin = '\$libdir/vecidx'");

# Small leaves, so that little is needed to split them. "tree" is trained; "wide" has lanes on several pages; "deep" has
# as many leaves as a root may have children, "narrow" more, so that it has nodes between. Codes of "vast" take two pages.
sub make
{
	my ($table, $dim, $rows, $leaf_size, $ops) = @_;
	$node->safe_psql('postgres', qq{
		CREATE TABLE $table (id serial, v vector($dim)) WITH (autovacuum_enabled = off, vacuum_truncate = off);
		ALTER TABLE $table ALTER v SET STORAGE @{[ $dim < 2000 ? 'PLAIN' : 'EXTERNAL' ]};
		INSERT INTO $table (v) SELECT made_row(i, $dim) FROM generate_series(1, $rows) i;
		CREATE INDEX ${table}_v ON $table USING vecidx (v vector_${ops}_ops) WITH (leaf_size = $leaf_size)});
	return;
}
make('first', 4, 0, 20, 'cosine');
make('tree', 4, 5000, 8, 'l2');
make('wide', 520, 4100, 8, 'l2');
make('deep', 3, 12270, 3, 'ip');
make('narrow', 3, 14000, 3, 'l2');
make('vast', 8200, 0, 8, 'ip');
my %dim = (first => 4, tree => 4, wide => 520, deep => 3, narrow => 3, vast => 8200);
my %op = (first => '<=>', tree => '<->', wide => '<->', deep => '<#>', narrow => '<->', vast => '<#>');

# What a session does until the point strikes, each statement a transaction of its own.
my $seed = 0;
sub insert
{
	my ($table, $n) = @_;
	$seed += $n;
	return "INSERT INTO $table (v) SELECT made_row($seed + i, $dim{$table}) FROM generate_series(1, $n) i;\n";
}
# all in one place
sub crowd
{
	my ($table, $n) = @_;
	$seed += $n;
	return "INSERT INTO $table (v) SELECT made_vector($seed / 1000, $dim{$table}) + made_vector($seed + i, $dim{$table}, 0.02)"
		. " FROM generate_series(1, $n) i;\n";
}
# in one place that is farther from all others each time
my $distance = 100;
sub far_crowd
{
	my ($n) = @_;
	$seed += $n;
	$distance *= 1.2;
	return "INSERT INTO tree (v) SELECT made_vector(7, 4, $distance) + made_vector($seed + i, 4, 0.5)"
		. " FROM generate_series(1, $n) i;\n";
}
sub delete_some
{
	my ($table, $every) = @_;
	return "DELETE FROM $table WHERE id % $every = " . $seed % $every . ";\nVACUUM $table;\n";
}
my %work = (
	far => sub { $seed++; "INSERT INTO tree (v) VALUES (made_vector($seed, 4, 10 + $seed / 100.0));\n" },
	insert => sub { insert('tree', 40) . "UPDATE tree SET v = made_row(-id, 4) WHERE id % 40 = 7;\n" . insert('tree', 400) },
	room => sub { delete_some('tree', 4) . insert('tree', 400) },
	first => sub { "TRUNCATE first;\n" . insert('first', 4100) . insert('first', 100) . insert('first', 100) },
	split => sub { join('', map { crowd('tree', 30) . insert('tree', 30) } 1 .. 6) },
	reuse => sub { join('', map { crowd('tree', 30) } 1 .. 8) . "VACUUM tree;\n" . crowd('tree', 100) },
	away => sub { join('', map { far_crowd(30) } 1 .. 4) },
	lane => sub { join('', map { crowd('wide', 20) } 1 .. 4) },
	slot => sub { insert('vast', 12) },
	root => sub { "DELETE FROM deep WHERE id > 12270;\nVACUUM deep;\nREINDEX INDEX deep_v;\n" . join('', map { crowd('deep', 100) } 1 .. 4) },
	node => sub { join('', map { crowd('narrow', 200) } 1 .. 10) },
	vacuum => sub { insert('tree', 31) . delete_some('tree', 3) },
	thin => sub { delete_some('tree', 2) . delete_some('tree', 3) . crowd('tree', 300) },
	build => sub { 'REINDEX INDEX tree_v;' });
my @places = (
	[ far => 'insert radius' ],
	[ insert => 'insert row', 'insert code page' ],
	[ room => 'insert room' ],
	[ first => 'insert page', 'train code page', 'train leaf', 'train root', 'train publish' ],
	[ split => 'tend ids', 'tend radius', 'tend new node', 'tend publish', 'tend move in', 'tend origin', 'tend centroid' ],
	[ thin => 'tend move out' ],
	[ reuse => 'tend free', 'tend clear' ],
	[ node => 'tend grow', 'tend new inner page', 'tend link' ],
	[ away => 'tend anchor' ],
	[ lane => 'tend lane' ],
	[ slot => 'insert slot', 'insert row' ],
	[ root => 'tend root child', 'tend new root', 'tend replace root' ],
	[ vacuum => 'vacuum remove', 'vacuum drop', 'vacuum release', 'vacuum count' ],
	[ build => 'build' ]);
my %table = (first => 'first', lane => 'wide', slot => 'vast', root => 'deep', node => 'narrow');
my %times = map { $_ => [ 'before', 'after', 'released' ] } map { @$_[ 1 .. $#$_ ] } @places;
$times{build} = [ 'before', 'after' ];
push @{ $times{$_} }, 'freed' for 'tend free';
# records of several pages
my %several = map { $_ => 1 } ('insert room', 'insert slot', 'insert page', 'insert code page', 'tend publish', 'tend move in', 'tend move out',
	'tend replace root', 'train publish', 'vacuum release', 'tend anchor');

# What asks whether the index is as it must be; a sound one answers 0|0.
sub questions
{
	my ($table) = @_;
	return qq{
		SELECT vecidx_check('${table}_v', true);
		WITH scanned AS MATERIALIZED (SELECT id FROM $table ORDER BY v $op{$table} made_vector(3, $dim{$table})),
			there AS MATERIALIZED (SELECT id FROM $table)
		SELECT (SELECT count(*) FROM scanned) - (SELECT count(*) FROM there),
			(SELECT count(*) FROM (TABLE scanned EXCEPT ALL TABLE there) s);
	};
}

sub fault_of
{
	my (@statements) = @_;
	my ($status, $out, $err) = $node->psql('postgres', join('', 'SET enable_seqscan = off;', @statements));
	return $err ne '' ? $err : $out =~ /^(\n?0\|0\n?)+$/ ? '' : $out;
}

sub strike
{
	my ($work, $kind, $pass, $place) = @_;
	my $table = $table{$work} // 'tree';
	my ($struck, $err, $times) = (0, '', times_ready($node));
	for my $try (1 .. 4)
	{
		(undef, undef, $err) = $node->psql('postgres', "LOAD '$library'; SET vecidx.fault = '$kind $pass $place';\n" . $work{$work}->());
		$struck = $err =~ ($kind eq 'error' ? qr/fault: $place/ : qr/server closed the connection/);
		last if $struck || $err ne '';
	}
	wait_until_ready($node, $times) if $kind eq 'crash' && $struck;
	if (!$struck)
	{
		fail("$kind at $place: " . ($err || "it was not passed $pass times"));
		return;
	}
	is(fault_of(questions($table), insert($table, 50), crowd($table, 20), questions($table)), '', "$kind at $place");
	return;
}

# An error before the record and after the lock of a page, a crash after the record; with VECIDX_ALL=1 every combination.
my $all = $ENV{VECIDX_ALL} // 0;
my @only = split(/,/, $ENV{VECIDX_PLACES} // '');
for my $group (@places)
{
	my ($work, @names) = @$group;
	for my $what (@names)
	{
		next if @only && !grep { $_ eq $what } @only;
		for my $when (@{ $times{$what} })
		{
			my $pass = $when eq 'released' && $several{$what} ? 2 : 1;
			strike($work, 'error', $pass, "$when $what") if $all || $when ne 'after';
			strike($work, 'crash', $pass, "$when $what") if $all || $when =~ /after|freed/;
		}
	}
}

# What the failures left behind goes.
$node->safe_psql('postgres', 'VACUUM');
for my $table (sort keys %dim)
{
	is(fault_of(questions($table)), '', "$table after VACUUM");
}
unlike(slurp_file($node->logfile), qr/PANIC|terminated by signal (?!9)/, 'nothing else failed');

$node->stop;
done_testing();
