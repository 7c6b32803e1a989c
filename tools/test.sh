#!/bin/sh
# Runs all tests: installs what they need, builds everywhere below build/test and ends with "N passed, N failed".
#
#   sh tools/test.sh            every stage
#   sh tools/test.sh STAGE...   some of:
#     format        every C and C++ file is as clang-format lays it out
#     core-asan     the core's tests, debug build with address and undefined-behaviour sanitizers
#     core-release  the core's tests, optimised as in the server
#     bench         the benchmark's own arithmetic and tools
#     gcc, clang    the extension builds without a warning
#     symbols       the library needs no C++ runtime and exports only its own names
#     sql           pg_regress and isolation tests on a server of their own
#     tap           tests that start, crash and replicate servers
#
# Servers live in a directory of their own that is removed at the end; logs stay in build/test/log.
# PG_CONFIG chooses the PostgreSQL. VECIDX_NO_INSTALL=1: install no packages. TAP_TESTS: only these files of test/t.
set -eu
. "$(dirname "$0")/lib.sh"

all="format core-asan core-release bench gcc clang symbols sql tap"
for stage in "$@"; do
  case " $all " in
    *" $stage "*) ;;
    *)
      sed -n '2,/^set -eu/s/^# \{0,1\}//p' "$0" | sed '$d' >&2
      exit 2
      ;;
  esac
done
stages=${*:-$all}
wants() { case " $stages " in *" $1 "*) ;; *) return 1 ;; esac; }

work=$top/build/test
passed=0
failed=0
made_run_dir=0

clean_up() {
  [ $made_run_dir = 0 ] || remove_run_dir test
}
trap clean_up EXIT
trap 'echo "interrupted" >&2; exit 130' INT
trap 'exit 143' TERM HUP

# record STAGE LOG PASSED FAILED STARTED: adds to the totals and prints the stage's line, and the log's end if it failed.
record() {
  passed=$((passed + $3))
  failed=$((failed + $4))
  printf '%-13s %4s passed, %s failed  (%s s)\n' "$1" "$3" "$4" $(($(date +%s) - $5))
  if [ "$4" != 0 ]; then
    tail -n 60 "$2"
    printf 'the whole log: %s\n' "$2"
  fi
}

# A stage that is one test: it passes when its command does.
single() {
  stage=$1
  shift
  log=$work/log/$stage.log
  started=$(date +%s)
  if "$@" >"$log" 2>&1; then
    record "$stage" "$log" 1 0 "$started"
  else
    record "$stage" "$log" 0 1 "$started"
    return 1
  fi
}

# A stage of many tests: $4 counts those passed and $5 those failed in its log. When the command fails without a failed
# test, or runs none, that is a failure by itself.
counted() {
  stage=$1
  count_passed=$2
  count_failed=$3
  shift 3
  log=$work/log/$stage.log
  started=$(date +%s)
  status=0
  "$@" >"$log" 2>&1 || status=$?
  p=$($count_passed "$log")
  f=$($count_failed "$log")
  if [ "$f" = 0 ] && { [ $status != 0 ] || [ "$p" = 0 ]; }; then
    f=1
    echo "no test failed, but the command ended with status $status after $p tests" >>"$log"
  fi
  record "$stage" "$log" "$p" "$f" "$started"
  [ "$f" = 0 ]
}

# ---- the stages --------------------------------------------------------------------------------------------------

check_format() {
  list_sources | tr '\0' '\n' | grep -E '\.(c|h|cpp|hpp)$' >"$work/log/sources" &&
    (cd "$top" && xargs -d '\n' "${CLANG_FORMAT:-clang-format}" --dry-run --Werror) <"$work/log/sources"
}

run_core() {
  (cd "$top" && cmake --preset "$1" -B "$work/core-$1") &&
    cmake --build "$work/core-$1" -j "$(cpus)" || return 1
  ctest --test-dir "$work/core-$1" --no-tests=error -j "$(cpus)" --timeout 600 || {
    # Again, so that what they say stands at the end of the log.
    ctest --test-dir "$work/core-$1" --rerun-failed --output-on-failure -j "$(cpus)" --timeout 600 || true
    return 1
  }
}
ctest_passed() { awk '/^[0-9]+% tests passed/ { split($0, a, "out of "); n = a[2] - $4; exit } END { print n + 0 }' "$1"; }
ctest_failed() { awk '/^[0-9]+% tests passed/ { n = $4; exit } END { print n + 0 }' "$1"; }

# Its C programs are built into build/bench, as for the benchmark itself.
# Another Python may stand before Debian's in the path, without the numpy that some of its tests need.
bench_python() {
  for python in python3 /usr/bin/python3; do
    ! "$python" -c 'import numpy' 2>/dev/null || break
  done
  echo "$python"
}
run_bench() { "$(bench_python)" -B "$top/bench/test.py" --verbose; }
bench_passed() { grep -c '\.\.\. ok$' "$1" || true; }
bench_failed() { grep -cE '\.\.\. (FAIL|ERROR)$' "$1" || true; }

# Beside the sources (VPATH), so that two compilers do not meet and the source tree stays clean.
build_with() {
  case $1 in
    gcc) cxx=g++ ;;
    clang) cxx=clang++ ;;
  esac
  mkdir -p "$work/$1"
  make -s -C "$work/$1" -f "$top/Makefile" -j "$(cpus)" PG_CONFIG="$pg_config" CC="$1" CXX=$cxx WERROR=-Werror
}

# The library with fault points, from the objects that do not know of them and those that do.
build_faults() {
  mkdir -p "$work/faults"
  rm -rf "$work/faults/core" "$work/faults/src"
  cp -a "$work/gcc/core" "$work/gcc/src" "$work/faults"
  rm -rf "$work/faults/src/am" "$work/faults/src/vecidx.o"
  make -s -C "$work/faults" -f "$top/Makefile" -j "$(cpus)" PG_CONFIG="$pg_config" CC=gcc CXX=g++ WERROR=-Werror FAULTS=1
}

install_extension() {
  make -s -C "$work/gcc" -f "$top/Makefile" install PG_CONFIG="$pg_config" CC=gcc CXX=g++ WERROR=-Werror
}

run_sql() {
  rm -rf "$work/gcc/results" "$work/gcc/output_iso" "$work/gcc/regression.diffs"
  status=0
  make -C "$work/gcc" -f "$top/Makefile" installcheck PG_CONFIG="$pg_config" || status=$?
  find "$work/gcc" -name regression.diffs -size +0 -exec cat {} +
  return $status
}
# PostgreSQL 15 writes "test name ... ok", 16 and later "ok 1 - name".
regress_passed() { grep -cE '^(test +|     )[a-z_0-9-]+ +\.\.\. ok|^ok [0-9]+ ' "$1" || true; }
regress_failed() { grep -cE '^(test +|     )[a-z_0-9-]+ +\.\.\. FAILED|^not ok [0-9]+ ' "$1" || true; }

run_tap() {
  pgxs=$(dirname "$("$pg_config" --pgxs)")/..
  tap=$run_dir/server/tap
  as_server mkdir "$tap"
  # A copy, because the server's user may not be able to read the sources.
  tar -C "$top" -cf - test/t | as_server tar -C "$tap" -xf -
  build_faults || return 1
  cp "$work/faults/vecidx.so" "$tap/vecidx_faults.so" && chmod 755 "$tap/vecidx_faults.so"
  echo 'jit = off' >"$run_dir/tap.conf"
  (
    cd "$top"
    tests=
    for t in ${TAP_TESTS:-test/t/*.pl}; do tests="$tests test/t/$(basename "$t")"; done
    # shellcheck disable=SC2086
    as_server env -C "$tap" PATH="$bindir:$PATH" TESTDIR="$tap" TESTDATADIR="$tap/tmp_check" TESTLOGDIR="$tap/tmp_check/log" \
      TEMP_CONFIG="$run_dir/tap.conf" VECIDX_FAULTS="$tap/vecidx_faults.so" \
      PGPORT=65432 PG_REGRESS="$pgxs/test/regress/pg_regress" top_builddir="$tap" \
      prove --verbose -I "$pgxs/test/perl" -I "$tap/test/t" $tests
  ) || {
    # What the servers and the tests said.
    rm -rf "$work/log/tap"
    mkdir "$work/log/tap"
    find "$tap" -path '*/log/*' -type f -exec cp {} "$work/log/tap" \;
    echo "logs of the servers and tests: $work/log/tap"
    return 1
  }
}
tap_passed() { grep -cE '^ok [0-9]+' "$1" || true; }
tap_failed() { grep -cE '^not ok [0-9]+' "$1" || true; }

# ---- all of it ---------------------------------------------------------------------------------------------------

cd "$top"
major=$(pg_major)
if [ "${VECIDX_NO_INSTALL:-}" != 1 ]; then
  packages=$(build_packages "$major")
  ! wants format || packages="$packages clang-format"
  if wants core-asan || wants core-release || wants clang; then packages="$packages $(core_packages)"; fi
  ! wants bench || packages="$packages python3 python3-numpy libpq-dev"
  # shellcheck disable=SC2086
  need_packages $packages
fi

writable_dir "$work/log"
made_run_dir=1
make_run_dir test
copy_postgres
say "vecidx with $("$bindir/postgres" --version)"

! wants format || single format check_format || true
! wants core-asan || counted core-asan ctest_passed ctest_failed run_core asan || true
! wants core-release || counted core-release ctest_passed ctest_failed run_core release || true
! wants bench || counted bench bench_passed bench_failed run_bench || true
! wants clang || single clang build_with clang || true

if wants gcc || wants symbols || wants sql || wants tap; then
  if single gcc build_with gcc; then
    ! wants symbols || single symbols sh "$top/tools/symbols.sh" "$work/gcc" || true
    if wants sql || wants tap; then
      if install_extension >"$work/log/install.log" 2>&1; then
        if wants sql; then
          start_server
          counted sql regress_passed regress_failed run_sql || true
          stop_server
        fi
        ! wants tap || counted tap tap_passed tap_failed run_tap || true
      else
        record install "$work/log/install.log" 0 1 "$(date +%s)"
      fi
    fi
  fi
fi

echo "$passed passed, $failed failed"
[ $failed = 0 ]
