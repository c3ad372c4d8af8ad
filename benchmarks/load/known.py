"""What it takes to know a million customers' plans: run as a process, prints bytes for each."""

import json
import resource
import sys
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from catalogs.reader import read_catalog
from ledger.direct.plans import MOST_KNOWN, PlansInForce
from ledger.subscriptions import as_json
from settings import CATALOGS


def resident() -> int:
    """Return the most memory this process has held, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1_024


def main() -> None:
    """Remember as many customers as a process ever does."""
    texts = [json.dumps(as_json(plan)) for plan in read_catalog(CATALOGS / "make.yaml").plans]
    plans = PlansInForce(None)  # type: ignore[arg-type]  # nothing is read from a database here
    before = resident()
    for number in range(MOST_KNOWN):
        at = datetime.fromtimestamp(1_800_000_000 + number, UTC)
        row = (number + 10**6, f"subscription-{number:07}", 3, at, texts[number % len(texts)])
        plans.keep({f"customer-{number:07}": row})
    print((resident() - before) // MOST_KNOWN)


if __name__ == "__main__":
    main()
