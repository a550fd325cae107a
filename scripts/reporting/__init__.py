"""What the executables in scripts/ share."""

import signal

# Python would show a traceback amid its imports; command.start() has better words.
if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
