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
import time
from typing import NamedTuple

from . import figures, numbers, page, render
from .numbers import number
from .run import make_folder, parse_settings, write
from .table import Table

RUNS_CSV = (
    "run,probe,variant,metric,unit,channel,trials,mean,ci_low,ci_high,baseline,ratio,"
    "ratio_low,ratio_high,verdict,label"
).split(",")
HEADERS = "channel,run,trials,mean,95 % interval,ratio,95 % interval,verdict".split(",")

CHART_SCRIPT = figures.GNUPLOT / "side-by-side" / "runs.gp"
CHART = (
    "Means and ratios",
    "The mean of each run with its 95 % interval, and the ratio to its own baseline.",
)

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
    note: str  # what went wrong, in words
    reason: str  # why it is undecided
    show: object  # how a field of its rung is shown


class Rung(NamedTuple):
    key: tuple  # probe, variant, metric, unit
    name: str
    channels: list  # (name, rows in the order of the runs)


class Side:
    """A run among others."""

    def __init__(self, run, label, name):
        self.run, self.label, self.name = run, label, name
        self.legend = name + Table(run).subtitle.removeprefix(f"run {run.name}")
        self.rungs = {
            (*rung.key, rung.rows[0]["metric"], rung.rows[0]["unit"]): rung
            for rung in page.rungs_of(run)
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
        text = run.read("scenario.ini").decode("utf-8", "replace")
        self.settings = parse_settings(text)
        self.sections = {section for section, _ in self.settings}
        cell = lambda row: (row["probe"], row["variant"], row["channel"])
        self.notes = {cell(row): row["text"] for row in run.findings("trials")}
        self.comparisons = {
            cell(row): row
            for row in run.rows("comparisons.csv")
            if row["baseline"] == self.baseline
        }

    def host(self, party):
        """What is known of the host of a party, or None."""
        for host in page.hosts_of(self.run):
            if party in (page.fact(host, "parties") or "").split():
                return host
        return None

    def make_rows(self, key, channels):
        """{channel: row as it is shown} of those that the run has on a rung."""
        rows = {
            channel: self.table[key, channel]
            for channel in channels
            if (key, channel) in self.table
        }
        places = page.places_of(rows.values())
        return {
            channel: self._make_row((*key[:2], channel), row, places)
            for channel, row in rows.items()
        }

    def _make_row(self, cell, row, places):
        channel = row["channel"]
        is_baseline = channel == self.baseline
        # A comparison that was skipped decides nothing.
        compared = self.comparisons.get(cell, {"verdict": "", "reason": ""})
        row = {**row, "verdict": compared["verdict"]}
        cells = [
            channel,
            self.label,
            row["trials"],
            numbers.text(number(row["mean"]), places),
            numbers.interval(number(row["ci_low"]), number(row["ci_high"]), places),
            "-" if is_baseline else numbers.ratio(number(row["ratio"])),
            numbers.ratio_range(number(row["ratio_low"]), number(row["ratio_high"])),
            "baseline" if is_baseline else row["verdict"],
        ]
        note = self.notes.get(cell, "")
        return Row(self, row, cells, note, compared["reason"], page.fixed(places))


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
            f"{len(runs)} runs side by side: means with 95 % interval, ratios to each "
            "run's own baseline"
        )
        self.rungs = list(filter(None, map(self._make_rung, self._union("rungs"))))
        self.rows = [
            row for rung in self.rungs for _, rows in rung.channels for row in rows
        ]
        self.shared_probes = dict.fromkeys(rung.key[0] for rung in self.rungs)
        self.shared_channels = {
            channel for rung in self.rungs for channel, _ in rung.channels
        }
        self.notes = list(self._make_notes())
        self.differences = list(self._make_differences())

    def _union(self, name):
        """What any run has of that name, each once, in the order of the runs."""
        return dict.fromkeys(one for side in self.sides for one in getattr(side, name))

    def _make_rung(self, key):
        """The rung of what at least two runs have of it; None without such a channel."""
        shared = [
            channel
            for channel in self._union("channels")
            if sum((key, channel) in side.table for side in self.sides) > 1
        ]
        if not shared:
            return None
        sides = [side.make_rows(key, shared) for side in self.sides]
        channels = [
            (channel, [rows[channel] for rows in sides if channel in rows])
            for channel in shared
        ]
        first = channels[0][1][0].side.rungs[key]
        better = "" if first.better == "none" else f"; {first.better} is better"
        name = f"{first.name}: {first.metric}, {first.unit}{better}"
        return Rung(key, name, channels)

    # ---- what is to be said of them ----

    def _only(self, side):
        """What no other run has."""
        others = [other for other in self.sides if other is not side]
        for probe in side.probes:
            if not any(probe in other.probes for other in others):
                yield f"probe {probe}"
        for key in side.rungs:
            probe, variant, *measure = key
            alike = [o for o in others if o.probes.get(probe) == tuple(measure)]
            if alike and not any(key in other.rungs for other in alike):
                yield f"variant {variant or 'none'} of {probe}"
        for channel in side.channels:
            if not any(channel in other.channels for other in others):
                yield f"channel {channel}"

    def _make_notes(self):
        for side in self.sides:
            for row in side.run.findings("unsteady", "limit"):
                yield f"{side.label}: {row['text']}"
        if not self.rungs:
            yield (
                "These runs have no probe and channel in common: nothing can be set "
                "side by side."
            )
        yield from self._note_copies()
        for side in self.sides:
            only = ", ".join(self._only(side))
            if only:
                yield f"Only in {side.label}: {only}."
        yield from self._note_apart()
        yield from self._note_measures()
        yield from self._note_reasons()
        if self.rungs:
            own = {side.baseline or "none" for side in self.sides}
            each = [f"{side.baseline or 'none'} in {side.label}" for side in self.sides]
            baselines = own.pop() if len(own) == 1 else ", ".join(each)
            yield (
                f"ratio: to the run's own baseline ({baselines}), within its own "
                "blocks, with its 95 % interval; the verdict is that of the run's own "
                "report."
            )
            yield (
                "Means of different runs are not tested against each other: they are "
                "of other days and other states of the machines. Ratios are within "
                "each run, and may be compared."
            )

    def _note_apart(self):
        """Channels that several runs have, but on no probe that two of them share."""
        apart = {}
        for channel in self._union("channels"):
            who = [side.label for side in self.sides if channel in side.channels]
            if len(who) > 1 and channel not in self.shared_channels:
                apart.setdefault(", ".join(who), []).append(f"channel {channel}")
        for who, channels in apart.items():
            yield f"On no probe that {who} share: {', '.join(channels)}."

    def _note_copies(self):
        """A run and its copy would agree perfectly, and show nothing."""
        columns = ("trial", "attempt", "started_utc", "status")
        trials = [
            [[row[name] for name in columns] for row in side.run.rows("trials.csv")]
            for side in self.sides
        ]
        for i, one in enumerate(self.sides):
            for k, other in enumerate(self.sides[i + 1 :], i + 1):
                if trials[i] and trials[i] == trials[k]:
                    yield (
                        f"{one.label} and {other.label} hold the same trials: one is a "
                        "copy of the other, and that they agree shows nothing."
                    )

    def _note_measures(self):
        for probe in self._union("probes"):
            sides = [side for side in self.sides if probe in side.probes]
            if len({side.probes[probe] for side in sides}) > 1:
                each = ", ".join(
                    "{} ({}) in {}".format(*side.probes[probe], side.label)
                    for side in sides
                )
                yield (
                    f"{probe} is not the same measure everywhere, and what differs is "
                    f"not compared: {each}."
                )

    def _note_reasons(self):
        """Why rows that are shown are undecided."""
        reasons = {}
        for row in self.rows:
            if row.reason:
                reasons.setdefault(row.reason, set()).add(row.side.label)
        for reason, labels in reasons.items():
            yield f"undecided: {reason} ({', '.join(sorted(labels))})."

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

    def _make_differences(self):
        found = [
            *self._compare_settings(),
            *self._compare_definitions(),
            *self._compare_tls(),
            *self._compare_hosts(),
        ]
        return [f"{name}: {words}" for name, words in found if words]

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
            metric = next(rung.key[2] for rung in self.rungs if rung.key[0] == probe)
            yield f"what {metric} of {probe} is", self._describe(helps)

    def _compare_tls(self):
        """The same settings need not lead to the same TLS."""
        negotiated = [
            {row["channel"]: row["text"] for row in side.run.findings("tls")}
            for side in self.sides
        ]
        for channel in self._union("channels"):
            if channel in self.shared_channels:
                values = [one.get(channel) for one in negotiated]
                yield f"TLS negotiated by {channel}", self._describe(values)

    def _compare_hosts(self):
        """A fact once when it is the same for both hosts, as it is on one machine."""
        parties = {"broker's host": "broker", "publisher's host": "client2"}
        hosts = {
            name: [side.host(party) for side in self.sides]
            for name, party in parties.items()
        }
        unknown = [
            side.label
            for side in self.sides
            if not all(map(side.host, parties.values()))
        ]
        if unknown:
            self.notes.append(
                f"Nothing is known of the hosts of {', '.join(unknown)}: no "
                "environment.json, or it does not say."
            )
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
        writer.writerow({**line, "label": side.label})
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
