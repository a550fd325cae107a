"""document - what was computed of runs as one JSON document.

A table of a run is an array of objects, a row each, with the columns of its CSV file: numbers as
they stand there, null where a field is empty; words as words.
"""

import json
import math

from . import command
from .numbers import number
from .render import printable

FORMAT = 1

# The tables, in the order in which docs/files.md has them.
TABLES = (
    "summary",
    "comparisons",
    "ladder",
    "prediction",
    "table",
    "references",
    "findings",
)

# Columns of words; what stands in any other is a number.
WORDS = frozenset(
    "algorithm baseline channel comparable comparable_ratio kind limit metric per probe process "
    "reason severity text unit variant verdict".split()
)


def _value(column, field):
    if column in WORDS:
        return printable(field)
    value = number(field)
    if not math.isfinite(value):
        return None
    return int(value) if value.is_integer() else value


def _rows(run, table):
    return [
        {column: _value(column, field) for column, field in row.items()}
        for row in run.rows(f"{table}.csv")
    ]


def _run(run):
    return {
        "name": printable(run.name),
        "folder": printable(command.shorten(run.path)),
        "page": printable(command.shorten(run.path / "report.html")),
        "figures": printable(command.shorten(run.plots)),
        "answer": [printable(row["text"]) for row in run.findings("answer")],
        **{table: _rows(run, table) for table in TABLES},
    }


def show(runs, status):
    """Prints the document of these runs, and how their report ended."""
    document = {
        "format": FORMAT,
        "exit_status": status,
        "runs": [_run(run) for run in runs],
    }
    print(json.dumps(document, indent=2, allow_nan=False), flush=True)
