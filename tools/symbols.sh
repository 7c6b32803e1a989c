#!/bin/sh
# The symbol gate: proves that the core needs no C++ runtime and that the library shows the server nothing but its own
# names. Silent when all is well.
#   tools/symbols.sh BUILD_DIRECTORY     the directory's vecidx.so and the core's objects
#   tools/symbols.sh FILE...             objects (.o) and archives (.a) of the core, and libraries (.so)
set -eu
failed=0

complain() {
  printf '%s:\n%s\n' "$1" "$2" >&2
  failed=1
}

# Objects of the core, or an archive of them.
check_object() {
  # Mangled: _ZSt, _ZNSt, _ZNKSt: std::; _Zn, _Zd: operator new and delete; __cxa_, __gxx_: exceptions, guards, exit
  # handlers; _Unwind: unwinding.
  bad=$(nm -u "$1" | grep -E ' (_ZN?K?St|_ZNK?S[a-z]|_Z[nd][aw]|_Zdl|__cxa_|__gxx_|_Unwind_)' || true)
  [ -z "$bad" ] || complain "$1 needs the C++ runtime" "$bad"
  bad=$(nm -u "$1" | grep -E ' (palloc|pfree|ereport|errstart|elog|MemoryContext|malloc|free|abort)' || true)
  [ -z "$bad" ] || complain "$1 calls the server or the heap" "$bad"
  bad=$(readelf -SW "$1" | grep -E '\.(init_array|ctors|tbss|tdata)' || true)
  [ -z "$bad" ] || complain "$1 has static initialisers or thread-local data" "$bad"
}

check_library() {
  bad=$(readelf -dW "$1" | grep NEEDED | grep -E 'stdc\+\+|libc\+\+|libgcc_s|libhwy' || true)
  [ -z "$bad" ] || complain "$1 is linked with a C++ library" "$bad"

  # A function of ours that is declared and called but not linked in would fail only when it is first used.
  bad=$(nm -D --undefined-only "$1" | grep -E ' (_Z|vx_|vecidx_)' || true)
  [ -z "$bad" ] || complain "$1 lacks functions of its own" "$bad"

  bad=$(nm -D --defined-only "$1" | awk '{print $NF}' |
    grep -vE '^(vecidx_[a-z0-9_]+|pg_finfo_vecidx_[a-z0-9_]+|Pg_magic_func|_PG_init|VECIDX.*)(@.*)?$' || true)
  [ -z "$bad" ] || complain "$1 exports more than it should" "$bad"

  # FAULTS=1 is for tests.
  bad=$({ nm "$1"; strings "$1"; } | grep -E 'vecidx_fault|vecidx\.fault|vx_[a-z]*_record' || true)
  [ -z "$bad" ] || complain "$1 has fault points" "$bad"

  # As -ffast-math links it in: denormals of the whole server would become zeros.
  bad=$(objdump -d "$1" | grep -E '\bldmxcsr\b' | head -n 3 || true)
  [ -z "$bad" ] || complain "$1 changes the floating-point mode" "$bad"
}

[ $# -gt 0 ] || set -- .
if [ $# = 1 ] && [ -d "$1" ]; then
  dir=$1
  [ -f "$dir/vecidx.so" ] || { echo "no vecidx.so in $dir" >&2; exit 1; }
  objects=$(find "$dir/core" -name '*.o')
  [ -n "$objects" ] || { echo "no objects in $dir/core" >&2; exit 1; }
  # shellcheck disable=SC2086
  set -- "$dir/vecidx.so" $objects
fi
for file in "$@"; do
  [ -f "$file" ] || { echo "no file $file" >&2; exit 1; }
  case $file in
    *.o | *.a) check_object "$file" ;;
    *.so) check_library "$file" ;;
    *) echo "neither an object nor a library: $file" >&2; exit 1 ;;
  esac
done
exit $failed
