"""Build the site of the documents: `python -m local.site [FOLDER]`."""

import sys
from pathlib import Path

from local.site import build

if __name__ == "__main__":
    sys.exit("\n".join(build(Path(*sys.argv[1:2] or ["site"]))) or 0)
