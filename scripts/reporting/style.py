"""style - what is bold or coloured on a terminal, as src/base/terminal.c has it.

A colour never says what the words do not. NO_COLOR and TERM=dumb are obeyed.
"""

import os
import re
import sys

BOLD, RED, GREEN, YELLOW = "1", "31", "32", "33"
VERDICTS = {
    "equivalent": GREEN,
    "faster": GREEN,
    "less": GREEN,
    "more": RED,
    "slower": RED,
    "undecided": YELLOW,
}
# The last cell of a table's row.
VERDICT = re.compile(rf"(?m)(?<=  )({'|'.join(VERDICTS)})$")


def _shows():
    dumb = os.environ.get("TERM", "") in ("", "dumb")
    return sys.stdout.isatty() and not dumb and not os.environ.get("NO_COLOR")


def _styled(code, text):
    return f"\x1b[{code}m{text}\x1b[0m" if _shows() else text


def bold(text):
    return _styled(BOLD, text)


def verdicts(table):
    """The text of a table, its verdicts coloured."""
    return VERDICT.sub(lambda word: _styled(VERDICTS[word[1]], word[1]), table)
