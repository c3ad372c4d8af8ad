"""A process may open as many files as its streams need, or says that it may not."""

import subprocess
import sys

import pytest

ASK = """
import logging, resource
logging.basicConfig(format="%(message)s")
resource.setrlimit(resource.RLIMIT_NOFILE, ({soft}, {hard}))
from api.watching.files import allow_files
allow_files({streams}, 100)
print(resource.getrlimit(resource.RLIMIT_NOFILE)[0])
"""


@pytest.mark.parametrize(
    ("soft", "hard", "streams", "allowed", "told"),
    [
        (256, 900, 300, 656, ""),
        (800, 900, 300, 800, ""),
        (256, 900, 5_000, 900, "this process may open 900 files: too few for 5000 streams"),
    ],
)
def test_the_limit_of_open_files_is_raised_as_far_as_it_may_be(soft, hard, streams, allowed, told):
    code = ASK.format(soft=soft, hard=hard, streams=streams)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (int(done.stdout), done.stderr.strip()) == (allowed, told)
