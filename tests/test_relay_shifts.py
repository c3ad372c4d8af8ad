"""A relay's shift, in an activity that is not run by a worker."""

from temporalio.testing import ActivityEnvironment

from activities.notifications.outbox import Shift, work


def test_a_relay_that_looks_often_tells_that_it_lives_once_a_second():
    looks, beats = [], []
    environment = ActivityEnvironment()
    environment.on_heartbeat = lambda *told: beats.append(told)
    environment.run(work, Shift(seconds=1), lambda: looks.append(1) or 0, lambda: True)
    assert looks
    assert len(beats) == 1
