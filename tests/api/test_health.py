"""Health is two questions: whether the process is up, and whether it reaches what it needs."""

import pytest

from tests.api.arrangements import NOWHERE, api
from tests.screenless import screenless


async def test_a_process_that_reaches_its_servers_is_well(http):
    assert (await http.get("/health")).json() == {"status": "ok"}
    deep = await http.get("/health", params={"deep": 1})
    assert deep.status_code == 200
    assert deep.json() == {"status": "ok", "database": "ok", "temporal": "ok"}


@pytest.mark.parametrize(
    ("variable", "address", "part"),
    [
        ("DATABASE_URL", f"postgresql://nobody@{NOWHERE}/nothing", "database"),
        ("TEMPORAL_ADDRESS", NOWHERE, "temporal"),
    ],
)
async def test_a_deep_look_names_the_part_that_is_away(
    variables, servers_folder, variable, address, part
):
    with api(variables | {variable: address}, servers_folder) as url:
        async with screenless(base_url=url) as http:
            plain = await http.get("/health")
            deep = await http.get("/health", params={"deep": 1})
    assert plain.status_code == 200
    assert deep.status_code == 503
    well = {"database": "ok", "temporal": "ok"}
    assert deep.json() == well | {part: "unavailable", "status": "unavailable"}


async def test_a_question_that_is_neither_yes_nor_no_is_malformed(http):
    answer = await http.get("/health", params={"deep": "perhaps"})
    assert (answer.status_code, answer.json()["reason"]) == (400, "malformed")
