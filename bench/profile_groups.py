"""Sorts the symbols of a backend's profile into groups, and gives nameless ones a place.

Which source files a group stands for changes with the extension: adjust GROUPS when files move.
"""
import bisect
import glob
import re
import subprocess

# The first pattern that matches "library symbol" names the group.
GROUPS = (
    ("wake-ups and sockets (kernel)", r"^\[(kernel|vdso|guest)|^unknown"),
    ("core: kernels", r"^vecidx\.so (.*(::N_\w+::|namespace\)::(scan<|centroid_rows|refine_|hadamard|inner_product|"
                      r"l2_squared|cosine_terms))|vx_(l2_squared|inner_product|cosine_terms|l1|linf)$)"),
    ("core: scan machine", r"^vecidx\.so .*(vecidx::|vx_)"),
    ("access method shim", r"^vecidx\.so "),
    ("pgvector", r"^vector\.so "),
    ("B-tree", r"_bt_|btint4cmp|btgettuple"),
    # what follows LockWaiterCount are the static functions of lwlock.c
    ("page access", r"Buf|LWLock|LockWaiterCount|smgr|hash_search|hash_bytes|ResourceOwner|pg_atomic|StartReadBuffer|PrivateRef"),
    ("heap rows", r"heap|Tuple|slot_|toast|detoast|Snapshot|Visib|index_fetch|table_"),
    ("protocol, bind, portal", r"pq_|exec_|Portal|Socket|secure_|socket|Bind|bind|_recv$|_send$|Command|Dest|printtup|"
                               r"Latch|WaitEvent|PostgresMain|ReadyForQuery|recv|send"),
    ("executor", r"Exec|exec|index_|Limit|tuplesort|reorder|pairingheap|Instr|expr|Interp"),
    ("plan cache and planning", r"plan|Plan|query|Query|Cached|relation_open|LockRelation|Lock|cost"),
    ("memory", r"^libc|Alloc|palloc|pfree|Memory|malloc|free|mem(cpy|set|move|cmp)|list_|copyObject|bms_"),
)


def exported(path):
    """The exported functions of a program or library, by address."""
    if not path:
        return []
    listing = subprocess.run(["nm", "-D", "--defined-only", path], text=True, check=False, stdout=subprocess.PIPE,
                             stderr=subprocess.DEVNULL).stdout
    return sorted((int(line.split()[0], 16), line.split()[2]) for line in listing.splitlines()
                  if line.split()[1] in "Tt")


def name_static(server, symbols):
    """Sums up what has no name in a stripped program (static functions) by the exported function before it.

    Functions of one source file lie together, so the neighbour's name tells the part of the server.
    """
    tables = {}
    sums = {}
    for library, symbol, share in symbols:
        if symbol.startswith("0x"):
            if library not in tables:
                paths = glob.glob(f"{server.root}{server.bin}/{library}") + \
                    glob.glob(f"{server.root}{server.bin}/../lib/{library}")
                tables[library] = exported(paths[0] if paths else None)
            at = bisect.bisect(tables[library], (int(symbol, 16), "\x7f")) - 1
            symbol = f"(static, after {tables[library][at][1]})" if at >= 0 else "(no name)"
        sums[library, symbol] = sums.get((library, symbol), 0) + share
    return [(*key, share) for key, share in sorted(sums.items(), key=lambda item: -item[1])]


def group_of(library, symbol):
    text = f"{library} {symbol}"
    return next((name for name, pattern in GROUPS if re.search(pattern, text)), "other")
