#!/usr/bin/env python3
"""How work grows with rows: the core alone on sets of one distribution and several sizes, at one recall found.

    cmake --preset release && cmake --build --preset release --target core_search
    python3 bench/fetch.py phrases100k phrases300k phrases1m phrases3m
    python3 bench/scale.py [--svg doc/scale.svg]         (again from its result: --again)

Each set is searched at several recalls asked for; what a query takes is interpolated (its logarithm, linearly) at
recall@10 .95 as found, so that sizes compare at equal recall. A power of the rows is fitted to time, entries, leaves and
pages of a query, and one of n log n to the time of the build, by least squares over logarithms; both are drawn, and
continued to 10^8 rows. The core alone, one thread, everything in memory: a server adds to a query what does not depend on
the rows. The figures go to build/bench/results/scale.json.
"""
import argparse
import json
import math
import os
import re
import statistics
import subprocess
import time

import build
import fetch
import run as runs
from report import interpolate, table
from sets import PHRASES
from svg import Scale, circle, document, line, polyline, text, upright, write

CORE_SEARCH = os.path.join(build.ROOT, "build", "release", "core_search")
ASKED = (.7, .8, .85, .9, .93, .95, .97, .98)
RECALL = .95
FAR = 10 ** 8
SEARCH = re.compile(r"^recall ([\d.]+): ([\d.]+), (\d+) queries/s; a query: [\d.]+ passes ([\d.]+) pages ([\d.]+) leaves "
                    r"(\d+) entries", re.M)
BUILD = re.compile(r"^# build: encode ([\d.]+) s, train ([\d.]+) s, assign ([\d.]+) s, write ([\d.]+) s; (\d+) leaves of "
                   r".*, ([\d.]+) bytes a row", re.M)
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 720, 440, 90, 190, 50, 50
# What grows: title, unit, colour, whether a query has it at each recall (else the set once).
GROWING = {
    "us": ("time", "µs", "#0b6e4f", True),
    "entries": ("entries", "", "#3568a8", True),
    "leaves": ("leaves", "", "#8a5fa8", True),
    "pages": ("pages", "", "#6ab187", True),
    "build_s": ("build", "s", "#b5532a", False),
}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", default=",".join(PHRASES), help="of one distribution (default %(default)s)")
    parser.add_argument("--reps", type=int, default=5, help="times all queries are run (default %(default)s)")
    parser.add_argument("--rounds", type=int, default=1, help="of all sets in turns, whose medians count (default %(default)s)")
    parser.add_argument("--svg", help="draw it there")
    parser.add_argument("--again", action="store_true", help="do not measure: take the last result")
    parser.add_argument("--data", default=build.DATA, help=argparse.SUPPRESS)
    return parser.parse_args()


def parse(output):
    """What core_search printed: the build, and a point for each recall asked for."""
    built = BUILD.search(output)
    keys = ("asked", "recall", "qps", "pages", "leaves", "entries")
    points = [dict(zip(keys, map(float, found))) for found in SEARCH.findall(output)]
    return {"build_s": sum(map(float, built.groups()[:4])), "index_leaves": int(built[5]), "bytes_a_row": float(built[6]),
            "points": [{**point, "us": 1e6 / point["qps"]} for point in points]}


def measure(name, data, reps):
    about = fetch.describe(name, data)
    output = subprocess.run([CORE_SEARCH, name, str(about["dim"]), about["distance"], f"reps={reps}",
                             "recall=" + ",".join(map(str, ASKED))], cwd=data, check=True, text=True,
                            stdout=subprocess.PIPE).stdout
    return {"set": about, **parse(output)}


def at_recall(points, key, recall=RECALL):
    """The key's value at a recall found, and "<" or ">" where all points find more, or less."""
    value, sign = interpolate([(point["recall"], point[key]) for point in points], recall)
    return value, "<" if min(point["recall"] for point in points) > recall else sign


def summary(rounds):
    """One size: its rows, and what grows, at equal recall; medians of its rounds."""
    found = {"rows": rounds[0]["set"]["rows"], "bytes_a_row": rounds[0]["bytes_a_row"], "signs": ""}
    for key, (_, _, _, of_query) in GROWING.items():
        if of_query:
            values = [at_recall(one["points"], key) for one in rounds]
            found[key] = statistics.median(value for value, _ in values)
            found["signs"] = found["signs"] or values[0][1]
        else:
            found[key] = statistics.median(one[key] for one in rounds)
    return found


def base_of(key, rows):
    """What the key is fitted as a power of."""
    return rows * math.log2(rows) if key == "build_s" else rows


def fit(xs, ys):
    """(exponent, factor) of y = factor * x ** exponent by least squares over logarithms."""
    xs, ys = [math.log(x) for x in xs], [math.log(y) for y in ys]
    middle_x, middle_y = statistics.fmean(xs), statistics.fmean(ys)
    exponent = (sum((x - middle_x) * (y - middle_y) for x, y in zip(xs, ys)) / sum((x - middle_x) ** 2 for x in xs))
    return exponent, math.exp(middle_y - exponent * middle_x)


class Law:
    """How one figure grows."""

    def __init__(self, key, sizes):
        self.key = key
        self.exponent, self.factor = fit([base_of(key, size["rows"]) for size in sizes], [size[key] for size in sizes])
        self.worst = max(abs(math.log(size[key] / self(size["rows"]))) for size in sizes)

    def __call__(self, rows):
        return self.factor * base_of(self.key, rows) ** self.exponent

    def power(self):
        return f"{'(n log n)' if self.key == 'build_s' else 'n'}^{self.exponent:.2f}"


def markdown(results, sizes, laws):
    about = results["sets"][0][0]["set"]
    parts = [f"### {about['title']}, {about['dim']} dimensions, {about['distance']}: the core alone at recall@10 {RECALL}\n",
             f"{results['machine']['processor']}, one thread; medians of {len(results['sets'][0])} rounds; load average "
             f"{results['machine']['load_average']:.1f} before; {results['date']}.\n"]
    rows = [[f"{size['rows']:,}", f"{size['signs']}{size['us']:.1f}", f"{size['entries']:,.0f}", f"{size['leaves']:.1f}",
             f"{size['pages']:.1f}", f"{size['build_s']:.1f}", f"{size['bytes_a_row']:.0f}"] for size in sizes]
    order = ("us", "entries", "leaves", "pages", "build_s")
    rows.append(["grows as", *(laws[key].power() for key in order), ""])
    rows.append(["worst point off the fit", *(f"{100 * math.expm1(laws[key].worst):.0f} %" for key in order), ""])
    far = sizes[-1]["bytes_a_row"]
    rows.append([f"{FAR:,} (extrapolated)", *(f"{laws[key](FAR):,.0f}" for key in order),
                 f"{far:.0f}: {far * FAR / 2 ** 30:.1f} GiB"])
    parts.append(table(["rows", "µs a query", "entries", "leaves", "pages", "build s", "bytes a row"], rows))
    if any(size["signs"] for size in sizes):
        parts.append(f"`<`, `>`: all settings tried find more, or less, than {RECALL}; the nearest is taken.\n")
    return "\n".join(parts)


def powers(low, high):
    return [10 ** power for power in range(math.ceil(math.log10(low)), math.floor(math.log10(high)) + 1)]


def axes(x, y, rows, values):
    parts = []
    for mark in powers(*rows):
        parts.append(line(x(mark), x(mark), TOP, HEIGHT - BOTTOM))
        parts.append(text(x(mark), HEIGHT - BOTTOM + 18, f"{mark:,}", size=12))
    for mark in powers(*values):
        parts.append(line(LEFT, WIDTH - RIGHT, y(mark), y(mark)))
        parts.append(text(LEFT - 8, y(mark) + 4, f"{mark:,g}", "end", 12))
    parts.append(text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8, "rows"))
    parts.append(upright(16, (TOP + HEIGHT - BOTTOM) / 2, "a query; seconds of the build"))
    return parts


def curve(x, y, sizes, law):
    """Points as measured, and the law through them, dashed beyond them."""
    title, unit, colour, _ = GROWING[law.key]
    ends = [sizes[0]["rows"], sizes[-1]["rows"], FAR]
    places = [(x(rows), y(law(rows))) for rows in ends]
    parts = [polyline(places[:2], colour), polyline(places[1:], colour, ' stroke-dasharray="5 5"')]
    for size in sizes:
        parts.append(circle(x(size["rows"]), y(size[law.key]), colour, "white",
                            f"{size['rows']:,} rows: {title} {size[law.key]:,.4g} {unit}".strip()))
    label = f"{title}{', ' + unit if unit else ''}: {law.power()}"
    return parts, [places[-1][1] + 4, label, colour]


def draw(results, sizes, laws):
    values = [size[key] for size in sizes for key in GROWING] + [law(FAR) for law in laws.values()]
    rows, values = (sizes[0]["rows"] / 1.3, FAR), (min(values) / 1.5, max(values) * 1.5)
    x = Scale(*rows, LEFT, WIDTH - RIGHT, math.log10)
    y = Scale(*values, HEIGHT - BOTTOM, TOP, math.log10)
    about = results["sets"][0][0]["set"]
    parts = [text(LEFT, 28, f"{about['title']}, {about['dim']} dimensions: the core at recall@10 {RECALL}", "start", 16)]
    parts += axes(x, y, rows, values)
    labels = []
    for law in laws.values():
        drawn, label = curve(x, y, sizes, law)
        parts += drawn
        labels.append(label)
    labels.sort()
    for before, label in zip(labels, labels[1:]):
        label[0] = max(label[0], before[0] + 17)
    parts += [text(WIDTH - RIGHT + 8, at, words, "start", 12, colour) for at, words, colour in labels]
    return document(WIDTH, HEIGHT, parts)


def main():
    args = arguments()
    path = os.path.join(build.RESULTS, "scale.json")
    if args.again:
        with open(path, encoding="utf-8") as file:
            results = json.load(file)
    else:
        names = args.sets.split(",")
        fetch.ensure(names, args.data)
        machine = runs.machine()
        rounds = [[measure(name, args.data, args.reps) for name in names] for _ in range(args.rounds)]
        results = {"sets": list(zip(*rounds)), "machine": machine, "date": time.strftime("%Y-%m-%d")}
        os.makedirs(build.RESULTS, exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            json.dump(results, file, indent=1)
    sizes = sorted((summary(rounds) for rounds in results["sets"]), key=lambda size: size["rows"])
    laws = {key: Law(key, sizes) for key in GROWING}
    print(markdown(results, sizes, laws))
    if args.svg:
        write(args.svg, draw(results, sizes, laws))


if __name__ == "__main__":
    main()
