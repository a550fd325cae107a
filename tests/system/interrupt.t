#!/bin/sh
# Ctrl-C and SIGTERM end all that bench has started, also amid a report and a build: nothing goes
# on without it, and nothing of it stays behind.
. "$(dirname "$0")/real.sh"
need_command gnuplot

measure "$tiny" --repetitions 2 --channels 'plain password'
exits 'a run' 0

# Figures that last until the signal comes, on any machine.
mkdir "$scratch/slow"
printf '#!/bin/sh\nexec "%s" -e "pause 60" "$@"\n' "$(command -v gnuplot)" \
  >"$scratch/slow/gnuplot"
chmod +x "$scratch/slow/gnuplot"
slowly="env PATH=$scratch/slow:$PATH"

# interrupt SIGNAL PROGRAM COMMAND...: as soon as the program is at work for the command, which is
# the only one that the signal reaches.
interrupt() {
  signal=$1 program=$2
  shift 2
  start "$@"
  check "$program works for it" test -n "$(await_process ".*\\<$program\\>.*")"
  kill -s "$signal" "$driver"
  stop_waiting "$soon"
}

for signal in INT TERM HUP; do
  rm -rf "$folder/plots"
  # shellcheck disable=SC2086 # a list
  interrupt "$signal" gnuplot $slowly "$bench" report "$folder"
  exits "SIG$signal amid the figures" 130
  is '... and what draws them has ended before it' "$(list_rest)" ''
  is '... no folder of theirs is left' "$(ls -A "$TMPDIR")" ''
  is '... the run is as it was' "$(find "$folder" -name '.*' -type f ! -name '.lock')" ''
  is '... how to go on is said, and nothing else' "$err" \
    "bench: interrupted; to make it again: ./bench report ${folder#"$PWD"/}"
done

# shellcheck disable=SC2086 # a list
start setsid $slowly "$bench" report "$folder"
check 'gnuplot works for a report in the foreground' \
  test -n "$(await_process '.*\<gnuplot\>.*')"
kill -s INT -- "-$driver" # as a terminal does
stop_waiting "$soon"
exits 'Ctrl-C amid the figures' 130
is '... ends all at once' "$(list_rest)" ''
is '... and leaves no folder' "$(ls -A "$TMPDIR")" ''

start env --ignore-signal=HUP "$bench" report "$folder"
check 'a report under nohup is at work' test -n "$(await_process '.*\<gnuplot\>.*')"
kill -s HUP "$driver"
stop_waiting 120
exits 'nohup lets it come to its end' 0

# A file is written as a whole or not at all, whichever line of that the signal comes after.
run /usr/bin/python3 - "$root/scripts" "$scratch" <<'END'
import pathlib
import sys

sys.path.insert(0, sys.argv[1])
from reporting import run

folder = pathlib.Path(sys.argv[2], "whole")
folder.mkdir()


def interrupted_after(lines):
    """Whether write() came to that many of its lines, and was interrupted there."""
    left = lines

    def trace(frame, event, _):
        nonlocal left
        if frame.f_code is not run.write.__code__ or not left:
            return None
        left -= event == "line"
        if not left:
            raise KeyboardInterrupt
        return trace

    sys.settrace(trace)
    try:
        run.write(folder / "file", "new")
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(None)
    return False


lines = 1
while interrupted_after(lines):
    left = {it.name for it in folder.iterdir()} - {"file"}
    assert not left, f"after line {lines}: {left}"
    lines += 1
assert lines > 5, lines
END
exits 'a file that is being written is interrupted after each line' 0
is '... and nothing is left of it' "$err" ''

finish
