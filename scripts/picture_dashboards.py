"""Pictures of the dashboards' panels, drawn from a real Prometheus' answers, in Chromium (docs/images/*.png).

Grafana's own panels exist only inside Grafana; what draws here is this script, with the dashboards' own queries, units
and legends. Needs Chromium on the path:

    python scripts/picture_dashboards.py http://127.0.0.1:9090 docs/images
"""

from __future__ import annotations

import html
import json
import re
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from pathlib import Path

ROOT = Path(__file__).parent.parent
COLOURS = ("#73bf69", "#f2cc0c", "#5794f2", "#ff9830", "#b877d9", "#f2495c", "#37872d", "#8ab8ff")
WINDOW, STEP = 480, 15
VARIABLES = {
    "$__rate_interval": "4m",
    "$__range": f"{WINDOW}s",
    "$__interval": "1m",
    "$service": ".*",
    "$environment": ".*",
    "$provider": ".*",
    "$model": ".*",
}
STYLE = """
body { margin: 0; background: #111217; color: #d5d6db; font: 13px Inter, Helvetica, Arial, sans-serif; width: 1440px }
h1 { font-size: 20px; font-weight: 500; margin: 16px 12px 4px }
small { color: #8e8f94; margin: 0 12px } .grid { display: flex; flex-wrap: wrap; padding: 6px }
.panel { box-sizing: border-box; padding: 6px } .inner { background: #181b1f; border: 1px solid #25282d; padding: 8px }
.title { font-weight: 500; margin-bottom: 6px } .stat { font-size: 30px; text-align: center; color: #73bf69 }
.row { display: flex; align-items: center; margin: 5px 0 } .name { width: 38%; overflow: hidden; white-space: nowrap }
.bar { height: 16px; background: #5794f2; margin-right: 6px } table { width: 100%; border-collapse: collapse }
td, th { text-align: left; border-bottom: 1px solid #25282d; padding: 3px } td.n, th.n { text-align: right }
.legend span { margin-right: 12px } .legend i { display: inline-block; width: 10px; height: 10px; margin-right: 4px }
"""


def ask(api: str, path: str, **parameters: object) -> list[dict]:  # type: ignore[type-arg]
    url = f"{api}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
    with urllib.request.urlopen(url, timeout=20) as answer:
        return json.load(answer)["data"]["result"]  # type: ignore[no-any-return]


def filled(expression: str) -> str:
    for name, value in VARIABLES.items():
        expression = expression.replace(name, value)
    return expression


def shown(value: float, unit: str) -> str:
    if unit == "currencyUSD":
        return f"${value:,.2f}" if value >= 10 else f"${value:,.5f}"
    if unit == "percentunit":
        return f"{value:.1%}"
    if unit == "s":
        return f"{value / 3600:.1f} hours" if value > 3600 else f"{value:.3g} s"
    if unit == "bytes":
        return f"{value / 2**20:.1f} MiB"
    return f"{value:,.0f}"


def named(metric: dict[str, str], legend: str) -> str:
    for label, value in metric.items():
        legend = legend.replace(f"{{{{{label}}}}}", value)
    told = re.sub(r"\{\{\w+\}\}", "", legend).strip()
    return html.escape(told or "(none)")


def instant(api: str, target: dict) -> list[tuple[str, dict[str, str], float]]:  # type: ignore[type-arg]
    rows = ask(api, "query", query=filled(target["expr"]))
    found = [(named(r["metric"], target["legendFormat"]), r["metric"], float(r["value"][1])) for r in rows]
    return sorted((row for row in found if row[2] == row[2]), key=lambda row: -row[2])


def stat(api: str, panel: dict, unit: str) -> str:  # type: ignore[type-arg]
    rows = instant(api, panel["targets"][0])
    return f'<div class="stat">{shown(rows[0][2], unit) if rows else "-"}</div>'


def bars(api: str, panel: dict, unit: str) -> str:  # type: ignore[type-arg]
    rows = instant(api, panel["targets"][0])[:8]
    most = max((value for _, _, value in rows), default=1) or 1
    return "".join(
        f'<div class="row"><div class="name">{name}</div>'
        f'<div class="bar" style="width:{45 * max(value, 0) / most:.1f}%"></div>{shown(value, unit)}</div>'
        for name, _, value in rows
    )


def listing(api: str, panel: dict, unit: str) -> str:  # type: ignore[type-arg]
    columns = [instant(api, target) for target in panel["targets"]]
    heads = [target["legendFormat"] for target in panel["targets"]]
    keys = {json.dumps(metric, sort_keys=True): metric for column in columns for _, metric, _ in column}
    lines = []
    for key, metric in keys.items():
        values = [{json.dumps(m, sort_keys=True): v for _, m, v in column}.get(key) for column in columns]
        cells = [
            "" if value is None else shown(value, "short" if head == "calls" else unit)
            for value, head in zip(values, heads, strict=True)
        ]
        who = html.escape(" / ".join(metric.values()))
        lines.append(
            f"<tr><td>{who}</td>" + "".join(f'<td class="n">{cell}</td>' for cell in cells) + "</tr>"
        )
    head = "".join(f'<th class="n">{name}</th>' for name in heads)
    return f"<table><tr><th></th>{head}</tr>{''.join(lines[:9])}</table>"


def lines(api: str, panel: dict, unit: str) -> str:  # type: ignore[type-arg]
    now = time.time()
    step = 60 if "stacking" in panel["fieldConfig"]["defaults"]["custom"] else STEP
    series = [
        (named(row["metric"], target["legendFormat"]), {float(t): float(v) for t, v in row["values"]})
        for target in panel["targets"]
        for row in ask(
            api, "query_range", query=filled(target["expr"]), start=now - WINDOW, end=now, step=step
        )
    ][:8]
    stacked = step == 60
    moments = sorted({moment for _, points in series for moment in points})
    sums = [sum(points.get(moment, 0) for _, points in series) for moment in moments]
    values = [v for _, points in series for v in points.values() if v == v]
    most = (max(sums, default=1) if stacked else max(values, default=1)) or 1

    def x(moment: float) -> float:
        return 640 * (moment - now + WINDOW) / WINDOW

    shapes = [f'<text x="2" y="12" fill="#8e8f94" font-size="11">{shown(most, unit)}</text>']
    base = dict.fromkeys(moments, 0.0)
    for number, (_, points) in enumerate(series):
        colour = COLOURS[number % len(COLOURS)]
        if stacked:
            for moment, value in points.items():
                height = 170 * value / most
                top = 185 - 170 * base[moment] / most - height
                place = f'x="{x(moment) - 64:.1f}" y="{top:.1f}" width="60" height="{height:.1f}"'
                shapes.append(f'<rect {place} fill="{colour}"/>')
                base[moment] += value
        else:
            path = " ".join(f"{x(m):.1f},{185 - 170 * v / most:.1f}" for m, v in points.items() if v == v)
            shapes.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
    legend = "".join(
        f'<span><i style="background:{COLOURS[n % len(COLOURS)]}"></i>{name}</span>'
        for n, (name, _) in enumerate(series)
    )
    frame = '<svg viewBox="0 0 640 190" width="100%" height="190" preserveAspectRatio="none">'
    return f'{frame}{"".join(shapes)}</svg><div class="legend">{legend}</div>'


DRAW = {"stat": stat, "bargauge": bars, "table": listing, "timeseries": lines}


def page(api: str, board: dict) -> str:  # type: ignore[type-arg]
    panels = []
    for panel in board["panels"]:
        unit = panel["fieldConfig"]["defaults"]["unit"]
        body = DRAW[panel["type"]](api, panel, unit)
        height = 90 if panel["type"] == "stat" else 250
        panels.append(
            f'<div class="panel" style="width:{panel["gridPos"]["w"] / 24:.4%}"><div class="inner" '
            f'style="height:{height}px"><div class="title">{html.escape(panel["title"])}</div>{body}</div></div>'
        )
    return (
        f"<!doctype html><meta charset=utf-8><style>{STYLE}</style><h1>{html.escape(board['title'])}</h1>"
        "<small>Drawn from Prometheus' answers to the dashboard's own queries, not by Grafana.</small>"
        f'<div class="grid">{"".join(panels)}</div>'
    )


def main(api: str, folder: Path) -> int:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        for file in sorted((ROOT / "grafana" / "dashboards").glob("*.json")):
            board = json.loads(file.read_text())
            source = Path(temporary) / f"{file.stem}.html"
            source.write_text(page(api, board))
            rows = 24
            height = 90 + sum(
                p["gridPos"]["w"] / rows * (112 if p["type"] == "stat" else 272) for p in board["panels"]
            )
            picture = folder / f"dashboard-{file.stem}.png"
            subprocess.run(
                ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
                 f"--window-size=1440,{int(height) + 30}", f"--screenshot={picture}", source.as_uri()],
                check=True, capture_output=True, timeout=120,
            )  # fmt: skip
            print(picture)
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1], Path(sys.argv[2])))
