"""redact - a copy of a run without what tells whose machines measured it.

Host and login names become host-1, host-2, ...; addresses (IP and MAC), identifiers
and serial numbers of machines become address-1, id-1, ...: the same for the same, so
that two hosts stay two.
"""

import csv
import io
import ipaddress
import json
import re

from .run import KNOWN_FILES, Run, make_folder, write

# Below these keys environment.json has names.
NAME_KEYS = ("host", "hostname", "ssid")

# An address on the other machine, of which the name is told; "lab:a" tells nothing.
_ELSEWHERE = re.compile(r"ssh://(?:([^@/\s]+)@)?(\[[^\]]+\]|[^:/\s]+)")

_TOKENS = re.compile(
    r"(?<![\w.:-])(?:"
    r"(?P<mac>(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2})"
    r"|(?P<address>\d{1,3}(?:\.\d{1,3}){3}|[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,7})"
    r"|(?P<id>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|net:\[\d+\]"
    r"|(?=[0-9]*[a-f])(?=[a-f]*[0-9])(?:[0-9a-f]{12}|[0-9a-f]{16}|[0-9a-f]{32})"
    r"|[01]0{3}\d{12})"
    r")(?![\w:-])",
    re.IGNORECASE,
)
_IS_NO_NAME = re.compile(
    r"(local|localhost|lab:[a-z]( lab:[a-z])*|\d*|mqtt-security-bench)$"
)
_HOME = re.compile(r"(?<=/home)/[^/\s\",;]+")


def _is_address(word):
    try:
        return bool(ipaddress.ip_address(word))
    except ValueError:
        return False


def _values(tree, keys):
    """All texts below these keys, at whatever depth."""
    if isinstance(tree, dict):
        for key, value in tree.items():
            if key in keys and isinstance(value, str):
                yield value
            else:
                yield from _values(value, keys)
    elif isinstance(tree, list):
        for value in tree:
            yield from _values(value, keys)


# Columns with words of programs and people; others have names of the scenario and numbers.
TEXT_COLUMNS = {"host", "reason", "expected", "observed", "cause", "text"}


def _tells_host(section, key):
    return section == "hosts" or key.endswith(("address", "host", "description"))


class Redaction:
    """What stands for what; made of a run, used on its files."""

    def __init__(self, run):
        told = [
            value
            for (section, key), value in run.settings.items()
            if _tells_host(section, key) and key not in ("description", "congestion")
        ]
        self._publishers = run.setting("hosts", "publishers")
        names = list(_values(run.environment, NAME_KEYS))
        for spec in told + list(_values(run.environment, ("spec",))):
            if found := _ELSEWHERE.match(spec):
                names += [name for name in found.groups() if name]
            elif not _IS_NO_NAME.match(spec) and not _is_address(spec):
                names.append(spec)
        names = dict.fromkeys(name for name in names if name)
        self._stands = {name: f"host-{i}" for i, name in enumerate(names, 1)}
        # The longest first: pi.example is not "host-1.example".
        words = sorted(map(re.escape, names), key=len, reverse=True)
        self._names = re.compile(
            rf"(?<![\w-])(?:{'|'.join(words)})(?![\w-])" if words else r"(?!)"
        )

    def _stand_in(self, found):
        word, kind = found[0], found.lastgroup
        if kind == "address" and not _is_address(word):
            return word  # a time of day
        kind = "address" if kind == "mac" else kind
        number = sum(stands.startswith(kind) for stands in self._stands.values())
        return self._stands.setdefault(word.lower(), f"{kind}-{number + 1}")

    def text(self, text):
        text = self._names.sub(lambda found: self._stands[found[0]], text)
        return _HOME.sub("/user", _TOKENS.sub(self._stand_in, text))

    # ---- files ----

    def settings(self, lines):
        section = ""
        for line in lines:
            key, equals, value = line.partition("=")
            if line.startswith("["):
                section = line[1:].partition("]")[0]
            elif (section, key.strip(" +")) == ("hosts", "publishers"):
                if "+" in key:  # a name may have begun in the line before
                    continue
                line = f"{key}= {self.text(self._publishers)}\n"
            elif equals and _tells_host(section, key.strip(" +")):
                line = key + equals + self.text(value)
            yield line

    def tree(self, tree):
        if isinstance(tree, dict):
            return {key: self.tree(value) for key, value in tree.items()}
        if isinstance(tree, list):
            return [self.tree(value) for value in tree]
        return self.text(tree) if isinstance(tree, str) else tree

    def table(self, lines):
        """Lines of CSV; as they are where no column has words."""
        header = next(lines, "")
        yield header
        columns = next(csv.reader([header]), [])
        places = [i for i, name in enumerate(columns) if name in TEXT_COLUMNS]
        if not places:
            yield from lines
            return
        for row in csv.reader(lines):
            for i in places:
                row[i : i + 1] = [self.text(field) for field in row[i : i + 1]]
            out = io.StringIO()
            csv.writer(out, lineterminator="\n").writerow(row)
            yield out.getvalue()


def make(path):
    """Writes PATH-redacted, with the known files of the run, and returns it."""
    run = Run(path)
    redaction = Redaction(run)
    copy = run.path.with_name(run.name + "-redacted")
    make_folder(copy)
    for name in KNOWN_FILES:
        file = run.open(name)
        if not file:
            (copy / name).unlink(missing_ok=True)
            continue
        with io.TextIOWrapper(file, "utf-8-sig", "replace", newline="") as lines:
            if name.endswith(".json"):
                write(
                    copy / name, json.dumps(redaction.tree(run.environment), indent=2)
                )
            elif name.endswith(".ini"):
                write(copy / name, redaction.settings(lines))
            else:
                write(copy / name, redaction.table(lines))
    return copy
