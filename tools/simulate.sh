#!/bin/sh
# Runs that many schedules of the simulator, shared among the processors: tools/simulate.sh [SCHEDULES [FIRST]]
# A schedule that fails is told with its seed; VECIDX_SEED=seed build/release/vecidx_simulator runs it again.
set -eu
. "$(dirname "$0")/lib.sh"
schedules=${1:-100000}
first=${2:-1}
# shellcheck disable=SC2046
[ "${VECIDX_NO_INSTALL:-}" = 1 ] || need_packages $(core_packages)

build=$top/build/release
cd "$top"
cmake --preset release >/dev/null
cmake --build "$build" -j "$(cpus)" --target vecidx_simulator >/dev/null

jobs=$(cpus)
share=$(((schedules + jobs - 1) / jobs))
running=
for job in $(seq 1 "$jobs"); do
  VECIDX_FIRST=$((first + (job - 1) * share)) VECIDX_SCHEDULES=$share VECIDX_FAILURES=20 VECIDX_COUNTS=1 \
    nice "$build/vecidx_simulator" >"$build/simulation$job.log" 2>&1 &
  running="$running $!"
done
failed=0
job=0
for process in $running; do
  job=$((job + 1))
  wait "$process" || failed=$((failed + 1))
  cat "$build/simulation$job.log"
done
[ $failed = 0 ]
