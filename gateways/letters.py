"""Render the facts of a mail into a letter."""

import re
import textwrap
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from domain.mails.envelope import Mail
from gateways.letter_formats import TEXT_WIDTH, Formats
from gateways.mail import Letter

TEMPLATES = Path(__file__).resolve().parent.parent / "templates" / "mail"


def render(mail: Mail) -> Letter:
    """Return a mail as a letter, in its reader's formats.

    Raises `InvalidInput` if the reader's locale, time zone or the currency is unknown.
    """
    text = _templates().get_template(f"{mail.kind}.txt.j2")
    html = _templates().get_template(f"{mail.kind}.html.j2")
    facts = {
        "mail": mail,
        "reader": mail.reader,
        "show": Formats.of(mail.reader.locale, mail.reader.time_zone, mail.reader.unit),
    }
    # One line with plain spaces, whatever a customer's or a plan's name contains.
    subject = " ".join(text.render(facts, subject_only=True).split())
    body = _wrapped(text.render(facts, subject_only=False))
    return Letter(subject, body, html.render(facts, subject=subject))


@cache
def _templates() -> Environment:
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=select_autoescape(["html.j2"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _wrapped(text: str) -> str:
    tidy = re.sub(r"\n{3,}", "\n\n", text).strip()
    return "\n".join(_wrapped_line(line) for line in tidy.split("\n")) + "\n"


def _wrapped_line(line: str) -> str:
    if line.startswith(" "):  # a table row or an address, already laid out
        return line.rstrip()
    return textwrap.fill(line, TEXT_WIDTH, break_long_words=False, break_on_hyphens=False)
