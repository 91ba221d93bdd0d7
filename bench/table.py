"""The table that a run prints."""

from collections.abc import Sequence

from bench.figures import Figure

_HEADINGS = ("figure", "target", "measured", "")


def render_table(figures: Sequence[Figure]) -> str:
    """Return the figures as text: name, target, measured value, met or not."""
    rows = [_HEADINGS, *(_make_row(figure) for figure in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines = []
    for name, target, measured, verdict in rows:
        line = f"{name:<{widths[0]}}  {target:>{widths[1]}}  {measured:>{widths[2]}}  {verdict}"
        lines.append(line.rstrip())
    lines.insert(1, "-" * (sum(widths) + 14))
    return "\n".join(lines)


def _make_row(figure: Figure) -> tuple[str, str, str, str]:
    target = ""
    if figure.target is not None:
        target = f"{figure.target.sense} {_format(figure.target.limit, figure.unit)}"
    if figure.measured is None:
        return figure.name, target, "–", figure.note or "not measured"
    verdict = {True: "met", False: "NOT MET", None: ""}[figure.is_met]
    parts = [part for part in (verdict, figure.note) if part]
    return figure.name, target, _format(figure.measured, figure.unit), " · ".join(parts)


def _format(value: float, unit: str) -> str:
    digits = 2 if unit in ("×", "") else (1 if value < 100 else 0)
    return f"{value:.{digits}f} {unit}".replace(" ×", "×").rstrip()
