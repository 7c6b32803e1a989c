#!/bin/sh
# The symbol gate: proves that the core needs no C++ runtime and that the library shows the server nothing but its own
# names. Usage: tools/symbols.sh BUILD_DIRECTORY (where vecidx.so and the core's objects are). Silent when all is well.
set -eu
dir=${1:-.}
failed=0

complain() {
  printf '%s:\n%s\n' "$1" "$2" >&2
  failed=1
}

[ -f "$dir/vecidx.so" ] || { echo "no vecidx.so in $dir" >&2; exit 1; }
objects=$(find "$dir/core" -name '*.o')
[ -n "$objects" ] || { echo "no objects in $dir/core" >&2; exit 1; }

for object in $objects; do
  # Mangled: _ZSt, _ZNSt, _ZNKSt: std::; _Zn, _Zd: operator new and delete; __cxa_, __gxx_: exceptions, guards, exit
  # handlers; _Unwind: unwinding.
  bad=$(nm -u "$object" | grep -E ' (_ZN?K?St|_ZNK?S[a-z]|_Z[nd][aw]|_Zdl|__cxa_|__gxx_|_Unwind_)' || true)
  [ -z "$bad" ] || complain "$object needs the C++ runtime" "$bad"
  bad=$(nm -u "$object" | grep -E ' (palloc|pfree|ereport|errstart|elog|MemoryContext|malloc|free|abort)' || true)
  [ -z "$bad" ] || complain "$object calls the server or the heap" "$bad"
  bad=$(readelf -SW "$object" | grep -E '\.(init_array|ctors|tbss|tdata)' || true)
  [ -z "$bad" ] || complain "$object has static initialisers or thread-local data" "$bad"
done

bad=$(readelf -dW "$dir/vecidx.so" | grep NEEDED | grep -E 'stdc\+\+|libc\+\+|libgcc_s|libhwy' || true)
[ -z "$bad" ] || complain "vecidx.so is linked with a C++ library" "$bad"

# A function of ours that is declared and called but not linked in would fail only when it is first used.
bad=$(nm -D --undefined-only "$dir/vecidx.so" | grep -E ' (_Z|vx_|vecidx_)' || true)
[ -z "$bad" ] || complain "vecidx.so lacks functions of its own" "$bad"

bad=$(nm -D --defined-only "$dir/vecidx.so" | awk '{print $NF}' |
  grep -vE '^(vecidx_[a-z0-9_]+|pg_finfo_vecidx_[a-z0-9_]+|Pg_magic_func|_PG_init|VECIDX.*)(@.*)?$' || true)
[ -z "$bad" ] || complain "vecidx.so exports more than it should" "$bad"

exit $failed
