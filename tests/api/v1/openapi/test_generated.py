"""Requests that schemathesis makes up from the document, valid and not, alone and in sequences."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from api.v1.endpoints.every import DOCUMENTS

pytestmark = pytest.mark.long

HERE = Path(__file__).parent
EXAMPLES = "10"  # of each operation
SEED = "20270101"
# Acts of these need workers, and a real fleet would start subscriptions by the hundred; a stream
# does not end.
# Of reports, which parameters go together is their own: tests/api/v1/test_sellers.py asks them.
NOT_HERE = "^(post|put|delete)_(subscriptions|customers)|_stream$|^get_reports_name$"


def loosened() -> dict:
    """The document for who makes things up: in a batch, what cannot be read is refused alone."""
    told = json.loads(DOCUMENTS.json)
    told["components"]["schemas"]["Events"]["properties"]["events"]["items"] = {}
    contents = told["paths"]["/usage"]["post"]["requestBody"]["content"]
    contents["application/cloudevents-batch+json"]["schema"]["items"] = {}
    return told


def test_what_is_made_up_from_the_document_is_answered_as_it_says(api_url, api_key, acme, tmp_path):
    document = tmp_path / "openapi.json"
    document.write_text(json.dumps(loosened()))
    command = [
        Path(sys.executable).with_name("schemathesis"),
        "--config-file",
        HERE / "schemathesis.toml",
        "run",
        document,
        f"--url={api_url}/v1",
        f"--header=Authorization: Bearer {api_key}",
        "--checks=all",
        f"--exclude-operation-id-regex={NOT_HERE}",
        f"--max-examples={EXAMPLES}",
        f"--seed={SEED}",
        "--no-shrink",
        "--continue-on-failure",
        "--report-dir",
        tmp_path,
    ]
    environment = {
        **os.environ,
        "SCHEMATHESIS_HOOKS": "tests.api.v1.openapi.hooks",
        "PYTHONPATH": str(HERE.parents[3]),
    }
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
