#!/usr/bin/env python3
"""Turns the figures of a run into a Markdown table, with each vecidx setting compared at equal recall.

    python3 bench/report.py build/bench/results/glove.json
"""
import json
import math
import statistics
import sys

BASELINE = "pgvector"


def median(point, key):
    return statistics.median(r[key] for r in point["rounds"])


def find(results, **wanted):
    return [p for p in results["points"] if all(p[k] == v for k, v in wanted.items())]


def interpolate(curve, recall):
    """QPS of a curve [(recall, qps)] at a recall, linear in log QPS; and how to read it beyond the curve's ends.

    Below its lowest recall the baseline has nothing faster than its fastest point, which is taken. Above its highest
    recall it is slower than its last point, so that a ratio is a lower bound (">").
    """
    curve = sorted(curve)
    if recall <= curve[0][0]:
        return curve[0][1], ""
    if recall > curve[-1][0]:
        return curve[-1][1], ">"
    for (r0, q0), (r1, q1) in zip(curve, curve[1:]):
        if r0 <= recall <= r1:
            share = (recall - r0) / (r1 - r0) if r1 > r0 else 0
            return math.exp(math.log(q0) + share * (math.log(q1) - math.log(q0))), ""
    raise AssertionError("the recall lies within the curve")


def ratios(results, point, speed=lambda figures: figures["qps"]):
    """Ratio of speed to the baseline's at the point's recall, round by round: both saw the same noise."""
    base = find(results, system=BASELINE, plan="index", k=point["k"])
    if not base or point["system"] == BASELINE or not point["system"].startswith("vecidx"):
        return None
    if any(speed(r) <= 0 for p in [point, *base] for r in p["rounds"]):
        return None
    found = []
    sign = ""
    for number, mine in enumerate(point["rounds"]):
        curve = [(b["rounds"][number]["recall"], speed(b["rounds"][number])) for b in base]
        other, sign = interpolate(curve, mine["recall"])
        found.append(speed(mine) / other)
    return sign, statistics.median(found), min(found), max(found)


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows]) + "\n"


def ratio_text(ratio):
    return "" if ratio is None else "{}{:.2f} ({:.2f}–{:.2f})".format(*ratio)


def cpu_speed(figures):
    """Queries a second of backend CPU; negative where the system does not tell."""
    return 1e6 / figures["cpu_us"]


def search_row(results, point):
    """One setting of one system at LIMIT 10, with its recall at the other limits."""
    recall = {k: "".join(f"{median(p, 'recall'):.4f}" for p in
                         find(results, system=point["system"], plan="index", setting=point["setting"], k=k))
              for k in (1, 10, 100)}
    return [point["system"], point["setting"], recall[1], recall[10], recall[100], f"{median(point, 'qps'):.0f}",
            f"{median(point, 'p50_us'):.0f}", f"{median(point, 'p99_us'):.0f}", f"{median(point, 'cpu_us'):.0f}",
            f"{median(point, 'index_pages'):.1f}", f"{median(point, 'heap_pages'):.1f}",
            f"{median(point, 'toast_pages'):.1f}", f"{median(point, 'heap_rows'):.1f}",
            ratio_text(ratios(results, point)), ratio_text(ratios(results, point, cpu_speed))]


def other_row(results, point):
    return [point["system"], point["setting"], str(point["k"]), f"{median(point, 'recall'):.4f}",
            f"{median(point, 'qps'):.0f}", f"{median(point, 'p50_us'):.0f}", f"{median(point, 'index_pages'):.1f}",
            f"{median(point, 'heap_rows'):.1f}", f"{sum(r['missing_rows'] for r in point['rounds'])}",
            ratio_text(ratios(results, point))]


FLOORS = {"pk": "k rows by primary key", "rank": "the same, ordered by distance", "seq": "sequential scan and sort"}


def build_row(name, facts, facts_of_base):
    rows = facts["rows"]
    faster = smaller = ""
    if facts_of_base and name != BASELINE:
        faster = f"{facts_of_base['build_s'] / facts['build_s']:.1f}"
        smaller = f"{facts_of_base['index_bytes'] / facts['index_bytes']:.2f}"
    return [name, facts["version"], facts["storage"], f"{facts['build_s']:.1f}", f"{facts['index_bytes'] / rows:.0f}",
            f"{facts['table_bytes'] / rows:.0f}", f"{facts['load_s']:.1f}", faster, smaller]


def markdown(results):
    """The whole report of one run."""
    data_set, machine = results["set"], results["machine"]
    parts = [f"### {data_set['title']}: {data_set['rows']:,} × {data_set['dim']}, {data_set['distance']}\n\n"
             f"PostgreSQL {results['server']}; {machine['processor']}, {machine['cpus']} CPUs, {machine['system']}; "
             f"{results['connections']} connection(s); {data_set['queries']} queries; load average "
             f"{machine['load_average']:.1f} before, {results['load_average_after']:.1f} after; {results['date']}.\n"]
    base = results["systems"].get(BASELINE)
    parts.append(table(["system", "version", "storage", "build s", "index B/row", "table B/row", "load s",
                        "build × faster", "index × smaller"],
                       [build_row(name, facts, base) for name, facts in results["systems"].items()]))
    points = sorted(find(results, plan="index"), key=lambda p: (list(results["systems"]).index(p["system"]),
                                                                float(p["setting"])))
    rounds = len(find(results, plan="index", k=10)[0]["rounds"])
    parts.append(f"LIMIT 10, medians of {rounds} interleaved rounds (times in µs):\n")
    parts.append(table(["system", "setting", "recall@1", "recall@10", "recall@100", "QPS", "p50", "p99", "backend CPU",
                        "index pages", "heap pages", "TOAST pages", "heap rows", "QPS ÷ pgvector's at equal recall", "the same by backend CPU"],
                       [search_row(results, p) for p in points if p["k"] == 10]))
    parts.append("Other limits:\n")
    parts.append(table(["system", "setting", "k", "recall", "QPS", "p50", "index pages", "heap rows", "missing rows",
                        "QPS ÷ pgvector's at equal recall"],
                       [other_row(results, p) for p in points if p["k"] != 10]))
    parts.append("Without the index on the vector, k = 10:\n")
    parts.append(table(["system", "plan", "recall", "QPS", "p50", "p99", "backend CPU"],
                       [[p["system"], FLOORS[p["plan"]], f"{median(p, 'recall'):.4f}", f"{median(p, 'qps'):.1f}", f"{median(p, 'p50_us'):.0f}",
                         f"{median(p, 'p99_us'):.0f}", f"{median(p, 'cpu_us'):.0f}"]
                        for p in results["points"] if p["plan"] != "index"]))
    return "\n".join(parts)


def main():
    for path in sys.argv[1:] or sys.exit(__doc__):
        with open(path) as file:
            print(markdown(json.load(file)))


if __name__ == "__main__":
    main()
