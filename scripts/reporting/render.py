"""render - templates filled in, and text made harmless for what will read it.

What stands in a run's files is a stranger's: in HTML, LaTeX, Markdown and on a
terminal none of its characters is taken for markup, none ends a line or a cell, and
no terminal obeys it.
"""

import functools
import re
import textwrap
from pathlib import Path

import jinja2
from markupsafe import Markup

TEMPLATES = Path(__file__).resolve().parents[1] / "templates"

# Controls of terminals (also the eight-bit ones), line ends of other kinds, what turns
# the direction of text, bytes that were no UTF-8 (as "surrogateescape" has them); halves
# of characters.
_CONTROLS = re.compile(
    "[\0-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff"
    "\udc80-\udcff]"
)
_BROKEN = re.compile("[\ud800-\udfff\ufffd]")


def _escape(found):
    code = ord(found[0])
    is_byte = code < 0x100 or 0xDC80 <= code <= 0xDCFF
    return f"\\x{code & 0xFF:02x}" if is_byte else f"\\u{code:04x}"


def printable(text):
    """The text in one line; what does more than to be seen is shown as \\x1b and the like.

    In C this is text_visible().
    """
    text = _CONTROLS.sub(_escape, re.sub("[\t\n]", " ", str(text)))
    return _BROKEN.sub("?", text)


def wrapped(words, width=79, indent=0):
    """Text broken between words; every line begins with `indent` blanks."""
    margin = " " * indent
    return textwrap.fill(
        printable(words),
        width,
        initial_indent=margin,
        subsequent_indent=margin,
        break_long_words=False,
        break_on_hyphens=False,
    )


def markdown(text):
    """Text of which Markdown takes nothing for markup, in one line."""
    return re.sub(r"([\\`*_\[\]<>|#&~])", r"\\\1", printable(text))


# What LaTeX takes for markup, or an ordinary installation has no letter for. What would
# be an option of the row end before it is put into braces.
_LATEX = {
    "\\": "\\textbackslash{}",
    "~": "\\textasciitilde{}",
    "^": "\\textasciicircum{}",
    "<": "\\textless{}",
    ">": "\\textgreater{}",
    "|": "\\textbar{}",
    "`": "\\textasciigrave{}",
    '"': "''",
    "--": "-{}-{}",
    "[": "{[}",
    "*": "{*}",
    **{character: "\\" + character for character in "&%$#_{}"},
    "\u2264": "\\ensuremath{\\leq}",
    "\u2265": "\\ensuremath{\\geq}",
    "\u2248": "\\ensuremath{\\approx}",
    "\u2192": "\\ensuremath{\\rightarrow}",
    "\u2212": "\\ensuremath{-}",
}
_LATEX_TOKENS = re.compile("|".join(map(re.escape, _LATEX)))
_CYRILLIC = re.compile("[\u0400-\u052f]+")


def latex_escape(text):
    """Text of which LaTeX takes nothing for markup, in one line."""
    text = _LATEX_TOKENS.sub(lambda found: _LATEX[found[0]], printable(text))
    return _CYRILLIC.sub(lambda found: f"\\textcyrillic{{{found[0]}}}", text)


def _environment(escape, **options):
    """Every value that a template prints goes through `escape`, once.

    What a macro or a `{% set %}` block has made is markup already.
    """
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        undefined=jinja2.StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=lambda it: it if isinstance(it, Markup) else Markup(escape(it)),
        **options,
    )


def _html_escape(value):
    return Markup.escape(printable(value))


# In LaTeX braces are everywhere: there a statement is <% %>, and a value << >>.
_MARKS = {
    "block_start_string": "<%",
    "block_end_string": "%>",
    "variable_start_string": "<<",
    "variable_end_string": ">>",
    "comment_start_string": "<#",
    "comment_end_string": "#>",
}
_ENVIRONMENTS = {
    "html": _environment(_html_escape),
    "latex": _environment(latex_escape, **_MARKS),
    "markdown": _environment(markdown),
    "text": _environment(printable),
}
_ENVIRONMENTS["text"].filters["wrapped"] = lambda *words, **options: Markup(
    wrapped(*words, **options)
)


def _render(kind, template, **values):
    return _ENVIRONMENTS[kind].get_template(template).render(**values)


# Each takes the name of a template, and its values by name.
html = functools.partial(_render, "html")
latex = functools.partial(_render, "latex")
md = functools.partial(_render, "markdown")
text = functools.partial(_render, "text")  # without what a terminal would obey
