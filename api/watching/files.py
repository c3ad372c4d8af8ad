"""As many open files as a process needs: each stream is one."""

import logging
import resource

log = logging.getLogger(__name__)

OTHERS = 256  # connections of the database and of others, listeners, files of the program


def allow_files(streams: int, requests: int) -> None:
    """Raise the limit of open files for so many streams and requests, as far as it may be raised.

    Many systems begin a process with 1,024, and let it have more if it asks.
    """
    wanted = streams + requests + OTHERS
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    if most < wanted:
        log.warning("this process may open %d files: too few for %d streams", most, streams)
