"""side_by_side - several runs side by side: table, chart and page.

Of each probe and variant that at least two of them share, and each channel that at
least two share there, the mean of each run and the ratio to that run's own baseline.
Scenarios need not be the same: what is in one run only, and what differs in settings,
hosts and negotiated TLS, is said below. Means of different runs are not tested against
each other: they were taken on other days, or on other machines.
"""

import csv
import errno
import io
import itertools
import time
from typing import NamedTuple

from . import figures, numbers, page, render
from .numbers import number
from .run import make_folder, write
from .table import Table, interval

RUNS_CSV = (
    "run,probe,variant,metric,unit,channel,trials,mean,ci_low,ci_high,baseline,ratio,"
    "ratio_low,ratio_high,verdict,label"
).split(",")
HEADERS = "channel,run,trials,mean,95 % CI,ratio,95 % CI,verdict".split(",")

CHART_SCRIPT = figures.GNUPLOT / "side-by-side" / "runs.gp"
CHART = (
    "Means and ratios",
    "The mean of each run with its 95 % CI, and the ratio to its own baseline.",
)

# Which party is on a host.
PARTIES = {"broker's host": "broker", "publisher's host": "client2"}

# What the finding of a channel's TLS says, in this order.
TLS_PARTS = ("version", "suite", "group", "signature")

# Of what environment.json knows of a host, that which can make a difference.
FACTS = (
    "host model processor processors aes_instructions governor memory_mib "
    "frequency_max_mhz system kernel machine virtual congestion_control versions.bench "
    "versions.compiler commit versions.openssl versions.libmosquitto versions.mosquitto "
    "network.interface network.mtu network.speed_mbit_s network.offloads"
).split()


class Row(NamedTuple):
    side: object  # the run
    fields: dict  # its row of table.csv
    cells: list
    reason: str  # why it is undecided
    show: object  # how a field of its rung is shown

    @property
    def note(self):
        """What went wrong, in words."""
        return self.side.run.note(self.fields)


class Shared(NamedTuple):
    """What at least two runs have of a rung."""

    rung: object  # of the first of them
    metric: str
    channels: list  # (name, rows in the order of the runs)


class Side:
    """A run among others."""

    def __init__(self, run, label, name):
        self.run, self.label, self.name = run, label, name
        table = Table(run)
        self.legend = name + table.origin
        self.rungs = {
            (rung.probe, rung.variant, rung.rows[0]["metric"], rung.unit): rung
            for rung in table.rungs
        }
        self.table = {
            (key, row["channel"]): row
            for key, rung in self.rungs.items()
            for row in rung.rows
        }
        self.channels = list(dict.fromkeys(channel for _, channel in self.table))
        self.probes = {probe: (metric, unit) for probe, _, metric, unit in self.rungs}
        baseline = run.setting("scenario", "baseline")
        self.baseline = baseline if baseline in self.channels else ""
        self.settings = run.settings
        self.sections = {section for section, _ in run.settings}
        self._comparisons = {
            (row["probe"], row["variant"], row["channel"]): row
            for row in run.rows("comparisons.csv")
            if row["baseline"] == self.baseline
        }

    def host(self, party):
        """What is known of the host of a party, or None."""
        for host in page.hosts_of(self.run):
            if party in (page.fact(host, "parties") or "").split():
                return host
        return None

    def rows(self, key, channels):
        """{channel: row as it is shown} of those that the run has on a rung."""
        rows = [self.table[key, it] for it in channels if (key, it) in self.table]
        places = numbers.decimals(
            [number(row["mean"]) for row in rows], [number(row["sd"]) for row in rows]
        )
        return {row["channel"]: self._show(row, places) for row in rows}

    def _show(self, row, places):
        channel = row["channel"]
        is_baseline = channel == self.baseline
        # A comparison that was skipped decides nothing.
        compared = self._comparisons.get((row["probe"], row["variant"], channel), {})
        row = {**row, "verdict": compared.get("verdict", "")}
        cells = [
            channel,
            self.label,
            row["trials"],
            numbers.text(number(row["mean"]), places),
            interval(row, places),
            "-" if is_baseline else numbers.ratio(number(row["ratio"])),
            numbers.ratio_range(number(row["ratio_low"]), number(row["ratio_high"])),
            "baseline" if is_baseline else row["verdict"],
        ]
        reason = compared.get("reason", "")
        return Row(self, row, cells, reason, page.fixed(places))


class Sides:
    """Runs side by side, as all forms show them."""

    def __init__(self, runs):
        names = [run.name for run in runs]
        self.sides = [
            Side(
                run,
                chr(ord("A") + i % 26) + (str(i // 26 + 1) if i >= 26 else ""),
                run.name if names.count(run.name) == 1 else str(run.path),
            )
            for i, run in enumerate(runs)
        ]
        self.title = (
            f"{len(runs)} runs side by side: means with 95 % CI, ratios to each run's "
            "own baseline"
        )
        self.rungs = list(filter(None, map(self._share, self._union("rungs"))))
        self.rows = [
            row for shared in self.rungs for _, rows in shared.channels for row in rows
        ]
        self.shared_probes = dict.fromkeys(row.fields["probe"] for row in self.rows)
        self.shared_channels = {row.fields["channel"] for row in self.rows}
        self.differences = [
            f"{name}: {words}"
            for name, words in itertools.chain(
                self._compare_settings(),
                self._compare_definitions(),
                self._compare_tls(),
                self._compare_hosts(),
            )
            if words
        ]
        # A template with a sentence in each line.
        self.notes = render.text("side-by-side-notes.txt", sides=self).splitlines()

    def _union(self, name):
        """What any run has of that name, each once, in the order of the runs."""
        return dict.fromkeys(one for side in self.sides for one in getattr(side, name))

    def _share(self, key):
        """What at least two runs have of a rung; None without such a channel."""
        shared = [
            channel
            for channel in self._union("channels")
            if sum((key, channel) in side.table for side in self.sides) > 1
        ]
        if not shared:
            return None
        sides = [side.rows(key, shared) for side in self.sides]
        first = next(side.rungs[key] for side in self.sides if key in side.rungs)
        return Shared(
            first,
            key[2],
            [(it, [rows[it] for rows in sides if it in rows]) for it in shared],
        )

    # ---- what is to be said of them ----

    @property
    def copies(self):
        """Pairs of runs that hold the same trials."""
        columns = ("trial", "attempt", "started_utc", "status")
        trials = [
            [[row[name] for name in columns] for row in side.run.rows("trials.csv")]
            for side in self.sides
        ]
        pairs = itertools.combinations(zip(self.sides, trials), 2)
        return [(one, other) for (one, a), (other, b) in pairs if a and a == b]

    def only(self, side):
        """What no other run has, in words."""
        others = [other for other in self.sides if other is not side]
        found = [
            f"probe {probe}"
            for probe in side.probes
            if not any(probe in other.probes for other in others)
        ]
        for probe, variant, *measure in side.rungs:
            alike = [o for o in others if o.probes.get(probe) == tuple(measure)]
            key = (probe, variant, *measure)
            if alike and not any(key in other.rungs for other in alike):
                found.append(f"variant {variant or 'none'} of {probe}")
        found += [
            f"channel {channel}"
            for channel in side.channels
            if not any(channel in other.channels for other in others)
        ]
        return ", ".join(found)

    @property
    def apart(self):
        """Channels that several runs have, but on no probe that two of them share."""
        apart = {}
        for channel in self._union("channels"):
            who = [side.label for side in self.sides if channel in side.channels]
            if len(who) > 1 and channel not in self.shared_channels:
                apart.setdefault(", ".join(who), []).append(f"channel {channel}")
        return {who: ", ".join(channels) for who, channels in apart.items()}

    @property
    def measures(self):
        """What each run measures by the probes that do not measure the same in all."""
        for probe in self._union("probes"):
            sides = [side for side in self.sides if probe in side.probes]
            if len({side.probes[probe] for side in sides}) > 1:
                yield probe, ", ".join(
                    "{} ({}) in {}".format(*side.probes[probe], side.label)
                    for side in sides
                )

    @property
    def reasons(self):
        """Why rows that are shown are undecided, and of which runs they are."""
        found = {}
        for row in self.rows:
            if row.reason:
                found.setdefault(row.reason, set()).add(row.side.label)
        return {reason: ", ".join(sorted(labels)) for reason, labels in found.items()}

    @property
    def unknown_hosts(self):
        return ", ".join(
            side.label
            for side in self.sides
            if not all(map(side.host, PARTIES.values()))
        )

    @property
    def baselines(self):
        each = [(side.baseline or "none", side.label) for side in self.sides]
        if len({baseline for baseline, _ in each}) == 1:
            return each[0][0]
        return ", ".join(f"{baseline} in {label}" for baseline, label in each)

    # ---- what differs ----

    def _describe(self, values):
        """ "8 in A, C; 3 in B" of a value for each run; None when all are the same.

        A value of None says that the run has no such thing: nothing is said of it.
        """
        who = {}
        for side, value in zip(self.sides, values):
            if value is not None:
                who.setdefault(value, []).append(side.label)
        if len(who) < 2:
            return None
        return "; ".join(
            f"{value or '(empty)'} in {', '.join(labels)}"
            for value, labels in who.items()
        )

    def _is_told(self, section, key):
        """Whether it says nothing about how was measured, or is said elsewhere."""
        kind, _, name = section.partition(".")
        return (
            section == "reference"
            or key == "description"
            or (section == "scenario" and key in ("name", "channels", "probes", "seed"))
            or (kind == "probe" and name not in self.shared_probes)
            or (kind == "channel" and name not in self.shared_channels)
        )

    def _compare_settings(self):
        """In a run that has the section the setting may be of a later version."""
        for section, key in self._union("settings"):
            values = [
                side.settings.get(
                    (section, key), "not set" if section in side.sections else None
                )
                for side in self.sides
            ]
            if not self._is_told(section, key):
                yield f"{section}.{key}", self._describe(values)

    def _compare_definitions(self):
        for probe in self.shared_probes:
            helps = [side.run.definition(probe).get("help") for side in self.sides]
            metric = next(it.metric for it in self.rungs if it.rung.probe == probe)
            yield f"what {metric} of {probe} is", self._describe(helps)

    def _compare_tls(self):
        """The same settings need not lead to the same TLS.

        Nothing is said of what a run does not tell: an older one, no signature.
        """
        negotiated = [
            {
                row["channel"]: dict(zip(TLS_PARTS, row["text"].split(", ")))
                for row in side.run.findings("tls")
                if row["text"] != "none"
            }
            for side in self.sides
        ]
        for channel in self._union("channels"):
            told = [one.get(channel, {}) for one in negotiated]
            words = [
                f"{part} {text}"
                for part in TLS_PARTS
                if (text := self._describe([one.get(part) for one in told]))
            ]
            if words and channel in self.shared_channels:
                yield channel, f"{', '.join(words)}: not the same handshake"

    def _compare_hosts(self):
        """A fact once when it is the same for both hosts, as it is on one machine."""
        hosts = {
            name: [side.host(party) for side in self.sides]
            for name, party in PARTIES.items()
        }
        for path in FACTS:
            words = {
                name: self._describe([host and fact_text(host, path) for host in some])
                for name, some in hosts.items()
            }
            if len(set(words.values())) == 1:
                words = {"hosts": words["broker's host"]}
            for name, text in words.items():
                yield f"{name}, {path}", text


def fact_text(host, path):
    """A fact of a host; of a commit enough to know it by."""
    text = page.fact(host, path) or "not known"
    if path == "commit" and len(text) > 12:
        return text[:12] + ("-dirty" if "-dirty" in text else "")
    return text


# ---- forms ----


def _csv(sides):
    out = io.StringIO()
    writer = csv.DictWriter(
        out, RUNS_CSV, extrasaction="ignore", lineterminator="\n", restval=""
    )
    writer.writeheader()
    for row in sides.rows:
        side = row.side
        line = {**row.fields, "run": side.name, "baseline": side.baseline}
        if row.fields["channel"] == side.baseline:
            line["ratio"] = ""
        line["label"] = side.label
        writer.writerow({name: render.printable(text) for name, text in line.items()})
    return out.getvalue()


def _terminal(sides):
    """The channel has a line of its own, above the numbers of its runs."""
    all_cells = [HEADERS, *(row.cells for row in sides.rows)]
    widths = [
        max(len(render.printable(cells[i])) for cells in all_cells)
        for i in range(len(HEADERS))
    ]
    left = (HEADERS.index("run"), HEADERS.index("verdict"))

    def line(cells):
        shown = [
            f"{render.printable(cells[i]):{'<' if i in left else '>'}{widths[i]}}"
            for i in range(1, len(HEADERS))
        ]
        return ("    " + "  ".join(shown)).rstrip()

    return render.text("side-by-side.txt", sides=sides, headers=HEADERS, line=line)


def _make_folder(runs):
    """A new folder: in plots/ when a run is in results/, else with the first run's figures."""
    in_plots = [run.plots.parent for run in runs if run.plots.parent != run.path]
    parent = in_plots[0] if in_plots else runs[0].plots
    make_folder(parent)
    stamp = time.strftime("side-by-side-%Y%m%dT%H%M%SZ", time.gmtime())
    for i in range(1, 100):
        folder = parent / (stamp if i == 1 else f"{stamp}-{i}")
        try:
            folder.mkdir()
            return folder
        except FileExistsError:
            continue
    raise FileExistsError(errno.EEXIST, "too many of this second", str(parent / stamp))


def make(runs):
    """Sets runs side by side in a new folder: runs.{csv,txt,md,tex,svg,png,pdf}, report.html.

    Returns the folder, the text for a terminal, and what is left out of the figures, as
    a list of words. Without a shared channel there is no chart.
    """
    sides = Sides(runs)
    folder = _make_folder(runs)
    text = _terminal(sides)
    write(folder / "runs.csv", _csv(sides))
    write(folder / "runs.txt", text)
    for name, form in (("runs.md", render.md), ("runs.tex", render.latex)):
        template = f"side-by-side.{name.partition('.')[2]}"
        write(folder / name, form(template, sides=sides, headers=HEADERS))
    words = []
    if sides.rungs:
        try:
            words = figures.draw(CHART_SCRIPT, folder, "runs")
        except figures.FigureError as error:  # table and page are there without it
            words = [str(error)]
    chart = page.picture_in(folder, "runs", *CHART)
    html = render.html(
        "side-by-side.html", sides=sides, headers=HEADERS, chart=chart, show=page.SHOW
    )
    write(folder / "report.html", html)
    return folder, text, words
