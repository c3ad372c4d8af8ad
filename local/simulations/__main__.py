"""Serve simulations: `python -m local.simulations`, configured by the environment."""

import asyncio
import logging
import os
import sys

from domain.errors import InvalidInput
from local.simulations.serving import serve


def main() -> int:
    """Run the worker from the environment alone."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    try:
        asyncio.run(serve(os.environ))
    except InvalidInput as error:
        sys.stderr.write(f"simulations: {error}\n")
        return 2
    return 0


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    # Python up to 3.12 sometimes aborts while the SDK's threads end with the interpreter.
    os._exit(code)
