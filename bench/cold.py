#!/usr/bin/env python3
"""Queries that must read from disk: vecidx beside pgvector's HNSW with small shared buffers and a cold page cache.

    python3 bench/cold.py --set glove --server /path/to/chroot         (or: --server /path/to/pg_config)

Builds as run.py does (a cluster that it kept is used with --keep), then starts the server again with 32 MB of shared
buffers. Before each query (--every N: before each N-th) the kernel forgets the database's files, by posix_fadvise; with
--drop machine it forgets everything, by /proc/sys/vm/drop_caches, which needs root and slows down all else that runs.
Shared buffers stay as queries before left them, as in a server that runs; with --empty they are emptied too. Each setting
answers the queries twice: once for times and rows, once under EXPLAIN (ANALYZE, BUFFERS). Prints Markdown tables; the
figures go to build/bench/results/SET-cold.json, from which --again prints them.
"""
import argparse
import array
import itertools
import json
import os
import pathlib
import random
import re
import statistics
import sys
import time

import build
import fetch
import report
import run as runs
import systems
from build_memory import Session, children
from sets import SETS

K = 10
WARM_UP = 10
PROBES = 200
PAGE = 8192
RECALLS = "0.8,0.9,0.95,0.98"
EFS = "10,20,40,80,200,400"
EMPTY = "SELECT count(pg_buffercache_evict(bufferid)) FROM pg_buffercache WHERE relfilenode IS NOT NULL"
# From 18 on a read may be of several blocks, and bytes are counted; before, each is of op_bytes.
READ_BYTES = {True: "read_bytes", False: "reads * op_bytes"}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", default="glove", choices=sorted(SETS))
    parser.add_argument("--server", default="pg_config", help="a pg_config, or a chroot with PostgreSQL 17 or later in it")
    parser.add_argument("--cluster", help="folder of the cluster (default as for run.py)")
    parser.add_argument("--systems", default="vecidx,pgvector", help="which to measure (default %(default)s)")
    parser.add_argument("--keep", action="store_true", help="leave the cluster on disk, and use what is there already")
    parser.add_argument("--install", action="store_true", help="build this tree and install it into the server first")
    parser.add_argument("--recall", default=RECALLS, help="settings of vecidx.recall (default %(default)s)")
    parser.add_argument("--ef", default=EFS, help="settings of hnsw.ef_search (default %(default)s)")
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--buffers", default="32MB", help="shared_buffers (default %(default)s)")
    parser.add_argument("--drop", choices=("files", "machine"), default="files", help="what the kernel forgets")
    parser.add_argument("--every", type=int, default=1, help="queries from one time it forgets to the next")
    parser.add_argument("--empty", action="store_true", help="empty shared buffers as well")
    parser.add_argument("--again", action="store_true", help="do not measure: print the last result")
    parser.add_argument("--data", default=build.DATA, help=argparse.SUPPRESS)
    return parser.parse_args()


def forget_file(path):
    """The kernel drops what it caches of a file; pages not written yet stay."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(handle)


def forget_machine():
    with open("/proc/sys/vm/drop_caches", "w", encoding="ascii") as file:
        file.write("3\n")


def probe(path):
    """Median microseconds of reading one random page that is not cached: what the disk here is."""
    rng = random.Random(1)
    pages = os.path.getsize(path) // PAGE
    forget_file(path)
    handle = os.open(path, os.O_RDONLY)
    os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_RANDOM)
    times = []
    for _ in range(PROBES):
        start = time.perf_counter()
        os.pread(handle, PAGE, rng.randrange(pages) * PAGE)
        times.append(time.perf_counter() - start)
    os.close(handle)
    return statistics.median(times) * 1e6


def read_parts(prefix, dim, queries):
    """The first queries as the type reads them, and the rows that are their K nearest."""
    vectors, truth = array.array("f"), array.array("i")
    for values, suffix, width in ((vectors, "_q.f32", dim), (truth, "_gt.i32", fetch.NEIGHBOURS)):
        with open(prefix + suffix, "rb") as file:
            values.frombytes(file.read(4 * width * queries))
        if sys.byteorder != "little":
            values.byteswap()
    texts = ["[" + ",".join(map(repr, vectors[at:at + dim])) + "]" for at in range(0, len(vectors), dim)]
    return texts, [set(truth[at:at + K]) for at in range(0, len(truth), fetch.NEIGHBOURS)]


def disk_bytes(server):
    """Bytes that the server's processes made the kernel fetch from disk so far; None where that is not told."""
    with open(os.path.join(server.data, "postmaster.pid"), encoding="ascii") as file:
        postmaster = int(file.readline())
    total = 0
    for pid in [postmaster, *children(postmaster)]:
        try:
            total += int(re.search(r"^read_bytes: (\d+)", pathlib.Path(f"/proc/{pid}/io").read_text(encoding="ascii"), re.M)[1])
        except OSError:
            return None
    return total


def parse_answer(output):
    """(ids, microseconds) of what psql prints with timing on."""
    rows, milliseconds = re.fullmatch(r"((?:\d+\n)*)Time: ([\d.]+) ms.*\n", output).groups()
    return [int(row) for row in rows.split()], float(milliseconds) * 1000


def parse_plan(output):
    """Buffers found and read, and the microseconds that these reads took, in a plan of EXPLAIN in JSON."""
    plan = json.loads(output)[0]["Plan"]
    return {"hit": plan["Shared Hit Blocks"], "read": plan["Shared Read Blocks"],
            "read_us": 1000 * plan.get("Shared I/O Read Time", plan.get("I/O Read Time", 0))}


class Cold:
    """One system's database, asked by one session at one setting."""

    def __init__(self, server, system, value, data_set, args):
        self.server, self.system, self.args = server, system, args
        self.session = Session(server.conninfo(system.database(data_set["name"])))
        for name, setting in ((system.dial, value), *(pair.split("=") for pair in system.settings)):
            self.session.ask(f"SET {name} = '{setting}'")
        self.session.ask("SET plan_cache_mode = force_generic_plan")
        operator = systems.OPERATORS[data_set["distance"]]
        self.session.ask(f"PREPARE near(vector) AS SELECT id FROM items ORDER BY v {operator} $1 LIMIT {K}")
        oid = self.session.ask("SELECT oid FROM pg_database WHERE datname = current_database()").strip()
        self.files = [path for path in pathlib.Path(server.data, "base", oid).iterdir() if path.is_file()]
        if args.empty:
            self.session.ask("SET client_min_messages = warning; CREATE EXTENSION IF NOT EXISTS pg_buffercache")
        self.asked = 0

    def forget(self):
        if self.asked % self.args.every == 0:
            if self.args.empty:
                self.session.ask(EMPTY)
            if self.args.drop == "machine":
                forget_machine()
            else:
                for path in self.files:
                    forget_file(path)
        self.asked += 1

    def answers(self, texts):
        """(ids, microseconds) of each query."""
        found = []
        for text in texts:
            self.forget()
            found.append(parse_answer(self.session.ask(f"\\timing on\nEXECUTE near('{text}');\n\\timing off\n")))
        return found

    def plans(self, texts):
        found = []
        for text in texts:
            self.forget()
            found.append(parse_plan(self.session.ask(
                f"EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) EXECUTE near('{text}')")))
        return found

    def counted(self):
        """Reads of the server's files since it started, by pg_stat_io, and their bytes."""
        newer = int(self.session.ask("SHOW server_version_num")) >= 180000
        self.session.ask("SELECT pg_stat_force_next_flush()")
        return [int(float(x)) for x in self.session.ask(
            f"SELECT sum(reads), sum({READ_BYTES[newer]}) FROM pg_stat_io WHERE object = 'relation'").split("|")]

    def check_plan(self, text):
        plan = self.session.ask(f"EXPLAIN EXECUTE near('{text}')")
        if "items_v_idx" not in plan:
            sys.exit(f"{self.system.name}: not the index is used:\n{plan}")

    def close(self):
        self.session.psql.stdin.close()
        self.session.psql.wait()


def measure(server, system, value, data_set, parts, args):
    """One setting of one system: what its queries took."""
    texts, truth = parts
    cold = Cold(server, system, value, data_set, args)
    cold.check_plan(texts[0])
    cold.answers(texts[-WARM_UP:])
    cold.asked = 0
    disk, (reads, size) = disk_bytes(server), cold.counted()
    found = cold.answers(texts)
    (reads_after, size_after), disk_after = cold.counted(), disk_bytes(server)
    cold.asked = 0
    plans = cold.plans(texts)
    cold.close()
    times = sorted(us for _, us in found)
    return {"system": system.name, "setting": value,
            "recall": sum(len(truth[at].intersection(ids)) for at, (ids, _) in enumerate(found)) / (K * len(found)),
            "p50_us": statistics.median(times), "p90_us": times[int(.9 * len(times))],
            **{key: statistics.fmean(plan[key] for plan in plans) for key in ("hit", "read", "read_us")},
            "io_reads": (reads_after - reads) / len(texts), "io_bytes": (size_after - size) / len(texts),
            "disk_bytes": None if disk is None or disk_after is None else (disk_after - disk) / len(texts)}


def compare(args, server, data_set, prefix):
    compared = [s for s in (systems.SYSTEMS[name] for name in args.systems.split(",")) if systems.available(server, s)]
    for system in compared:
        system.values = tuple((args.recall if system.dial == "vecidx.recall" else args.ef).split(","))
    facts = {}
    for system in compared:
        print(f"{system.name}: loading and building", file=sys.stderr)
        facts[system.name] = systems.prepare(server, system, data_set, prefix, False)
    server.sql("postgres", "CHECKPOINT")
    server.stop()
    os.sync()
    server.settings.update(shared_buffers=args.buffers, track_io_timing="on")
    server.start()
    parts = read_parts(prefix, data_set["dim"], args.queries)
    points = []
    for values in itertools.zip_longest(*(system.values for system in compared)):
        for system, value in zip(compared, values):
            if value is not None:
                print(f"{system.name} {value}", file=sys.stderr)
                points.append(measure(server, system, value, data_set, parts, args))
    return {"set": data_set, "server": server.sql("postgres", "SHOW server_version"), "machine": runs.machine(),
            "date": time.strftime("%Y-%m-%d"), "systems": facts, "points": points, "probe_us": probe(prefix + "_base.f32"),
            **{key: getattr(args, key) for key in ("queries", "buffers", "drop", "every", "empty")}}


def kilobytes(size):
    return "-" if size is None else f"{size / 1024:.0f}"


def point_row(point):
    return [point["system"], point["setting"], f"{point['recall']:.4f}", f"{point['p50_us'] / 1000:.2f}",
            f"{point['p90_us'] / 1000:.2f}", f"{point['hit']:.1f}", f"{point['read']:.1f}", f"{point['read_us'] / 1000:.2f}",
            f"{point['io_reads']:.1f}", kilobytes(point["io_bytes"]), kilobytes(point["disk_bytes"])]


def ratio_row(point, base):
    """How many times more pgvector takes at the point's recall, interpolated between its settings."""
    cells = [point["setting"], f"{point['recall']:.4f}"]
    for key in ("p50_us", "p90_us", "read", "io_bytes", "disk_bytes"):
        values = [other[key] for other in (point, *base)]
        if any(not value for value in values):
            cells.append("-")
            continue
        value, sign = report.interpolate([(other["recall"], other[key]) for other in base], point["recall"])
        cells.append(f"{sign}{value / point[key]:.1f}")
    return cells


def markdown(results):
    about, machine = results["set"], results["machine"]
    what = "the database's files" if results["drop"] == "files" else "everything"
    when = "each query" if results["every"] == 1 else f"each {results['every']} queries"
    parts = [f"### Cold reads, {about['title']}: {about['rows']:,} × {about['dim']}, {about['distance']}\n",
             f"PostgreSQL {results['server']}, shared_buffers {results['buffers']}"
             f"{', emptied' if results['empty'] else ''}; the kernel forgot {what} before {when}; {results['queries']} queries, "
             f"LIMIT {K}; a random page takes {results['probe_us']:.0f} µs from this disk; {machine['processor']}, load "
             f"average {machine['load_average']:.1f}; {results['date']}. Index: " +
             ", ".join(f"{name} {facts['index_bytes'] / 2 ** 20:.0f} MB" for name, facts in results["systems"].items()) + ".\n",
             report.table(["system", "setting", "recall@10", "p50 ms", "p90 ms", "buffers hit", "buffers read", "ms reading",
                           "reads", "kB read", "kB from disk"], [point_row(point) for point in sorted(
                               results["points"], key=lambda p: (p["system"] == report.BASELINE, float(p["setting"])))])]
    base = [point for point in results["points"] if point["system"] == report.BASELINE]
    mine = [point for point in results["points"] if point["system"] != report.BASELINE]
    if base and mine:
        parts.append("pgvector's ÷ vecidx's at equal recall:\n")
        parts.append(report.table(["setting", "recall@10", "p50", "p90", "buffers read", "kB read", "kB from disk"],
                                  [ratio_row(point, base) for point in mine]))
    return "\n".join(parts)


def run(args):
    """Measures in a cluster of its own, or in a kept one, and removes it unless it is to be kept."""
    data_set, server = runs.prepare(args)
    server.start()
    try:
        return compare(args, server, data_set, os.path.join(args.data, args.set))
    finally:
        server.stop()
        if not args.keep:
            server.remove()


def main():
    args = arguments()
    path = os.path.join(build.RESULTS, args.set + "-cold.json")
    if args.again:
        with open(path, encoding="utf-8") as file:
            results = json.load(file)
    else:
        results = run(args)
        os.makedirs(build.RESULTS, exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            json.dump(results, file, indent=1)
    print(markdown(results))


if __name__ == "__main__":
    main()
