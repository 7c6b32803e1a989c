#!/usr/bin/env python3
"""Measures an index that grows: rows inserted into an empty one by two connections, then deleted, and inserted again.

    python3 bench/growth.py --set glove --server /path/to/chroot       (or: --server /path/to/pg_config)

For vecidx, and for pgvector's HNSW where it is installed: rows a second and WAL of the index a row (batches of 100 rows
a transaction, two connections), size after VACUUM, recall and speed, time of VACUUM after 10 % of the rows were deleted,
size after 90 % were deleted and came back. Speed is measured in turns with that of an index built over the same rows in a
table of its own. With --rounds N all rows are also
replaced N times, half of them at a time, with VACUUM between. Prints a table; the figures go to
build/bench/results/SET-growth.json. With --sorted rows come near ones together. With --single each row is a transaction of
its own, and how long these take is all that is measured.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import build
import fetch
import run as runs
import server as servers
import systems
from sets import SETS

BATCH = 100
WAL_ROWS = 20000
SEARCHES = 7
PROCEDURE = """CREATE PROCEDURE grow(part int, parts int, rows int) LANGUAGE plpgsql AS $$
DECLARE at int := part * {batch};
BEGIN
    WHILE at < rows LOOP
        INSERT INTO items SELECT id, v FROM source WHERE place >= at AND place < least(at + {batch}, rows)
            AND NOT EXISTS (SELECT FROM items i WHERE i.id = source.id);
        COMMIT;
        at := at + parts * {batch};
    END LOOP;
END $$"""


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--set", default="glove", choices=sorted(SETS))
    parser.add_argument("--server", default="pg_config", help="a pg_config, or a chroot with PostgreSQL in it")
    parser.add_argument("--cluster", help="folder of the cluster (default as for run.py)")
    parser.add_argument("--systems", default="vecidx,pgvector", help="which to measure (default %(default)s)")
    parser.add_argument("--rows", type=int, help="only so many rows (recall is then not measured)")
    parser.add_argument("--connections", type=int, default=2)
    parser.add_argument("--sorted", action="store_true", help="insert near rows together")
    parser.add_argument("--rounds", type=int, default=0, help="replace all rows so many times before they come and go as below")
    parser.add_argument("--single", action="store_true", help="one row a transaction, and nothing but their times")
    parser.add_argument("--install", action="store_true", help="build this tree and install it into the server first")
    parser.add_argument("--data", default=build.DATA, help=argparse.SUPPRESS)
    return parser.parse_args()


class Growth:
    """One system in a database of its own."""

    def __init__(self, server, system, data_set, prefix, args):
        self.server = server
        self.system = system
        self.data_set = data_set
        self.prefix = prefix
        self.args = args
        self.rows = args.rows or data_set["rows"]
        self.database = system.database("growth_" + data_set["name"])
        self.index = system.index.format(ops=systems.OPS[data_set["distance"]])

    def sql(self, command):
        return self.server.sql(self.database, command)

    def timed(self, command):
        start = time.monotonic()
        self.sql(command)
        return time.monotonic() - start

    def load(self):
        """The rows in the order in which they are to come, in a table of their own."""
        self.server.sql("postgres", f"DROP DATABASE IF EXISTS {self.database}")
        self.server.sql("postgres", f"CREATE DATABASE {self.database}")
        build.call("load", "-d", self.server.conninfo(self.database), "table", self.system.extension,
                   self.prefix + "_base.f32", self.data_set["dim"], self.system.storage)
        near = "0"
        if self.args.sorted:
            operator = systems.OPERATORS[self.data_set["distance"]]
            near = f"(SELECT c.id FROM (SELECT * FROM items ORDER BY id LIMIT 300) c ORDER BY c.v {operator} i.v LIMIT 1)"
        self.sql(f"CREATE TABLE source AS SELECT row_number() OVER (ORDER BY {near}, id) - 1 AS place, id, v FROM items i")
        self.sql("CREATE UNIQUE INDEX ON source (place)")
        self.sql("VACUUM ANALYZE source") # else reading it writes WAL
        self.sql(PROCEDURE.format(batch=BATCH))

    def make_table(self, name):
        self.sql(f"CREATE TABLE {name} (id int PRIMARY KEY, v vector({self.data_set['dim']}))")
        self.sql(f"ALTER TABLE {name} ALTER v SET STORAGE {'plain' if self.system.storage == 'plain' else 'external'}")

    def empty(self, indexed):
        self.sql("DROP TABLE items")
        self.make_table("items")
        if indexed:
            self.sql(f"CREATE INDEX items_v_idx ON items {self.index}")

    def build_twin(self):
        """The same rows and an index built over them, in a schema of their own; seconds that takes."""
        self.sql("CREATE SCHEMA built")
        self.make_table("built.items")
        self.sql(f"INSERT INTO built.items SELECT id, v FROM source WHERE place < {self.rows} ORDER BY place")
        seconds = self.timed(f"CREATE INDEX items_v_idx ON built.items {self.index}")
        self.sql("VACUUM ANALYZE built.items")
        return seconds

    def grow(self, rows):
        """Seconds, and bytes of WAL."""
        before = self.sql("SELECT pg_current_wal_insert_lsn()")
        start = time.monotonic()
        clients = [subprocess.Popen(["psql", self.server.conninfo(self.database), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-c",
                                     f"CALL grow({part}, {self.args.connections}, {rows})"])
                   for part in range(self.args.connections)]
        if any([client.wait() for client in clients]):
            sys.exit(f"{self.system.name}: an insert failed")
        seconds = time.monotonic() - start
        return seconds, int(self.sql(f"SELECT pg_current_wal_insert_lsn() - '{before}'::pg_lsn"))

    def replace(self):
        """All rows go and come again as other ones, half of them at a time."""
        for half in (0, 1):
            self.sql(f"DELETE FROM items WHERE id % 2 = {half}")
            self.sql("VACUUM items")
            self.grow(self.rows)

    def single(self):
        """Times of inserts of one row each, by pgbench, while the index grows from empty."""
        self.load()
        self.empty(indexed=True)
        self.sql("CREATE SEQUENCE next_place MINVALUE 0")
        clients = self.args.connections
        with tempfile.TemporaryDirectory() as folder:
            script = os.path.join(folder, "insert.sql")
            with open(script, "w") as file:
                file.write("INSERT INTO items SELECT id, v FROM source WHERE place = (SELECT nextval('next_place'));\n")
            subprocess.run(["pgbench", "-n", "-l", "-M", "prepared", "-f", script, "-c", str(clients), "-j", str(clients), "-t",
                            str(self.rows // clients), self.server.conninfo(self.database)], cwd=folder, check=True,
                           stdout=subprocess.DEVNULL)
            times = sorted(int(line.split()[2]) / 1000 for log in pathlib.Path(folder).glob("pgbench_log.*")
                           for line in log.read_text().splitlines())
        self.checked()
        facts = {f"p{share}": times[min(len(times) - 1, int(len(times) * share / 100))] for share in (50, 99, 99.9, 99.99)}
        return {"inserts": len(times), **facts, "slowest": times[-1]}

    def size(self, index="items_v_idx"):
        return int(self.sql(f"SELECT pg_relation_size('{index}')"))

    def checked(self):
        if self.system.extension == "vecidx":
            self.sql("SELECT vecidx_check('items_v_idx', true)")

    def client(self, path):
        options = ["-d", f"{self.server.conninfo(self.database)} options=-csearch_path={path}", "-f", self.prefix, "-D",
                   self.data_set["dim"], "-m", self.data_set["distance"], "-k", 10, "-p", "index", "-c", 1]
        for setting in self.system.settings:
            options += ["-s", setting]
        return json.loads(build.call("client", *options))

    def queries(self):
        """Recall and speed of LIMIT 10 at the default setting, and of the built index in turns with it; medians."""
        if self.rows < self.data_set["rows"]:
            return {}
        rounds = [(self.client("public"), self.client("built,public")) for _ in range(SEARCHES)]
        return {"recall": rounds[0][0]["recall"], "qps": statistics.median(mine["qps"] for mine, _ in rounds),
                "recall_built": rounds[0][1]["recall"], "qps_built": statistics.median(twin["qps"] for _, twin in rounds),
                "ratio": statistics.median(mine["qps"] / twin["qps"] for mine, twin in rounds)}

    def measure(self):
        print(f"{self.system.name}: loading", file=sys.stderr)
        self.load()
        facts = {"build_seconds": self.build_twin(), "size_built": self.size("built.items_v_idx")}
        # what the table and its primary key write, to be taken off
        wal_rows = min(WAL_ROWS, self.rows)
        self.empty(indexed=False)
        self.sql("CHECKPOINT")
        _, bare = self.grow(wal_rows)
        self.empty(indexed=True)
        self.sql("CHECKPOINT")
        print(f"{self.system.name}: growing", file=sys.stderr)
        facts["seconds"], wal = self.grow(self.rows)
        facts["rows_a_second"] = self.rows / facts["seconds"]
        facts["wal_a_row"] = wal / self.rows - bare / wal_rows
        facts["wal_a_row_of_table"] = bare / wal_rows
        facts["size_grown"] = self.size()
        self.sql("VACUUM ANALYZE items")
        facts["size_vacuumed"] = self.size()
        self.checked()
        facts["grown"] = self.queries()
        for i in range(self.args.rounds):
            print(f"{self.system.name}: round {i + 1}", file=sys.stderr)
            self.replace()
        if self.args.rounds > 0:
            self.sql("VACUUM ANALYZE items")
            facts["size_replaced"] = self.size()
            self.checked()
            facts["replaced"] = self.queries()
        self.sql("DELETE FROM items WHERE id % 10 = 3")
        facts["vacuum_seconds"] = self.timed("VACUUM items")
        self.grow(self.rows)
        self.sql("DELETE FROM items WHERE id % 10 <> 3")
        self.sql("VACUUM items")
        self.sql("VACUUM items")
        self.grow(self.rows)
        facts["size_refilled"] = self.size()
        self.checked()
        facts["refilled"] = self.queries()
        return facts


def number(figures, key):
    return f"{figures[key]:.4g}" if key in figures else "-"


def single_table(results):
    lines = [f"{results['set']['title']}, {results['rows']} rows, {results['connections']} connections, one row a transaction, "
             "ms", "", "| | p50 | p99 | p99.9 | p99.99 | slowest |", "|---|---|---|---|---|---|"]
    for name, f in results["systems"].items():
        lines.append(f"| {name} | " + " | ".join(f"{f[key]:.2f}" for key in ("p50", "p99", "p99.9", "p99.99", "slowest")) + " |")
    return "\n".join(lines) + "\n"


def table(results):
    names = list(results["systems"])
    lines = [f"{results['set']['title']}, {results['rows']} rows, {results['connections']} connections, "
             f"{BATCH} rows a transaction", "", "| | " + " | ".join(names) + " |", "|---|" + "---|" * len(names)]

    def line(title, cell):
        lines.append(f"| {title} | " + " | ".join(cell(results["systems"][name]) for name in names) + " |")

    line("rows inserted a second", lambda f: f"{f['rows_a_second']:.0f}")
    line("WAL of the index, bytes a row", lambda f: f"{f['wal_a_row']:.0f}")
    line("size grown / after VACUUM / built, bytes a row", lambda f: " / ".join(
        f"{f[key] / results['rows']:.0f}" for key in ("size_grown", "size_vacuumed", "size_built")))
    line("size after 90 % deleted, VACUUM, refill", lambda f: f"{f['size_refilled'] / results['rows']:.0f}")
    if results["rounds"] > 0:
        line(f"size after all rows were replaced {results['rounds']} times", lambda f: f"{f['size_replaced'] / results['rows']:.0f}")
    line("VACUUM after 10 % deleted, s", lambda f: f"{f['vacuum_seconds']:.2f}")
    line("CREATE INDEX, s", lambda f: f"{f['build_seconds']:.1f}")
    line("recall@10, built", lambda f: number(f["grown"], "recall_built"))
    for key in ("grown", "refilled") if results["rounds"] == 0 else ("grown", "replaced", "refilled"):
        line(f"recall@10 / queries a second, {key} / of those, built", lambda f, key=key: " / ".join(
            number(f[key], what) for what in ("recall", "qps", "ratio")))
    return "\n".join(lines) + "\n"


def main():
    args = arguments()
    fetch.ensure([args.set], args.data)
    data_set = fetch.describe(args.set, args.data)
    server = servers.Server(args.server, args.cluster)
    if os.path.exists(server.folder):
        sys.exit(f"{server.folder} exists: remove it, or choose another with --cluster")
    if args.install:
        runs.install(server)
    server.start()
    try:
        compared = [systems.SYSTEMS[name] for name in args.systems.split(",")]
        growths = [Growth(server, s, data_set, os.path.join(args.data, args.set), args)
                   for s in compared if systems.available(server, s)]
        found = {g.system.name: g.single() if args.single else g.measure() for g in growths}
    finally:
        server.stop()
        server.remove()
    results = {"set": data_set, "rows": args.rows or data_set["rows"], "connections": args.connections,
               "sorted": args.sorted, "rounds": args.rounds, "machine": runs.machine(), "date": time.strftime("%Y-%m-%d"), "systems": found}
    os.makedirs(build.RESULTS, exist_ok=True)
    with open(os.path.join(build.RESULTS, args.set + ("-inserts.json" if args.single else "-growth.json")), "w") as file:
        json.dump(results, file, indent=1)
    print(single_table(results) if args.single else table(results))


if __name__ == "__main__":
    main()
