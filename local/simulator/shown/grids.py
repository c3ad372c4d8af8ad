"""Grids of texts on a terminal and in a page; the last row is bold where it sums up."""

from html import escape

from rich.table import Table
from rich.text import Text

from ledger.reports.tables import Sheet
from local.simulator.shown.words import ALL


def terminal_table(grid: Sheet) -> Table:
    """Return a grid for a terminal."""
    table = Table(title=grid.title, title_justify="left", header_style="bold")
    for column in grid.columns:
        table.add_column(column.name, justify="right" if column.is_number else "left")
    for row in grid.rows:
        if row[0] == ALL:
            table.add_section()
        table.add_row(*map(Text, row), style="bold" if row[0] == ALL else None)
    return table


def html_table(grid: Sheet) -> str:
    """Return a grid for a page."""
    head = "".join(_cell("th", one.name, number=one.is_number) for one in grid.columns)
    body = []
    for row in grid.rows:
        cells = zip(row, grid.columns, strict=True)
        texts = "".join(_cell("td", text, number=one.is_number) for text, one in cells)
        body.append(f"<tr{' class=all' if row[0] == ALL else ''}>{texts}</tr>")
    rows = "\n".join(body)
    caption = f"<caption>{escape(grid.title)}</caption>"
    return f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>\n{rows}\n</tbody></table>"


def _cell(kind: str, text: str, *, number: bool) -> str:
    return f"<{kind}{' class=n' if number else ''}>{escape(text)}</{kind}>"
