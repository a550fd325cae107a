"""table - the headline metric of every channel on every rung: text, Markdown, LaTeX.

All of it stands in table.csv and findings.csv. Under the name of each rung stands
what it measures, so that none is taken for another.
"""

from typing import Callable, NamedTuple

from . import numbers, render
from .numbers import number
from .run import write

# ---- columns ----


def _measured(field):
    return lambda row, places: numbers.text(number(row[field]), places)


def _interval(row, places):
    return numbers.interval(number(row["ci_low"]), number(row["ci_high"]), places)


def _ratio_interval(row, places):
    if not row["verdict"]:  # the baseline itself
        return ""
    return numbers.ratio_range(number(row["ratio_low"]), number(row["ratio_high"]))


class Column(NamedTuple):
    header: str
    # What stands there: of a row of table.csv, and the decimals of the rung's numbers.
    cell: Callable
    # The table has the column where one of its rows has something in this field.
    needs: str = "channel"
    # A terminal has room for it; "differs": where its rows are not all alike.
    terminal: object = True


# A row here is a column there.
COLUMNS = [
    Column("channel", lambda row, places: row["channel"]),
    Column("trials", lambda row, places: row["trials"], terminal="differs"),
    Column("mean", _measured("mean")),
    Column("95 % interval", _interval),
    Column("median", _measured("median")),
    Column("sd", _measured("sd"), terminal=False),
    Column(
        "published",
        lambda row, places: numbers.plain(number(row["reference"])),
        needs="reference",
    ),
    Column(
        "ratio",
        lambda row, places: numbers.ratio(number(row["ratio"])),
        needs="verdict",
    ),
    Column("its 95 % interval", _ratio_interval, needs="verdict", terminal=False),
    Column("verdict", lambda row, places: row["verdict"], needs="verdict"),
]

# ---- the table ----


class Row(NamedTuple):
    cells: list
    note: str  # what went wrong, in words


class Rung(NamedTuple):
    name: str
    help: str  # what it measures; "" from the second variant on
    rows: list


class Table:
    """What is in all three forms."""

    def __init__(self, run):
        self._run = run
        self._rows = run.rows("table.csv")
        self._notes = {
            (row["probe"], row["variant"], row["channel"]): row["text"]
            for row in run.findings("trials")
        }
        self.columns = [
            column for column in COLUMNS if any(row[column.needs] for row in self._rows)
        ]
        self.headers = [column.header for column in self.columns]
        kinds = {(row["metric"], row["unit"]) for row in self._rows}
        self._is_same_unit = len(kinds) == 1
        self.title = self._make_title()
        self.subtitle = self._make_subtitle()
        groups = {}
        for row in self._rows:
            groups.setdefault((row["probe"], row["variant"]), []).append(row)
        seen = set()
        self.rungs = []
        for (probe, variant), rows in groups.items():
            self.rungs.append(self._make_rung(probe, variant, rows, probe in seen))
            seen.add(probe)

    def _better(self, row):
        return self._run.definition(row["probe"]).get("better", "none")

    def _make_title(self):
        if not self._rows:
            return "Nothing was measured"
        first = self._rows[0]
        counts = {row["trials"] for row in self._rows}
        trials = "the trials that are ok"
        if counts == {"1"}:
            trials = "1 trial"
        elif len(counts) == 1 and counts != {"0"}:
            trials = f"{first['trials']} trials"
        what = ""
        if self._is_same_unit:
            lower = ", lower is better" if self._better(first) == "lower" else ""
            what = f"{first['metric'].replace('_', ' ')}, {first['unit']}{lower}: "
        title = f"{what}mean of {trials} with 95 % interval"
        return title[:1].upper() + title[1:]

    def _make_subtitle(self):
        setting = self._run.setting
        scenario = setting("scenario", "name")
        hosts = [
            f"{key} {setting('hosts', key)}"
            for key in ("broker", "publisher", "address")
            if setting("hosts", key)
        ]
        return (
            f"run {self._run.name}"
            + (f", scenario {scenario}" if scenario else "")
            + (f"; hosts: {', '.join(hosts)}" if hosts else "")
        )

    def _make_rung(self, probe, variant, rows, again):
        places = numbers.decimals(
            [number(row["mean"]) for row in rows], [number(row["sd"]) for row in rows]
        )
        name = f"{probe}, {variant}" if variant else probe
        if not self._is_same_unit:
            better = self._better(rows[0])
            better = "" if better == "none" else f"; {better} is better"
            metric = rows[0]["metric"].replace("_", " ")
            name += f" ({metric}, {rows[0]['unit']}{better})"
        return Rung(
            name,
            "" if again else self._run.definition(probe).get("help", ""),
            [
                Row(
                    [column.cell(row, places) for column in self.columns],
                    self._notes.get((probe, variant, row["channel"]), ""),
                )
                for row in rows
            ],
        )

    # ---- what stands below ----

    @property
    def cautions(self):
        """Sentences that the table must not be shown without."""
        sentences = [
            row["text"] for row in self._run.findings("unsteady", "limit", "caution")
        ]
        if self._run.findings("warning"):
            words = "Some rows of the run could not be used; bench report says which."
            sentences.insert(0, words)
        return sentences

    @property
    def legend(self):
        """What columns and verdicts mean, and what each channel is."""
        sentences = [row["text"] for row in self._run.findings("legend")]
        last = None
        for row in self._run.findings("channel"):
            channel = row["channel"].removesuffix(f" {row['variant']}")
            if row["text"] and channel != last:
                sentences.append(f"{channel}: {row['text']}")
            last = channel
        return sentences


# ---- terminal ----

INDENT = 2  # of the rows below their rung
MAX_NAME = 28  # of a channel, before its numbers go into the next line


def _on_terminal(table):
    """Numbers of the columns that a terminal has room for, and their widths."""
    widths = {}
    rows = [row.cells for rung in table.rungs for row in rung.rows]
    for i, column in enumerate(table.columns):
        cells = [render.printable(cells[i]) for cells in rows]
        alike = len(set(cells)) == 1 and cells[0] != "0"
        if column.terminal and not (column.terminal == "differs" and alike):
            room = [len(cell) for cell in cells if i or len(cell) <= MAX_NAME]
            widths[i] = max([len(column.header), *room])
    return widths


def _lines(cells, widths):
    """The lines of a row: the first column to the left, the numbers to the right."""
    name = render.printable(cells[0])
    rest = [f"  {render.printable(cells[i]):>{widths[i]}}" for i in widths if i]
    if len(name) > widths[0]:
        return [" " * INDENT + name, *_lines(["", *cells[1:]], widths)]
    line = " " * INDENT + f"{name:<{widths[0]}}" + "".join(rest)
    return [line.rstrip()]


def terminal(table, legend):
    """Text for a terminal of 79 columns; with or without the legend."""
    widths = _on_terminal(table)
    return render.text(
        "table.txt",
        table=table,
        lines=lambda cells: _lines(cells, widths) if widths else [],
        notes=table.cautions + (table.legend if legend else []),
    )


# ---- LaTeX ----

LINE_WIDTH = 110  # letters of a sentence across a table that is as wide as the page
PAGE_ROWS = 45  # so many have room on a page
PAGE_LINES = 60  # of small print, a table's notes included


def _count_lines(*texts):
    return sum(-(-len(text) // LINE_WIDTH) for text in texts)


def _rung_lines(rung):
    notes = [row.note for row in rung.rows]
    return _count_lines(rung.name, rung.help, *notes) + len(rung.rows)


def _pages(table):
    """(lines, rungs) of each page: as many rungs as it has room for, one at least."""
    pages = []
    for rung in table.rungs:
        lines = _rung_lines(rung)
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
