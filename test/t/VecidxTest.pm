# What the server tests share: data made by SQL alone, and the questions asked of an index after each ordeal.
package VecidxTest;

use strict;
use warnings;

use Exporter 'import';
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes;

our @EXPORT = qw(create_helpers make_table insert_rows sound same_answers answers indexes_of times_ready wait_until_ready);

our @classes = ([ l2 => '<->' ], [ cosine => '<=>' ], [ ip => '<#>' ]);

# How often the server has become ready so far.
sub times_ready
{
	my ($node) = @_;
	return scalar(() = slurp_file($node->logfile) =~ /database system is ready to accept connections/g);
}

# After a crash, by the server's own word that it is ready again: for a moment it may not have noticed the crash yet. Not
# by a query: psql that cannot connect ends before it has read its input, and the test with it.
sub wait_until_ready
{
	my ($node, $times) = @_;
	for (1 .. 10 * $PostgreSQL::Test::Utils::timeout_default)
	{
		return if times_ready($node) > $times;
		# a backend that had just ended, of which nothing is left to kill
		return if $_ > 200 && system('pg_isready', '-q', '-h', $node->host, '-p', $node->port) == 0;
		Time::HiRes::sleep(0.1);
	}
	die 'the server did not come back';
}

# Vectors around 20 centres, the same for the same seed; every 50th is NULL, every 53rd the zero vector.
sub create_helpers
{
	my ($node) = @_;
	$node->safe_psql('postgres', q{
		CREATE EXTENSION vecidx;
		CREATE FUNCTION made_vector(seed int, dim int, scale float8 DEFAULT 1) RETURNS vector
			LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
			RETURN (SELECT array_agg(hashint4(seed * 2003 + j) / 2147483648.0 * scale ORDER BY j)::vector
					FROM generate_series(1, dim) j);
		CREATE FUNCTION made_row(seed int, dim int) RETURNS vector LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
			RETURN CASE WHEN seed % 50 = 0 THEN NULL WHEN seed % 53 = 0 THEN array_fill(0, ARRAY[dim])::vector
						ELSE made_vector(-1 - (hashint4(seed) & 1048575) % 20, dim) + made_vector(seed, dim, 0.3) END;
	});
	return;
}

# A table with an index of each operator class.
sub make_table
{
	my ($node, $table, $dim, %option) = @_;
	my $kind = $option{kind} // '';
	my $with = $option{leaf_size} ? "WITH (leaf_size = $option{leaf_size})" : '';
	my $sql = "CREATE $kind TABLE $table (id int, v vector($dim)) WITH (autovacuum_enabled = off);";
	$sql .= "INSERT INTO $table SELECT i, made_row(i, $dim) FROM generate_series(1, $option{rows}) i;" if $option{rows};
	$sql .= "CREATE INDEX ${table}_$_->[0] ON $table USING vecidx (v vector_$_->[0]_ops) $with;" for @classes;
	$node->safe_psql('postgres', $sql);
	return;
}

sub insert_rows
{
	my ($node, $table, $dim, $from, $to) = @_;
	$node->safe_psql('postgres', "INSERT INTO $table SELECT i, made_row(i, $dim) FROM generate_series($from, $to) i");
	return;
}

sub indexes_of
{
	my ($table) = @_;
	return map { "${table}_$_->[0]" } @classes;
}

# The indexes are what they must be, hold every row of the table, and a scan read to its end returns each row once
# (by id: PostgreSQL 17 and 18 show a wrong ctid of rows that an ordered index scan had to bring into order).
sub sound
{
	my ($node, $table, $dim, $what) = @_;
	my $checks = join(', ', map { "vecidx_check('$_', true)" } indexes_of($table));
	my ($status, $out, $err) = $node->psql('postgres', "SELECT $checks");
	is($err, '', "$what: indexes are sound");
	for my $class (@classes)
	{
		my $counts = $node->safe_psql('postgres', qq{
			SET enable_seqscan = off;
			WITH scanned AS MATERIALIZED (SELECT id FROM $table ORDER BY v $class->[1] made_vector(3, $dim)),
				there AS MATERIALIZED (SELECT id FROM $table)
			SELECT (SELECT count(*) FROM scanned) = (SELECT count(*) FROM there),
				NOT EXISTS (TABLE scanned EXCEPT ALL TABLE there)});
		is($counts, 't|t', "$what: a scan by $class->[0] returns every row once");
	}
	return;
}

# Nearest rows of some queries by every operator class, by index or, for comparison, without.
sub answers
{
	my ($node, $table, $dim, $by_index) = @_;
	my $set = $by_index ? 'SET enable_seqscan = off' : 'SET enable_indexscan = off';
	my $queries = join(' UNION ALL ', map {
		my $op = $_->[1];
		map { "SELECT * FROM (SELECT '$op', $_, v $op made_vector($_, $dim) FROM $table
			ORDER BY v $op made_vector($_, $dim) LIMIT 20) s" } (11, 12, 13)
	} @classes);
	return $node->safe_psql('postgres', "SET vecidx.recall = 1; $set; $queries");
}

sub same_answers
{
	my ($node, $table, $dim, $what) = @_;
	is(answers($node, $table, $dim, 1), answers($node, $table, $dim, 0), "$what: index and table agree");
	return;
}

1;
