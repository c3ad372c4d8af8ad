"""A TypeScript client compiles against the document, and mistakes in calls do not."""

import shutil
import subprocess
from pathlib import Path

import pytest

from local.openapi.__main__ import DOCUMENT

pytestmark = [pytest.mark.long, pytest.mark.xdist_group("typescript")]  # one installation for all

PACKAGES = ("openapi-typescript@7", "typescript@5")
OPTIONS = ("--noEmit", "--strict", "--skipLibCheck", "--target", "es2022", "--module", "nodenext")
CALLS = """
import type { components, paths } from "./drawdown.js";
type Event = components["schemas"]["Event"];
type Problem = components["schemas"]["Problem"];
export const event: Event = {
  customer_id: "acme", key: "1", action: "operation", quantity: "1",
  event_at: "2027-01-01T00:00:00Z", tags: { campaign: "spring" },
};
export const body: paths["/usage"]["post"]["requestBody"]["content"]["application/json"] =
  { events: [event] };
export const captured: paths["/holds/{key}/capture"]["post"]["parameters"]["path"] = { key: "1" };
export function left(outcome: components["schemas"]["Outcome"]): string | null {
  return outcome.available ?? null;
}
export const cure = (refused: Problem): string => refused.cure;
"""
MISTAKES = {
    "a missing field": 'const e: Event = { customer_id: "acme", key: "1", action: "a" };',
    "an unknown field": 'const e: Event = { ...event, quantitty: "1" };',
    "a wrong type": "const e: Event = { ...event, confirmed: 1 };",
    "an unknown path": 'type P = paths["/nothing"];',
}


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    """A folder with the types made from the document and the programs that make and check them."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("NOT TESTED: no npm here, so nobody saw a TypeScript client compile")
    folder = tmp_path_factory.mktemp("typescript")
    (folder / "package.json").write_text('{"type": "module", "private": true}')
    done = run([npm, "install", "--silent", "--no-audit", "--no-fund", *PACKAGES], folder)
    if done.returncode:
        pytest.skip(f"NOT TESTED: npm has no {PACKAGES}: {done.stdout[-500:]}{done.stderr[-500:]}")
    made = run(
        [folder / "node_modules/.bin/openapi-typescript", DOCUMENT, "-o", "drawdown.ts"], folder
    )
    assert made.returncode == 0, made.stderr
    return folder


def run(command, folder):
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def compiled(folder, text):
    (folder / "calls.ts").write_text(text)
    return run([folder / "node_modules/.bin/tsc", *OPTIONS, "calls.ts"], folder)


def test_calls_compile_against_the_types_of_the_document(project):
    done = compiled(project, CALLS)
    assert done.returncode == 0, done.stdout


def test_mistakes_do_not_compile(project):
    compiles = [
        name for name, line in MISTAKES.items() if not compiled(project, CALLS + line).returncode
    ]
    assert compiles == []
