"""January and the four weeks behind it, for what happens to a window that is over."""

from datetime import timedelta

from tests.builders import MONTH_END, START

DAY = timedelta(days=1)
WINDOWS = ((START, MONTH_END), (MONTH_END, MONTH_END + 28 * DAY))
LATER = MONTH_END + DAY
REOPENS = {"late_usage": "reopen", "reopen_days": 3}
