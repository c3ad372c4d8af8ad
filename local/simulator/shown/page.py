"""A page of its own: the picture and the grids in one file that needs nothing else."""

from collections.abc import Sequence
from html import escape

from ledger.reports.tables import Sheet
from local.simulator.shown.grids import html_table

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #1a202c; max-width: 70rem; margin: 2rem auto;
       padding: 0 1rem; }
h1 { font-size: 1.3rem; } p.note { color: #4a5568; } svg { width: 100%; height: auto; }
table { border-collapse: collapse; margin: 2rem 0; font-variant-numeric: tabular-nums; }
caption { text-align: left; font-weight: 600; padding-bottom: .5rem; }
th, td { padding: .25rem .7rem; border-bottom: 1px solid #e2e8f0; text-align: left; }
th.n, td.n { text-align: right; } tr.all td { font-weight: 600; border-top: 2px solid #a0aec0; }
"""


def page(title: str, sentence: str, picture: bytes, grids: Sequence[Sheet], notes: str) -> str:
    """Return the page; `picture` is an SVG."""
    svg = picture.decode()
    drawn = svg[svg.index("<svg") :]
    tables = "\n".join(map(html_table, grids))
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>
<style>{STYLE}</style></head><body>
<h1>{escape(sentence)}</h1>
<p class="note">{escape(notes)}</p>
{drawn}
{tables}
</body></html>
"""
