"""Charts of recurring revenue as SVG, by Vega-Lite, without a browser."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import vl_convert

_SCHEMA = "https://vega.github.io/schema/vega-lite/v5.json"
_GAINS, _LOSSES = ("new", "reactivation", "expansion"), ("contraction", "churn")
_COLOURS = {
    "new": "#1b7f5c",
    "reactivation": "#6bbf9a",
    "expansion": "#a8d8b9",
    "contraction": "#f2b880",
    "churn": "#c8553d",
}
Rows = Sequence[Mapping[str, Any]]


def mrr_chart(rows: Rows, digits: int) -> str:
    """Monthly recurring revenue, in major units. rows: month, currency, closing; digits: of the currency."""
    values = [{"month": str(row["month"]), "mrr": row["closing"] / 10**digits} for row in rows]
    title = f"Monthly recurring revenue, {_currency(rows)}"
    mark = {"type": "area", "line": {"color": "#1b4f72"}, "color": "#aed6f1", "point": True}
    return _svg(title, values, mark, _axis("mrr", "MRR"))


def movements_chart(rows: Rows, digits: int) -> str:
    """What became of it: gains above the line, losses below. rows: as `revenue.movements` has them."""
    values = [
        {"month": str(row["month"]), "what": name, "amount": sign * row[name] / 10**digits}
        for row in rows
        for names, sign in ((_GAINS, 1), (_LOSSES, -1))
        for name in names
    ]
    colour = {"field": "what", "type": "nominal", "title": None, "scale": _scale(), "sort": list(_COLOURS)}
    encoding = {**_axis("amount", "Change of MRR"), "color": colour}
    return _svg(f"Movements of recurring revenue, {_currency(rows)}", values, {"type": "bar"}, encoding)


def cohorts_chart(rows: Rows) -> str:
    """Which share of each month's new customers is there so many months later. rows: cohort, age, customers."""
    began = {row["cohort"]: row["customers"] for row in rows if row["age"] == 0}
    values = [
        {"cohort": f"{row['cohort']:%Y-%m}", "age": row["age"], "share": row["customers"] / began[row["cohort"]]}
        for row in rows
    ]
    share = {"field": "share", "type": "quantitative", "title": "Retained", "scale": {"domain": [0, 1]}}
    encoding: dict[str, Any] = {
        "x": {"field": "age", "type": "ordinal", "title": "Months later", "axis": {"labelAngle": 0}},
        "y": {"field": "cohort", "type": "ordinal", "title": "Began in"},
        "color": {**share, "legend": {"format": ".0%"}},
    }
    return _svg(f"Customers retained, {_currency(rows)}", values, {"type": "rect"}, encoding)


def _currency(rows: Rows) -> str:
    return str(rows[0]["currency"])


def _scale() -> dict[str, Any]:
    return {"domain": list(_COLOURS), "range": list(_COLOURS.values())}


def _axis(field: str, title: str) -> dict[str, Any]:
    month = {"field": "month", "type": "ordinal", "title": None, "timeUnit": "yearmonth", "axis": {"labelAngle": -45}}
    return {"x": month, "y": {"field": field, "type": "quantitative", "title": title, "axis": {"format": ",.0f"}}}


def _svg(title: str, values: Rows, mark: Mapping[str, Any], encoding: Mapping[str, Any]) -> str:
    spec = {
        "$schema": _SCHEMA,
        "title": {"text": title, "anchor": "start"},
        "data": {"values": list(values)},
        "mark": mark,
        "encoding": encoding,
        "width": 640,
        "height": 300,
        "config": {"view": {"stroke": None}, "font": "sans-serif"},
    }
    svg: str = vl_convert.vegalite_to_svg(spec)
    return svg
