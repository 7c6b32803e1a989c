#!/usr/bin/env python3
"""What an index is worth whose data moved away from the rows that it was first trained on, by the core alone.

    cmake --preset release && cmake --build --preset release --target core_search
    python3 bench/moved.py                              (needs numpy; Debian: python3-numpy)

The mean and the rotation that codes are relative to are chosen when 4,000 rows are there. Here 4,000 rows near one point
come first, then 60,000 near another one, that many times the first rows' spread away; queries are like the latter. One
line a distance and way: built over all rows, or grown row by row. Recall stays: only the work grows.
"""
import os
import re
import subprocess
import tempfile

import numpy as np

from dial import CORE_SEARCH, QUERIES, near_subspace, neighbours

DIM, DIRECTIONS, FIRST, LATER = 64, 16, 4000, 60000


def make(random, distance):
    rows = near_subspace(DIM, DIRECTIONS, 1.2, FIRST + LATER + QUERIES)(random)
    spread = np.sqrt((rows[:FIRST] ** 2).sum(1).mean())
    direction = random.standard_normal(DIM)
    rows[FIRST:] += distance * spread * direction / np.linalg.norm(direction)
    return rows.astype("f4")


def main():
    print("| spreads away | index | recall@10 | rows fetched | pages | against built at 0, by time |\n|---|---|---|---|---|---|")
    fastest = None
    for distance in (0, 1, 3, 10, 30, 100):
        rows = make(np.random.default_rng(7), distance)
        base, queries = rows[:-QUERIES], rows[-QUERIES:]
        with tempfile.TemporaryDirectory() as folder:
            base.tofile(os.path.join(folder, "set_base.f32"))
            queries.tofile(os.path.join(folder, "set_q.f32"))
            neighbours(base, queries, "l2").tofile(os.path.join(folder, "set_gt.i32"))
            for title, way in (("built", []), ("grown", ["grow=rows"])):
                text = subprocess.run([CORE_SEARCH, "set", str(DIM), "l2", f"queries={QUERIES}", "recall=.95", *way],
                                      cwd=folder, check=True, text=True, stdout=subprocess.PIPE).stdout
                found = re.search(r"^recall [\d.]+: ([\d.]+), (\d+) queries/s;.* ([\d.]+) pages.* ([\d.]+) rows", text, re.M)
                fastest = fastest or float(found[2])
                print(f"| {distance} | {title} | {float(found[1]):.3f} | {found[4]} | {found[3]} | "
                      f"{fastest / float(found[2]):.1f} |", flush=True)


if __name__ == "__main__":
    main()
