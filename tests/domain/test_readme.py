"""What the page on meaning shows is what the rules do."""

import doctest
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_examples_of_the_readme_are_true(monkeypatch):
    monkeypatch.chdir(ROOT)
    page = (ROOT / "domain" / "README.md").read_text(encoding="utf-8")
    shown = "\n".join(re.findall(r"```python\n(.*?)```", page, re.DOTALL))
    examples = doctest.DocTestParser().get_doctest(shown, {}, "domain/README.md", None, 0)

    outcome = doctest.DocTestRunner().run(examples)

    assert outcome.attempted > 25
    assert outcome.failed == 0
