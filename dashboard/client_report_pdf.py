"""The report of a month as a PDF that needs nothing to be read: its letters come along."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from django.utils.translation import gettext as _
from fpdf import FPDF
from fpdf.fonts import FontFace

from dashboard.client_report import Line, Report
from dashboard.words import exact, number

FONT = Path(__file__).parent / "fonts" / "DejaVuSans.ttf"
QUIET, INK = (94, 94, 94), (32, 32, 32)
WIDTHS = (30, 14, 14, 10, 26, 26, 16, 16, 16)


def as_pdf(report: Report) -> bytes:
    """The whole report, on A4."""
    pdf = FPDF()
    pdf.add_font("DejaVu", fname=FONT)
    pdf.set_title(f"{report.store} · {report.month}")
    pdf.set_creation_date(report.drawn_up_at)
    pdf.set_margin(18)
    pdf.add_page()
    _say(pdf, report.agency, size=10, colour=QUIET)
    _say(pdf, f"{report.store} · {report.month}", size=20)
    _say(pdf, report.sentence, size=12, after=4)
    _say(pdf, report.not_due, size=10, colour=QUIET, after=6)
    if report.lines:
        _table(pdf, report.lines)
    _say(pdf, _("What went wrong"), size=13, before=8, after=2)
    for incident in report.incidents:
        until = exact(incident.resolved_at) if incident.resolved_at else _("still open")
        _say(pdf, incident.what, size=10)
        _say(pdf, f"{exact(incident.opened_at)} – {until}", size=9, colour=QUIET, after=2)
    if not report.incidents:
        _say(pdf, _("Nothing, as far as we saw."), size=10)
    _say(pdf, proof(report), size=8, colour=QUIET, before=8)
    return bytes(pdf.output())


def _say(
    pdf: FPDF,
    text: str,
    *,
    size: int,
    colour: tuple[int, int, int] = INK,
    before: int = 0,
    after: int = 0,
) -> None:
    pdf.ln(before)
    pdf.set_font("DejaVu", size=size)
    pdf.set_text_color(*colour)
    pdf.multi_cell(0, size * 0.55, text, align="L", new_x="LMARGIN", new_y="NEXT")
    pdf.ln(after)


def _table(pdf: FPDF, lines: Sequence[Line]) -> None:
    pdf.set_font("DejaVu", size=8)
    pdf.set_text_color(*INK)
    with pdf.table(
        headings_style=FontFace(color=QUIET, emphasis=""),
        borders_layout="HORIZONTAL_LINES",
        col_widths=WIDTHS,
        text_align=("LEFT", *["RIGHT"] * (len(WIDTHS) - 1)),
        padding=1,
    ) as table:
        table.row(headings())
        for line in lines:
            table.row(_cells(line))


def _cells(line: Line) -> list[str]:
    return [
        line.name,
        number(line.due),
        number(line.there),
        str(line.percent),
        line.money,
        line.missing,
        line.half,
        line.most,
        line.quality,
    ]


def headings() -> list[str]:
    """Of the table of datasets, here and on the page."""
    return [
        _("Dataset (Pixel)"),
        _("Due"),
        _("At Meta"),
        "%",
        _("Money at Meta"),
        _("Money not there"),
        _("Half within"),
        _("95 % within"),
        _("Match quality"),
    ]


def proof(report: Report) -> str:
    """Where the numbers can be checked."""
    return _(
        "Drawn up %(when)s. The chain of the audit had %(n)s entries; its head was %(head)s."
    ) % {
        "when": exact(report.drawn_up_at),
        "n": number(report.length),
        "head": report.head or "–",
    }
