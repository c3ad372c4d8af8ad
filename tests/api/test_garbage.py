"""A look for garbage halts all requests: it must not go through what lasts as long as the API."""

import asyncio
import os
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
STARTED = """
import asyncio, gc
from api.main import create_app

async def main():
    pages = create_app().pages
    before = gc.get_freeze_count()
    async with pages.router.lifespan_context(pages):
        print(before, gc.get_freeze_count(), len(gc.get_objects()))

asyncio.run(main())
"""


async def test_what_a_start_makes_is_looked_through_no_more(variables):
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", STARTED),
        cwd=ROOT,
        env=os.environ | variables | {"PUBLIC_URL": "http://127.0.0.1:1"},
        stdout=asyncio.subprocess.PIPE,
    )
    told, _ = await child.communicate()
    before, apart, watched = (int(one) for one in told.split()[-3:])
    assert before == 0
    assert apart > 100 * watched
