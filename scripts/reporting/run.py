"""run - a run's folder, read as one reads what a stranger has sent.

Only files that a run is known to have are read, only if they are regular files,
and never through a link; a FIFO blocks nobody. What is written replaces what was
there, also if that was a link.
"""

import codecs
import contextlib
import csv
import errno
import functools
import io
import json
import os
import re
import secrets
import stat
from pathlib import Path

# Below this folder are results/ and plots/: the clone, or, once installed, the current folder.
ROOT = Path(__file__).resolve().parents[2]
IS_INSTALLED = (ROOT / "sources.tar.gz").exists()
if IS_INSTALLED:
    ROOT = Path.cwd()
# What a user types to start it.
CALL = "mqtt-security-bench" if IS_INSTALLED else "./bench"

# What analysis needs to make anything of a run.
NEEDED_FILES = ("scenario.ini", "definitions.csv", "trials.csv")

# Everything else in the folder or archive of a run is left out.
KNOWN_FILES = NEEDED_FILES + (
    "environment.json",
    "metrics.csv",
    "distributions.csv",
    "intervals.csv",
    "blocks.csv",
    "proofs.csv",
    "telemetry.csv",
    "factors.csv",
    "speed.csv",
    "operations.csv",
    "summary.csv",
    "comparisons.csv",
    "ladder.csv",
    "prediction.csv",
    "table.csv",
    "references.csv",
    "findings.csv",
    "values.csv",
    "cumulative.csv",
    "estimate.csv",
)

# What reports and measuring leave there beside them.
OWN_FILES = ("table.txt", "table.md", "table.tex", "report.html", "plots", "log")

# What may not be written to.
READ_ONLY = (errno.EACCES, errno.EPERM, errno.EROFS)

# Of a file in memory; as rows, which take more, so many fields.
MAX_BYTES = 16 << 20
MAX_FIELDS = 500_000


class RunError(Exception):
    """What is wrong with a run, in words for the user."""


def open_known(folder, name):
    """A file object on the regular file of that name, or None."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        fd = os.open(os.path.join(folder, name), flags)
    except OSError as error:
        # A link and a socket are as good as no file.
        if error.errno in (errno.ENOENT, errno.ELOOP, errno.ENXIO):
            return None
        raise RunError(f"{folder}/{name}: {error.strerror}") from error
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        return None
    return open(fd, "rb")


@contextlib.contextmanager
def _writing(folder):
    """Says what helps where nothing may be written into the folder."""
    try:
        yield
    except OSError as error:
        if error.errno not in READ_ONLY:
            raise
        words = f"{error.strerror}; what is made of a run goes into its folder: take a copy, "
        raise OSError(
            error.errno, f"{words}cp -r --no-preserve=mode {folder} COPY", str(folder)
        ) from error


def make_folder(path):
    """Makes a folder for what is written, and refuses a link in its place."""
    with _writing(path.parent):
        path.mkdir(parents=True, exist_ok=True)
    if path.is_symlink():
        raise RunError(f"{path}: is a link; nothing is written through it")


def write(path, data):
    """Writes text, bytes or an iterable of texts, and puts them in their place as a whole."""
    if isinstance(data, (str, bytes)):
        data = [data]
    draft = path.with_name(f".draft-{secrets.token_hex(4)}")
    try:
        with _writing(path.parent):
            out = open(draft, "xb")
        with out:
            for part in data:
                out.write(
                    part.encode("utf-8", "replace") if isinstance(part, str) else part
                )
            out.flush()
            os.fsync(out.fileno())
            os.fchmod(out.fileno(), 0o644)
        os.replace(draft, path)
    except BaseException:
        draft.unlink(missing_ok=True)  # it is not there if it was moved just now
        raise


def check_form(path, start):
    """Refuses a text in UTF-16, by its first bytes."""
    zeros = [byte == 0 for byte in start[:4]]
    forms = {(False, True, False, True): "LE", (True, False, True, False): "BE"}
    is_marked = start[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
    form = "" if is_marked else forms.get(tuple(zeros))
    if form is not None:
        help = f"save it as UTF-8, or iconv -f UTF-16{form} -t UTF-8 FILE >NEW"
        raise RunError(f"{path}: is UTF-16: {help}")


def check_header(path, names):
    """Refuses what else a spreadsheet makes of CSV; in C this is read_header()."""
    first = names[0] if names else ""
    if first.startswith("sep="):
        sign = "," if len(names) > 1 else first[4:5]
        line = f"'sep={sign}' is a line for a spreadsheet: delete it"
        raise RunError(f"{path}:1: {line}")
    if len(names) == 1 and re.search("[;\t]", first):
        sign = "';'" if ";" in first else "a tab"
        raise RunError(
            f"{path}:1: {sign} stands between its fields: save it with commas between "
            "fields and points in numbers (in LibreOffice: language English, field "
            "delimiter ',')"
        )


def parse_settings(text):
    """{(section, key): value} of a scenario.ini that bench has written."""
    settings, section = {}, ""
    for line in map(str.strip, text.splitlines()):
        if line.startswith("["):
            section = line[1:].partition("]")[0]
        elif line and line[0] not in "#;":
            key, _, value = line.partition("=")
            value = re.split(r"\s;", value, maxsplit=1)[0].strip()
            place = section, key.rstrip(" \t+")
            if key.rstrip().endswith("+"):
                value = f"{settings.get(place, '')} {value}"
            settings[place] = value
    return settings


class Row(dict):
    """A row of a CSV file: texts by column."""

    def __missing__(self, column):
        raise RunError(f"a file of the run lacks the column {column}: analyse it again")


class Run:
    """The files of one run. Nothing is cached but what is small."""

    def __init__(self, path):
        try:
            self.path = Path(path).resolve(strict=True)
            entries = os.listdir(self.path)
        except (OSError, RuntimeError, ValueError) as error:
            words = getattr(error, "strerror", None) or error
            raise RunError(f"{path}: no run folder: {words}") from error
        for name in NEEDED_FILES:
            if not self._is_file(name):
                raise RunError(f"{path}/{name}: no such file: this is no run folder")
        self.name = self.path.name
        # Of a known name, too, when it is a link, a FIFO or a folder.
        self.left_out = sum(
            not self._is_file(name) if name in KNOWN_FILES else name not in OWN_FILES
            for name in entries
        )
        self.settings = parse_settings(self._text("scenario.ini"))
        self._definitions = {}
        for row in reversed(self.rows("definitions.csv")):
            if "probe" in row:
                self._definitions[row["probe"], row.get("metric")] = row
                if row.get("headline") == "yes":
                    self._definitions[row["probe"], None] = row

    def _is_file(self, name):
        path = self.path / name
        return path.is_file() and not path.is_symlink()

    def open(self, name):
        """The file as it is, bytes, for who needs not all of it at once; or None."""
        if name not in KNOWN_FILES:
            raise ValueError(f"{name} is in no run")
        return open_known(self.path, name)

    def _open_small(self, name):
        file = self.open(name)
        if file and os.fstat(file.fileno()).st_size > MAX_BYTES:
            file.close()
            raise RunError(f"{self.path}/{name}: larger than {MAX_BYTES >> 20} MiB")
        return file

    def read(self, name):
        """All of a file, or None when the run has none of that name."""
        file = self._open_small(name)
        if not file:
            return None
        with file:
            return file.read(MAX_BYTES)

    def _text(self, name):
        return (self.read(name) or b"").decode("utf-8-sig", "surrogateescape")

    def rows(self, name):
        """The rows of a CSV file; [] without the file.

        A row that is too short ends in empty fields.
        """
        seen, rows = {}, []
        file = self._open_small(name) or io.BytesIO()
        check_form(self.path / name, file.read(4))
        file.seek(0)
        with io.TextIOWrapper(
            file, "utf-8-sig", "surrogateescape", newline=""
        ) as lines:
            reader = csv.reader(lines)
            try:
                names = next(reader, [])
                check_header(self.path / name, names)
                for fields in filter(None, reader):
                    if (len(rows) + 1) * len(names) > MAX_FIELDS:
                        raise RunError(f"{self.path}/{name}: too many rows to show")
                    # Most texts are there many times: one copy of each will do.
                    fields = [seen.setdefault(field, field) for field in fields]
                    fields += [""] * (len(names) - len(fields))
                    rows.append(Row(zip(names, fields)))
            except csv.Error as error:
                where = f"{self.path}/{name}:{reader.line_num}"
                raise RunError(f"{where}: {error}") from error
        return rows

    def findings(self, *kinds):
        """Rows of findings.csv of these kinds, in reading order; of all if none is named."""
        rows = self.rows("findings.csv")
        return [row for row in rows if not kinds or row.get("kind") in kinds]

    @functools.cached_property
    def _notes(self):
        notes = {}
        for row in self.findings("trials"):
            key = row["probe"], row["variant"], row["channel"]
            notes.setdefault(key, []).append(row["text"])
        return notes

    def note(self, row=None):
        """What became of the trials of a row of table.csv, or of the run; or ""."""
        key = (row["probe"], row["variant"], row["channel"]) if row else ("", "", "")
        return "; ".join(self._notes.get(key, []))

    def setting(self, section, key, default=""):
        """A setting of the resolved scenario, as it is written there."""
        return self.settings.get((section, key), default)

    @property
    def publishers(self):
        """Their hosts, as the scenario names them: "publisher local"."""
        several = self.setting("hosts", "publishers")
        return (
            f"publishers {several}"
            if several
            else f"publisher {self.setting('hosts', 'publisher')}"
        )

    def definition(self, probe, metric=None):
        """The row of definitions.csv of a metric, or the probe's headline; or {}."""
        return self._definitions.get((probe, metric), {})

    @property
    def environment(self):
        """environment.json, or {} when there is none that can be read."""
        try:
            found = json.loads(self._text("environment.json") or "{}")
        except (ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}

    @property
    def plots(self):
        """Where the run's figures are: in plots/ for those in results/, else with it."""
        if self.path.parent == (ROOT / "results").resolve():
            return ROOT / "plots" / self.name
        return self.path / "plots"
