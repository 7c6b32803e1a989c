# Damaged pages give SQLSTATE XX002 with the block and a hint, or right answers, and never a crash; planning never fails.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use VecidxTest;

my $node = PostgreSQL::Test::Cluster->new('main');
# Checksums, the default from 18 on, would catch the damage first.
$node->init(extra => $node->pg_version >= 18 ? ['--no-data-checksums'] : []);
$node->append_conf('postgresql.conf', "autovacuum = off\nfsync = off\nrestart_after_crash = off\n");
$node->start;
create_helpers($node);

# ---- chosen damage, on indexes of their own

my %path;

sub make_index
{
	my ($name, $rows, $dim) = @_;
	$node->safe_psql('postgres', qq{
		CREATE TABLE $name AS SELECT i AS id, made_row(i, $dim)::vector($dim) AS v FROM generate_series(1, $rows) i;
		CREATE INDEX ${name}_v ON $name USING vecidx (v);
		ANALYZE $name});
	$path{$name} = $node->data_dir . '/' . $node->safe_psql('postgres', "SELECT pg_relation_filepath('${name}_v')");
	return;
}

sub overwrite
{
	my ($name, $offset, $bytes) = @_;
	open(my $file, '+<', $path{$name}) or die "$path{$name}: $!";
	binmode $file;
	seek($file, $offset, 0);
	print $file $bytes;
	close $file or die $!;
	return;
}

# First block whose special area says this kind.
sub block_of_kind
{
	my ($name, $kind) = @_;
	open(my $file, '<:raw', $path{$name}) or die $!;
	for (my $block = 0; read($file, my $page, 8192) == 8192; $block++)
	{
		return $block if ord(substr($page, 8184, 1)) == $kind;
	}
	die "no page of kind $kind in $name";
}

sub nearest
{
	my ($name, $dim) = @_;
	return "SET enable_seqscan = off; SELECT count(*) FROM (SELECT id FROM $name ORDER BY v <-> made_vector(3, $dim)) s";
}

my %kind = (mean => 2, inner => 3, leaf => 4, code => 5, raw => 6, list => 7);
make_index("tree_$_", 6000, 16) for qw(meta header mean inner leaf code zeroed cut);
make_index("raw_$_", 500, 16) for qw(raw list);
$node->stop;
my %block = (tree_meta => 0, tree_zeroed => block_of_kind('tree_zeroed', $kind{leaf}));
overwrite('tree_meta', 24, 'garbage!');
overwrite('tree_header', 8, "\xff" x 12); # the server itself takes no such page
overwrite('tree_zeroed', $block{tree_zeroed} * 8192, "\0" x 8192);
for my $name (qw(tree_mean tree_inner tree_leaf tree_code raw_raw raw_list))
{
	my ($what) = $name =~ /_(\w+)/;
	$block{$name} = block_of_kind($name, $kind{$what});
	overwrite($name, $block{$name} * 8192 + 8184, chr(99)); # another kind
}
truncate($path{tree_cut}, 3 * 8192) or die $!;
$node->start;

for my $name (sort keys %block)
{
	my ($status, $out, $err) = $node->psql('postgres', "\\set VERBOSITY verbose\n" . nearest($name, 16));
	like($err, qr/XX002: index "${name}_v" is corrupted at block $block{$name}\n.*HINT:  Rebuild it with REINDEX/s,
		"$name: a scan tells the block");
	($status, $out, $err) = $node->psql('postgres', "\\set VERBOSITY verbose\nSELECT vecidx_check('${name}_v')");
	like($err, qr/XX002: .*at block \d+.*HINT/s, "$name: vecidx_check finds it");
	($status, $out, $err) = $node->psql('postgres', "EXPLAIN SELECT id FROM $name ORDER BY v <-> made_vector(3, 16) LIMIT 10");
	is($err, '', "$name: planning works");
}
my ($status, $out, $err) = $node->psql('postgres', 'EXPLAIN SELECT id FROM tree_header ORDER BY v <-> made_vector(3, 16) LIMIT 10');
is($status, 0, 'planning warns of a page that is not one') or diag $err;
is($node->safe_psql('postgres', 'SELECT count(*) FROM tree_header'), '6000', 'queries that need no index run');
($status, $out, $err) = $node->psql('postgres', nearest('tree_header', 16));
like($err, qr/is corrupted at block 0/, 'a scan tells the block');
($status, $out, $err) = $node->psql('postgres', "\\set VERBOSITY verbose\n" . nearest('tree_cut', 16));
like($err, qr/XX002: index "tree_cut_v" is corrupted at block \d+\n.*beyond the end/s, 'a pointer beyond the end of the file');
($status, $out, $err) = $node->psql('postgres', 'INSERT INTO tree_meta VALUES (0, made_vector(1, 16))');
like($err, qr/is corrupted at block 0/, 'an insert tells the block too');
($status, $out, $err) = $node->psql('postgres', 'DELETE FROM tree_code; VACUUM tree_code');
like($err, qr/is corrupted at block $block{tree_code}/, 'VACUUM tells the block');
$node->safe_psql('postgres', 'REINDEX INDEX tree_meta_v; REINDEX INDEX tree_leaf_v');
is($node->safe_psql('postgres', nearest('tree_leaf', 16)), '6000', 'REINDEX mends it');

# ---- random damage

my $seed = $ENV{VECIDX_SEED} // 20240817;
my $cases = $ENV{VECIDX_CASES} // 40;
note "seed $seed";
srand($seed);
$node->safe_psql('postgres', "CREATE TABLE random AS SELECT i AS id, made_row(i, 8)::vector(8) AS v FROM generate_series(1, 5000) i");
for my $case (1 .. $cases)
{
	my $class = (qw(l2 cosine ip))[ $case % 3 ];
	$node->safe_psql('postgres', qq{
		CREATE TABLE r$case (LIKE random);
		INSERT INTO r$case SELECT * FROM random LIMIT CASE WHEN $case % 4 = 0 THEN 300 ELSE 5000 END;
		CREATE INDEX r${case}_v ON r$case USING vecidx (v vector_${class}_ops) WITH (leaf_size = 60)});
	$path{"r$case"} = $node->data_dir . '/' . $node->safe_psql('postgres', "SELECT pg_relation_filepath('r${case}_v')");
}
$node->stop;
for my $case (1 .. $cases)
{
	my $size = -s $path{"r$case"};
	my $blocks = $size / 8192;
	for (1 .. 1 + int(rand(6)))
	{
		# PostgreSQL itself looks at a page's first 24 bytes
		my $at = int(rand($blocks)) * 8192 + 24 + int(rand(rand() < 0.5 ? 80 : 8168));
		overwrite("r$case", $at, $case % 2 ? chr(int(rand(256))) : pack('L', int(rand(2**32))) x (1 + int(rand(2))));
	}
}
$node->start;
my %seen;
for my $case (1 .. $cases)
{
	my $op = ('<->', '<=>', '<#>')[ $case % 3 ];
	for my $statement ("SELECT count(*) FROM (SELECT id FROM r$case ORDER BY v $op made_vector(3, 8) LIMIT 10) s",
		"SELECT count(*) FROM (SELECT id FROM r$case ORDER BY v $op made_vector(4, 8)) s",
		"SET vecidx.recall = 1; SELECT count(*) FROM (SELECT id FROM r$case ORDER BY v $op made_vector(5, 8) LIMIT 50) s",
		"SELECT vecidx_check('r${case}_v', true)",
		"SELECT rows >= 0 FROM vecidx_info('r${case}_v')",
		"INSERT INTO r$case SELECT i, made_row(i, 8) FROM generate_series(1, 200) i",
		"DELETE FROM r$case WHERE id % 2 = 0",
		"VACUUM r$case",
		"SELECT count(*) FROM (SELECT id FROM r$case ORDER BY v $op made_vector(4, 8)) s")
	{
		my ($state, $result, $error) =
			$node->psql('postgres', "\\set VERBOSITY verbose\nSET enable_seqscan = off; SET statement_timeout = '20s'; $statement");
		my ($code) = $error =~ /^(?:psql:[^:]*:\d+: )?ERROR:  (\w{5})/m;
		$code //= $error eq '' ? 'ok' : $error;
		$seen{$code}++;
		next if $code =~ /^(ok|XX002)$/;
		# what core itself says of row pointers that lead nowhere, or of bounds above the true distance
		next if $error =~ /index returned tuples in wrong order|could not read block|could not access status/;
		fail("case $case: $statement: $error");
		last if $state == 2;
	}
}
note join(', ', map { "$_: $seen{$_}" } sort keys %seen);
cmp_ok($seen{XX002}, '>', $cases / 2, 'damage is found');
is($node->safe_psql('postgres', 'SELECT 1'), '1', 'the server is still there');
unlike(slurp_file($node->logfile), qr/terminated by signal|PANIC/, 'no backend crashed');

$node->stop;
done_testing();
