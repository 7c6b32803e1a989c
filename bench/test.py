#!/usr/bin/env python3
"""Tests of the bench's own arithmetic, against plain Python: a wrong ruler measures wrong everywhere.

    python3 bench/test.py
"""
import array
import importlib.util
import json
import math
import os
import random
import struct
import subprocess
import tempfile
import unittest
import xml.etree.ElementTree
from unittest import mock

import bars
import build
import cold
import fetch
import model
import plot
import profile_groups
import report
import scale
import wordnet

NUMPY = importlib.util.find_spec("numpy") is not None


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


    def test_as_they_come(self):
        """Sets of independent draws: the smaller one is the beginning of the larger one."""
        bases = []
        with tempfile.TemporaryDirectory() as folder:
            for count in (1200, 1500):
                fetch.split(1, array.array("f", range(count)), folder + "/set", shuffled=False)
                with open(folder + "/set_base.f32", "rb") as file:
                    bases.append(file.read())
        self.assertEqual(bases[0], bases[1][:800])
        self.assertEqual(bases[0][:4], array.array("f", [1000]).tobytes())


class Wordnet(unittest.TestCase):
    """Glosses that belong together."""

    LINES = {
        "data.noun": ["00000010 03 n 01 animal 0 003 ~ 00000020 n 0000 ~ 00000030 n 0000 ~ 00000070 n 0000 | a living thing",
                      "00000020 05 n 02 cat 0 true_cat 0 002 @ 00000010 n 0000 + 00000040 v 0101 | a feline",
                      "00000030 05 n 01 dog 0 001 @ 00000010 n 0000 | a canine; \"a | bar\"",
                      "00000050 05 n 01 hound 0 001 @ 00000030 n 0000 | a feline",
                      "00000070 05 n 0a bird 0 a 0 b 0 c 0 d 0 e 0 f 0 g 0 h 0 i 0 001 @ 00000010 n 0000 | a flyer"],
        "data.verb": ["00000040 29 v 01 purr 0 001 + 00000020 n 0101 01 + 02 00 | make the sound of a cat"],
        "data.adj": ["00000060 00 s 01 lone 0 000 | without others"],
        "data.adv": [],
    }

    def read(self):
        with tempfile.TemporaryDirectory() as folder:
            os.mkdir(os.path.join(folder, "dict"))
            for name, lines in self.LINES.items():
                with open(os.path.join(folder, "dict", name), "w", encoding="utf-8") as file:
                    file.writelines(line + "  \n" for line in ["  1 a licence | of some lines", *lines])
            return wordnet.read(folder, 10), wordnet.synsets(folder)

    def test_groups(self):
        (texts, groups), _ = self.read()
        self.assertEqual(texts, ["a living thing", "a feline", 'a canine; "a | bar"', "a flyer", "make the sound of a cat",
                                 "without others"])
        self.assertEqual([group[:2] for group in groups], [[1, 0], [2, 0], [3, 0]])
        for group in groups:
            self.assertEqual(len(set(group)), 4)
        self.assertEqual(self.read()[0], (texts, groups))

    def test_upward(self):
        _, found = self.read()
        self.assertEqual(wordnet.upward(found["n", 20][1]), ("n", 10))
        self.assertEqual(wordnet.upward([("+", "form"), ("~", "kind"), ("&", "like")]), "like")


@unittest.skipUnless(NUMPY, "needs numpy")
class Model(unittest.TestCase):
    """The text model's steps, with made weights."""

    def weights(self):
        import numpy as np
        random_numbers = np.random.default_rng(1)
        shapes = {f"embeddings.{name}_embeddings.weight": (20, model.DIM) for name in ("word", "position", "token_type")}
        names = ["embeddings.LayerNorm"]
        for layer in range(model.LAYERS):
            name = f"encoder.layer.{layer}."
            names += [name + "attention.output.LayerNorm", name + "output.LayerNorm"]
            for part in ("attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense"):
                shapes[name + part + ".weight"] = (model.DIM, model.DIM)
                shapes[name + part + ".bias"] = (model.DIM,)
            shapes.update({name + "intermediate.dense.weight": (32, model.DIM), name + "intermediate.dense.bias": (32,),
                           name + "output.dense.weight": (model.DIM, 32), name + "output.dense.bias": (model.DIM,)})
        weights = {name: random_numbers.standard_normal(shape).astype("f4") / 16 for name, shape in shapes.items()}
        for name in names:
            weights[name + ".weight"], weights[name + ".bias"] = np.ones(model.DIM, "f4"), np.zeros(model.DIM, "f4")
        return weights

    def test_alone_as_together(self):
        import numpy as np
        texts = [[1, 2, 3], [4, 5], [3, 2, 1], [6], [1, 2, 4]]
        tested = model.Model(self.weights())
        rows = model.embed_all(tested, texts)
        self.assertTrue(np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5))
        for text, row in zip(texts, rows):
            self.assertTrue(np.allclose(tested.embed(np.array([text]))[0], row, atol=1e-5))
        # other tokens, and the same in another order, are another text
        self.assertLess((rows @ rows.T - 2 * np.eye(len(texts))).max(), .999)

    def test_erf(self):
        import numpy as np
        places = np.linspace(-4, 4, 101, dtype="f4")
        self.assertTrue(np.allclose(model.erf(np, places), [math.erf(x) for x in places], atol=1e-6))

    def test_weights_file(self):
        head = json.dumps({"__metadata__": {}, "a": {"dtype": "F32", "shape": [2, 1], "data_offsets": [8, 16]},
                           "b": {"dtype": "I64", "shape": [1], "data_offsets": [0, 8]}}).encode()
        with tempfile.NamedTemporaryFile() as file:
            file.write(struct.pack("<Q", len(head)) + head + struct.pack("<qff", 7, 1.5, 2.5))
            file.flush()
            found = model.read_weights(file.name)
        self.assertEqual({name: array_of.tolist() for name, array_of in found.items()}, {"a": [[1.5], [2.5]], "b": [7]})


@unittest.skipUnless(NUMPY, "needs numpy")
class Phrases(unittest.TestCase):
    """Made phrases: fewer are the beginning of more."""

    def test_beginning(self):
        import numpy as np
        import phrases
        rng = random.Random(3)
        words = ["word" + "x" * i for i in range(100)]
        vectors = {word: [rng.gauss(0, 1) for _ in range(102)] for word in words}
        with tempfile.TemporaryDirectory() as folder, mock.patch.object(phrases, "BLOCK", 150):
            with open(folder + "/words", "w", encoding="utf-8") as file:
                json.dump({"words": ["--", *words], "vectors": vectors}, file)
            made = []
            for count in (200, 400):
                phrases.main(folder + "/words", count, folder + "/out")
                made.append(np.fromfile(folder + "/out", "<f4").reshape(-1, 100))
        self.assertEqual([len(rows) for rows in made], [200, 400])
        self.assertTrue((made[0] == made[1][:200]).all())
        self.assertTrue(np.allclose(np.linalg.norm(made[1], axis=1), 1, atol=1e-5))
        self.assertEqual(len(np.unique(made[1].round(4), axis=0)), 400)

    def test_nearest(self):
        import numpy as np
        import phrases
        angles = np.array([0, .1, .3, 1.5, 1.6])
        directions = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype("f4")
        self.assertEqual(phrases.nearest(directions, 1, block=2)[:, 0].tolist(), [1, 0, 1, 4, 3])


class Growth(unittest.TestCase):
    """How work grows: what core_search prints, equal recall, exponents."""

    OUTPUT = """\
# build: encode 0.38 s, train 1.67 s, assign 0.22 s, write 0.36 s; 558 leaves of 179 rows, 2091 pages, 171 bytes a row, 82 directions
recall 0.900: 0.9165, 9173 queries/s; a query: 1.00 passes 54.6 pages 16.8 leaves 3370 entries 54.4 refined 12.58 rows 11.03 rechecked
recall 0.950: 0.9592, 7092 queries/s; a query: 1.00 passes 73.2 pages 28.0 leaves 5645 entries 58.3 refined 12.59 rows 11.05 rechecked
"""

    def test_parse(self):
        found = scale.parse(self.OUTPUT)
        self.assertAlmostEqual(found["build_s"], 2.63)
        self.assertEqual((found["index_leaves"], found["bytes_a_row"], len(found["points"])), (558, 171, 2))
        self.assertEqual(found["points"][1], {"asked": .95, "recall": .9592, "qps": 7092, "pages": 73.2, "leaves": 28,
                                              "entries": 5645, "us": 1e6 / 7092})

    def test_equal_recall(self):
        points = scale.parse(self.OUTPUT)["points"]
        self.assertAlmostEqual(scale.at_recall(points, "entries", .9592)[0], 5645, places=6)
        self.assertAlmostEqual(scale.at_recall(points, "entries", (.9165 + .9592) / 2)[0], math.sqrt(3370 * 5645), places=6)
        self.assertEqual(scale.at_recall(points, "entries", .5), (3370, "<"))
        self.assertEqual(scale.at_recall(points, "entries", .99), (5645, ">"))

    def results(self):
        def size(rows):
            return {**scale.parse(self.OUTPUT), "set": {"title": "a & b", "rows": rows, "dim": 8, "distance": "l2"},
                    "build_s": 1e-6 * rows * math.log2(rows),
                    "points": [{"recall": .95, "us": rows ** .5, "entries": 7 * rows ** .25, "leaves": 8, "pages": 30}]}
        return {"sets": [[size(rows)] for rows in (1000, 10000, 100000)], "date": "",
                "machine": {"processor": "x", "load_average": 0}}

    def test_laws(self):
        results = self.results()
        sizes = [scale.summary(rounds) for rounds in results["sets"]]
        laws = {key: scale.Law(key, sizes) for key in scale.GROWING}
        for key, exponent in (("us", .5), ("entries", .25), ("leaves", 0), ("build_s", 1)):
            self.assertAlmostEqual(laws[key].exponent, exponent, places=6)
            self.assertAlmostEqual(laws[key].worst, 0, places=6)
        self.assertAlmostEqual(laws["entries"](10 ** 8), 700, places=4)
        self.assertIn("| 100,000,000 (extrapolated) | 10,000 | 700 |", scale.markdown(results, sizes, laws))
        xml.etree.ElementTree.fromstring(scale.draw(results, sizes, laws))


class Pictures(unittest.TestCase):
    """Pictures of a result of run.py."""

    def results(self):
        points = [{"system": system, "plan": "index", "setting": str(setting), "k": 10,
                   "rounds": [{"recall": recall, "qps": qps}]}
                  for system, setting, recall, qps in (("vecidx", .9, .9, 900), ("vecidx", .95, .95, 800),
                                                       ("pgvector", 40, .9, 100), ("pgvector", 80, .99, 50))]
        return {"set": {"title": "a < b", "rows": 1000, "dim": 8}, "points": points,
                "systems": {"vecidx": {"build_s": 2, "index_bytes": 100000, "rows": 1000},
                            "pgvector": {"build_s": 30, "index_bytes": 400000, "rows": 1000}}}

    def test_bars(self):
        for kind, share in (("build", 15), ("size", 4)):
            drawing = bars.draw([self.results(), self.results()], kind, None)
            shapes = xml.etree.ElementTree.fromstring(drawing).iter("{http://www.w3.org/2000/svg}rect")
            widths = [float(shape.get("width")) for shape in shapes][1:]
            self.assertEqual(len(widths), 4)
            self.assertAlmostEqual(widths[1] / widths[0], share, delta=.1)
            self.assertIn(f"({share:.1f}× less)", drawing)

    def test_steps(self):
        for longest, step in ((110, 20), (37, 5), (1, .2), (8193, 1000), (.02, .005), (45, 10)):
            self.assertAlmostEqual(bars.step(longest), step)

    def test_curves(self):
        root = xml.etree.ElementTree.fromstring(plot.draw(self.results(), ["pgvector"]))
        self.assertEqual(len(list(root.iter("{http://www.w3.org/2000/svg}polyline"))), 1)


class Cold(unittest.TestCase):
    """What psql prints, and the ratio at equal recall."""

    def test_answer(self):
        self.assertEqual(cold.parse_answer("17\n4\nTime: 1.250 ms\n"), ([17, 4], 1250))
        self.assertEqual(cold.parse_answer("Time: 61002.125 ms (01:01.002)\n"), ([], 61002125))

    def test_plan(self):
        plan = [{"Plan": {"Shared Hit Blocks": 5, "Shared Read Blocks": 7, "Shared I/O Read Time": .25}}]
        self.assertEqual(cold.parse_plan(json.dumps(plan)), {"hit": 5, "read": 7, "read_us": 250})

    def test_parts(self):
        with tempfile.TemporaryDirectory() as folder:
            floats([[1, .5], [2, 3]]).tofile(file := open(folder + "/s_q.f32", "wb"))
            file.close()
            with open(folder + "/s_gt.i32", "wb") as file:
                array.array("i", [*range(100), *range(100, 200)]).tofile(file)
            texts, truth = cold.read_parts(folder + "/s", 2, 1)
        self.assertEqual((texts, truth), (["[1.0,0.5]"], [set(range(10))]))

    def test_ratio(self):
        def point(recall, cost, disk):
            return {"setting": "x", "recall": recall, "disk_bytes": disk,
                    **dict.fromkeys(("p50_us", "p90_us", "read", "io_bytes"), cost)}
        base = [point(.8, 100, None), point(.9, 400, None)]
        self.assertEqual(cold.ratio_row(point(.85, 10, 1), base), ["x", "0.8500", *["20.0"] * 4, "-"])
        self.assertEqual(cold.ratio_row(point(.95, 10, 1), base)[2], ">40.0")


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
