#!/bin/sh
# Does the simulator find bugs? Each patch of test/mutants plants one in a copy of the core; a number of schedules must
# find it: tools/mutants.sh [SCHEDULES [PATCH...]]
set -eu
. "$(dirname "$0")/lib.sh"
schedules=${1:-10000}
[ $# = 0 ] || shift
# shellcheck disable=SC2046
[ "${VECIDX_NO_INSTALL:-}" = 1 ] || need_packages $(core_packages) patch

copy=$top/build/mutants
mkdir -p "$copy"
for path in CMakeLists.txt CMakePresets.json core test bench; do
  rm -rf "${copy:?}/$path"
  cp -R "$top/$path" "$copy"
done
cd "$copy"
cmake --preset release -DVECIDX_WERROR=OFF >/dev/null
build() {
  nice cmake --build build/release -j "$(cpus)" --target vecidx_simulator >build.log 2>&1
}
build || die "the simulator does not build: $copy/build.log"

caught=0
missed=0
for patch in "$top"/test/mutants/*.patch; do
  name=$(basename "$patch" .patch)
  [ $# = 0 ] || case " $* " in *" $name "*) ;; *) continue ;; esac
  patch -s -p1 <"$patch" || die "$name does not apply"
  build || die "$name does not build: $copy/build.log"
  if VECIDX_SCHEDULES=$schedules timeout 1200 nice build/release/vecidx_simulator >"$name.log" 2>&1; then
    missed=$((missed + 1))
    say "$name: not caught by $schedules schedules"
  else
    caught=$((caught + 1))
    say "$name: $(grep -m1 -A1 -E 'VECIDX_SEED=|SIG' "$name.log" | tr -s ' \n' ' ')"
  fi
  patch -s -R -p1 <"$patch"
done
echo "$caught caught, $missed not caught"
[ $missed = 0 ]
