# Indexes built by several processes: sound and complete with every number of workers, the same tree, beside writers,
# on parts and expressions of a table; and a build that is cancelled or fails leaves nothing behind.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use VecidxTest;

my $dim = 16;
my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', qq{
	autovacuum = off
	fsync = off
	checkpoint_timeout = 1h
	max_connections = 30
	max_worker_processes = 12
	max_parallel_workers = 8
	min_parallel_table_scan_size = 0
	maintenance_work_mem = 256MB
});
$node->start;
create_helpers($node);

# NULL and zero vectors come with made_row; some that no code can hold are added
make_table($node, 'items', $dim, rows => 20000);
$node->safe_psql('postgres', "INSERT INTO items SELECT i, made_vector(i, $dim, 1e25) FROM generate_series(20001, 20300) i");
my $count = $node->safe_psql('postgres', 'SELECT count(*) FROM items');

# Runs SQL with so many workers; returns for each process of the build how many rows it read.
sub build
{
	my ($workers, $sql) = @_;
	my ($status, $out, $err) = $node->psql('postgres', qq{
		ALTER TABLE items SET (parallel_workers = $workers);
		SET max_parallel_maintenance_workers = 8;
		SET client_min_messages = debug1;
		$sql});
	is($status, 0, "$workers workers: $sql") or diag($err);
	my %rows;
	$rows{$1} = $2 while $err =~ /vecidx build: (leader|worker \d+) read (\d+) rows/g;
	unlike($err, qr/WARNING/, 'no warning');
	return \%rows;
}

# Block numbers, centroids, radii and counts of all leaves, and nothing that depends on the order of rows in a leaf.
sub inner_pages
{
	my ($index) = @_;
	$node->safe_psql('postgres', 'CHECKPOINT');
	my $path = $node->data_dir . '/' . $node->safe_psql('postgres', "SELECT pg_relation_filepath('$index')");
	open(my $file, '<:raw', $path) or die "$path: $!";
	my $pages = '';
	while (read($file, my $page, 8192) == 8192)
	{
		$pages .= substr($page, 24, 8176 - 24) if ord(substr($page, 8184, 1)) == 3;
	}
	ok(length $pages, "$index has a tree");
	return $pages;
}

# ---- any number of workers

my %tree;
for my $workers (0, 1, 2, 4)
{
	my $helped = 0;
	for my $index (indexes_of('items'))
	{
		my $rows = build($workers, "REINDEX INDEX $index");
		is(scalar(keys %$rows), $workers ? $workers + 1 : 0, "$index: $workers workers");
		next if !$workers;
		my $sum = 0;
		$sum += $_ for values %$rows;
		is($sum, $count, "$index: each row was read by one process");
		$helped++ if $sum > $rows->{leader};
		my $pages = inner_pages($index);
		ok($pages eq ($tree{$index} //= $pages), "$index: the tree does not depend on the workers");
	}
	if (!$workers)
	{
		$tree{$_} = inner_pages($_) for indexes_of('items');
	}
	ok($helped || !$workers, "$workers workers: they did read rows");
	sound($node, 'items', $dim, "$workers workers");
	same_answers($node, 'items', $dim, "$workers workers");
}

# what PostgreSQL does not give, or has no use for
$node->safe_psql('postgres', "CREATE TABLE few AS SELECT * FROM items WHERE id <= 1000; ALTER TABLE few SET (parallel_workers = 2)");
is_deeply(build(2, 'CREATE INDEX few_l2 ON few USING vecidx (v)'), {}, 'few rows are not trained on, so one process builds');
is_deeply(build(2, 'SET max_parallel_maintenance_workers = 0; REINDEX INDEX items_l2'), {}, 'no workers when none are allowed');
is_deeply(build(2, q{
	CREATE TEMP TABLE own (id int, v vector(16)) WITH (parallel_workers = 2);
	INSERT INTO own SELECT * FROM items;
	CREATE INDEX ON own USING vecidx (v)}), {}, 'temporary tables are built on by one process');
$node->append_conf('postgresql.conf', 'max_parallel_workers = 0');
$node->reload;
is_deeply(build(2, 'REINDEX INDEX items_l2'), {}, 'no worker starts: one process builds');
sound($node, 'items', $dim, 'no worker started');
$node->append_conf('postgresql.conf', 'max_parallel_workers = 8');
$node->reload;

# ---- parts and expressions

$node->safe_psql('postgres', q{
	CREATE FUNCTION half(v vector) RETURNS vector LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
		SET search_path = public AS 'BEGIN RETURN v * 0.5; END';
	CREATE FUNCTION unsafe_half(v vector) RETURNS vector LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL UNSAFE
		SET search_path = public AS 'BEGIN RETURN v * 0.5; END'});
is(scalar(keys %{ build(2, 'CREATE INDEX part ON items USING vecidx ((half(v)::vector(16)) vector_l2_ops) WHERE id % 4 <> 0') }), 3,
	'a partial index on an expression is built by three processes');
$node->safe_psql('postgres', "SELECT vecidx_check('part', true)");
is($node->safe_psql('postgres', q{
	SET enable_seqscan = off;
	SELECT count(*), count(DISTINCT id) FROM (SELECT id FROM items WHERE id % 4 <> 0
		ORDER BY half(v)::vector(16) <-> made_vector(3, 16)) s}),
	$node->safe_psql('postgres', 'SELECT count(*), count(*) FROM items WHERE id % 4 <> 0'), 'and holds its rows once');
is_deeply(build(2, 'CREATE INDEX unsafe ON items USING vecidx ((unsafe_half(v)::vector(16)) vector_l2_ops)'), {},
	'functions that workers must not call are called by none');
$node->safe_psql('postgres', 'DROP INDEX part, unsafe');

# ---- beside writers

my $load = $node->basedir . '/load.sql';
append_to_file($load, "\\set n random(1, 1000000)\nINSERT INTO items VALUES (3000000 + :n, made_row(:n, $dim));\n"
	. "UPDATE items SET v = made_row(:n + 1, $dim) WHERE ctid = (SELECT ctid FROM items LIMIT 1 OFFSET :n % 1000);\n"
	. "DELETE FROM items WHERE id = 3000000 + :n % 1000;\n");
my ($out, $err) = ('', '');
my $pgbench = IPC::Run::start([ 'pgbench', '-n', '-c', '2', '-T', '300', '-f', $load, '-h', $node->host, '-p', $node->port, 'postgres' ],
	'>', \$out, '2>', \$err);
for my $index (indexes_of('items'))
{
	is(scalar(keys %{ build(2, "REINDEX INDEX CONCURRENTLY $index") }), 3, "$index: rebuilt concurrently by three processes");
}
is(scalar(keys %{ build(3, 'CREATE INDEX CONCURRENTLY another ON items USING vecidx (v vector_l2_ops)') }), 4,
	'created concurrently by four processes');
IPC::Run::kill_kill($pgbench);
unlike($err, qr/ERROR|FATAL|PANIC/, 'no error of the writers');
$node->poll_query_until('postgres', "SELECT count(*) = 0 FROM pg_stat_activity WHERE application_name = 'pgbench'");
$node->safe_psql('postgres', "SELECT vecidx_check('another', true); DROP INDEX another");
sound($node, 'items', $dim, 'concurrent builds');
same_answers($node, 'items', $dim, 'concurrent builds');

# ---- what ends early leaves nothing

sub nothing_left
{
	my ($what) = @_;
	is($node->safe_psql('postgres', q{
		SELECT (SELECT count(*) FROM pg_class WHERE relname = 'ended'), (SELECT count(*) FROM pg_ls_dir('base/pgsql_tmp', true, false)),
			(SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'parallel worker'),
			(SELECT count(*) FROM pg_locks WHERE relation = 'items'::regclass)}), '0|0|0|0', "$what: nothing is left");
	return;
}

# Many small leaves make training as long as the scan. How long a build takes is measured first, on whatever machine.
my $build = q{
	ALTER TABLE items SET (parallel_workers = 2);
	SET max_parallel_maintenance_workers = 2;
	%s
	\timing on
	CREATE INDEX ended ON items USING vecidx (v vector_ip_ops) WITH (leaf_size = 4);};
my ($whole) = $node->safe_psql('postgres', sprintf($build, '')) =~ /Time: ([\d.]+) ms/;
$node->safe_psql('postgres', 'DROP INDEX ended');
my ($slowest, $cancelled) = (0, 0);
for my $delay (map { int($_ * $whole / 10) + 1 } 1 .. 9)
{
	my ($status, $stdout, $stderr) = $node->psql('postgres', sprintf($build, "SET statement_timeout = $delay;"));
	if ($status == 0)
	{
		$node->safe_psql('postgres', 'DROP INDEX ended');
		next;
	}
	like($stderr, qr/canceling statement due to statement timeout/, "cancelled after $delay ms");
	nothing_left("cancelled after $delay ms");
	$cancelled++;
	my ($took) = $stdout =~ /Time: ([\d.]+) ms/ or die $stdout;
	$slowest = $took - $delay if $took - $delay > $slowest;
}
note sprintf('a build takes %.0f ms; cancelled, it ended at most %.0f ms later', $whole, $slowest);
cmp_ok($cancelled, '>=', 3, 'builds were cancelled at several moments');
cmp_ok($slowest, '<', 1000, 'within a second');

$node->safe_psql('postgres', q{
	CREATE FUNCTION picky(v vector, id int) RETURNS vector LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS
		'BEGIN IF id = 19999 AND pg_backend_pid() <> current_setting(''test.leader'')::int THEN RAISE ''not this one''; END IF; RETURN v; END'});
for my $try (1 .. 20)
{
	# it is a worker that comes upon the row, sooner or later
	($out, $err) = ('', '');
	$node->psql('postgres', q{
		SELECT set_config('test.leader', pg_backend_pid()::text, false);
		SET max_parallel_maintenance_workers = 2;
		CREATE INDEX ended ON items USING vecidx ((picky(v, id)::vector(16)) vector_l2_ops)}, stdout => \$out, stderr => \$err);
	last if $err =~ /ERROR/;
	$node->safe_psql('postgres', 'DROP INDEX ended');
}
like($err, qr/not this one/, "a worker's error is the statement's");
nothing_left('an error in a worker');

# ---- progress

$node->safe_psql('postgres', q{
	CREATE FUNCTION slow(v vector) RETURNS vector LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS
		'BEGIN PERFORM pg_sleep(0.0001); RETURN v; END'});
my $building = $node->background_psql('postgres', on_error_stop => 0);
$building->query_safe('SET max_parallel_maintenance_workers = 2');
$building->query_until(qr/begun/, "\\echo begun\nCREATE INDEX ended ON items USING vecidx ((slow(v)::vector(16)) vector_l2_ops);\n");
for my $phase ('sampling rows', 'assigning rows to leaves')
{
	ok($node->poll_query_until('postgres', qq{
		SELECT EXISTS (SELECT FROM pg_stat_progress_create_index WHERE phase = 'building index: $phase'
			AND tuples_total > 15000 AND tuples_done > 1000 AND tuples_done < tuples_total
			AND (blocks_total > 100 AND blocks_done > 10 OR '$phase' = 'sampling rows'))}), "$phase: with totals");
}
$building->quit;

$node->stop;
done_testing();
