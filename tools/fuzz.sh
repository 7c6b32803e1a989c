#!/bin/sh
# Runs every libFuzzer target for a number of seconds: tools/fuzz.sh [SECONDS] [TARGET...]
# What is found (corpus and crashing inputs) stays in build/fuzz/corpus, so that the next run goes on from there.
set -eu
. "$(dirname "$0")/lib.sh"
seconds=${1:-60}
[ $# = 0 ] || shift
# shellcheck disable=SC2046
[ "${VECIDX_NO_INSTALL:-}" = 1 ] || need_packages $(core_packages) libclang-rt-dev

build=$top/build/fuzz
cd "$top"
cmake --preset fuzz -B "$build" >/dev/null
cmake --build "$build" -j "$(cpus)" >/dev/null

passed=0
failed=0
for target in $(find "$build" -type f -name 'fuzz_*' -perm -u+x | sort); do
  name=$(basename "$target")
  [ $# = 0 ] || case " $* " in *" $name "*) ;; *) continue ;; esac
  corpus=$build/corpus/$name
  mkdir -p "$corpus"
  if "$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=4096 -artifact_prefix="$corpus/" "$corpus" \
    >"$build/$name.log" 2>&1; then
    passed=$((passed + 1))
    say "$name: $(grep -oE 'Done [0-9]+ runs' "$build/$name.log" | tail -n 1)"
  else
    failed=$((failed + 1))
    tail -n 30 "$build/$name.log"
  fi
done
[ $((passed + failed)) -gt 0 ] || die "no fuzz target was built"
echo "$passed passed, $failed failed"
[ $failed = 0 ]
