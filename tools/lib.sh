# What the scripts in tools/ share: messages, packages, throw-away PostgreSQL clusters. Sourced by POSIX sh.
# shellcheck shell=sh

# The top of the source tree.
top=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)

say() { printf '%s\n' "==> $*"; }

# die MESSAGE [COMMAND]: what is wrong and the command that mends it.
die() {
  printf 'error: %s\n' "$1" >&2
  [ $# -lt 2 ] || printf '  try: %s\n' "$2" >&2
  exit 1
}

case $top in
  *[[:space:]]*) die "make cannot build where the path has a blank: $top" ;;
esac

# ---- packages ----------------------------------------------------------------------------------------------------

# To build the extension against PostgreSQL $1 and to run a server.
run_packages() {
  echo "make gcc g++ libc6-dev libhwy-dev postgresql-$1 postgresql-server-dev-$1"
}

# The same with what the tests of SQL and of servers need.
build_packages() {
  echo "$(run_packages "$1") perl libipc-run-perl"
}

# For the core's own tests and the second compiler.
core_packages() {
  echo "cmake ninja-build catch2 clang binutils"
}

missing_packages() {
  for p in "$@"; do
    case $(dpkg-query -W -f '${db:Status-Status}' "$p" 2>/dev/null) in
      installed) ;;
      *) printf '%s ' "$p" ;;
    esac
  done
}

# need_packages NAME...: installs what is missing, or says how to.
need_packages() {
  command -v dpkg-query >/dev/null ||
    die "this is no Debian: install PostgreSQL's server and its development files, make, gcc and g++ yourself" \
      "PG_CONFIG=/path/to/pg_config VECIDX_NO_INSTALL=1 $0"
  missing=$(missing_packages "$@")
  missing=${missing% }
  [ -n "$missing" ] || return 0
  if [ "${VECIDX_NO_INSTALL:-}" = 1 ]; then
    die "these Debian packages are missing: $missing" "apt-get install $missing"
  fi
  if [ "$(id -u)" = 0 ]; then
    as_root=
  elif command -v sudo >/dev/null && { [ -t 0 ] || sudo -n true 2>/dev/null; }; then
    as_root=sudo
  else
    die "these Debian packages are missing and this is not root: $missing" "sudo apt-get install $missing"
  fi
  say "installing $missing"
  apt_log=$(mktemp)
  # shellcheck disable=SC2086
  if $as_root apt-get update >"$apt_log" 2>&1 &&
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $missing >>"$apt_log" 2>&1; then
    rm -f "$apt_log"
  else
    tail -n 20 "$apt_log" >&2
    die "apt-get failed, see $apt_log" "apt-get update && apt-get install $missing"
  fi
}

# pg_major: the PostgreSQL to build for: PG_CONFIG's, else the newest installed with its headers, else the release's own.
pg_major() {
  if [ -n "${PG_CONFIG:-}" ]; then
    "$PG_CONFIG" --version | sed 's/^PostgreSQL \([0-9]*\).*/\1/'
    return
  fi
  for v in 18 17 16 15; do
    if [ -x /usr/lib/postgresql/$v/bin/pg_config ] && [ -x /usr/lib/postgresql/$v/bin/postgres ]; then
      echo $v
      return
    fi
  done
  . /etc/os-release
  case ${VERSION_CODENAME:-} in
    bookworm) echo 15 ;;
    trixie) echo 17 ;;
    *) echo 18 ;;
  esac
}

# ---- throw-away PostgreSQL ---------------------------------------------------------------------------------------
#
# The extension is installed into a copy of PostgreSQL's directories (its programs find their files relative to where
# they lie), so the system's PostgreSQL is not touched and no root is needed. Servers refuse to run as root, so then
# they run as user postgres.

if [ "$(id -u)" = 0 ]; then
  server_user=postgres
  # From /, as that user may not be able to enter the current directory.
  as_server() { (cd / && exec runuser -u postgres -- "$@"); }
else
  server_user=$(id -un)
  as_server() { "$@"; }
fi

# writable_dir DIRECTORY: makes it below build/, unless an earlier run as another user left build/ to that user.
writable_dir() {
  mkdir -p "$1" 2>/dev/null || true
  [ -w "$1" ] || die "cannot write to $1: it belongs to another user" "sudo rm -rf $top/build"
}

# make_run_dir NAME: sets run_dir, a fresh directory that the server's user can reach, build/NAME/run if it can be.
# A server's socket path is at most 107 bytes long, which decides too.
make_run_dir() {
  run_link=$top/build/$1/where
  writable_dir "$top/build/$1"
  remove_run_dir "$1"
  run_dir=$top/build/$1/run
  mkdir "$run_dir"
  if [ ${#run_dir} -gt 80 ] || ! as_server test -x "$run_dir" -a -r "$run_dir"; then
    rmdir "$run_dir"
    run_dir=$(mktemp -d "${TMPDIR:-/tmp}/vecidx-$1-XXXXXX")
  fi
  chmod 755 "$run_dir"
  echo "$run_dir" >"$run_link"
  mkdir "$run_dir/server"
  [ "$(id -u)" != 0 ] || chown postgres "$run_dir/server"
}

# remove_run_dir NAME: stops the servers left there by an earlier run and removes the directory.
remove_run_dir() {
  [ -f "$top/build/$1/where" ] || { rm -rf "$top/build/$1/run"; return 0; }
  old=$(cat "$top/build/$1/where")
  case $old in
    "$top/build/$1/run" | */vecidx-"$1"-??????)
      # Servers of interrupted TAP tests are below it too.
      for pidfile in $(find "$old/server" -name postmaster.pid 2>/dev/null); do
        as_server "$old/bin/pg_ctl" -D "$(dirname "$pidfile")" -m immediate -w stop >/dev/null 2>&1 || true
      done
      rm -rf "$old"
      ;;
  esac
  rm -f "$top/build/$1/where"
}

# copy_postgres: a private copy of the PostgreSQL of PG_CONFIG in run_dir. Sets pg_config and bindir to the copy's.
copy_postgres() {
  pg_config=${PG_CONFIG:-/usr/lib/postgresql/$(pg_major)/bin/pg_config}
  [ -x "$pg_config" ] || command -v "$pg_config" >/dev/null || die "no pg_config at $pg_config" "PG_CONFIG=/path/to/pg_config sh $0"
  for what in bindir pkglibdir sharedir; do
    dir=$("$pg_config" --$what)
    mkdir -p "$run_dir/pg$(dirname "$dir")"
    cp -R "$dir" "$run_dir/pg$dir"
  done
  for what in includedir-server libdir; do
    dir=$("$pg_config" --$what)
    if [ -d "$dir" ] && [ ! -e "$run_dir/pg$dir" ]; then
      mkdir -p "$run_dir/pg$(dirname "$dir")"
      ln -s "$dir" "$run_dir/pg$dir"
    fi
  done
  bindir=$run_dir/pg$("$pg_config" --bindir)
  pg_config=$bindir/pg_config
  [ -x "$bindir/postgres" ] || die "no PostgreSQL server beside $pg_config"
  ln -s "$bindir" "$run_dir/bin"
}

# start_server: initialises and starts a cluster in run_dir.
# Only a private socket is listened on; durability is off, as the data is thrown away.
start_server() {
  as_server "$bindir/initdb" -D "$run_dir/server/data" -U postgres -A trust -E UTF8 --no-locale --no-sync \
    >"$run_dir/initdb.log" 2>&1 || { cat "$run_dir/initdb.log" >&2; die "initdb failed"; }
  {
    echo "listen_addresses = ''"
    echo "unix_socket_directories = '$run_dir/server'"
    echo 'fsync = off'
    echo 'shared_buffers = 128MB'
    # Compiling the small functions of a test again for every call takes longer than all the tests.
    echo 'jit = off'
  } | as_server tee -a "$run_dir/server/data/postgresql.conf" >/dev/null
  # Its own session, so that Ctrl-C reaches this script and not the server.
  as_server setsid "$bindir/pg_ctl" -D "$run_dir/server/data" -l "$run_dir/server/log" -t 60 -w start >/dev/null </dev/null ||
    { tail -n 20 "$run_dir/server/log" >&2; die "the server does not start"; }
  PGHOST=$run_dir/server
  PGPORT=5432
  PGUSER=postgres
  export PGHOST PGPORT PGUSER
  unset PGDATABASE PGOPTIONS PGSERVICE PGPASSWORD PGSSLMODE PGAPPNAME 2>/dev/null || true
}

stop_server() {
  as_server "$bindir/pg_ctl" -D "$run_dir/server/data" -m fast -w stop >/dev/null
}

cpus() { nproc 2>/dev/null || echo 2; }

# The files of the source tree, NUL-separated: git's view of it, or everything but build/ in a tarball.
list_sources() {
  if git -C "$top" rev-parse --git-dir >/dev/null 2>&1; then
    # Files deleted but not yet committed are still listed by git.
    (cd "$top" && git ls-files -z -co --exclude-standard) | (cd "$top" && xargs -0 sh -c 'for f; do [ ! -e "$f" ] || printf "%s\0" "$f"; done' sh)
  else
    (cd "$top" && find . \( -path ./build -o -path ./.git \) -prune -o -type f ! -name '*.o' ! -name '*.so' -print0)
  fi
}
