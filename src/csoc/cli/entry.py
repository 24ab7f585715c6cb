"""Starts csoc: what the `csoc` program calls.

Apart from the command tree, since loading that takes a moment in which somebody may well press Ctrl-C; and the place
where being ended by the system becomes an ordinary end, so that child processes and locks are let go.
"""

from __future__ import annotations

import signal
import sys
from types import FrameType

INTERRUPTED = 130
TERMINATED = 143


def main() -> None:
    """Runs the command line and exits with its code."""
    signal.signal(signal.SIGTERM, _end)
    try:
        from csoc.cli.main import run

        code = run()
    except KeyboardInterrupt:
        print("csoc: interrupted", file=sys.stderr)  # noqa: T201 - nothing that prints is loaded yet
        code = INTERRUPTED
    sys.exit(code)


def _end(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - what a handler of signals is given
    raise SystemExit(TERMINATED)
