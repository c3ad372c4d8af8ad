"""A mail as its reader sees it: its rows, its sentences and every figure in them, in both parts."""

import re
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any

ROW = re.compile(r"^  (\S.*?)  +(\S.*)$")
LABEL, VALUE = re.compile(r"^ ? ?(\S.*)$"), re.compile(r"^ {3,}(\S.*)$")
ADDRESS = re.compile(r"https?://\S+")
# Money, credits, dates and times: whatever has a digit in it.
FIGURE = re.compile(r"[^\s()]*\d[^\s()]*")


def plain(text: str) -> str:
    """Return a text with ordinary spaces, each once."""
    return " ".join(text.split())


def figures(text: str) -> set[str]:
    """Return every figure of a text, without the punctuation of its sentence."""
    return {one.rstrip(".,:;!?") for one in FIGURE.findall(ADDRESS.sub("", text))}


@dataclass(frozen=True)
class Read:
    """A caught mail; `rows` are its labelled values as the plain text has them."""

    kind: str
    key: str
    subject: str
    text: str
    html: str
    rows: tuple[tuple[str, str], ...]
    prose: str

    @classmethod
    def of(cls, caught: dict[str, Any], kind: str, key: str) -> "Read":
        """Read a mail of the catcher."""
        rows, prose = split(caught["text"].split("\n--\n")[0])
        return cls(
            kind, key, plain(caught["subject"]), plain(caught["text"]), words(caught["html"]),
            tuple(rows), plain(prose),
        )  # fmt: skip


def split(body: str) -> tuple[list[tuple[str, str]], str]:
    """Take rows apart from prose; a long row has its value on a line of its own."""
    rows, prose, label = [], [], ""
    for line in body.replace("\xa0", " ").replace("\u202f", " ").splitlines():
        if ADDRESS.search(line):
            continue
        if (found := ROW.match(line)) is not None:
            rows.append((plain(found[1]), plain(found[2])))
        elif (value := VALUE.match(line)) is not None:
            rows.append((label, plain(value[1])))
        elif line.startswith("  "):
            label = plain(line)
        else:
            prose.append(line)
    return rows, "\n".join(prose)


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self._inside = ""

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self._inside = tag

    def handle_data(self, data: str) -> None:
        if self._inside not in ("title", "style"):
            self.words.append(data)


def words(html: str) -> str:
    """Return the text of an HTML page."""
    parser = _Words()
    parser.feed(html)
    return plain(" ".join(parser.words)).replace("’", "'")  # noqa: RUF001 - as typeset
