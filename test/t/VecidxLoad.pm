# Random work on tables by clients whose outcome is known: each client has ids of its own, its statements are written
# down before they run, and psql tells which of them returned. What a table must hold follows from that, but for the one
# statement of each client that was cut off.
package VecidxLoad;

use strict;
use warnings;

# Rows of neighbouring ids lie near each other, so that leaves are split and thinned out; some have no vector, or no
# direction.
our $helpers = q{
	CREATE FUNCTION load_row(id int, n int, dim int) RETURNS vector LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
		RETURN CASE WHEN id % 47 = 0 THEN NULL WHEN id % 43 = 0 THEN array_fill(0, ARRAY[dim])::vector
			ELSE made_vector(-1 - id / 150 % 15, dim) + made_vector(id + n * 100003, dim, 0.1) END;
};

# tables: name => dimension; clients: how many share the ids
sub new
{
	my ($class, %option) = @_;
	my $self = bless { %option, rows => {}, next => {}, operations => 0 }, $class;
	$self->forget($_) for keys %{ $self->{tables} };
	return $self;
}

# The table was emptied.
sub forget
{
	my ($self, $table) = @_;
	$self->{rows}{$table} = {};
	$self->{next}{$table} //= 0;
	return;
}

# Rows by one statement outside the clients' work; returns it.
sub fill
{
	my ($self, $table, $n) = @_;
	my $first = $self->{next}{$table} + 1;
	$self->{next}{$table} += $n;
	$self->{rows}{$table}{$_} = 0 for $first .. $first + $n - 1;
	return insert_sql($table, $first, $first + $n - 1, 1, $self->{tables}{$table});
}

sub insert_sql
{
	my ($table, $first, $last, $step, $dim) = @_;
	return "INSERT INTO $table SELECT i, 0, load_row(i, 0, $dim) FROM generate_series($first, $last, $step) i;\n";
}

# Some rows of this client's, near each other: of the model as the client's earlier statements leave it.
sub some
{
	my ($work, $most) = @_;
	my $ids = $work->{ids};
	return () unless @$ids;
	my $n = 1 + int(rand($most));
	my $at = int(rand(@$ids));
	my @found = grep { defined && exists $work->{rows}{$_} } @$ids[ $at .. $at + $n - 1 ];
	return @found;
}

my %make = (
	insert => sub {
		my ($self, $table, $work) = @_;
		my ($n, $step) = (1 + int(rand(25)), $self->{clients});
		my $first = $work->{next};
		$work->{next} += $n * $step;
		my @ids = map { $first + $_ * $step } 0 .. $n - 1;
		push @{ $work->{ids} }, @ids;
		$work->{rows}{$_} = 0 for @ids;
		return { sql => insert_sql($table, $first, $ids[-1], $step, $self->{tables}{$table}), put => { map { $_ => 0 } @ids } };
	},
	update => sub {
		my ($self, $table, $work) = @_;
		my @ids = some($work, 10) or return;
		$work->{rows}{$_}++ for @ids;
		return { sql => "UPDATE $table SET n = n + 1, v = load_row(id, n + 1, $self->{tables}{$table}) WHERE id IN (" . join(',', @ids) . ");\n",
			put => { map { $_ => $work->{rows}{$_} } @ids } };
	},
	delete => sub {
		my ($self, $table, $work) = @_;
		my @ids = some($work, 40) or return;
		delete $work->{rows}{$_} for @ids;
		return { sql => "DELETE FROM $table WHERE id IN (" . join(',', @ids) . ");\n", put => { map { $_ => undef } @ids } };
	},
	rollback => sub {
		my ($self, $table, $work) = @_;
		my $first = $work->{next};
		$work->{next} += 20 * $self->{clients};
		return { sql => 'BEGIN; ' . insert_sql($table, $first, $first + 19 * $self->{clients}, $self->{clients}, $self->{tables}{$table}) . 'ROLLBACK;' };
	},
	search => sub {
		my ($self, $table) = @_;
		my $limit = rand() < 0.3 ? 'ALL' : 1 + int(rand(50));
		return { sql => "SELECT count(*) FROM (SELECT id FROM $table ORDER BY v " . (rand() < 0.5 ? '<->' : '<=>')
				. ' made_vector(' . int(rand(1000)) . ", $self->{tables}{$table}) LIMIT $limit) s;" };
	},
	vacuum => sub { { sql => "VACUUM (SKIP_LOCKED) $_[1];" } },
	checkpoint => sub { { sql => 'CHECKPOINT;' } });

# Starts the work of one client: statements to be written into $script, whose psql writes to $log what is done.
sub script
{
	my ($self, $client, $count, $script, $log, %share) = @_;
	my %work;
	for my $table (keys %{ $self->{tables} })
	{
		my @ids = sort { $a <=> $b } grep { $_ % $self->{clients} == $client } keys %{ $self->{rows}{$table} };
		my $next = $self->{next}{$table} + 1;
		$next++ while $next % $self->{clients} != $client;
		$work{$table} = { ids => \@ids, next => $next, rows => { map { $_ => $self->{rows}{$table}{$_} } @ids } };
	}
	my @kinds = map { ($_) x $share{$_} } sort grep { $make{$_} } keys %share;
	my @tables = sort keys %work;
	my @done;
	open(my $file, '>', $script) or die "$script: $!";
	print $file "\\o /dev/null\nSET enable_seqscan = off;\n";
	while (@done < $count)
	{
		my $table = $tables[ rand @tables ];
		my $operation = $make{ $kinds[ rand @kinds ] }->($self, $table, $work{$table}) or next;
		$operation->{table} = $table;
		push @done, $operation;
		print $file "$operation->{sql}\n\\warn done " . scalar(@done) . "\n";
		print $file "$share{extra}\n" if $share{extra} && @done % 40 == 0;
	}
	close $file;
	$self->{work}{$client} = { operations => \@done, log => $log, next => { map { $_ => $work{$_}{next} } @tables } };
	return;
}

# After the clients have ended: the model is what their logs say. Returns what they complained of.
sub settle
{
	my ($self) = @_;
	my @complaints;
	$self->{doubt} = {};
	for my $client (sort keys %{ $self->{work} })
	{
		my $work = $self->{work}{$client};
		open(my $file, '<', $work->{log}) or die "$work->{log}: $!";
		my $done = 0;
		while (my $line = <$file>)
		{
			$done = $1 if $line =~ /^done (\d+)/;
			push @complaints, "client $client: $line" if $line =~ /ERROR|PANIC|FATAL/ && $line !~ /recovery mode|terminating connection|shutting down|starting up|not yet accepting|postmaster exited|parallel worker/;
		}
		close $file;
		my $operations = $work->{operations};
		for my $i (0 .. $done - 1)
		{
			my ($table, $put) = ($operations->[$i]{table}, $operations->[$i]{put} // {});
			for my $id (keys %$put)
			{
				if (defined $put->{$id}) { $self->{rows}{$table}{$id} = $put->{$id}; }
				else { delete $self->{rows}{$table}{$id}; }
			}
		}
		$self->{operations} += $done;
		my $next = $operations->[$done];
		$self->{doubt}{ $next->{table} }{$_} = $next->{put}{$_} for keys %{ $next->{put} // {} };
		for my $table (keys %{ $work->{next} })
		{
			$self->{next}{$table} = $work->{next}{$table} if $work->{next}{$table} > $self->{next}{$table};
		}
	}
	$self->{work} = {};
	return @complaints;
}

# Compares a table ("id|n" lines) with the model, which then is what the table says. Returns rows that are not as they
# must be.
sub compare
{
	my ($self, $table, $text) = @_;
	my %there = map { split /\|/ } split(/\n/, $text);
	my ($rows, $doubt) = ($self->{rows}{$table}, $self->{doubt}{$table} // {});
	my @wrong;
	my %all = (%there, %$rows);
	for my $id (keys %all)
	{
		my ($is, $must) = ($there{$id} // 'none', $rows->{$id} // 'none');
		next if $is eq $must || (exists $doubt->{$id} && $is eq ($doubt->{$id} // 'none'));
		push @wrong, "$table row $id: $is instead of $must";
	}
	$self->{rows}{$table} = \%there;
	return @wrong;
}

1;
