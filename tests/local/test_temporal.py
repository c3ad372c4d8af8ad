"""The Temporal dev server as stack and tests start it."""

import httpx
import pytest

from local.processes import StackError
from local.temporal import DYNAMIC_CONFIG, TemporalServer, flags
from workflows.names import SEARCH_ATTRIBUTES


def test_the_ui_answers_and_every_search_attribute_is_registered(temporal_server):
    assert httpx.get(temporal_server.ui_url, follow_redirects=True, timeout=None).is_success
    assert temporal_server.ready()


def test_stack_and_tests_share_one_list_of_flags():
    line = flags(1, 2, None)
    for name, value in DYNAMIC_CONFIG.items():
        assert f"{name}={value}" in line
    assert sum(part == "--search-attribute" for part in line) == len(SEARCH_ATTRIBUTES)
    assert "--db-filename" not in line


def test_continuing_as_new_costs_no_real_second():
    assert DYNAMIC_CONFIG["history.workflowIdReuseMinimalInterval"] == '"0s"'


def test_a_taken_port_is_refused(temporal_server, tmp_path):
    with pytest.raises(StackError) as raised:
        TemporalServer.start(tmp_path, port=temporal_server.port)
    assert raised.value.reason == "port_taken"


def test_nobody_polls_a_queue_without_a_worker(temporal_server):
    assert not temporal_server.polled_by(1, "nobody-asks-here")
