"""plots.py - results as SVG: bars, a panel for each work.

Dark ink on a light sheet that the picture brings with it: readable on a dark page and on a light one.
"""
from works import FLOORS, TITLES, TOOLS

COLORS = {"pitr": "#1f6f8b", "pgbackrest": "#b4441e", "pgbackrest-async": "#d98c3f", "wal-g": "#5a7d2a",
          "floor": "#8a8a8a"}
WIDTH, LEFT, BAR, ROW, HEAD = 760, 250, 380, 20, 34


def text(x, y, words, anchor="start", more=""):
    words = words.replace("&", "&amp;").replace("<", "&lt;")
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}"{more}>{words}</text>'


def panel(y, title, bars):
    """bars: label, tool, value, value as text, or None for a gap. Returns its lines and where the next begins."""
    most = max(bar[2] for bar in bars if bar) or 1
    out = [text(20, y + 20, title, more=' font-weight="bold"')]
    y += HEAD
    for bar in bars:
        if bar is None:
            y += ROW // 2
            continue
        label, tool, value, shown = bar
        length = max(1, round(BAR * value / most))
        out.append(text(LEFT - 8, y + 13, label, "end"))
        out.append(f'<rect x="{LEFT}" y="{y + 2}" width="{length}" height="{ROW - 5}" fill="{COLORS[tool]}"/>')
        out.append(text(LEFT + length + 6, y + 13, shown))
        y += ROW
    return out, y + 10


def sheet(title, panels):
    y, body = 40, []
    for name, bars in panels:
        lines, y = panel(y, name, bars)
        body += lines
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y + 10}" font-family="sans-serif" '
        'font-size="12">',
        f'<rect width="{WIDTH}" height="{y + 10}" rx="6" fill="#fbfaf7"/><g fill="#222">',
        text(20, 28, title, more=' font-size="15"'), *body, "</g></svg>", ""])


def bars_of(results, work, value_of, shown):
    bars = []
    for delay in results.delays(work):
        if bars:
            bars.append(None)
        for tool in TOOLS:
            median = results.median(work, delay, tool)
            if median:
                name = FLOORS[work] if tool == "floor" else tool
                bars.append((f"{name}, {delay} ms" if len(results.delays(work)) > 1 else name, tool, value_of(median),
                             shown(value_of(median))))
    return bars


def works_measured(results, left_out=()):
    return [work for work in TITLES if results.delays(work) and work not in left_out]


def wall(results):
    def seconds(value):
        return f"{value:.3f} s" if value < 1 else f"{value:.1f} s"

    return sheet("Wall clock, median; each panel has its own scale",
                 [(TITLES[work], bars_of(results, work, lambda m: m.wall, seconds))
                  for work in works_measured(results)])


def memory(results):
    return sheet("Peak memory, median; each panel has its own scale",
                 [(TITLES[work], bars_of(results, work, lambda m: m.peak, "{:.0f} MiB".format))
                  for work in works_measured(results, ("recovery",))])
