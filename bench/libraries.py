#!/usr/bin/env python3
"""The core alone beside libraries that search in process: ScaNN and hnswlib, each in one thread, on the same rows.

    cmake --preset release && cmake --build --preset release --target core_search
    python3 bench/fetch.py glove
    python3 bench/libraries.py --set glove [--rounds 5] [--recall .95,.99] [--libraries scann,hnswlib] [--batch 4]

Makes a virtual environment in build/bench/venv with the libraries and runs itself there. The memory of all is in huge
pages, as far as the system has them. The systems take turns, one round after the other. Each answers the same queries
one by one. ScaNN has them in one batch, which spares it Python's cost of a call and lets it read a leaf once for several
queries, or in batches of --batch. Printed is, for each recall@10 asked for, what the core found, its queries per second,
and the same of each library at the core's recall, interpolated between its own settings; medians of the rounds, with
the range of the ratio.
"""
import argparse
import math
import os
import re
import statistics
import subprocess
import sys
import time

import build
from report import interpolate
from sets import SETS

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
DATA = os.path.join(TOP, "build", "bench", "data")
PACKAGES = ["scann==1.4.2", "hnswlib", "numpy"]
K = 10


def enter_environment():
    """Starts this program again where the libraries are."""
    python = build.environment(PACKAGES)
    if os.environ.get("OMP_NUM_THREADS") != "1" or os.path.realpath(sys.prefix) != os.path.realpath(build.VENV):
        os.environ["OMP_NUM_THREADS"] = "1"
        os.environ["GLIBC_TUNABLES"] = "glibc.malloc.hugetlb=1"
        os.execv(python, [python, *sys.argv])


def recall_of(found, truth):
    return sum(len(set(mine) & set(true[:K])) for mine, true in zip(found, truth.tolist())) / (len(truth) * K)


class Core:
    """A process that builds its index once and measures when told to."""

    def __init__(self, name, metric, dim, asked):
        command = [os.path.join(TOP, "build", "release", "core_search"), name, str(dim), metric, "reps=3", "turns=1",
                   "recall=" + ",".join(map(str, asked))]
        self.settings = len(asked)
        self.process = subprocess.Popen(command, cwd=DATA, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.process.stdout.readline()

    def measure(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        found = []
        while len(found) < self.settings:
            line = self.process.stdout.readline()
            if line == "":
                sys.exit("core_search ended")
            found += re.findall(r"^recall [\d.]+: ([\d.]+), (\d+) queries/s", line)
        return [(float(recall), float(qps)) for recall, qps in found]


class Scann:
    SETTINGS = [(leaves, reorder) for leaves in (4, 8, 16, 24, 32, 48, 64, 100, 160, 250, 400, 700)
                for reorder in (100, 200)]

    def __init__(self, base, queries, truth, metric, batch):
        import scann
        self.queries, self.truth, self.batch = queries, truth, batch or len(queries)
        leaves = int(2 * math.sqrt(len(base)))
        builder = scann.scann_ops_pybind.builder(base, K, "squared_l2" if metric == "l2" else "dot_product")
        threshold = {} if metric == "l2" else {"anisotropic_quantization_threshold": 0.2}
        self.index = builder.tree(leaves, 10, training_sample_size=min(len(base), 250000)).score_ah(
            2, **threshold).reorder(100).build()

    def measure(self):
        curve = []
        for leaves, reorder in self.SETTINGS:
            start = time.perf_counter()
            batches = [self.index.search_batched(self.queries[at:at + self.batch], leaves_to_search=leaves,
                                                 pre_reorder_num_neighbors=reorder)[0]
                       for at in range(0, len(self.queries), self.batch)]
            elapsed = time.perf_counter() - start
            found = [row for batch in batches for row in batch.tolist()]
            curve.append((recall_of(found, self.truth), len(self.queries) / elapsed))
        return curve


class Hnswlib:
    SETTINGS = (10, 20, 40, 80, 120, 200, 400, 800)

    def __init__(self, base, queries, truth, metric, _):
        import hnswlib
        self.queries, self.truth = queries, truth
        self.index = hnswlib.Index(space={"cosine": "cosine", "l2": "l2", "ip": "ip"}[metric], dim=base.shape[1])
        self.index.init_index(max_elements=len(base), M=16, ef_construction=200)
        self.index.add_items(base)
        self.index.set_num_threads(1)

    def measure(self):
        curve = []
        for ef in self.SETTINGS:
            self.index.set_ef(ef)
            start = time.perf_counter()
            found, _ = self.index.knn_query(self.queries, k=K)
            curve.append((recall_of(found.tolist(), self.truth), len(self.queries) / (time.perf_counter() - start)))
        return curve


def frontier(curve):
    """Of points with several settings those that no other beats in both recall and speed."""
    return [p for p in curve if not any(q[0] >= p[0] and q[1] > p[1] for q in curve)]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--set", default="glove", choices=SETS)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--recall", default=".8,.9,.95,.98,.99")
    parser.add_argument("--libraries", default="scann,hnswlib")
    parser.add_argument("--batch", type=int, default=0, help="queries in a call of ScaNN (default: all)")
    options = parser.parse_args()
    enter_environment()
    import numpy as np
    metric = SETS[options.set][1]
    truth = np.fromfile(os.path.join(DATA, options.set + "_gt.i32"), dtype="i4").reshape(-1, 100)
    queries = np.fromfile(os.path.join(DATA, options.set + "_q.f32"), dtype="f4").reshape(len(truth), -1)
    base = np.fromfile(os.path.join(DATA, options.set + "_base.f32"), dtype="f4").reshape(-1, queries.shape[1])
    if metric == "cosine":
        base = base / np.linalg.norm(base, axis=1, keepdims=True)
        queries = queries / np.linalg.norm(queries, axis=1, keepdims=True)
    core = Core(options.set, metric, base.shape[1], options.recall.split(","))
    peers = {name: {"scann": Scann, "hnswlib": Hnswlib}[name](base, queries, truth, metric, options.batch)
             for name in options.libraries.split(",")}
    rounds = [(core.measure(), {name: frontier(peer.measure()) for name, peer in peers.items()})
              for _ in range(options.rounds)]

    print("| asked | found | core QPS | " + " | ".join(f"{name} QPS | core ÷ {name}" for name in peers) + " |")
    print("|---" * (3 + 2 * len(peers)) + "|")
    for i, asked in enumerate(options.recall.split(",")):
        recall = statistics.median(mine[i][0] for mine, _ in rounds)
        cells = [asked, f"{recall:.4f}", f"{statistics.median(mine[i][1] for mine, _ in rounds):.0f}"]
        for name in peers:
            speeds = [interpolate(curves[name], mine[i][0]) for mine, curves in rounds]
            ratios = sorted(mine[i][1] / speed for (mine, _), (speed, _) in zip(rounds, speeds))
            cells.append(f"{statistics.median(speed for speed, _ in speeds):.0f}")
            cells.append(f"{speeds[0][1]}{statistics.median(ratios):.2f} ({ratios[0]:.2f}-{ratios[-1]:.2f})")
        print("| " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
