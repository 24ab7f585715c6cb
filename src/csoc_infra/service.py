"""`python -m csoc_infra.service`: templates on request, in a process that stays warm.

Importing CDK takes a second or more and starts Node.js; making templates takes a tenth of one. So csoc keeps this
process and asks it: one JSON document a line on standard input, one JSON answer a line on standard output, either
{"templates": {layer: text}} or {"error": {"path", "cause", "fix"}}. The first line that it writes is {"ready": true}.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any, BinaryIO

from csoc_infra import app
from csoc_infra.document import parse
from csoc_infra.layers import table
from csoc_infra.mistakes import MistakeError


def answer(line: bytes) -> dict[str, Any]:
    """The answer to one line."""
    try:
        return {"templates": dict(app.templates(parse(json.loads(line))))}
    except MistakeError as mistake:
        return {"error": {"path": mistake.path, "cause": mistake.cause, "fix": mistake.fix}}
    except (ValueError, RecursionError):
        return {"error": {"path": "document", "cause": "this is no JSON that can be read", "fix": ""}}


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """Answers until the requests end."""
    for entry in table.LAYERS.values():
        entry.load()
    _send(answers, {"ready": True})
    for line in requests:
        _send(answers, answer(line))


def _send(answers: BinaryIO, message: dict[str, Any]) -> None:
    answers.write(json.dumps(message).encode() + b"\n")
    answers.flush()


def main() -> None:
    """Serves on the process's own streams. What anything else prints must not end up among the answers."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    serve(sys.stdin.buffer, answers)


if __name__ == "__main__":
    main()
