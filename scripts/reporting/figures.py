"""figures - draws a run's figures: each .gp file in scripts/gnuplot that has a title.

gnuplot takes some names for commands, waits on a FIFO, and stumbles over what is
quoted in CSV: it sees plain copies of the files that a figure names, in a folder of
its own. A figure replaces the one before it only when it is done.
"""

import csv
import io
import os
import re
import shutil
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from .render import printable
from .run import MAX_BYTES, make_folder, open_known, write

GNUPLOT = Path(__file__).resolve().parents[1] / "gnuplot"
FORMATS = ("svg", "png", "pdf")

# In which order one reads them; what else there is follows by name.
ORDER = (
    "ratios",
    "throughput",
    "connect",
    "ladder",
    "cpu",
    "distribution",
    "latency-probe",
    "latency",
    "trials",
    "memory",
    "storm",
    "capacity",
    "estimate",
)

# Those whose narrow form is always made: the page shows it on a narrow screen.
ON_PHONES = ("ratios", "throughput")

# Of one field that is drawn from, and of one drawing.
MAX_TEXT = 200
MAX_SECONDS = 300


class FigureError(Exception):
    """Why figures are missing, in words for the user; exit status as bench's."""

    def __init__(self, words, status=1):
        super().__init__(words)
        self.status = status


class Figure(NamedTuple):
    """What stands at the head of a .gp file."""

    name: str
    title: str
    caption: str
    script: Path


def _head(script, key):
    """The text behind `# key:`, which may go on in lines that are indented more."""
    head = rf"^# {key}: *(.+(?:\n# {{4,}}.+)*)"
    found = re.search(head, script.read_text("utf-8"), re.MULTILINE)
    return re.sub(r"\n# +", " ", found[1]).strip() if found else ""


def described():
    """All figures in reading order; a .gp without a title is a part of others."""
    figures = [
        Figure(script.stem, title, _head(script, "caption"), script)
        for script in GNUPLOT.glob("*.gp")
        if (title := _head(script, "title"))
    ]
    place = {name: i for i, name in enumerate(ORDER)}
    return sorted(figures, key=lambda it: (place.get(it.name, len(ORDER)), it.name))


def _named_files(script):
    """The run's files that a .gp file, or what it loads, opens."""
    text = "".join(path.read_text("utf-8") for path in [script, *GNUPLOT.glob("*.gp")])
    return set(re.findall(r"['\"]([\w-]+\.(?:csv|ini))['\"]", text))


def _copy(folder, name, to):
    """Copies a file without what gnuplot 5.4 cannot read in CSV; it drops one of two \\."""
    file = open_known(folder, name)
    if not file:
        return
    marks = str.maketrans({",": ";", '"': "'", "\\": r"\\"})
    with io.TextIOWrapper(
        file, "utf-8-sig", "surrogateescape", newline=""
    ) as lines, open(to / name, "w", encoding="utf-8") as out:
        if os.fstat(file.fileno()).st_size > MAX_BYTES:
            raise FigureError(f"{folder}/{name}: larger than {MAX_BYTES >> 20} MiB")
        is_table = name.endswith(".csv")
        rows = csv.reader(lines) if is_table else ([it.rstrip()] for it in lines)
        try:
            for row in rows:
                fields = (printable(it[:MAX_TEXT]).translate(marks) for it in row)
                out.write(",".join(fields) + "\n")
        except csv.Error as error:
            raise FigureError(f"{folder}/{name}: {error}") from error


class _Programs:
    """Threads for programs, which end with them when we are interrupted."""

    def __init__(self):
        self.threads = ThreadPoolExecutor(len(os.sched_getaffinity(0)))
        self.running = set()
        self.ending = False

    def __enter__(self):
        return self

    def __exit__(self, error, *_):
        if error:
            self.ending = True
            self.threads.shutdown(wait=False, cancel_futures=True)
            for it in list(self.running):
                it.kill()
        self.threads.shutdown()

    def run(self, command, **options):
        """(exit status, what it said on stdout, on stderr), of a thread's program."""
        with subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
            **options,
        ) as program:
            self.running.add(program)
            if self.ending:
                program.kill()
            try:
                out, err = program.communicate(timeout=MAX_SECONDS)
            except subprocess.TimeoutExpired:
                program.kill()
                raise
            finally:
                self.running.remove(program)
        return program.returncode, out, err


def _convert(programs, base, kind):
    """Without cairo in gnuplot the picture is made from the SVG."""
    command = ["rsvg-convert", f"--format={kind}", "--zoom=2"]
    command += [f"--output={base}.{kind}", f"{base}.svg"]
    return shutil.which(command[0]) and programs.run(command)[0] == 0


def _draw(programs, script, work, name, *options):
    """Draws work/NAME.* from the copies in `work`; returns what gnuplot has to say."""
    command = ["gnuplot", "-d", "-c", script, ".", name, *options]
    environment = {**os.environ, "LC_ALL": "C.UTF-8"}
    status, out, err = programs.run(command, cwd=work, env=environment)
    if status != 0:
        complaint = " ".join(err.split())[-400:]
        raise FigureError(f"{name} was not drawn: {complaint}")
    base, words = work / name, out.splitlines()
    svg = base.with_suffix(".svg")
    if not svg.exists():
        return words
    # gnuplot counts its plots anew in each panel: several would have the same id.
    text = re.sub(r' id="gnuplot_plot_[^"]*"', "", svg.read_text("utf-8"))
    svg.write_text(text, "utf-8")
    for kind in FORMATS:
        if not Path(f"{base}.{kind}").exists() and not _convert(programs, base, kind):
            words.append(f"{name}.{kind} is left out: neither gnuplot nor rsvg-convert")
    return words


def _draw_all(drawings, source, folder):
    """Draws (script, name, options...) from the CSV in `source`, side by side."""
    if not shutil.which("gnuplot"):
        words = "gnuplot is not installed: apt-get install gnuplot-nox"
        raise FigureError(words, 3)
    make_folder(folder)
    said, failed = [], []
    with tempfile.TemporaryDirectory() as work, _Programs() as programs:
        work = Path(work)
        for name in set().union(*(_named_files(it[0]) for it in drawings)):
            _copy(source, name, work)
        jobs = [
            (
                name,
                programs.threads.submit(_draw, programs, script, work, name, *options),
            )
            for script, name, *options in drawings
        ]
        for name, job in jobs:
            try:
                said += job.result()
            except (FigureError, subprocess.TimeoutExpired) as error:
                failed.append(str(error))
                continue
            for kind in FORMATS:
                made, kept = work / f"{name}.{kind}", folder / f"{name}.{kind}"
                if made.exists():
                    write(kept, made.read_bytes())
                else:
                    kept.unlink(missing_ok=True)  # an old one would not fit the others
    if failed:
        raise FigureError("; ".join(map(printable, failed)))
    return list(dict.fromkeys(map(printable, said)))


def draw(script, folder, name):
    """Draws folder/NAME.* by one .gp file; returns words about what is left out."""
    return _draw_all([(script, name)], folder, folder)


def make(run, column=False, names=()):
    """Draws a run's figures, all or those named; returns why others are left out.

    The form of a column's width is drawn if asked for, or if there is one already.
    """
    figures = [it for it in described() if not names or it.name in names]
    unknown = set(names) - {it.name for it in figures}
    if unknown:
        known = " ".join(it.name for it in described())
        raise FigureError(f"there is no figure {min(unknown)}; there are {known}", 2)
    drawings = [(it.script, it.name) for it in figures]
    for it in figures:
        name = f"{it.name}-column"
        is_there = (run.plots / f"{name}.svg").exists()
        if column or it.name in ON_PHONES or is_there:
            drawings.append((it.script, name, "column"))
    return _draw_all(drawings, run.path, run.plots)
