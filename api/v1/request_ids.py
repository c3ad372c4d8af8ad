"""Request ids: the caller's own if it is fit for logs, else one of ours."""

import re
from collections.abc import Mapping
from uuid import uuid4

HEADER = "x-request-id"
_FIT = re.compile(r"[A-Za-z0-9._:-]{1,64}", re.ASCII)


def request_id_of(headers: Mapping[str, str]) -> str:
    """Return the id of a request, which its answer and our log carry."""
    sent = headers.get(HEADER, "")
    return sent if _FIT.fullmatch(sent) else f"req_{uuid4().hex}"
