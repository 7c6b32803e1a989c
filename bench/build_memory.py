#!/usr/bin/env python3
"""Peak memory of CREATE INDEX, over the leader and its parallel workers, sampled from /proc while it runs.

    python3 bench/build_memory.py "host=/path user=postgres dbname=bench" --memory 64MB --workers 2

Builds `items_v_idx` on the table `items` that bench/load.c made. Prints as JSON: the growth of anonymous memory (RssAnon,
summed over all processes at the same moment; all of a worker's counts), the shared memory that the build mapped beside
the server's own (the leader's maps), their sum, each at its peak, the seconds the build took, the WAL that the server
wrote meanwhile, and the size of the index. Root, or the server's user, may look into /proc.
"""
import argparse
import json
import re
import subprocess
import time


def status(pid, name):
    """A number of kB in /proc/PID/status; 0 when the process is gone."""
    try:
        with open(f"/proc/{pid}/status") as file:
            return int(re.search(rf"^{name}:\s+(\d+)", file.read(), re.M).group(1))
    except (OSError, AttributeError):
        return 0


def shared(pid):
    """Addresses and kB of the dynamic shared memory that a process has mapped."""
    found = {}
    try:
        with open(f"/proc/{pid}/maps") as file:
            for line in file:
                if re.search(r"/dev/shm/PostgreSQL|/SYSV|pg_dynshmem", line):
                    begin, end = (int(x, 16) for x in line.split()[0].split("-"))
                    found[line.split()[0]] = (end - begin) // 1024
    except OSError:
        pass
    return found


def children(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as file:
            return [int(x) for x in file.read().split()]
    except OSError:
        return []


def command_line(pid):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read().decode(errors="replace")
    except OSError:
        return ""


class Session:
    """One psql on a backend of its own."""

    def __init__(self, conninfo):
        self.psql = subprocess.Popen(["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", conninfo], text=True,
                                     stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.pid = int(self.ask("SELECT pg_backend_pid()"))

    def send(self, sql):
        self.psql.stdin.write(sql + ";\n\\echo .\n")
        self.psql.stdin.flush()

    def ask(self, sql):
        self.send(sql)
        return self.finish()

    def finish(self):
        """What the command that was sent prints."""
        lines = []
        for line in self.psql.stdout:
            if line == ".\n":
                return "".join(lines)
            lines.append(line)
        raise SystemExit("psql ended: " + "".join(lines))


def measure(conninfo, memory, workers, definition):
    session = Session(conninfo)
    session.ask("SET client_min_messages = warning; DROP INDEX IF EXISTS items_v_idx; "
                f"ALTER TABLE items SET (parallel_workers = {workers}); "
                f"SET maintenance_work_mem = '{memory}'; SET max_parallel_maintenance_workers = {workers}")
    leader = session.pid
    with open(f"/proc/{leader}/stat") as file:
        postmaster = int(file.read().rsplit(")", 1)[1].split()[1])
    before, mapped = status(leader, "RssAnon"), shared(leader)
    name = f"parallel worker for PID {leader}"
    peak = {"anonymous_kb": 0, "shared_kb": 0, "sum_kb": 0, "workers": 0}
    known, looked = {}, 0
    wal = session.ask("SELECT pg_current_wal_insert_lsn()").strip()
    start = time.time()
    session.send(f"CREATE INDEX items_v_idx ON items {definition}")
    poll = subprocess.Popen(["psql", "-XqAt", conninfo], text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    while True:
        now = time.time()
        for pid in children(postmaster):
            # its title comes a moment after its birth
            if not known.get(pid) and pid != leader:
                known[pid] = name in command_line(pid)
        team = [pid for pid, ours in known.items() if ours and status(pid, "RssAnon")]
        anonymous = status(leader, "RssAnon") - before + sum(status(pid, "RssAnon") for pid in team)
        maps = sum(kb for at, kb in shared(leader).items() if at not in mapped)
        for key, value in (("anonymous_kb", anonymous), ("shared_kb", maps), ("sum_kb", anonymous + maps),
                           ("workers", len(team))):
            peak[key] = max(peak[key], value)
        if now - looked > 0.2:
            looked = now
            poll.stdin.write(f"SELECT state FROM pg_stat_activity WHERE pid = {leader};\n")
            poll.stdin.flush()
            if poll.stdout.readline().strip() != "active":
                break
        time.sleep(0.003)
    poll.stdin.close()
    session.finish()
    wal_bytes, index_bytes = session.ask(f"SELECT pg_current_wal_insert_lsn() - '{wal}'::pg_lsn, "
                                         "pg_relation_size('items_v_idx')").split("|")
    return {"memory": memory, "asked": workers, **peak, "build_s": round(now - start, 2), "wal_bytes": int(wal_bytes),
            "index_bytes": int(index_bytes)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("conninfo")
    parser.add_argument("--memory", default="64MB", help="maintenance_work_mem")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--index", default="USING vecidx (v vector_l2_ops)")
    args = parser.parse_args()
    print(json.dumps(measure(args.conninfo, args.memory, args.workers, args.index)))


if __name__ == "__main__":
    main()
