# Scans on a standby while it replays inserts, moves between leaves, retirement and reuse of pages, and VACUUM: each scan
# returns every row of its snapshot once, or is cancelled by a conflict with recovery; with and without
# hot_standby_feedback. Every page that replay makes is compared with the primary's.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);
use VecidxLoad;
use VecidxTest;

my $seconds = $ENV{VECIDX_SECONDS} // 8;
my $primary = PostgreSQL::Test::Cluster->new('primary');
$primary->init(allows_streaming => 1);
$primary->append_conf('postgresql.conf', "autovacuum = off\nfsync = off\nwal_consistency_checking = 'all'\n");
$primary->start;
create_helpers($primary);
$primary->safe_psql('postgres', $VecidxLoad::helpers . q{
	-- reads the table, then the index by a cursor that rests on its way, in one snapshot; what differs
	CREATE FUNCTION watch(target text, op text, query vector, pause float8) RETURNS text LANGUAGE plpgsql AS $$
	DECLARE
		there int[];
		seen int[] := '{}';
		scan refcursor;
		row int;
		missing int;
		surplus int;
	BEGIN
		SET LOCAL enable_indexscan = off;
		EXECUTE format('SELECT array_agg(id) FROM %I', target) INTO there;
		SET LOCAL enable_indexscan = on;
		SET LOCAL enable_seqscan = off;
		OPEN scan FOR EXECUTE format('SELECT id FROM %I ORDER BY v %s $1', target, op) USING query;
		LOOP
			FETCH scan INTO row;
			EXIT WHEN NOT FOUND;
			seen := seen || row;
			IF cardinality(seen) IN (5, 500) THEN
				PERFORM pg_sleep(pause);
			END IF;
		END LOOP;
		SELECT count(*) INTO missing FROM (SELECT unnest(there) EXCEPT ALL SELECT unnest(seen)) s;
		SELECT count(*) INTO surplus FROM (SELECT unnest(seen) EXCEPT ALL SELECT unnest(there)) s;
		RETURN CASE WHEN missing = 0 AND surplus = 0 THEN 'same' ELSE format('%s missing, %s too many', missing, surplus) END;
	END $$;
});
my %table = (small => [ 3, 5000, 10, 'l2', '<->' ], wide => [ 60, 4300, 14, 'cosine', '<=>' ], grown => [ 4, 3900, 10, 'ip', '<#>' ]);
my $load = VecidxLoad->new(tables => { map { $_ => $table{$_}[0] } keys %table }, clients => 2);
for my $table (sort keys %table)
{
	my ($dim, $rows, $leaf_size, $class) = @{ $table{$table} };
	my @steps = ($load->fill($table, $rows), "CREATE INDEX ${table}_v ON $table USING vecidx (v vector_${class}_ops) WITH (leaf_size = $leaf_size);");
	@steps = reverse @steps if $table eq 'grown';
	$primary->safe_psql('postgres', "CREATE TABLE $table (id int PRIMARY KEY, n int, v vector($dim)) WITH (autovacuum_enabled = off, vacuum_truncate = off);"
			. join('', @steps));
}
$primary->backup('backup');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'backup', has_streaming => 1);
$standby->append_conf('postgresql.conf', "max_standby_streaming_delay = 300ms\nwal_receiver_status_interval = 1\n");
$standby->start;

my $base = $primary->basedir;
sub begin
{
	my ($server, $script, $log) = @_;
	return IPC::Run::start([ 'psql', '-X', '-A', '-t', '-q', '-f', $script, '-h', $server->host, '-p', $server->port, 'postgres' ], '>>', $log, '2>>', $log);
}

# One reader's script: scans of all tables in turns, some of them slow.
sub write_scans
{
	my ($script, $pause) = @_;
	open(my $file, '>', $script) or die $!;
	print $file "\\set VERBOSITY verbose\n";
	for my $i (1 .. 400)
	{
		my $table = (sort keys %table)[ $i % 3 ];
		my ($dim, undef, undef, undef, $op) = @{ $table{$table} };
		print $file "BEGIN ISOLATION LEVEL REPEATABLE READ;\nSET LOCAL vecidx.recall = "
			. ($i % 2 ? 1 : 0.9) . ";\nSELECT watch('$table', '$op', made_vector($i, $dim), $pause);\nCOMMIT;\n";
	}
	close $file;
	return;
}

for my $feedback (qw(off on))
{
	$standby->append_conf('postgresql.conf', "hot_standby_feedback = $feedback\n");
	$standby->reload;
	sleep 1.2;
	my (@readers, @writers, @logs);
	for my $client (0, 1)
	{
		my ($script, $log) = ("$base/write$client.sql", "$base/write$client.$feedback.log");
		$load->script($client, 6000, $script, $log, insert => 8, update => 5, delete => 8, vacuum => 1 + $client);
		push @writers, begin($primary, $script, $log);
	}
	for my $reader (0 .. 2)
	{
		push @logs, "$base/read$reader.$feedback.log";
		write_scans("$base/read$reader.sql", (0, 0.15, 0.5)[$reader]);
	}
	my $end = time() + $seconds;
	while (time() < $end)
	{
		# a conflict may end a whole session
		for my $reader (0 .. 2)
		{
			next if $readers[$reader] && $readers[$reader]->pumpable;
			$readers[$reader]->finish if $readers[$reader];
			$readers[$reader] = begin($standby, "$base/read$reader.sql", $logs[$reader]);
		}
		sleep 0.2;
	}
	IPC::Run::kill_kill($_) for @readers, @writers;
	my $said = join('', map { slurp_file($_) } @logs);
	my $same = () = $said =~ /^same$/mg;
	my @different = $said =~ /^(\d+ missing.*)$/mg;
	my @errors = grep { !/conflict with recovery|current transaction is aborted/ } $said =~ /((?:ERROR|FATAL|PANIC): .*)/g;
	my $cancelled = () = $said =~ /conflict with recovery/g;
	cmp_ok($same, '>', 20, "feedback $feedback: scans ran to their ends");
	is(join("\n", @different), '', "feedback $feedback: each returned every row of its snapshot once");
	is(join("\n", @errors), '', "feedback $feedback: no error but conflicts with recovery");
	note "feedback $feedback: $same scans, $cancelled conflicts";
	unlike(join('', map { slurp_file("$base/write$_.$feedback.log") } 0, 1), qr/ERROR|FATAL|PANIC/, "feedback $feedback: no error on the primary");
	$primary->poll_query_until('postgres', "SELECT count(*) = 0 FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()");
	# the next round begins with what is there
	for my $table (sort keys %table)
	{
		my @rows = split(/\n/, $primary->safe_psql('postgres', "SELECT id, n FROM $table"));
		$load->{rows}{$table} = { map { split /\|/ } @rows };
		$load->{next}{$table} += 100000;
	}
	$primary->wait_for_catchup($standby);
	for my $table (sort keys %table)
	{
		my ($dim, undef, undef, undef, $op) = @{ $table{$table} };
		is($standby->safe_psql('postgres', "SELECT vecidx_check('${table}_v', true); BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT watch('$table', '$op', made_vector(7, $dim), 0); COMMIT"),
			"\nsame", "feedback $feedback: $table is sound on the standby");
	}
}
isnt($primary->safe_psql('postgres', "SELECT levels FROM vecidx_info('grown_v')"), '0', 'the first training was replayed');
unlike(slurp_file($standby->logfile), qr/PANIC|inconsistent page|terminated by signal/, 'no page of the standby differs from the primary\'s');

$standby->stop;
$primary->stop;
done_testing();
