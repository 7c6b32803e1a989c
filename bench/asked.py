#!/usr/bin/env python3
"""Recall asked for against recall found on held-out queries, in every cell, and what it cost, by the core alone.

    python3 bench/fetch.py SET...                       (glove fashion minilm: bench/README.md)
    cmake --preset release && cmake --build --preset release --target core_search
    python3 bench/asked.py [--svg doc/asked.svg] [SET...]      (needs numpy; Debian: python3-numpy)

Cells: real sets and made ones x Euclidean, cosine, inner product (vectors as they are, of any length) x 1, 10, 100 rows
wanted x recall .8 .9 .95 .98 .99. An index is calibrated on its own rows, then 1,000 held-out queries are asked. A line a
set, metric and k: recall found for each asked, "<" where it falls short by more than a point; and the entries scanned
relative to what the same gate needs for just the recall that was found, read off searches at 16 fixed settings.
"""
import argparse
import math
import os
import re
import subprocess
import tempfile

import numpy as np

import dial
from svg import Scale, circle, document, line, polyline, text, upright, write

DATA = os.path.join(dial.TOP, "build", "bench", "data")
ASKED = (.80, .90, .95, .98, .99)
FIXED = (.5, .55, .6, .65, .7, .75, .8, .85, .9, .93, .95, .97, .98, .99, .995, .999)
METRICS = ("l2", "cosine", "ip")
REAL = {"glove": 100, "fashion": 784, "minilm": 384}
MADE = ("200 balls, 128 dimensions", "near 30 of 128, whole numbers", "gaussian, 32 dimensions")
QUERIES = 1000
COLOURS = {1: "#d98e04", 10: "#0b6e4f", 100: "#4062bb"}


def rows_of(name):
    """(base, queries) of a set."""
    if name in REAL:
        load = lambda part: np.fromfile(os.path.join(DATA, f"{name}_{part}.f32"), dtype="f4").reshape(-1, REAL[name])
        return load("base"), load("q")[:QUERIES]
    random = np.random.default_rng(7)
    rows = np.ascontiguousarray(random.permutation(dial.SETS[name](random)), dtype="f4")
    return rows[QUERIES:], rows[:QUERIES]


def prepare(folder, base, queries, metric):
    base.tofile(os.path.join(folder, "set_base.f32"))
    queries.tofile(os.path.join(folder, "set_q.f32"))
    truth = [dial.neighbours(base, queries[i:i + 50], metric) for i in range(0, len(queries), 50)]
    np.concatenate(truth).tofile(os.path.join(folder, "set_gt.i32"))


def search(folder, dim, metric, k, recalls, calibrate):
    """[(recall found, entries)] for each recall asked."""
    out = subprocess.run([dial.CORE_SEARCH, "set", str(dim), metric, f"k={k}", "reps=1", f"queries={QUERIES}",
                          f"calibrate={calibrate}", "recall=" + ",".join(map(str, recalls))], cwd=folder, check=True,
                         text=True, stdout=subprocess.PIPE).stdout
    return [(float(a), float(b)) for a, b in re.findall(r"^recall [\d.]+: ([\d.]+),.*leaves (\d+) entries", out, re.M)]


def cost(fixed, recall, entries):
    """`entries` over what searches at fixed settings scan for this recall; 1 where they cannot scan less."""
    points = sorted(fixed)
    if recall <= points[0][0]:
        return entries / points[0][1]
    for (r0, e0), (r1, e1) in zip(points, points[1:]):
        if recall <= r1:
            miss = lambda r: math.log(1 - min(r, .99999))
            share = (miss(recall) - miss(r0)) / (miss(r1) - miss(r0)) if r1 > r0 else 1
            return entries / (e0 * (e1 / e0) ** share)
    return entries / points[-1][1]


def measure(name, metric):
    """{k: [(asked, found, relative cost)]}"""
    base, queries = rows_of(name)
    with tempfile.TemporaryDirectory() as folder:
        prepare(folder, base, queries, metric)
        cells = {}
        for k in dial.KS:
            fixed = search(folder, base.shape[1], metric, k, FIXED, 0)
            found = search(folder, base.shape[1], metric, k, ASKED, 600)
            cells[k] = [(asked, recall, cost(fixed, recall, entries)) for asked, (recall, entries) in zip(ASKED, found)]
        return cells


def draw(all_cells):
    """Misses asked for and found, both by factors; above the line fewer were missed than allowed."""
    width, height, left, right, top, bottom = 560, 400, 70, 120, 30, 50
    stretch = lambda recall: -math.log10(1 - min(recall, .9995))
    x = Scale(.75, .993, left, width - right, stretch)
    y = Scale(.75, .9995, height - bottom, top, stretch)
    parts = []
    for tick in (.8, .9, .95, .98, .99):
        parts += [line(x(tick), x(tick), top, height - bottom), line(left, width - right, y(tick), y(tick)),
                  text(x(tick), height - bottom + 18, f"{tick:g}".lstrip("0")), text(left - 8, y(tick) + 4, f"{tick:g}".lstrip("0"), "end")]
    parts.append(polyline([(x(.76), y(.76)), (x(.992), y(.992))], "#888", 'stroke-dasharray="4 3"'))
    for (name, metric), cells in all_cells.items():
        for k, points in cells.items():
            for asked, found, _ in points:
                parts.append(circle(x(asked) + (k > 10) * 5 - (k < 10) * 5, y(max(found, .75)), COLOURS[k], "none",
                                    f"{name}, {metric}, {k} rows: {asked:g} asked, {found:.4f} found"))
    for i, k in enumerate(COLOURS):
        parts += [circle(width - right + 25, top + 20 + 22 * i, COLOURS[k], "none", ""),
                  text(width - right + 38, top + 25 + 22 * i, f"LIMIT {k}", "start")]
    parts += [text((left + width - right) / 2, height - 8, "recall asked for"), upright(18, (top + height - bottom) / 2, "recall found")]
    return document(width, height, parts)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--svg")
    parser.add_argument("sets", nargs="*")
    args = parser.parse_args()
    print(f"{'set':32} {'metric':7} {'k':>3}  " + "  ".join(f"{asked:<12g}" for asked in ASKED), flush=True)
    all_cells = {}
    for name in args.sets or [*REAL, *MADE]:
        for metric in METRICS:
            all_cells[name, metric] = measure(name, metric)
            for k, points in all_cells[name, metric].items():
                cells = "  ".join(f"{found:.4f}{'<' if found < asked - .01 else ' '} {relative:4.2f}x" for asked, found, relative in points)
                print(f"{name:32} {metric:7} {k:>3}  {cells}", flush=True)
    points = [point for cells in all_cells.values() for of_k in cells.values() for point in of_k]
    print(f"{len(points)} cells; {sum(found < asked - .01 for asked, found, _ in points)} fall short by more than .01; "
          f"{sum(relative > 1.3 for _, _, relative in points)} cost more than 1.3 times")
    if args.svg:
        write(args.svg, draw(all_cells))


if __name__ == "__main__":
    main()
