"""Where the bars of a chart are drawn, in the units of its SVG: no script or style draws."""

WIDE, HIGH = 720, 150
LEAST = 2  # so that little can be told from nothing
MOST_WIDE = 60
HUNDRED = 100


def height_of(amount: int, most: int) -> int:
    """Return how high the bar of an amount is, where the highest stands for `most`."""
    return max(amount * HIGH // most, LEAST) if 0 < amount <= most else 0


def place_of(number: int, count: int, *, side: int = 0, sides: int = 1) -> tuple[str, str]:
    """Return where a bar begins and how wide it is: `count` slots, in each a bar of each side."""
    slot = WIDE * HUNDRED // count
    wide = min(slot * 4 // 5, MOST_WIDE * HUNDRED * sides) // sides
    at = slot * number + (slot - wide * sides) // 2 + wide * side
    return _hundredths(at), _hundredths(wide)


def _hundredths(number: int) -> str:
    return f"{number // HUNDRED}.{number % HUNDRED:02}"
