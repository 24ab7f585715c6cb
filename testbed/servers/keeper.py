"""The process that keeps one part of the testbed: python -m testbed.servers.keeper START DATA while-used|until-stopped

START is "module:function" (see `testbed.servers.parts`). It reads the part's settings as JSON from
standard input, starts the servers in the folder DATA, writes one line of JSON
({"address": ...} or {"error": ...}) and stays while anybody holds the lock DATA/users, or until SIGTERM. Then it ends
the servers and removes DATA. Why there is such a process: `testbed.servers.sharing`.
"""

from __future__ import annotations

import contextlib
import fcntl
import importlib
import json
import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from testbed.servers.process import PortTakenError, ServerError, start_time

ATTEMPTS = 3

Start = Callable[[contextlib.ExitStack, Path, dict[str, Any]], dict[str, Any]]


def main() -> int:
    """Exit codes: 0 done, 1 the part did not start (said on standard output)."""
    start, data_name, lifetime = sys.argv[1:]
    data = Path(data_name)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    (data / "keeper").write_text(f"{os.getpid()} {start_time(os.getpid())}", encoding="utf-8")
    settings = json.load(sys.stdin)
    with contextlib.ExitStack() as afterwards, contextlib.ExitStack() as stack:
        try:
            address = _start(_named(start), stack, data, settings)
        except ServerError as error:
            print(json.dumps({"error": str(error)}), flush=True)
            return 1
        # Only from here on: what does not come up leaves its logs to whoever started this.
        afterwards.callback(shutil.rmtree, data, ignore_errors=True)
        print(json.dumps({"address": address}), flush=True)
        sys.stdout.close()
        if lifetime == "until-stopped":
            while True:
                signal.pause()
        with (data / "users").open("w") as users:
            fcntl.flock(users, fcntl.LOCK_EX)  # nobody can join from here on
            stack.close()
    return 0


def _named(start: str) -> Start:
    module, _, function = start.partition(":")
    found: Start = getattr(importlib.import_module(module), function)
    return found


def _start(start: Start, stack: contextlib.ExitStack, data: Path, settings: dict[str, Any]) -> dict[str, Any]:
    """Starts the part; again, with other ports, where somebody else was quicker to take one."""
    for attempt in range(1, ATTEMPTS + 1):
        folder = data / str(attempt)
        folder.mkdir(mode=0o711)
        with contextlib.ExitStack() as servers:
            try:
                address = start(servers, folder, settings)
            except PortTakenError:
                if attempt == ATTEMPTS:
                    raise
                continue
            stack.push(servers.pop_all())
            return address
    raise AssertionError("unreachable")


if __name__ == "__main__":
    sys.exit(main())
