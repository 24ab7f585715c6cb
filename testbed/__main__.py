"""Real servers by hand: `python -m testbed up [PART ...]`, `status`, `down [PART ...]`.

The same servers that the suites start, but they stay until they are told to go. What is printed holds passwords of
servers that listen on 127.0.0.1 only and forget everything when they stop.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from testbed.servers import parts, sharing
from testbed.servers.process import ServerError


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit codes: 0 done, 1 a server could not be started or stopped."""
    parser = argparse.ArgumentParser(prog="python -m testbed", description="Real servers by hand.")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, does in (
        ("up", "start servers that stay, and say where they are"),
        ("down", "stop them; what they hold is gone"),
    ):
        command = commands.add_parser(name, help=does, description=does)
        command.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(parts.STARTS)}; all if none")
    commands.add_parser("status", help="say what runs")
    options = parser.parse_args(arguments)
    unknown = sorted(set(getattr(options, "parts", ())) - set(parts.STARTS))
    if unknown:
        parser.error(f"no such part: {', '.join(unknown)}; there are {', '.join(parts.STARTS)}")
    if options.command == "status":
        running = sharing.running_parts(_folder())
        for name, found in running.items():
            _describe(name, found.address)
        if not running:
            print("nothing runs; python -m testbed up starts it")
        return 0
    change = _up if options.command == "up" else _down
    outcomes = {name: change(name) for name in options.parts or parts.STARTS}  # one failing does not keep the others
    return 0 if all(outcomes.values()) else 1


def _up(name: str) -> bool:
    try:
        running = sharing.start_detached(name, parts.STARTS[name], _folder(), parts.settings(name))
    except ServerError as error:
        print(f"testbed: {error}", file=sys.stderr)
        return False
    _describe(name, running.address)
    return True


def _down(name: str) -> bool:
    try:
        stopped = sharing.stop(name, _folder())
    except ServerError as error:
        print(f"testbed: {error}", file=sys.stderr)
        return False
    print(f"{name}: {'stopped' if stopped else 'did not run'}")
    return True


def _describe(name: str, address: Mapping[str, Any]) -> None:
    """Where a part is, and how to use and stop it."""
    print(f"{name}:")
    for key, value in address.items():
        print(f"  {key}: {value}")
    if "kubeconfig" in address:
        print(f"  use:  export KUBECONFIG={address['kubeconfig']} PATH={address['programs']}:$PATH")
    print(f"  stop: python -m testbed down {name}")


def _folder() -> Path:
    """Where what runs is written down: the user's own, and gone with the machine's start as the servers are."""
    base = os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()
    folder = Path(base) / f"csoc-testbed-up-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.stat().st_uid != os.getuid():
        raise SystemExit(f"testbed: {folder} belongs to somebody else; remove it")
    return folder


if __name__ == "__main__":
    sys.exit(main())
