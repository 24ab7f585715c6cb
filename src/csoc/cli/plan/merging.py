"""How `csoc launch --wait` stays while the documents wait for somebody who merges them."""

from __future__ import annotations

import threading
from contextlib import suppress

from csoc.cli.output import say
from csoc.errors import UnavailableError
from csoc.usecases.launching import Prepared, Request, prepare
from csoc.usecases.provisioning_ports import ProvisioningPorts

_LOOK_SECONDS, _MOST_LOOK_SECONDS = 1.0, 30.0


def until_merged(ports: ProvisioningPorts, request: Request, prepared: Prepared, *, as_json: bool) -> Prepared:
    """Looks, in growing intervals, until the documents are merged, where they are in a pull request. Raises what
    preparing does (one that was closed is a conflict); a host that does not answer is asked again."""
    never, pause, told = threading.Event(), _LOOK_SECONDS, ""
    while prepared.pull_request is not None:
        lacks = prepared.published.note if prepared.published is not None else ""
        waits = f"The documents wait for the merge of {prepared.pull_request.url}{f': {lacks}' if lacks else ''}"
        if waits != told and not as_json:
            say(waits, "yellow")
            say("  fix: Merge it; this goes on by itself. Ctrl-C loses nothing: launch again")
        told = waits
        never.wait(pause)
        pause = min(pause * 1.5, _MOST_LOOK_SECONDS)
        ports.git.begin_round()
        with suppress(UnavailableError):
            prepared = prepare(ports, request)
    return prepared
