"""table - the headline metric of every channel on every rung: text, Markdown, LaTeX.

All of it stands in table.csv, references.csv and findings.csv. Under the name of
each rung stands what it measures, so that none is taken for another. Below the rungs
stands what has published values besides: other metrics, ratios to other channels.
"""

import itertools
import textwrap
from typing import Callable, NamedTuple

from . import numbers, render
from .numbers import number
from .run import write

# ---- rungs ----

# Metrics whose name is no word for people; in C this is dataset_words().
METRIC_WORDS = {
    "broker_cpu_per_message": "broker CPU per message",
    "delivered_rate": "messages per second",
    "time_99": "time until 99 % are back",
}


def metric_words(metric):
    return METRIC_WORDS.get(metric, metric.replace("_", " "))


def groups(rows, *columns):
    """Rows that stand behind each other and agree in these columns: [(values, rows)]."""
    same = itertools.groupby(rows, lambda row: tuple(row[name] for name in columns))
    return [(values, list(some)) for values, some in same]


class Rung:
    """The rows of a probe and variant, and how their numbers are shown.

    They are of table.csv, or of a metric that references.csv has besides; then the
    ratios are to the baseline that stands there.
    """

    def __init__(self, run, probe, variant, rows, file="table.csv"):
        process, _, metric = rows[0]["metric"].rpartition(".")
        definition = run.definition(probe, metric)
        self.file, self.probe, self.variant, self.rows = file, probe, variant, rows
        self.name = f"{probe}, {variant}" if variant else probe
        self.metric, self.unit = metric_words(metric), rows[0]["unit"]
        self.process = process
        baseline = rows[0].get("baseline", "")
        is_own = baseline == run.setting("scenario", "baseline")
        self.baseline = "" if is_own else baseline  # that is not the run's
        self.better = definition.get("better", "none")
        self.help = definition.get("help", "")
        self._run = run
        self.is_noted = any(map(self.note, rows))
        self.places = numbers.decimals(
            [number(row["mean"]) for row in rows], [number(row["sd"]) for row in rows]
        )

    def show(self, field):
        """A field in the unit of its metric."""
        return numbers.text(number(field), self.places)

    def note(self, row):
        """What became of the trials of a row; said once, beside the headline metric."""
        return self._run.note(row) if self.file == "table.csv" else ""

    @property
    def measure(self):
        """What is measured, and in which direction it is better."""
        process = f" of {self.process}" if self.process else ""
        better = "" if self.better == "none" else f"; {self.better} is better"
        ratio = f"; ratio to {self.baseline}" if self.baseline else ""
        return f"{self.metric}{process}, {self.unit}{better}{ratio}"


def rungs_of(run):
    """The rungs of table.csv, in its order; only the first of a probe says what it is."""
    rungs, seen = [], set()
    for (probe, variant), rows in groups(run.rows("table.csv"), "probe", "variant"):
        rungs.append(Rung(run, probe, variant, rows))
        if probe in seen:
            rungs[-1].help = ""
        seen.add(probe)
    return rungs


def references_of(run):
    """What references.csv has besides, as rungs; a metric is explained once."""
    rungs, seen = [], set()
    rows = run.rows("references.csv")
    for (probe, variant, metric, _), some in groups(
        rows, "probe", "variant", "metric", "baseline"
    ):
        for row in some:
            row["verdict"] = ""  # nobody declared these comparisons
        rungs.append(Rung(run, probe, variant, some, "references.csv"))
        if (probe, metric) in seen:
            rungs[-1].help = ""
        seen.add((probe, metric))
    return rungs


# ---- columns ----


def _measured(field):
    return lambda row, places: numbers.text(number(row[field]), places)


def interval(row, places):
    return numbers.interval(number(row["ci_low"]), number(row["ci_high"]), places)


def ratio_interval(row, places):
    if not row["verdict"] and not row["ratio_low"]:  # the baseline itself
        return ""
    return numbers.ratio_range(number(row["ratio_low"]), number(row["ratio_high"]))


class Column(NamedTuple):
    header: str
    # What stands there: of a row of table.csv, and the decimals of the rung's numbers.
    cell: Callable
    # The table has the column where one of its rows has something in one of these.
    needs: tuple = ("channel",)
    # A terminal has it; "differs": where its rows are not all alike; "room": where
    # the others leave room for it.
    terminal: object = True


# A verdict comes with a ratio; without a baseline a published ratio names its own.
RATIO = ("verdict", "reference_ratio")

# A row here is a column there.
COLUMNS = [
    Column("channel", lambda row, places: row["channel"]),
    Column("trials", lambda row, places: row["trials"], terminal="differs"),
    Column("mean", _measured("mean")),
    Column("95 % CI", interval),
    Column("median", _measured("median"), terminal="room"),
    Column("sd", _measured("sd"), terminal=False),
    Column(
        "published",
        lambda row, places: numbers.plain(number(row["reference"])),
        needs=("reference",),
    ),
    Column(
        "ratio",
        lambda row, places: numbers.ratio(number(row["ratio"])),
        needs=RATIO,
    ),
    Column("its 95 % CI", ratio_interval, needs=RATIO, terminal=False),
    Column(
        "published",  # of the ratio
        lambda row, places: numbers.plain(number(row["reference_ratio"])),
        needs=("reference_ratio",),
    ),
    Column("verdict", lambda row, places: row["verdict"], needs=("verdict",)),
]

# ---- the table ----


class Table:
    """What is in all three forms."""

    def __init__(self, run):
        self.run, self.rungs = run, rungs_of(run)
        references = references_of(run)
        rows = [row for rung in self.rungs + references for row in rung.rows]
        told = {name for row in rows for name, field in row.items() if field}
        self.columns = [one for one in COLUMNS if told.intersection(one.needs)]
        self.headers = [column.header for column in self.columns]
        self.is_same_unit = len({(rung.metric, rung.unit) for rung in self.rungs}) == 1
        counts = {row["trials"] for rung in self.rungs for row in rung.rows}
        self.trials = counts.pop() if len(counts) == 1 else ""
        self.title = render.text("table-title.txt", table=self)
        self.rungs += references

    @property
    def subtitle(self):
        return f"run {self.run.name}{self.origin}"

    @property
    def origin(self):
        """The scenario and hosts, to stand behind the name of the run."""
        setting = self.run.setting
        scenario = setting("scenario", "name")
        hosts = ", ".join(
            words
            for words in (
                f"broker {setting('hosts', 'broker')}",
                self.run.publishers,
                f"address {setting('hosts', 'address')}",
            )
            if not words.endswith(" ")
        )
        return (f", scenario {scenario}" if scenario else "") + (
            f"; hosts: {hosts}" if hosts else ""
        )

    def heading(self, rung):
        is_told = self.is_same_unit and rung.file == "table.csv"
        return rung.name if is_told else f"{rung.name} ({rung.measure})"

    def cells(self, rung, row):
        return [column.cell(row, rung.places) for column in self.columns]

    # ---- what stands below ----

    @property
    def cautions(self):
        """Sentences that the table must not be shown without."""
        found = self.run.findings("unsteady", "limit", "caution")
        sentences = [row["text"] for row in found]
        if self.run.findings("warning"):
            words = "Some rows of the run could not be used; bench report says which."
            sentences.insert(0, words)
        return sentences

    @property
    def legend(self):
        """What columns and verdicts mean, and what each channel is."""
        sentences = [row["text"] for row in self.run.findings("legend")]
        for row in self.run.findings("channel"):
            channel = row["channel"].removesuffix(f" {row['variant']}")
            if row["text"]:
                sentences.append(f"{channel}: {row['text']}")
        return list(dict.fromkeys(sentences))


# ---- terminal ----

INDENT = 2  # of the rows below their rung
MAX_NAME = 28  # of a channel, before its numbers go into the next line


def _widths(table):
    """Numbers of the columns that a terminal has room for, and their widths."""
    widths = {}
    rows = [table.cells(rung, row) for rung in table.rungs for row in rung.rows]
    for i, column in enumerate(table.columns):
        cells = [render.printable(cells[i]) for cells in rows]
        alike = len(set(cells)) == 1 and cells[0] != "0"
        if column.terminal and not (column.terminal == "differs" and alike):
            room = [len(cell) for cell in cells if i or len(cell) <= MAX_NAME]
            widths[i] = max([len(column.header), *room])
    for i, column in enumerate(table.columns):
        if (
            column.terminal == "room"
            and INDENT + sum(widths.values()) + 2 * len(widths) > 81
        ):
            del widths[i]
    return widths


def _line(cells, widths):
    """A row: the first column to the left, the numbers to the right."""
    cells = [render.printable(cell) for cell in cells]
    name = cells[0]
    rest = "".join(f"  {cells[i]:>{width}}" for i, width in widths.items() if i)
    if len(name) > widths[0]:
        name += "\n" + " " * widths[0]
    line = f"{name:<{widths[0]}}{rest}".rstrip()
    return render.Markup(textwrap.indent(line, " " * INDENT))


def terminal(table, legend):
    """Text for a terminal of 79 columns; with or without the legend."""
    widths = _widths(table)
    return render.text(
        "table.txt",
        table=table,
        line=lambda cells: _line(cells, widths),
        notes=table.cautions + (table.legend if legend else []),
    )


# ---- LaTeX ----

LINE_WIDTH = 110  # letters of a sentence across a table that is as wide as the page
PAGE_ROWS = 45  # so many have room on a page
PAGE_LINES = 60  # of small print, a table's notes included


def _count_lines(*texts):
    return sum(-(-len(text) // LINE_WIDTH) for text in texts)


def _pages(table):
    """(lines, rungs) of each page: as many rungs as it has room for, one at least."""
    pages = []
    for rung in table.rungs:
        notes = [rung.note(row) for row in rung.rows]
        words = _count_lines(table.heading(rung), rung.help, *notes)
        lines = words + len(rung.rows)
        if pages and pages[-1][0] + lines <= PAGE_ROWS:
            pages[-1] = (pages[-1][0] + lines, pages[-1][1] + [rung])
        else:
            pages.append((lines, [rung]))
    return pages


def _latex(table, notes):
    pages = _pages(table)
    return render.latex(
        "table.tex",
        table=table,
        notes=notes,
        pages=pages,
        page_rows=PAGE_ROWS,
        # Notes that no page has room for are text behind the tables.
        inside=len(pages) == 1 and pages[0][0] + _count_lines(*notes) <= PAGE_LINES,
    )


def make(run):
    """Writes table.txt, .md and .tex into the run's folder."""
    table = Table(run)
    notes = table.cautions + table.legend
    write(run.path / "table.txt", terminal(table, legend=True))
    write(run.path / "table.md", render.md("table.md", table=table, notes=notes))
    write(run.path / "table.tex", _latex(table, notes))
    return table
