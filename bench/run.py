#!/usr/bin/env python3
"""Runs the comparison on one set: vecidx beside pgvector's HNSW, in one cluster, in interleaved rounds.

    python3 bench/run.py --set glove --server /path/to/chroot          (or: --server /path/to/pg_config)

Fetches the set when it is not there, starts a throw-away cluster, loads, builds, measures and prints a table; the
figures go to build/bench/results/SET.json and the table to SET.md. bench/README.md says what each figure means.
"""
import argparse
import itertools
import json
import os
import platform
import subprocess
import sys
import time

import build
import fetch
import report
import server as servers
import systems
from sets import SETS

# Exact scans are slow: fewer queries give the same figures.
EXACT_QUERIES = 200
SEQUENTIAL_QUERIES = 20


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--set", default="glove", choices=sorted(SETS))
    parser.add_argument("--server", default="pg_config", help="a pg_config, or a chroot with PostgreSQL in it")
    parser.add_argument("--cluster", help="folder of the cluster (default /var/tmp/vecidx-bench, inside the chroot)")
    parser.add_argument("--systems", default="vecidx,vecidx_plain,pgvector",
                        help="which to compare (default %(default)s; those not installed are left out)")
    parser.add_argument("--keep", action="store_true", help="leave the cluster on disk, and use what is there already")
    parser.add_argument("--rebuild", default="", help="systems to load and build again in a kept cluster")
    parser.add_argument("--install", action="store_true", help="build this tree and install it into the server first")
    parser.add_argument("--rounds", type=int, default=5, help="rounds at LIMIT 10 (default %(default)s)")
    parser.add_argument("--other-rounds", type=int, default=1, help="rounds at LIMIT 1 and 100 (default %(default)s)")
    parser.add_argument("--connections", type=int, default=1)
    parser.add_argument("--recall", help="settings of vecidx.recall, comma-separated")
    parser.add_argument("--ef", help="settings of hnsw.ef_search, comma-separated")
    parser.add_argument("--data", default=build.DATA, help=argparse.SUPPRESS)
    return parser.parse_args()


def install(server):
    """Compiles this tree (the files git knows) against the server's headers, inside the chroot when there is one."""
    source = server.root + "/var/tmp/vecidx-bench-source"
    subprocess.run(["rm", "-rf", source], check=True)
    os.makedirs(source)
    files = subprocess.run(["git", "-C", build.ROOT, "ls-files", "-z"], check=True, stdout=subprocess.PIPE).stdout
    packed = subprocess.run(["tar", "-C", build.ROOT, "--null", "-T", "-", "-c"], input=files, check=True,
                            stdout=subprocess.PIPE).stdout
    subprocess.run(["tar", "-C", source, "--no-same-owner", "-x"], input=packed, check=True)
    make = [*server.enter, "make", "-s", "-C", server.inside(source), "PG_CONFIG=" + server.bin + "/pg_config"]
    subprocess.run([*make, "-j2"], check=True, stdout=subprocess.DEVNULL)
    subprocess.run([*make, "install"], check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["rm", "-rf", source], check=True)


class Measurer:
    """Calls the client on one data set and sorts what it prints into points: (system, plan, setting, k)."""

    def __init__(self, server, data_set, prefix, connections):
        self.server = server
        self.data_set = data_set
        self.prefix = prefix
        self.connections = connections
        self.points = {}

    def measure(self, system, k, plan="index", value=None):
        options = ["-d", self.server.conninfo(system.database(self.data_set["name"])), "-f", self.prefix,
                   "-D", self.data_set["dim"], "-m", self.data_set["distance"], "-k", k, "-p", plan,
                   "-c", self.connections]
        if plan == "seq":
            options += ["-n", SEQUENTIAL_QUERIES, "-w", 1]
        elif value is not None:
            for setting in (f"{system.dial}={value}", *system.settings):
                options += ["-s", setting]
            if system.dial == "vecidx.recall" and float(value) == 1:
                options += ["-n", EXACT_QUERIES, "-w", 10]
        figures = json.loads(build.call("client", *options))
        point = self.points.setdefault((system.name, plan, value, k), {
            "system": system.name, "plan": plan, "setting": value, "k": k, "rounds": []})
        point["rounds"].append(figures)

    def round(self, compared, k, with_floor):
        """One round: the systems take turns setting by setting, so that noise meets all of them."""
        for values in itertools.zip_longest(*(s.values for s in compared)):
            for system, value in zip(compared, values):
                if value is not None:
                    self.measure(system, k, value=value)
        for system in compared if with_floor else ():
            for plan in ("pk", "rank", "seq"):
                self.measure(system, k, plan=plan)


def machine():
    """What the figures were measured on."""
    model = "unknown"
    if os.path.exists("/proc/cpuinfo"):
        with open("/proc/cpuinfo") as file:
            model = next((line.split(":")[1].strip() for line in file if line.startswith("model name")), model)
    return {"processor": model, "cpus": os.cpu_count(), "system": platform.platform(terse=True),
            "load_average": os.getloadavg()[0]}


def compare(args, server, data_set, prefix):
    """Prepares every system that is installed, measures in rounds, and returns all of it."""
    compared = [systems.SYSTEMS[name] for name in args.systems.split(",")]
    for system in compared:
        if args.recall and system.dial == "vecidx.recall":
            system.values = tuple(args.recall.split(","))
        if args.ef and system.dial == "hnsw.ef_search":
            system.values = tuple(args.ef.split(","))
    missing = [s.name for s in compared if not systems.available(server, s)]
    compared = [s for s in compared if s.name not in missing]
    if missing:
        print("not installed, left out: " + ", ".join(missing), file=sys.stderr)
    if not compared:
        sys.exit("none of the systems is installed in this server")
    facts = {}
    for system in compared:
        print(f"{system.name}: loading and building", file=sys.stderr)
        facts[system.name] = systems.prepare(server, system, data_set, prefix, system.name in args.rebuild.split(","))
        systems.warm(server, system, data_set)
    measurer = Measurer(server, data_set, prefix, args.connections)
    load_before = machine()
    for number in range(args.rounds):
        print(f"round {number + 1} of {args.rounds}", file=sys.stderr)
        measurer.round(compared, 10, with_floor=True)
    for _ in range(args.other_rounds):
        for k in (1, 100):
            measurer.round(compared, k, with_floor=False)
    return {"set": data_set, "server": server.sql("postgres", "SHOW server_version"), "settings": servers.SETTINGS,
            "machine": load_before, "load_average_after": os.getloadavg()[0], "connections": args.connections,
            "date": time.strftime("%Y-%m-%d"), "systems": facts, "points": list(measurer.points.values())}


def prepare(args):
    """The set, fetched if need be, and the server for it, with the extension installed if asked for."""
    fetch.ensure([args.set], args.data)
    server = servers.Server(args.server, args.cluster)
    if not args.keep and os.path.exists(server.folder):
        sys.exit(f"{server.folder} exists: use it with --keep, or remove it")
    if args.install:
        install(server)
    return fetch.describe(args.set, args.data), server


def main():
    args = arguments()
    data_set, server = prepare(args)
    server.start()
    try:
        results = compare(args, server, data_set, os.path.join(args.data, args.set))
    finally:
        server.stop()
        if not args.keep:
            server.remove()
    os.makedirs(build.RESULTS, exist_ok=True)
    path = os.path.join(build.RESULTS, args.set)
    with open(path + ".json", "w") as file:
        json.dump(results, file, indent=1)
    table = report.markdown(results)
    with open(path + ".md", "w") as file:
        file.write(table)
    print(table)


if __name__ == "__main__":
    main()
