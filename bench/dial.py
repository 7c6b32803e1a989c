#!/usr/bin/env python3
"""Recall asked for against recall found, on the shipped words and on made sets of many shapes, by the core alone.

    cmake --preset release && cmake --build --preset release --target core_search
    python3 bench/dial.py [SET...]                      (needs numpy; Debian: python3-numpy)

One line a set, metric and k: number of leaves, directions as the build counts them, and the mean recall@k of 300 queries
for each recall asked for; what falls short by more than a point is marked. The default table (core/search/dial.cpp) is
to give at least what was asked for.
"""
import gzip
import os
import re
import subprocess
import sys
import tempfile

import numpy as np

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
CORE_SEARCH = os.path.join(TOP, "build", "release", "core_search")
ASKED = (.80, .90, .95, .98, .99, 1)
KS = (1, 10, 100)
QUERIES = 300


def words(_):
    with gzip.open(os.path.join(TOP, "data", "words.tsv.gz"), "rt") as lines:
        return np.array([line.split("\t")[2].strip().strip("[]").split(",") for line in lines], dtype="f4")


def near_subspace(dim, directions, noise, rows=10000, shift=0.0):
    return lambda random: (random.standard_normal((rows, directions)) @ random.standard_normal((directions, dim)) +
                           noise * random.standard_normal((rows, dim)) + shift)


def balls(dim, number, radius, rows=30000):
    def make(random):
        centres = random.standard_normal((number, dim))
        return centres[random.integers(0, number, rows)] + radius * random.standard_normal((rows, dim))
    return make


def sparse(dim, share, rows=10000):
    return lambda random: random.exponential(size=(rows, dim)) * (random.random((rows, dim)) < share)


SETS = {
    "20,000 words, 100 dimensions": words,
    "6,000 words, 100 dimensions": lambda random: words(random)[:6000],
    "uniform, 32 dimensions": lambda random: random.random((6000, 32)),
    "uniform, 4 dimensions": lambda random: random.random((20000, 4)),
    "gaussian, 32 dimensions": lambda random: random.standard_normal((20000, 32)),
    "near 20 of 384 dimensions": near_subspace(384, 20, .3),
    "near 60 of 768 dimensions, off centre": near_subspace(768, 60, .5, 20000, 2.0),
    "near 30 of 128, whole numbers": lambda random: np.floor(3 * np.abs(near_subspace(128, 30, .5, 50000)(random))),
    "200 balls, 128 dimensions": balls(128, 200, .3),
    "400 balls of 50 rows, 384 dimensions": balls(384, 400, .3, 20000),
    "500 groups of 40 near duplicates, 128": balls(128, 500, .02, 20000),
    "near 15 of 768 dimensions": near_subspace(768, 15, .05, 12000),
    "sparse, 15 of 300 dimensions": sparse(300, .05),
    "one dimension": lambda random: random.random((20000, 1)),
}


def neighbours(base, queries, metric):
    """The 100 nearest rows of each query."""
    base, queries = base.astype("f8"), queries.astype("f8")
    if metric == "cosine":
        base = base / np.linalg.norm(base, axis=1, keepdims=True)
        queries = queries / np.linalg.norm(queries, axis=1, keepdims=True)
    costs = -2 * queries @ base.T + (0 if metric == "ip" else (base * base).sum(1))
    near = np.argpartition(costs, 100, axis=1)[:, :100]
    order = np.argsort(np.take_along_axis(costs, near, axis=1), axis=1)
    return np.take_along_axis(near, order, axis=1).astype("i4")


def measure(name, rows, metric, folder):
    queries, base = rows[:QUERIES], rows[QUERIES:]
    base.tofile(os.path.join(folder, "set_base.f32"))
    queries.tofile(os.path.join(folder, "set_q.f32"))
    neighbours(base, queries, metric).tofile(os.path.join(folder, "set_gt.i32"))
    for k in KS:
        text = subprocess.run([CORE_SEARCH, "set", str(rows.shape[1]), metric, f"queries={QUERIES}", "reps=1", f"k={k}",
                               "recall=" + ",".join(map(str, ASKED))], cwd=folder, check=True, text=True,
                              stdout=subprocess.PIPE).stdout
        shape = re.search(r"(\d+) leaves of .* (\d+) directions", text)
        found = [float(recall) for recall in re.findall(r"^recall [\d.]+: ([\d.]+)", text, re.M)]
        marked = "  ".join(f"{recall:.3f}{'<' if recall < asked - .01 else ' '}" for recall, asked in zip(found, ASKED))
        print(f"{name:38} {metric:7} {k:>3} {shape[1]:>6} {shape[2]:>5}  {marked}", flush=True)


def main(names):
    print(f"{'set':38} {'metric':7} {'k':>3} {'leaves':>6} {'m':>5}  " +
          "  ".join(f"{x:5.2f} " for x in ASKED))
    for name in names or SETS:
        random = np.random.default_rng(7)
        rows = np.ascontiguousarray(random.permutation(SETS[name](random)), dtype="f4")
        with tempfile.TemporaryDirectory() as folder:
            for metric in ("l2", "cosine", "ip")[:3 if rows.shape[1] > 1 else 1]:
                measure(name, rows, metric, folder)


if __name__ == "__main__":
    main(sys.argv[1:])
