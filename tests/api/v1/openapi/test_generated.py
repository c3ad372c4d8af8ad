"""Requests that schemathesis makes up from the document, valid and not, alone and in sequences."""

import pytest

from tests.api.v1.openapi.made_up import made_up

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("endpoints_switched_off")]

# Acts of these need workers: tests/workflows/http makes them up. A stream does not end.
NOT_HERE = "^(post|put|delete)_(subscriptions|customers|invitations)|_stream$"


def test_what_is_made_up_from_the_document_is_answered_as_it_says(api_url, api_key, acme, tmp_path):
    done = made_up(tmp_path, api_url, api_key, "--exclude-operation-id-regex", NOT_HERE)
    assert done.returncode == 0, done.stdout + done.stderr
