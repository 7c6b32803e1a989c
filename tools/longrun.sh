#!/bin/sh
# One of the server tests, run longer than among the others: builds, runs it, and prints the figures that it ends with.
#   tools/longrun.sh FILE      of test/t; what it reads from the environment is said there
set -eu
. "$(dirname "$0")/lib.sh"
status=0
TAP_TESTS=$1 sh "$top/tools/test.sh" gcc tap || status=$?
grep -E '^# .*[0-9]' "$top/build/test/log/tap.log" | grep -vE '^# (Running|Postmaster|No postmaster|Stale|Looks)' || true
exit $status
