"""estimate - what many devices would take of a broker, as text for a terminal.

All numbers stand in estimate.csv; here they are ordered and rounded.
"""

import math
from typing import Callable, NamedTuple

from . import render
from .numbers import number
from .run import RunError

WIDTH = 80
INDENT = 2
GIB = 1 << 30
OTHER_RATE = 3  # times as many messages, where they no longer cost the same


def digits(value):
    """ "3.74", "12", "1521": three digits, all before the point."""
    if not math.isfinite(value):
        return "-"
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:#.3g}".rstrip(".")


def whole(value):
    return f"{value:,.0f}" if math.isfinite(value) else "-"


def span(seconds):
    """ "0.8 s", "12 s", "2 min 5 s", "3 h 20 min" """
    if not math.isfinite(seconds):
        return "-"
    if seconds < 9.5:
        return f"{seconds:.1g} s"
    rest = round(seconds)
    parts = [(rest // 3600, "h"), (rest // 60 % 60, "min"), (rest % 60, "s")]
    first = next(i for i, (count, _) in enumerate(parts) if count)
    shown = parts[first : first + 2]
    return " ".join(f"{count} {unit}" for count, unit in shown if count)


def asked(seconds):
    """ "0.25 s", "1 min 30 s": of a time that somebody gave, which is not rounded."""
    minutes, rest = divmod(seconds, 60)
    parts = [(minutes // 60, "h"), (minutes % 60, "min"), (rest, "s")]
    return " ".join(f"{count:g} {unit}" for count, unit in parts if count)


def ratio_of(value, other):
    return value / other if other else math.nan


class Value(NamedTuple):
    value: float
    low: float
    high: float

    @property
    def error(self):
        """Half of the interval, as a share of the value: "±1.2%"; "" where there is none."""
        half = max(self.high - self.value, self.value - self.low)
        share = 100 * half / self.value if self.value else math.nan
        if not math.isfinite(share):
            return ""
        return f" ±{share:.0f}%" if share >= 9.95 else f" ±{share:.1f}%"


NONE = Value(math.nan, math.nan, math.nan)


def measured(scale=1):
    """Shows a value with its interval."""
    return lambda value: digits(value.value / scale) + value.error


class Column(NamedTuple):
    header: str
    quantity: str
    show: Callable


COLUMNS = (
    Column("brokers", "brokers", lambda value: whole(value.value)),
    Column("machines", "machines", lambda value: whole(value.value)),
    Column("cores", "cores", measured()),
    Column("memory GiB", "memory", measured(GIB)),
    Column("Mbit/s", "bandwidth", measured()),
    Column("storm s", "storm_time", measured()),
)


class Channel:
    """What one channel takes."""

    def __init__(self, name, values):
        self.name, self.values = name, values

    def value(self, quantity):
        return self.values.get(quantity, NONE).value

    @property
    def brokers(self):
        count = self.value("brokers")
        return f"{whole(count)} broker{'' if count == 1 else 's'}"

    @property
    def rates(self):
        """ "at 333/s, but a broker gets 27,778/s" """
        there, here = self.value("measured_rate"), self.value("message_rate")
        return f"at {whole(there)}/s, but a broker gets {whole(here)}/s"

    @property
    def nearer_rate(self):
        """The value of probe.fleet.rate with which one measures what a broker gets."""
        there, here = self.value("measured_rate"), self.value("message_rate")
        return "capacity" if here > there else f"{max(here, 1):.0f}"

    @property
    def memory(self):
        return f"{digits(self.value('memory') / GIB)} GiB"

    @property
    def storm(self):
        return span(self.value("storm_time"))

    def times(self, other, quantity):
        """ "2.1 times": by how much it is more than another channel."""
        return f"{digits(ratio_of(self.value(quantity), other.value(quantity)))} times"


class Estimate:
    """The rows of estimate.csv, those of the number of devices that was asked for."""

    def __init__(self, run):
        rows = run.rows("estimate.csv")
        told = [row for row in rows if not row["channel"]]
        if not told:
            words = "nothing is estimated of it yet: ./bench estimate RUN --devices N --interval T"
            raise RunError(f"{run.path}: {words}")
        self.run = run
        self.devices = whole(number(told[0]["devices"]))
        self.interval = asked(number(told[0]["interval_s"]))
        self.settings = {row["quantity"]: number(row["value"]) for row in told}
        values = {}
        for row in rows:
            if row["channel"] and row["devices"] == told[0]["devices"]:
                fields = (number(row[name]) for name in ("value", "ci_low", "ci_high"))
                values.setdefault(row["channel"], {})[row["quantity"]] = Value(*fields)
        self.channels = [Channel(name, found) for name, found in values.items()]
        self.columns = [
            column
            for column in COLUMNS
            if column.quantity != "machines" or self.has_machines
        ]

    def setting(self, name):
        return self.settings.get(name, math.nan)

    @property
    def has_machines(self):
        """Whether it was said what a machine has."""
        return self.setting("broker_cores") > 0 or self.setting("broker_memory") > 0

    @property
    def machine(self):
        """ "a machine has 16 cores and 64 GiB" """
        cores, memory = self.setting("broker_cores"), self.setting("broker_memory")
        parts = [f"{whole(cores)} cores"] if cores > 0 else ["one core"]
        parts += [f"{memory / GIB:.4g} GiB"] if memory > 0 else []
        return " and ".join(parts)

    @property
    def reconnects(self):
        """How often a day, in words."""
        count = self.setting("reconnects")
        return "once a day" if count == 1 else f"{count:.3g} times a day"

    @property
    def known(self):
        """Channels of which all is known."""
        return [
            it
            for it in self.channels
            if it.value("storm_time") * it.value("memory") > 0
        ]

    @property
    def baseline(self):
        """The run's baseline, else its first channel; None where nothing is known."""
        name = self.run.setting("scenario", "baseline")
        return next(
            (it for it in self.known if it.name == name), next(iter(self.known), None)
        )

    @property
    def dearest(self):
        """The channel, another than the baseline, that takes most cores; or None."""
        others = [it for it in self.known if it is not self.baseline]
        return max(others, key=lambda it: it.value("cores"), default=None)

    @property
    def other_rate(self):
        """The first channel of which a message's cost is of another rate than a broker gets."""
        for it in self.known:
            factor = ratio_of(it.value("message_rate"), it.value("measured_rate"))
            if factor > OTHER_RATE or factor < 1 / OTHER_RATE:
                return it
        return None

    @property
    def unknown(self):
        return ", ".join(it.name for it in self.channels if it not in self.known)


def terminal(estimate):
    """(text for a terminal of 80 columns, the answer to stand below it)."""
    headers = [column.header for column in estimate.columns]
    lines = [("channel", headers)]
    for channel in estimate.channels:
        cells = [
            column.show(channel.values.get(column.quantity, NONE))
            for column in estimate.columns
        ]
        lines.append((render.printable(channel.name), cells))
    widths = [max(len(cells[i]) for _, cells in lines) for i in range(len(headers))]
    room = WIDTH - INDENT - sum(widths) - 2 * len(widths)
    name_width = max((len(name) for name, _ in lines if len(name) <= room), default=0)

    def line(name, cells):
        rest = "".join(f"  {cell:>{width}}" for cell, width in zip(cells, widths))
        if len(name) > name_width:
            name = f"{name}\n{' ' * (INDENT + name_width)}"
        return render.Markup(" " * INDENT + f"{name:<{name_width}}{rest}".rstrip())

    text = render.text(
        "estimate.txt", estimate=estimate, lines=[line(*it) for it in lines]
    )
    return text, render.text("estimate-answer.txt", estimate=estimate)
