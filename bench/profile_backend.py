#!/usr/bin/env python3
"""Says where the backend's time of a query goes, for a set that `run.py --keep` has loaded.

    python3 bench/profile_backend.py --set glove --server /path/to/chroot [--system vecidx] [--setting 0.95] [--seconds 10]

Runs the client on one connection and samples its backend with perf (Debian: linux-perf), then prints the symbols and
their sums by group as microseconds a query. Without perf it prints user and system time only.
"""
import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

import build
import fetch
import profile_groups
import report
import server as servers
import systems
from sets import SETS


def backend_usage(pid):
    """User and system seconds of a process."""
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    tick = os.sysconf("SC_CLK_TCK")
    return int(fields[11]) / tick, int(fields[12]) / tick


def find_backend(server, database):
    """The process that serves the client; it says so itself once it has run a query."""
    for _ in range(100):
        pid = server.sql(database, "SELECT pid FROM pg_stat_activity WHERE application_name = 'bench-client' "
                                   f"AND datname = '{database}' AND query LIKE 'SELECT id FROM%'")
        if pid:
            return int(pid)
        time.sleep(0.1)
    return sys.exit("the client did not start")


def sample(pid, seconds, folder):
    """[(library, symbol, share of the samples)] of a process, or None without perf."""
    if not shutil.which("perf"):
        time.sleep(seconds)
        return None
    path = os.path.join(folder, "perf.data")
    subprocess.run(["perf", "record", "-q", "-e", "cpu-clock", "-F", "5000", "-p", str(pid), "-o", path, "--",
                    "sleep", str(seconds)], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    listing = subprocess.run(["perf", "report", "-i", path, "--stdio", "-q", "--no-children", "-t", "|",
                              "--sort", "dso,symbol"], check=True, text=True, stdout=subprocess.PIPE,
                             stderr=subprocess.DEVNULL).stdout
    rows = [line.split("|") for line in listing.splitlines() if line.count("|") >= 2]
    return [(row[1].strip(), re.sub(r"^\[.\] ", "", row[2].strip()), float(row[0].strip().rstrip("%")) / 100)
            for row in rows]


def print_profile(figures, symbols, top):
    cpu = figures["cpu_us"]
    sums = {}
    for library, symbol, share in symbols:
        name = profile_groups.group_of(library, symbol)
        sums[name] = sums.get(name, 0) + share
    waiting = 1e6 / figures["qps"] - cpu
    print(report.table(["group", "µs a query", "share of backend CPU"],
                       [[name, f"{cpu * share:.1f}", f"{100 * share:.1f} %"]
                        for name, share in sorted(sums.items(), key=lambda item: -item[1])]
                       + [["(backend idle: client and wake-ups)", f"{waiting:.1f}", ""]]))
    print(report.table(["symbol", "library", "group", "µs a query"],
                       [[symbol, library, profile_groups.group_of(library, symbol), f"{cpu * share:.2f}"]
                        for library, symbol, share in symbols[:top]]))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--set", default="glove", choices=sorted(SETS))
    parser.add_argument("--server", default="pg_config")
    parser.add_argument("--cluster")
    parser.add_argument("--system", default="vecidx", choices=sorted(systems.SYSTEMS))
    parser.add_argument("--setting", help="of the system's dial (default: the extension's own)")
    parser.add_argument("--plan", default="index", choices=("index", "seq", "pk", "rank"))
    parser.add_argument("--limit", type=int, default=10)
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--top", type=int, default=40)
    parser.add_argument("--data", default=build.DATA, help=argparse.SUPPRESS)
    args = parser.parse_args()
    data_set = fetch.describe(args.set, args.data)
    system = systems.SYSTEMS[args.system]
    database = system.database(args.set)
    server = servers.Server(args.server, args.cluster)
    if not os.path.exists(server.data):
        sys.exit(f"no cluster in {server.folder}: run run.py with --keep first")
    server.start()
    try:
        systems.warm(server, system, data_set)
        command = [build.program("client"), "-d", server.conninfo(database) + " application_name=bench-client",
                   "-f", os.path.join(args.data, args.set), "-D", str(data_set["dim"]), "-m", data_set["distance"],
                   "-k", str(args.limit), "-p", args.plan, "-t", str(args.seconds + 3), "-w", "1000"]
        for setting in ([f"{system.dial}={args.setting}"] if args.setting else []) + list(system.settings):
            command += ["-s", setting]
        with tempfile.TemporaryDirectory() as folder, \
                subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as client:
            pid = find_backend(server, database)
            time.sleep(1)
            before = backend_usage(pid)
            symbols = sample(pid, args.seconds, folder)
            after = backend_usage(pid)
            figures = json.loads(client.communicate()[0])
    finally:
        server.stop()
    user, kernel = after[0] - before[0], after[1] - before[1]
    print(f"{args.system} on {args.set}: {figures['qps']:.0f} queries a second, recall {figures['recall']:.4f}, "
          f"backend CPU {figures['cpu_us']:.0f} µs a query ({100 * kernel / (user + kernel):.0f} % in the kernel), "
          f"{figures['index_pages']:.0f} index pages, {figures['heap_rows']:.1f} heap rows\n")
    if symbols is not None:
        print_profile(figures, profile_groups.name_static(server, symbols), args.top)
    else:
        print("perf is not installed: no symbols")


if __name__ == "__main__":
    main()
