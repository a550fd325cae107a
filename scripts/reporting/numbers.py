"""numbers - numbers as people read them, the same in every table, page and sentence.

What is not a finite number is "-". The fields of a CSV file become numbers by
number(), which is NaN for what is empty.
"""

import math


def number(field):
    """The number in a field; NaN when it is empty or none."""
    try:
        return float(field)
    except ValueError:
        return math.nan


def _leading_place(value):
    return math.floor(math.log10(value))


def decimals(means, spreads):
    """Decimals for numbers that stand below each other.

    Four digits of the smallest mean; up to two more when the spread is so small that
    it needs them; never more than seven digits of the largest. NaN says nothing.
    """
    sizes = [abs(mean) for mean in means if not math.isnan(mean)]
    least = min((size for size in sizes if size > 0), default=math.inf)
    most = max(sizes, default=0)
    spread = max((spread for spread in spreads if math.isfinite(spread)), default=0)
    if not 0 < most < math.inf:
        return 0
    places = 3 - _leading_place(least)
    if spread > 0:
        places = max(places, min(1 - _leading_place(spread), places + 2))
    return min(max(min(places, 6 - _leading_place(most)), 0), 12)


def _fixed(value, places):
    """What rounds to zero has no sign."""
    return f"{0 if abs(value) < 0.5 * 10**-places else value:.{places}f}"


def text(value, places):
    """ "12.81" """
    return _fixed(value, places) if math.isfinite(value) else "-"


def interval(low, high, places):
    """ "12.71 .. 12.83" """
    if not (math.isfinite(low) and math.isfinite(high)):
        return "-"
    return f"{_fixed(low, places)} .. {_fixed(high, places)}"


def ratio(value):
    """ "0.981"; very small ones with three digits, large ones with four."""
    if not math.isfinite(value):
        return "-"
    if 0 < value < 0.1:
        return f"{value:.3g}"
    return f"{value:.3f}" if value < 100 else f"{value:.4g}"


def ratio_range(low, high):
    """ "0.0287 .. 0.0303": of an interval of a ratio."""
    if not (math.isfinite(low) and math.isfinite(high)):
        return "-"
    return f"{ratio(low)} .. {ratio(high)}"


def percent(share):
    """A share as "1.9 %", with two significant digits at least, and three decimals at most."""
    size = abs(share * 100)
    if not math.isfinite(size):
        return "-"
    return f"{_fixed(share * 100, 1 if size >= 10 else 2 if size >= 0.1 else 3)} %"


def plain(value):
    """A number that was set, as it was written: "13.4"; "" for none."""
    return f"{value:.6g}" if math.isfinite(value) else ""
