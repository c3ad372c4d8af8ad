"""Time passes; windows end and begin, use is paused and goes on, messages come again."""

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.ledger.machine.history import HOUR, History
from tests.ledger.machine.model.grants import pause


class Time(History):
    """Hours pass, and what was asked before arrives once more."""

    @rule(hours=st.sampled_from([1, 5, 20]))
    def wait(self, hours):
        self.clock += hours * HOUR

    @precondition(lambda self: self.past)
    @rule(data=st.data())
    def deliver_again(self, data):
        request, facts = data.draw(st.sampled_from(self.past))
        self.ask(request, kept=False, **facts)
        self.saw("redelivery")


class Windows(History):
    """The next window is served, early or late."""

    @rule()
    def renew(self):
        late = self.clock >= self.model.windows[-1][1]
        self.saw("window paid late" if late else "window paid ahead")
        self.open_a_window()


class WindowsEnd(History):
    """A window ends at an instant, and may be followed by none for a while."""

    @precondition(lambda self: self.model.now >= self.model.window()[1])
    @rule()
    def renew_at_last(self):
        late = self.clock >= self.model.windows[-1][1]
        self.saw("window paid late" if late else "window paid ahead")
        self.open_a_window()

    @precondition(lambda self: self.model.window()[1] > self.clock)
    @rule()
    def jump_onto_the_windows_end(self):
        self.clock = self.model.window()[1]
        self.saw("jump onto a window's end")


class Pauses(History):
    """Use is paused for one cause or for two."""

    @precondition(lambda self: len(self.model.paused) < 2)
    @rule(cause=st.sampled_from(["payment_failed", "by_operator"]), times=st.integers(0, 1))
    def pause(self, cause, times):
        if times and self.ask(pause, cause=cause, paused=True, kept=False):
            self.saw("pause True")

    @precondition(lambda self: self.model.paused)
    @rule(times=st.integers(1, 2))
    def resume(self, times):
        for cause in self.model.paused[:times]:
            self.ask(pause, cause=cause, paused=False, kept=False)
            self.saw("pause False")
