"""A container whose image is no valid reference never starts.

Charts join repository and tag without a look: a tag that holds a repository (dicom-server's default in chart 0.3.90), a
mapping printed where a text belongs (hatchery's workspaceLaunchTest), an empty tag.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from csoc.gen3.findings import Severity
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.rules.support.reading import rendered
from csoc.gen3.rules.support.workloads import at_source, service_of, workloads
from csoc.gen3.state import EnvironmentState

_NAME = r"(?:[A-Za-z0-9.-]+(?::[0-9]+)?/)?[a-z0-9]+(?:[._/-]+[a-z0-9]+)*"
_REFERENCE = re.compile(_NAME + r"(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(?:@sha256:[0-9a-f]{64})?")
_LAUNCH_TEST = "workspace-launch-test"
_LAUNCH_SWITCH = "hatchery.workspaceLaunchTest.enabled"


def check(state: EnvironmentState) -> Iterator[Hit]:
    """One hit a workload with such an image."""
    if not rendered(state):
        return
    for item in workloads(state):
        images = [container.get("image") for container in item.containers]
        wrong = next((image for image in images if not _valid(image)), None)
        if wrong is None and all(isinstance(image, str) for image in images):
            continue
        service = service_of(item.template)
        shown = f"{wrong!s:.80}" if wrong is not None else "none"
        if item.name == _LAUNCH_TEST and state.get(_LAUNCH_SWITCH):
            yield Hit(
                cause=f"The image of {item.title} is a printed mapping, which the chart's template makes",
                key=item.title,
                evidence=(state.at(_LAUNCH_SWITCH),),
                severity=Severity.MEDIUM,
                consequence="The test of workspaces never runs, so that its alarms never come.",
                fix="Set hatchery.fence.image to one text (quay.io/cdis/fence:2026.03) in place of a mapping.",
            )
            continue
        path = (service, "image")
        yield Hit(
            cause=f"The image of {item.title} is not a valid reference ({shown})",
            key=item.title,
            evidence=(state.at(path) if service and state.written(path) else at_source(state, item.title),),
            fix=f"Set {service}.image.repository and {service}.image.tag." if service else "",
        )


def _valid(image: object) -> bool:
    return isinstance(image, str) and len(image) < 1000 and _REFERENCE.fullmatch(image) is not None


RULE = Rule(
    id="image-reference-invalid",
    title="An image that cannot be named so",
    severity=Severity.HIGH,
    consequence="Pods stay in InvalidImageName and never start.",
    fix="Correct repository and tag.",
    covers=("M18", "M23"),
    environment=check,
    rendered=True,
)
