"""page - report.html: what a run found, on one page that refers to nothing outside itself.

The page is a list of parts (PARTS), each a template in templates/page/ and the
condition under which a run has it. Numbers, verdicts and sentences are those of the
run's files. A number stands as <data value="EXACT">ROUNDED</data> in an element with
data-column, below one with data-file and the columns that identify the row.
"""

import base64
import functools
import os
import shlex

from . import figures, numbers, render
from .run import KNOWN_FILES, open_known, write
from .table import groups, references_of, rungs_of

EMBEDDED_BYTES = 256 << 10  # a larger file is only named
FIGURE_BYTES = 4 << 20  # a larger figure would make the page slow

# Figures with a place of their own: beside the answer, above the table, in the ladder.
LEAD, PAPER, LADDER = "ratios", "throughput", "ladder"

# id (the template is page/ID.html), title, and whether the page has the part.
PARTS = (
    ("results", "Results", lambda page: page.rungs),
    ("findings", "Key findings", lambda page: page.rungs),
    ("ladder", "The ladder", lambda page: page.rows("ladder.csv")),
    ("figures", "More figures", lambda page: page.other_figures),
    ("energy", "Energy", lambda page: page.energy),
    ("speed", "What the processors can do", lambda page: page.rows("speed.csv")),
    (
        "proofs",
        "Channels and proofs",
        lambda page: page.run.findings("channel", "proof"),
    ),
    ("cautions", "Cautions", lambda page: True),
    ("environment", "Environment", lambda page: True),
    ("reproduce", "How to reproduce", lambda page: True),
    ("data", "Data", lambda page: True),
)


def fixed(places):
    """Shows a field with so many decimals."""
    return lambda field: numbers.text(numbers.number(field), places)


def shown(show):
    """Shows a field as one of numbers' functions does its number."""
    return lambda field: show(numbers.number(field))


# How the templates show a field, besides a rung's own way.
SHOW = {
    "ratio": shown(numbers.ratio),
    "percent": shown(numbers.percent),
    "plain": shown(numbers.plain),
    "p": shown(lambda p: f"{p:.3f}" if p >= 0.001 or p == 0 else f"{p:.1g}"),
    "seconds": shown(lambda s: numbers.text(s, 3 if abs(s) < 10 else 2)),
    "digits": shown(lambda value: f"{value:.4g}"),
    "two": fixed(2),
    "four": fixed(4),
}


def embedded(data, kind):
    """The address of data that is in the page itself."""
    return f"data:{kind};base64,{base64.b64encode(data).decode('ascii')}"


def _svg(folder, name):
    """The address of a figure, "" for one that is too large, None without it.

    An <img> runs no script and fetches nothing, whatever the SVG asks for.
    """
    file = open_known(folder, f"{name}.svg")
    if not file:
        return None
    with file:
        svg = file.read(FIGURE_BYTES + 1)
    return embedded(svg, "image/svg+xml") if len(svg) <= FIGURE_BYTES else ""


def picture_in(folder, name, title, caption):
    """What the macro `picture` takes of a folder's figure; None without it.

    Its form for a column of a paper is what a narrow screen shows.
    """
    address = _svg(folder, name)
    if address is None:
        return None
    return name, title, caption, address, _svg(folder, f"{name}-column")


def hosts_of(run):
    """What environment.json tells of each host."""
    hosts = run.environment.get("hosts")
    hosts = hosts if isinstance(hosts, list) else []
    return [host for host in hosts if isinstance(host, dict)]


def fact(host, path):
    """A fact of a host in environment.json as text; None when it is not told."""
    for name in path.split("."):
        host = host.get(name) if isinstance(host, dict) else None
    if isinstance(host, bool):
        return "yes" if host else "no"
    if isinstance(host, (int, float)):
        return f"{host:.10g}"
    return host if isinstance(host, str) else None


class Page:
    """What the templates see of a run."""

    def __init__(self, run):
        self.run, self.name = run, run.name
        self.rows = functools.lru_cache(None)(run.rows)
        self.baseline = run.setting("scenario", "baseline")
        self.rungs = rungs_of(run) + references_of(run)
        drawn = {
            name: picture_in(run.plots, name, title, caption)
            for name, title, caption, _ in figures.described()
        }
        own = (LEAD, PAPER, LADDER)
        self.lead, self.paper, self.ladder = (drawn.pop(name, None) for name in own)
        self.other_figures = list(filter(None, drawn.values()))
        self.scenario = (
            run.read("scenario.ini").decode("utf-8-sig", "surrogateescape").splitlines()
        )
        self.plots = os.path.relpath(run.plots, run.path)
        self.hosts = hosts_of(run)

    def has(self, column):
        """Whether a row of any rung has it."""
        return any(row[column] for rung in self.rungs for row in rung.rows)

    def rung(self, probe, variant):
        """The rung of that probe and variant; None where table.csv has none."""
        key = probe, variant
        return next((it for it in self.rungs if (it.probe, it.variant) == key), None)

    @property
    def energy(self):
        """What a meter gave, of summary.csv, by probe, variant and channel."""
        rows = [
            row
            for row in self.rows("summary.csv")
            if row["metric"].startswith("meter.all.") and row["mean"]
        ]
        return groups(rows, "probe", "variant", "channel")

    @property
    def dates(self):
        """When the first and the last trial started, to the minute."""
        starts = sorted(row["started_utc"] for row in self.rows("trials.csv"))
        starts = [start[:16].replace("T", " ") for start in starts if start]
        return starts[:1] + starts[-1:]

    @property
    def repeated(self):
        """What of the scenario bench wants to be told again, as a shell's words."""
        told = self.run.environment.get("repeat")
        told = told if isinstance(told, list) else []
        return [shlex.quote(word) for word in told if isinstance(word, str)]

    @property
    def files(self):
        """(name, bytes, address; None for a large one) of each file of the run."""
        for name in KNOWN_FILES:
            file = self.run.open(name)
            if not file:
                continue
            with file:
                size = file.seek(0, os.SEEK_END)
                file.seek(0)
                data = file.read(EMBEDDED_BYTES) if size <= EMBEDDED_BYTES else None
            kind = "text/csv" if name.endswith(".csv") else "text/plain"
            yield name, size, None if data is None else embedded(data, kind)


def make(run):
    """Writes RUN/report.html from the run's files and the figures that are there."""
    page = Page(run)
    parts = [(part, title) for part, title, has in PARTS if has(page)]
    text = render.html(
        "page.html",
        page=page,
        run=run,
        parts=parts,
        groups=groups,
        fact=fact,
        show=SHOW,
    )
    write(run.path / "report.html", text)
