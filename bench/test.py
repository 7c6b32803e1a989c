#!/usr/bin/env python3
"""Tests of the bench's own arithmetic, against plain Python: a wrong ruler measures wrong everywhere.

    python3 bench/test.py
"""
import array
import math
import os
import random
import subprocess
import tempfile
import unittest

import build
import fetch
import profile_groups
import report


def floats(rows):
    return array.array("f", [x for row in rows for x in row])


def distance(name, a, b):
    dot = math.fsum(x * y for x, y in zip(a, b))
    if name == "ip":
        return -dot
    if name == "cosine":
        norm = math.sqrt(math.fsum(x * x for x in a) * math.fsum(x * x for x in b))
        return 1 - dot / norm if norm else math.inf
    return math.fsum((x - y) ** 2 for x, y in zip(a, b))


class Truth(unittest.TestCase):
    """The true neighbours: every distance, dimensions that are no multiple of a register, ties, zero vectors."""

    def neighbours(self, metric, base, queries, k):
        with tempfile.TemporaryDirectory() as folder:
            paths = [os.path.join(folder, name) for name in ("base", "queries", "out")]
            for path, rows in zip(paths, (base, queries)):
                with open(path, "wb") as file:
                    floats(rows).tofile(file)
            build.call("truth", paths[0], paths[1], len(base[0]), metric, k, paths[2])
            out = array.array("i")
            with open(paths[2], "rb") as file:
                out.frombytes(file.read())
        return [list(out[i:i + k]) for i in range(0, len(out), k)]

    def test_against_python(self):
        rng = random.Random(1)
        for metric in ("l2", "cosine", "ip"):
            for dim in (1, 7, 8, 37):
                # Small integers: sums are exact, so that ties are ties here and there.
                base = [[float(rng.randint(-3, 3)) for _ in range(dim)] for _ in range(300)]
                queries = [[float(rng.randint(1, 3)) for _ in range(dim)] for _ in range(11)]
                found = self.neighbours(metric, base, queries, 20)
                for query, ids in zip(queries, found):
                    exact = sorted(distance(metric, query, row) for row in base)[:20]
                    for got, want in zip((distance(metric, query, base[i]) for i in ids), exact):
                        self.assertAlmostEqual(got, want, places=12)
                    self.assertEqual(len(set(ids)), 20)

    def test_ties_in_row_order(self):
        self.assertEqual(self.neighbours("l2", [[1.0], [0.0], [1.0], [0.0]], [[0.0]], 4), [[1, 3, 0, 2]])

    def test_zero_vectors_are_no_neighbours(self):
        self.assertEqual(self.neighbours("cosine", [[0.0, 0.0], [1.0, 1.0], [1.0, 0.0]], [[1.0, 0.0]], 3), [[2, 1, -1]])


class Split(unittest.TestCase):
    """Queries and base: every row once, the same for the same seed."""

    def test_every_row_once(self):
        rows = array.array("f", range(2 * 1500))
        with tempfile.TemporaryDirectory() as folder:
            self.assertEqual(fetch.split(2, array.array("f", rows), folder + "/a"), 500)
            fetch.split(2, array.array("f", rows), folder + "/b")
            parts = []
            for name in "ab":
                both = array.array("f")
                for suffix in ("_q.f32", "_base.f32"):
                    with open(f"{folder}/{name}{suffix}", "rb") as file:
                        both.frombytes(file.read())
                parts.append(both)
        self.assertEqual(parts[0], parts[1])
        self.assertNotEqual(parts[0], rows)
        self.assertEqual(sorted(zip(parts[0][::2], parts[0][1::2])), list(zip(rows[::2], rows[1::2])))


class Report(unittest.TestCase):
    """Speed at equal recall."""

    CURVE = [(0.8, 1000.0), (0.9, 100.0), (0.95, 10.0)]

    def test_interpolates_in_log(self):
        qps, sign = report.interpolate(self.CURVE, 0.85)
        self.assertAlmostEqual(qps, math.sqrt(1000 * 100))
        self.assertEqual(sign, "")
        self.assertAlmostEqual(report.interpolate(self.CURVE, 0.9)[0], 100)

    def test_beyond_the_ends(self):
        self.assertEqual(report.interpolate(self.CURVE, 0.5), (1000.0, ""))
        self.assertEqual(report.interpolate(self.CURVE, 0.99), (10.0, ">"))

    def test_ratio_by_round(self):
        def point(system, setting, figures):
            return {"system": system, "plan": "index", "setting": setting, "k": 10,
                    "rounds": [{"recall": r, "qps": q} for r, q in figures]}
        mine = point("vecidx", "0.9", [(0.9, 400.0), (0.9, 200.0), (0.9, 900.0)])
        results = {"points": [mine, point("pgvector", "10", [(0.8, 1000.0), (0.8, 500.0), (0.8, 1000.0)]),
                              point("pgvector", "20", [(0.9, 100.0), (0.9, 50.0), (0.9, 100.0)])]}
        sign, middle, low, high = report.ratios(results, mine)
        self.assertEqual(sign, "")
        self.assertAlmostEqual(middle, 4)
        self.assertAlmostEqual(low, 4)
        self.assertAlmostEqual(high, 9)


class Groups(unittest.TestCase):
    """A profile's symbols by group."""

    def test_groups(self):
        for library, symbol, group in (("[kernel.kallsyms]", "ep_poll", "wake-ups and sockets (kernel)"),
                                       ("postgres", "_bt_compare", "B-tree"),
                                       ("postgres", "LWLockAcquire", "page access"),
                                       ("postgres", "ExecProcNode", "executor"),
                                       ("vector.so", "HnswSearchLayer", "pgvector"),
                                       ("vecidx.so", "vecidx::N_AVX2::(anonymous namespace)::Scan<2>(unsigned char "
                                        "const*)", "core: kernels"),
                                       ("vecidx.so", "vecidx::read_leaf(vx_scan&, void const*)", "core: scan machine"),
                                       ("vecidx.so", "vx_l2_squared", "core: kernels"),
                                       ("vecidx.so", "vx_scan_next", "core: scan machine"),
                                       ("vecidx.so", "vecidx_gettuple", "access method shim")):
            self.assertEqual(profile_groups.group_of(library, symbol), group)


class Usage(unittest.TestCase):
    """The client refuses what it cannot use, by name."""

    def test_usage(self):
        run = subprocess.run([build.program("client"), "-k", "ten"], text=True, check=False, stderr=subprocess.PIPE)
        self.assertEqual(run.returncode, 1)
        self.assertIn('"ten" is not a number', run.stderr)


if __name__ == "__main__":
    unittest.main()
