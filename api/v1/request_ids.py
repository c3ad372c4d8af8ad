"""Request ids: the caller's own if it is fit for logs, else one of ours."""

import re
from collections.abc import Mapping
from itertools import count
from secrets import token_hex

HEADER = "x-request-id"
_PROCESS = token_hex(8)  # ours alone, also after a restart
_numbers = count(1)
_FIT = re.compile(r"[A-Za-z0-9._:-]{1,64}", re.ASCII)


def request_id_of(headers: Mapping[str, str]) -> str:
    """Return the id of a request, which its answer and our log carry."""
    sent = headers.get(HEADER, "")
    if sent and _FIT.fullmatch(sent):
        return sent
    return f"req_{_PROCESS}_{next(_numbers)}"
