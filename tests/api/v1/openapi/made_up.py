"""The run of schemathesis: its document, its seed, its checks."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from api.v1.endpoints.every import DOCUMENTS
from domain.api_keys import key_id_of

HERE = Path(__file__).parent
EXAMPLES = "10"  # of each operation
SEED = "20270101"


# Of examples: the customers, and what their requests are called.
NAMED = re.compile(r"(?<=[\"/])(acme|initech)(?=[\":/])|(order-7|more-1|more-2)(?=\")")


def loosened(own: str) -> dict:
    """The document for who makes things up: in a batch, what cannot be read is refused alone.

    `own` is put behind the names in its examples, where other tests send these, too.
    """
    told = json.loads(NAMED.sub(lambda found: found[0] + own, DOCUMENTS.json.decode()))
    told["components"]["schemas"]["Events"]["properties"]["events"]["items"] = {}
    contents = told["paths"]["/usage"]["post"]["requestBody"]["content"]
    contents["application/cloudevents-batch+json"]["schema"]["items"] = {}
    return told


def made_up(
    folder: Path,
    url: str,
    key: str,
    *options: str,
    examples: str = EXAMPLES,
    own: str = "",
    **variables: str,
) -> subprocess.CompletedProcess[str]:
    """Run schemathesis against a door; `variables` say who exists there."""
    document = folder / "openapi.json"
    document.write_text(json.dumps(loosened(own)))
    command = [
        Path(sys.executable).with_name("schemathesis"),
        "--config-file",
        HERE / "schemathesis.toml",
        "run",
        document,
        f"--url={url}/v1",
        f"--header=Authorization: Bearer {key}",
        "--checks=all",
        *options,
        f"--max-examples={examples}",
        f"--seed={SEED}",
        "--no-shrink",
        "--continue-on-failure",
        "--report-dir",
        folder,
    ]
    environment = {
        **os.environ,
        "SCHEMATHESIS_HOOKS": "tests.api.v1.openapi.hooks",
        "PYTHONPATH": str(HERE.parents[3]),
        "MADE_UP_WITH_KEY": key_id_of(key) or "",
        **variables,
    }
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
