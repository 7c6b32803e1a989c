# Again and again: clients insert, update, delete, search, vacuum and rebuild, until a backend or the whole server is
# killed at a random moment. After recovery every row whose COMMIT had returned is there, by the table and by every
# index, and the indexes are sound. VECIDX_CYCLES says how often (make crash-loop CYCLES=100), VECIDX_SEED repeats the
# same choices.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);
use VecidxLoad;
use VecidxTest;

my $cycles = $ENV{VECIDX_CYCLES} // 10;
my $seed = $ENV{VECIDX_SEED} // time() * 1000 % 1000000;
note "seed $seed";
srand($seed);
my $clients = 4;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
# few buffers, so that pages are written out at any time
$node->append_conf('postgresql.conf', "autovacuum = off\nfsync = off\nrestart_after_crash = on\nshared_buffers = 4MB\n"
		. "max_connections = 20\nsynchronous_commit = on\nbgwriter_delay = 10ms\ncheckpoint_timeout = 30s\n");
$node->start;
create_helpers($node);
$node->safe_psql('postgres', $VecidxLoad::helpers);

# dimension, rows at the beginning, leaf_size, operator classes; "grown" is trained for the first time meanwhile
my %table = (
	small => [ 3, 4600, 10, qw(l2 cosine) ],
	product => [ 8, 4600, 12, qw(ip) ],
	wide => [ 100, 4200, 16, qw(cosine) ],
	grown => [ 4, 3900, 10, qw(l2) ],
	raw => [ 5, 300, 0, qw(l2 cosine ip) ],
	volatile => [ 3, 4300, 10, qw(l2) ]);
my %operator = map { @$_ } @VecidxTest::classes;
my $load = VecidxLoad->new(tables => { map { $_ => $table{$_}[0] } keys %table }, clients => $clients);

sub make_indexes
{
	my ($table) = @_;
	my ($dim, $rows, $leaf_size, @classes) = @{ $table{$table} };
	return join('', map { "CREATE INDEX ${table}_$_ ON $table USING vecidx (v vector_${_}_ops) WITH (leaf_size = $leaf_size);\n" } @classes);
}
for my $table (sort keys %table)
{
	my ($dim, $rows) = @{ $table{$table} };
	my $kind = $table eq 'volatile' ? 'UNLOGGED' : '';
	my @steps = ($load->fill($table, $rows), make_indexes($table));
	@steps = reverse @steps if $table =~ /grown|volatile/;
	$node->safe_psql('postgres', "CREATE $kind TABLE $table (id int PRIMARY KEY, n int, v vector($dim)) WITH (autovacuum_enabled = off, vacuum_truncate = off);\n"
			. join('', @steps));
}

my @rebuild = map { my $t = $_; map { "REINDEX INDEX CONCURRENTLY ${t}_$_;" } @{ $table{$t} }[ 3 .. $#{ $table{$t} } ] } qw(small product raw);

sub work
{
	my ($cycle) = @_;
	my @running;
	for my $client (0 .. $clients - 1)
	{
		my ($script, $log) = map { $node->basedir . "/client$client.$_" } qw(sql log);
		# tables grow and shrink in turns
		my %share = (insert => 12, update => 5, delete => $cycle % 3 == 2 ? 9 : 4, rollback => 1, search => 3, vacuum => 1 + $client % 2, checkpoint => $client == 1);
		$share{extra} = $rebuild[ rand @rebuild ] if $client == 0;
		$load->script($client, 600, $script, $log, %share);
		push @running, IPC::Run::start([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', $script, '-h', $node->host, '-p', $node->port, 'postgres' ],
			'>', '/dev/null', '2>', $log);
	}
	return @running;
}

sub backends
{
	return split(/\n/, $node->safe_psql('postgres', "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"));
}

my %how = (backend => 0, postmaster => 0, immediate => 0);
sub interrupt
{
	my @pids = backends();
	my $how = @pids ? (qw(backend backend postmaster immediate))[ rand 4 ] : 'immediate';
	$how{$how}++;
	if ($how eq 'backend')
	{
		kill('KILL', $pids[ rand @pids ]) or $node->stop($how = 'immediate');
	}
	elsif ($how eq 'postmaster')
	{
		$node->kill9;
	}
	else
	{
		$node->stop('immediate');
	}
	return $how;
}

sub come_back
{
	my ($how, $times) = @_;
	if ($how ne 'backend')
	{
		# backends of a killed postmaster live a little longer
		for (1 .. 100)
		{
			sleep 0.3 if $how eq 'postmaster';
			last if $node->start(fail_ok => 1);
			$node->{_pid} = undef;
		}
	}
	wait_until_ready($node, $times);
	return;
}

# What a rebuild left behind when it was cut off.
sub drop_invalid
{
	my $drops = $node->safe_psql('postgres', q{SELECT format('DROP INDEX IF EXISTS %s;', indexrelid::regclass) FROM pg_index WHERE NOT indisvalid});
	$node->safe_psql('postgres', $drops) if $drops ne '';
	return;
}

my ($checked, @wrong, @complaints) = (0);
for my $cycle (1 .. $cycles)
{
	my @running = work($cycle);
	sleep 0.2 + rand(1.2);
	my $times = times_ready($node);
	my $how = interrupt();
	for my $client (@running)
	{
		IPC::Run::finish($client);
	}
	come_back($how, $times);
	push @complaints, $load->settle;
	drop_invalid();
	$load->forget('volatile');
	$load->{doubt}{volatile} = {};
	my @faults;
	for my $table (sort keys %table)
	{
		my @found = $load->compare($table, $node->safe_psql('postgres', "SET enable_indexscan = off; SELECT id, n FROM $table"));
		push @wrong, map { "cycle $cycle: $_" } @found;
		$checked += keys %{ $load->{rows}{$table} };
		my ($dim, undef, undef, @classes) = @{ $table{$table} };
		for my $class (@classes)
		{
			my ($status, $out, $err) = $node->psql('postgres', qq{
				SELECT vecidx_check('${table}_$class', true);
				SET enable_seqscan = off;
				WITH scanned AS MATERIALIZED (SELECT id, n FROM $table ORDER BY v $operator{$class} made_vector($cycle, $dim)),
					there AS MATERIALIZED (SELECT id, n FROM $table)
				SELECT (SELECT count(*) FROM scanned) - (SELECT count(*) FROM there), (SELECT count(*) FROM (TABLE there EXCEPT ALL TABLE scanned) s)});
			push @faults, "${table}_$class: $out $err" if $err ne '' || $out !~ /^\s*0\|0$/;
		}
	}
	is(join("\n", @faults), '', "cycle $cycle, $how: sound, and every row by every index");
	last if @faults;
	$node->safe_psql('postgres', $load->fill('volatile', 4300)) if $cycle % 2;
	next if $cycle % 5 || $cycle == $cycles;
	# first training once more
	$load->forget('grown');
	$node->safe_psql('postgres', 'TRUNCATE grown;' . $load->fill('grown', 3900));
}
is(join("\n", @wrong), '', 'every committed row is there, as it was committed');
is(join('', @complaints), '', 'clients saw no error but the loss of their server');
unlike(slurp_file($node->logfile), qr/PANIC|terminated by signal (?!9)|TRAP/, 'nothing else failed');
note sprintf('%d cycles (%s), %d statements, %d rows checked, %d lost', $cycles, join(', ', map { "$_ $how{$_}" } sort keys %how),
	$load->{operations}, $checked, scalar(@wrong));

$node->stop;
done_testing();
