#!/usr/bin/python3
"""report.py [--markdown] DIR - what results.tsv and machine.txt of DIR say: limits kept and missed, and all medians.

results.tsv: round, work, round trip in ms, tool, how many things were handled, wall seconds, user and system CPU
seconds, peak KiB, requests; one line a measurement. Ratios are those of medians over all rounds. Without --markdown
wall.svg and memory.svg are written into DIR, too; with it, what is printed is a section of docs/PERFORMANCE.md.
"""
import argparse
import collections
import os
import statistics

import plots
from works import COUNTED, FLOORS, LIMITS, TITLES, TOOLS

Row = collections.namedtuple("Row", "wall cpu peak requests")
FIGURES = {"wall": "wall", "cpu": "CPU", "peak": "peak memory", "requests": "requests"}
COLUMNS = ["ms", "", "wall s", "least", "CPU s", "peak MiB", "requests", "pitr: wall", "CPU", "requests"]


class Results:
    def __init__(self, path):
        self.rows = collections.defaultdict(list)
        self.items = {}
        with open(path) as f:
            for line in f:
                _, work, delay, tool, items, wall, user, system, peak, requests = line.rstrip("\n").split("\t")
                row = Row(float(wall), float(user) + float(system), int(peak) / 1024, int(requests))
                self.rows[work, int(delay), tool].append(row)
                self.items[work] = int(items)

    def median(self, work, delay, tool):
        rows = self.rows.get((work, delay, tool))
        return Row(*map(statistics.median, zip(*rows))) if rows else None

    def delays(self, work):
        return sorted({d for w, d, _ in self.rows if w == work})


# ------------------------------------------------------------------------------------------------- limits

def judge(limit, results):
    """One line of the table of limits: what, limit, value, verdict."""
    ours = results.median(limit.work, limit.delay, "pitr")
    what = f"{TITLES[limit.work]}{f', {limit.delay} ms' if limit.delay else ''}: {FIGURES[limit.figure]}"
    if limit.tool:
        theirs = results.median(limit.work, limit.delay, limit.tool)
        wanted = f"≤ {limit.most:g} × {name_of(limit.work, limit.tool)}"
        if not ours or not theirs:
            return what, wanted, "", "not measured"
        value = getattr(ours, limit.figure) / max(getattr(theirs, limit.figure), 1e-9)
        return what, wanted, f"{value:.2f} ×", "pass" if value <= limit.most else "MISS"
    most = limit.most + limit.per_item * results.items.get(limit.work, 0)
    unit = " MiB" if limit.figure == "peak" else ""
    wanted = f"≤ {most:g}{unit}"
    if not ours:
        return what, wanted if not limit.per_item else "", "", "not measured"
    value = getattr(ours, limit.figure)
    return what, wanted, f"{value:.0f}{unit}", "pass" if value <= most else "MISS"


def limits_table(results):
    """Misses first."""
    lines = [judge(limit, results) for limit in LIMITS]
    order = ["MISS", "pass", "not measured"]
    return [["work, figure", "limit", "pitr", ""]] + sorted(map(list, lines), key=lambda line: order.index(line[3]))


# ------------------------------------------------------------------------------------------------- works

def name_of(work, tool):
    return FLOORS[work] if tool == "floor" else tool


def ratio(ours, theirs):
    return f"{ours / theirs:.2f} ×" if theirs else "-"


def line_of(results, work, delay, tool):
    m = results.median(work, delay, tool)
    ours = results.median(work, delay, "pitr")
    least = min(r.wall for r in results.rows[work, delay, tool])
    digits = 3 if m.wall < 1 else 2
    cells = [str(delay), name_of(work, tool), f"{m.wall:.{digits}f}", f"{least:.{digits}f}", f"{m.cpu:.{digits}f}",
             f"{m.peak:.0f}", f"{m.requests:.0f}"]
    if tool == "pitr" or not ours:
        return cells + ["", "", ""]
    return cells + [ratio(ours.wall, m.wall), ratio(ours.cpu, m.cpu), ratio(ours.requests, m.requests)]


def work_table(results, work):
    cases = [(d, t) for d in results.delays(work) for t in TOOLS if results.rows.get((work, d, t))]
    return [COLUMNS] + [line_of(results, work, d, t) for d, t in cases]


def title_of(results, work):
    counts = sorted({len(rows) for (w, _, _), rows in results.rows.items() if w == work})
    title = TITLES[work]
    if work in COUNTED:
        title += f", {results.items[work]} of them"
    return f"{title} (median of {' to '.join(map(str, sorted({counts[0], counts[-1]})))})"


# ------------------------------------------------------------------------------------------------- output

def print_table(lines):
    widths = [max(3, *(len(cells[i]) for cells in lines)) for i in range(len(lines[0]))]
    left = [i for i, name in enumerate(lines[0]) if name in ("", "work, figure", "limit")]

    def row(cells):
        return "| " + " | ".join(c.ljust(w) if i in left else c.rjust(w)
                                 for i, (c, w) in enumerate(zip(cells, widths))) + " |"

    print(row(lines[0]))
    print("| " + " | ".join("-" * w if i in left else "-" * (w - 1) + ":"
                            for i, w in enumerate(widths)) + " |")
    for cells in lines[1:]:
        print(row(cells))


def print_all(results, machine, markdown):
    def heading(text):
        print(f"\n### {text}\n" if markdown else f"\n{text}\n")

    if markdown:
        print("## Speed, requests and memory beside others\n\nOne run of `sh regress/bench/run.sh` on this machine:\n")
        print("```\n" + machine + "```")
    else:
        print(machine, end="")
    heading("Limits")
    print_table(limits_table(results))
    if markdown:
        print("\n![wall clock by work, round trip and tool](wall.svg)\n\n![peak memory](memory.svg)")
    for work in TITLES:
        if results.delays(work):
            heading(title_of(results, work))
            print_table(work_table(results, work))
    print("\nms: round trip to the store. least: the quickest round. pitr: its share of that tool's; below 1, pitr needs\n"
          "less. CPU and memory are the tool's own, with all processes it starts, not the server's or the store's; in a\n"
          "recovery the server is among them.")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--markdown", action="store_true")
    parser.add_argument("directory")
    args = parser.parse_args()
    results = Results(os.path.join(args.directory, "results.tsv"))
    with open(os.path.join(args.directory, "machine.txt")) as f:
        machine = f.read()
    print_all(results, machine, args.markdown)
    if not args.markdown:
        for name, svg in (("wall.svg", plots.wall(results)), ("memory.svg", plots.memory(results))):
            with open(os.path.join(args.directory, name), "w") as f:
                f.write(svg)


main()
