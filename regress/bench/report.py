#!/usr/bin/python3
"""report.py DIR - results.tsv and machine.txt as tables of medians, and of pitr's share of each other tool's costs.

results.tsv: round, work, tool, wall seconds, user and system CPU seconds, peak KiB, requests; one line a measurement.
"""
import collections
import statistics
import sys

TITLES = {
    "push": "Push of the segments, one command each",
    "fetch": "Fetch of the segments, one command each",
    "backup": "Full backup of the cluster",
    "again": "Backup again, nothing changed",
    "restore": "Restore of the cluster",
}
FLOORS = {
    "push": "lz4, sha256sum, curl",
    "fetch": "curl, lz4 -d",
    "backup": "pg_basebackup -Ft onto the disk",
    "restore": "cp -a and sync",
}
TOOLS = ["pitr", "pgbackrest", "pgbackrest-async", "floor"]
COLUMNS = ["", "wall s", "least", "CPU s", "peak MiB", "requests", "pitr: wall", "CPU", "requests"]

Row = collections.namedtuple("Row", "wall cpu peak requests")


def read_rows(path):
    rows = collections.defaultdict(list)
    with open(path) as f:
        for line in f:
            _, work, tool, wall, user, system, peak, requests = line.rstrip("\n").split("\t")
            rows[work, tool].append(Row(float(wall), float(user) + float(system), int(peak), int(requests)))
    return rows


def median(rows):
    return Row(*map(statistics.median, zip(*rows)))


def ratio(ours, theirs):
    return f"{ours / theirs:.2f} x" if theirs else "-"


def line_of(work, tool, rows, ours):
    name = f"floor: {FLOORS[work]}" if tool == "floor" else tool
    m = median(rows)
    cells = [name, f"{m.wall:.2f}", f"{min(r.wall for r in rows):.2f}", f"{m.cpu:.2f}", f"{m.peak / 1024:.0f}",
             f"{m.requests:.0f}"]
    if tool == "pitr" or not ours:
        return cells + ["", "", ""]
    return cells + [ratio(ours.wall, m.wall), ratio(ours.cpu, m.cpu), ratio(ours.requests, m.requests)]


def print_table(title, count, lines):
    lines = [COLUMNS] + lines
    widths = [max(len(cells[i]) for cells in lines) for i in range(len(COLUMNS))]
    print(f"\n{title} (median of {count})\n")
    for n, cells in enumerate(lines):
        print("| " + " | ".join(c.ljust(w) if i == 0 else c.rjust(w)
                                for i, (c, w) in enumerate(zip(cells, widths))) + " |")
        if n == 0:
            print("| " + " | ".join("-" * w if i == 0 else "-" * (w - 1) + ":" for i, w in enumerate(widths)) + " |")


def main(directory):
    with open(f"{directory}/machine.txt") as f:
        print(f.read(), end="")
    rows = read_rows(f"{directory}/results.tsv")
    for work, title in TITLES.items():
        tools = [t for t in TOOLS if rows[work, t]]
        if not tools:
            continue
        ours = median(rows[work, "pitr"]) if rows[work, "pitr"] else None
        counts = sorted({len(rows[work, t]) for t in tools})
        print_table(title, " to ".join(map(str, counts)), [line_of(work, t, rows[work, t], ours) for t in tools])
    print("\nleast: the quickest round. pitr: its share of that tool's; below 1, pitr needs less.\n"
          "CPU and memory are the tool's own, with all processes it starts, not the server's or the store's.")


main(sys.argv[1])
