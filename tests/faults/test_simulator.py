"""A simulator that is killed leaves no server, and the next one runs what it had begun."""

import os

import pytest
from temporalio.client import Client

from domain.pricing.simulation import SimulationOutcome
from local.fleet import start_simulations
from local.patience import until
from local.processes import stop
from local.temporal import TemporalServer
from tests.fleet import result_of
from tests.simulating import MAKE, MARK, order, processes
from workflows import names
from workflows.converter import DATA_CONVERTER

pytestmark = pytest.mark.faults


async def test_a_killed_simulator_is_followed_by_the_next(
    own_temporal: TemporalServer, servers_folder, monkeypatch
):
    mark, folder = f"killed-{os.getpid()}", servers_folder / "simulations"
    folder.mkdir()
    folder.chmod(0o755)
    monkeypatch.setenv(MARK, mark)
    monkeypatch.setenv("TMPDIR", str(folder))
    client = await Client.connect(own_temporal.address, data_converter=DATA_CONVERTER)

    async def alive() -> list[bytes]:
        return processes(mark)

    victim = start_simulations(own_temporal, folder / "victim.log")
    handle = await client.start_workflow(
        names.SIMULATION,
        order(MAKE, months=1),
        id=names.simulation_workflow(mark),
        task_queue=names.SIMULATIONS,
        result_type=SimulationOutcome,
    )
    await until(alive, lambda seen: len(seen) > 4, "servers", sign=len)
    victim.kill()
    victim.wait()
    await until(alive, lambda seen: not seen, "the end of every process", sign=len)
    (left,) = folder.glob("drawdown-simulation-*")
    survivor = start_simulations(own_temporal, folder / "survivor.log")
    outcome = await result_of(handle)
    assert [month.charged_minor for month in outcome.sides[0].months] == [900]
    assert not left.exists()
    assert stop(survivor) == 0
    assert processes(mark) == []
