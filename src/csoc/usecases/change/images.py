"""Whether the image that a person chooses is one of anything: the service must be there, and should be on.

Values hold any key, so a misspelled service would be written down and nothing would ever read it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from csoc.errors import RejectedError
from csoc.fleet.values import EffectiveValues
from csoc.gen3 import catalogue
from csoc.gen3.facts import EnvironmentFacts
from csoc.gen3.service_names import nearest_services
from csoc.gen3.views import EnvironmentView
from csoc.usecases.change.operations import Operation
from csoc.usecases.values_in_files import full_path

_SHOWN = 5
_VERSION = re.compile(r"v?\d+(\.\d+)+([.+_-].*)?")


def check_service(
    view: EnvironmentView, operation: Operation, values: EffectiveValues, defaults: Mapping[str, Any]
) -> None:
    """Raises RejectedError, with the nearest name, if neither the catalogue nor the environment's chart (defaults: its
    values, where it is at hand) nor its own values have the service."""
    service = operation.service
    if not service or service in catalogue.load().services:
        return
    chart = defaults.get(view.wrapper) if view.wrapper else defaults
    if isinstance(chart, Mapping) and isinstance(chart.get(service), Mapping):
        return
    if values.has((*full_path(view, (service,), values), "image")):
        return
    raise RejectedError(
        f"The chart has no service {service}",
        place=str(view.application.location),
        fix=nearest_services(service, catalogue.load().services),
    )


def image_warnings(
    operations: Iterable[Operation], views: Sequence[EnvironmentView], facts: Mapping[str, EnvironmentFacts]
) -> list[str]:
    """What is odd about images that can be set nevertheless. views: where they are set; facts: of every environment."""
    found = []
    for operation in operations:
        service = operation.service
        if not service or not views:
            continue
        off = [view.name for view in views if not _runs(facts[view.name], service)]
        if off:
            found.append(f"{service} is off in {_some(off)}: its image is set there, and nothing runs it")
        tags = sorted({fact.tag for item in facts.values() if (fact := item.services.get(service)) and fact.tag})
        if tags and _form(operation.written) not in map(_form, tags):
            found.append(
                f"the tag {operation.written} of {service} has another form than those of this fleet ({_some(tags)}); "
                "csoc does not ask the registry whether there is such an image"
            )
    return found


def _runs(facts: EnvironmentFacts, service: str) -> bool:
    fact = facts.services.get(service)
    return fact is not None and fact.enabled


def _form(tag: str) -> str:
    return "version" if _VERSION.fullmatch(tag) else "number" if tag.isdigit() else "name"


def _some(names: Collection[str]) -> str:
    listed = list(names)
    more = f" and {len(listed) - _SHOWN} more" if len(listed) > _SHOWN else ""
    return f"{', '.join(listed[:_SHOWN])}{more}"
