"""`python -m csoc_infra DOCUMENT.json [OUTDIR]`: the templates of a document, as a CDK assembly.

Without OUTDIR the program `cdk` says where, so that `cdk synth --app "python -m csoc_infra DOCUMENT.json"` and
`cdk deploy` work on a document that csoc exported.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from csoc_infra.mistakes import MistakeError

_LARGEST_BYTES = 5_000_000


def main(arguments: Sequence[str], errors: TextIO) -> int:
    """The exit code: 0, 1 for a wrong document, 2 for a wrong call."""
    if len(arguments) not in (1, 2):
        errors.write("usage: python -m csoc_infra DOCUMENT.json [OUTDIR]\n")
        return 2
    try:
        source = Path(arguments[0])
        if source.stat().st_size > _LARGEST_BYTES:
            raise MistakeError("document", f"the file is larger than {_LARGEST_BYTES:,} bytes")
        content = json.loads(source.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        errors.write(f"{arguments[0]} cannot be read as JSON: {error}\n")
        return 1
    except MistakeError as mistake:
        errors.write(f"{arguments[0]}: {mistake}\n")
        return 1
    # Imported here, since a wrong call should not wait for CDK.
    from csoc_infra import app
    from csoc_infra.document import parse

    try:
        app.write(app.build_app(parse(content), Path(arguments[1]) if len(arguments) == 2 else None))
    except MistakeError as mistake:
        errors.write(f"{arguments[0]}: {mistake}. {mistake.fix}".rstrip(". ") + ".\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], sys.stderr))
