#!/usr/bin/env python3
"""Draws recall against queries a second from results of run.py, as an SVG file without further programs.

    python3 bench/plot.py build/bench/results/glove.json doc/glove.svg [vecidx,pgvector]

The third argument chooses systems. Both axes are stretched where it matters: recall by its misses (.9 to .99 is as wide as .99 to .999; 1 stands
for .9999 and above), speed by factors.
The point of vecidx's default setting is filled.
"""
import json
import math
import sys

import report
from svg import Scale, circle, colour_of, document, line, name_of, polyline, text, upright, write

WIDTH, HEIGHT = 720, 400
LEFT, RIGHT, TOP, BOTTOM = 70, 150, 50, 50
RECALL_TICKS = (.5, .7, .8, .9, .95, .98, .99, .995, .999, .9999)
DEFAULT = ("vecidx", .95)


def misses(recall):
    return -math.log10(1 - min(recall, .9999))


def curves(results, chosen):
    """{system: [(recall, queries a second, setting)]} at LIMIT 10, by recall."""
    found = {}
    for point in report.find(results, plan="index", k=10):
        if chosen and point["system"] not in chosen:
            continue
        found.setdefault(point["system"], []).append(
            (report.median(point, "recall"), report.median(point, "qps"), float(point["setting"])))
    return {system: sorted(points) for system, points in found.items()}


def axes(x, y, recalls, speeds):
    parts = []
    for recall in RECALL_TICKS:
        if recalls[0] <= recall <= recalls[1]:
            parts.append(line(x(recall), x(recall), TOP, HEIGHT - BOTTOM))
            parts.append(text(x(recall), HEIGHT - BOTTOM + 18, "1" if recall == RECALL_TICKS[-1] else f"{recall:g}".lstrip("0")))
    for power in range(0, 6):
        for digit in (1, 2, 5):
            speed = digit * 10 ** power
            if speeds[0] <= speed <= speeds[1]:
                parts.append(line(LEFT, WIDTH - RIGHT, y(speed), y(speed)))
                parts.append(text(LEFT - 8, y(speed) + 4, f"{speed:,}", "end"))
    parts.append(text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8, "recall@10"))
    parts.append(upright(18, (TOP + HEIGHT - BOTTOM) / 2, "queries a second, one connection"))
    return parts


def curve(x, y, system, points):
    colour = colour_of(system)
    parts = [polyline([(x(recall), y(speed)) for recall, speed, _ in points], colour)]
    for recall, speed, setting in points:
        parts.append(circle(x(recall), y(speed), colour, colour if (system, setting) == DEFAULT else "white",
                            f"{system} {setting:g}: recall {recall:.4f}, {speed:,.0f} queries a second"))
    return parts


def legend(systems):
    parts = []
    for number, system in enumerate(systems):
        height = TOP + 14 + 22 * number
        parts.append(f'<circle cx="{WIDTH - RIGHT + 16}" cy="{height - 4}" r="5" fill="{colour_of(system)}"/>')
        parts.append(text(WIDTH - RIGHT + 27, height, name_of(system), "start", 12))
    return parts


def draw(results, chosen):
    found = curves(results, chosen)
    points = [point for curve_points in found.values() for point in curve_points]
    recalls = (min(p[0] for p in points) - .02, .9999)
    speeds = (min(p[1] for p in points) / 1.3, max(p[1] for p in points) * 1.3)
    x = Scale(*recalls, LEFT, WIDTH - RIGHT, misses)
    y = Scale(*speeds, HEIGHT - BOTTOM, TOP, math.log10)
    about = results["set"]
    title = f'{about["title"]}: {about["rows"]:,} × {about["dim"]}, LIMIT 10'
    parts = [text(LEFT, 28, title, "start", 16), *axes(x, y, recalls, speeds)]
    for system, curve_points in found.items():
        parts += curve(x, y, system, curve_points)
    return document(WIDTH, HEIGHT, parts + legend(found))


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    with open(sys.argv[1], encoding="utf-8") as source:
        drawing = draw(json.load(source), sys.argv[3].split(",") if len(sys.argv) == 4 else None)
    write(sys.argv[2], drawing)
