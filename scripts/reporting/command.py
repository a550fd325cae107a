"""command - what the executables beside this package share."""

import argparse
import os
import signal
import sys

from . import archive
from .render import printable
from .run import CALL, Run, RunError

# As bench itself: the user's matter; what cannot work here.
EXIT_USAGE = 2
EXIT_SETUP = 3
EXIT_INTERRUPTED = 130

SIGNALS = signal.SIGINT, signal.SIGTERM, signal.SIGHUP


def say(words):
    """A line for the user, beside what is printed."""
    print(f"bench: {printable(words)}", file=sys.stderr)


def complain(error):
    """Says what is wrong with a run, and returns the exit status for that."""
    say(f"error: {error}")
    return EXIT_USAGE


def parser(description, runs="RUN"):
    """Options of an executable that takes run folders."""
    made = argparse.ArgumentParser(description=description)
    made.add_argument("runs", nargs="+", metavar=runs, help="folder of a run")
    return made


def open_run(path):
    """The run in a folder, if it was analysed; what is left out of it is said."""
    run = Run(path)
    if not run.rows("table.csv"):
        raise RunError(f"{path}: not analysed yet: {CALL} report {path}")
    if run.left_out:
        say(f"{path}: {run.left_out} other files are left out")
    return run


def open_runs(paths):
    return map(open_run, paths)


def unpack(path, folder):
    """The folders of the runs in an archive; what became of it is said."""
    runs, left_out = archive.unpack(path, folder)
    for run in runs:
        what = "holds a run that is there already, with the same trials"
        say(f"{path} {what if run.known else 'is unpacked'}: {shorten(run.path)}")
    if left_out:
        say(f"{path}: {left_out} other files are left out")
    return [run.path for run in runs]


def shorten(path):
    """A path as seen from here."""
    here = os.getcwd()
    return os.path.relpath(path) if str(path).startswith(here + "/") else str(path)


def interrupt(*_):
    """Ends all that goes on, once: what that removes is removed to the end."""
    for it in SIGNALS:
        signal.signal(it, signal.SIG_IGN)
    raise KeyboardInterrupt


def start(main):
    """Calls `main` and exits with the status that it returns, or with what went wrong."""
    for it in SIGNALS:
        if signal.getsignal(it) != signal.SIG_IGN:  # as nohup has it
            signal.signal(it, interrupt)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")
    try:
        status = main() or 0
        sys.stdout.flush()
    except RunError as error:
        status = complain(error)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = EXIT_SETUP
    except OSError as error:
        say(f"error: {error.filename or 'cannot go on'}: {error.strerror}")
        status = EXIT_SETUP
    except KeyboardInterrupt:
        status = EXIT_INTERRUPTED
    sys.exit(status)
