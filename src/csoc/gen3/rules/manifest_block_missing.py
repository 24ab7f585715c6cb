"""In the older system some services read a block of the manifest, and there is no default for it.

Which ones comes from the maintainers' own check of manifests (gen3utils, gen3utils/manifest/validation_config.yaml,
"block", as of April 2026): sower and guppy want a block of their name. Sower's may stand in a file of its own instead.
"""

from __future__ import annotations

from collections.abc import Iterator

from csoc.gen3.findings import Severity
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.state import EnvironmentState
from csoc.gen3.views import MANIFEST

_BLOCKS = (
    ("guppy", ("guppy.indices", "guppy.configIndex"), "which indices there are"),
    ("sower", ("sower.sowerConfig", "sower.json"), "which jobs there are"),
)


def check(state: EnvironmentState) -> Iterator[Hit]:
    """One hit for each of these services that the manifest names without telling it anything."""
    for service, blocks, what in _BLOCKS:
        image = (service, "image", "repository")
        if state.written(image) and not any(state.written(block) for block in blocks):
            yield Hit(
                cause=f"The manifest names {service} and has no block {service}, which says {what}",
                key=service,
                evidence=(state.at(image, f"versions.{service}"),),
                fix=f"Add a block {service} to manifest.json, or remove {service} from versions.",
            )


RULE = Rule(
    id="manifest-block-missing",
    title="A service of an older manifest without its settings",
    severity=Severity.HIGH,
    consequence="Its pods wait for a ConfigMap that is not made, or start and can do nothing.",
    fix="Add the block to manifest.json.",
    covers=("versions",),
    environment=check,
    systems=(MANIFEST,),
)
