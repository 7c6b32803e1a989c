#!/bin/sh
# The quick start: from a fresh clone to nearest words on real data, without touching the system's PostgreSQL.
#
#   sh tools/quickstart.sh         install the Debian packages needed, build, start a throw-away server, load 20,000
#                                  words, index them, show nearest words; the server keeps running to play with
#   sh tools/quickstart.sh stop    stop that server and remove all it left but what was built
#
# As root, or as a user (who needs sudo only where packages are missing). PG_CONFIG chooses another PostgreSQL;
# VECIDX_NO_INSTALL=1 installs no packages. Running it again starts afresh.
set -eu
. "$(dirname "$0")/lib.sh"

case ${1:-start} in
  start) ;;
  stop)
    if [ -f "$top/build/quickstart/where" ]; then
      remove_run_dir quickstart
      say "the quick start's server is stopped and its data removed"
    else
      say "the quick start's server is not running"
    fi
    rm -f "$top/build/quickstart/psql"
    exit 0
    ;;
  *)
    sed -n '2,/^set -eu/s/^# \{0,1\}//p' "$0" | sed '$d' >&2
    exit 2
    ;;
esac

started=0
finished=0
clean_up() {
  status=$?
  if [ $started = 1 ] && [ $finished = 0 ]; then
    remove_run_dir quickstart || true
    echo "the quick start did not finish; its server is stopped and its data removed" >&2
  fi
  exit $status
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# quietly WHAT COMMAND...: shows a command's output only when it fails.
quietly() {
  what=$1
  shift
  "$@" >"$top/build/quickstart/log" 2>&1 || {
    tail -n 30 "$top/build/quickstart/log" >&2
    die "$what failed, see $top/build/quickstart/log"
  }
}

query() { "$bindir/psql" -X -q -v ON_ERROR_STOP=1 -d words "$@"; }

cd "$top"
# shellcheck disable=SC2046
[ "${VECIDX_NO_INSTALL:-}" = 1 ] || need_packages $(run_packages "$(pg_major)")

started=1
make_run_dir quickstart
copy_postgres

say "building with $(gcc --version | head -n 1) for $("$bindir/postgres" --version)"
mkdir -p build/quickstart/objects
quietly "the build" make -s -C build/quickstart/objects -f "$top/Makefile" -j "$(cpus)" install PG_CONFIG="$pg_config"

say "starting a server of its own in $run_dir"
start_server
"$bindir/createdb" words

say "loading 20,000 words (data/README.md says where they are from)"
query <<'SQL'
CREATE EXTENSION vecidx;
CREATE TABLE words (rank int PRIMARY KEY, word text NOT NULL UNIQUE, embedding vector(100) NOT NULL);
SQL
gzip -dc data/words.tsv.gz | query -c '\copy words FROM STDIN'

say "CREATE INDEX ON words USING vecidx (embedding vector_cosine_ops)"
query -f tools/quickstart.sql

cat >build/quickstart/psql <<END
#!/bin/sh
# Opens psql on the quick start's server.
exec '$bindir/psql' -h '$run_dir/server' -p 5432 -U postgres -d words "\$@"
END
chmod +x build/quickstart/psql
finished=1

cat <<END
The server keeps running. Try it yourself, here in this folder:

  build/quickstart/psql

  SELECT word FROM words ORDER BY embedding <=> (SELECT embedding FROM words WHERE word = 'music') LIMIT 10;

Stop it and remove its data:

  sh tools/quickstart.sh stop
END
