#!/usr/bin/env python3
"""Draws build times, or sizes, from results of run.py as bars in an SVG file, a group of bars for each set.

    python3 bench/bars.py build doc/build.svg build/bench/results/glove.json build/bench/results/fashion.json
    python3 bench/bars.py size doc/size.svg build/bench/results/*.json [--systems vecidx,pgvector]

Bars start at zero and share one axis. Beside the others stands how many times less that is than pgvector's.
"""
import argparse
import json

import report
from svg import Scale, colour_of, document, line, name_of, text, write

WIDTH, LEFT, RIGHT, TOP, BOTTOM = 720, 130, 130, 50, 30
BAR, GAP, GROUP = 18, 5, 28

KINDS = {
    "build": ("CREATE INDEX, seconds", lambda facts: facts["build_s"], "{:.1f} s"),
    "size": ("size of the index, bytes a row", lambda facts: facts["index_bytes"] / facts["rows"], "{:,.0f}"),
}


def groups(all_results, value, systems):
    """[(title, [(system, value, times the baseline's)])], a set each, in the order of the results."""
    found = []
    for results in all_results:
        facts = results["systems"]
        base = facts.get(report.BASELINE)
        about = results["set"]
        found.append((f'{about["title"]}: {about["rows"]:,} × {about["dim"]}', [
            (name, value(facts[name]), value(base) / value(facts[name]) if base and name != report.BASELINE else None)
            for name in facts if not systems or name in systems]))
    return found


def step(longest):
    """The distance of marks on an axis from 0: a round number, for four to ten of them."""
    size = 10.0
    while size < longest:
        size *= 10
    while size > longest:
        size /= 10
    return size if longest / size >= 4 else size / 2 if longest / size >= 2 else size / 5


def axis(x, longest, bottom):
    """Marks at round numbers."""
    distance = step(longest)
    values = [number * distance for number in range(int(longest / distance) + 1)]
    return [part for value in values for part in
            (line(x(value), x(value), TOP, bottom), text(x(value), bottom + 18, f"{value:,g}", size=12))]


def bar(x, y, system, value, times, pattern):
    more = f" ({times:.1f}× less)" if times else ""
    return [f'<rect x="{LEFT}" y="{y}" width="{x(value) - LEFT:.1f}" height="{BAR}" fill="{colour_of(system)}"/>',
            text(LEFT - 8, y + 14, name_of(system), "end", 12),
            text(x(value) + 6, y + 14, pattern.format(value) + more, "start", 12)]


def draw(all_results, kind, systems):
    title, value, pattern = KINDS[kind]
    found = groups(all_results, value, systems)
    longest = max(length for _, bars in found for _, length, _ in bars)
    x = Scale(0, longest, LEFT, WIDTH - RIGHT, float)
    y, parts = TOP, []
    for name, bars in found:
        parts.append(text(LEFT, y + 20, name, "start", 13))
        y += GROUP
        for system, length, times in bars:
            parts += bar(x, y, system, length, times, pattern)
            y += BAR + GAP
    parts = [text(LEFT, 28, title, "start", 16), *axis(x, longest, y + GAP), *parts]
    return document(WIDTH, y + GAP + BOTTOM, parts)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("out")
    parser.add_argument("results", nargs="+")
    parser.add_argument("--systems", help="only these, comma-separated")
    args = parser.parse_args()
    read = []
    for path in args.results:
        with open(path, encoding="utf-8") as file:
            read.append(json.load(file))
    write(args.out, draw(read, args.kind, args.systems.split(",") if args.systems else None))


if __name__ == "__main__":
    main()
