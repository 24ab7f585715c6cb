"""From one environment's state to the few facts that the whole fleet is compared by.

Values come first, since every environment has them; what a rendering shows replaces what values let one guess.
Settings are kept small: long text and lists become a short text with a digest, enough to see that two environments
differ and not enough to leak anything.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from csoc.fleet.masking import mask_tree
from csoc.fleet.values import Path, look_up
from csoc.gen3.catalogue import Catalogue, Image, load
from csoc.gen3.claims import from_manifests, from_values
from csoc.gen3.facts import EnvironmentFacts, Kind, ServiceFact
from csoc.gen3.gen3_values import Gen3Values
from csoc.gen3.images import split_image
from csoc.gen3.state import EnvironmentState
from csoc.gen3.views import MANIFEST

_RENDERED_KINDS = frozenset({Kind.SECRET, Kind.HOSTNAME, Kind.LOAD_BALANCER_GROUP, Kind.CERTIFICATE, Kind.WEB_ACL})
# What an older manifest really says; where its databases and indices are stands elsewhere.
_MANIFEST_KINDS = frozenset({Kind.HOSTNAME, Kind.CERTIFICATE, Kind.DICTIONARY, Kind.BUCKET})
_LONG = 200


def extract(state: EnvironmentState, *, chart_digest: str = "", catalogue: Catalogue | None = None) -> EnvironmentFacts:
    """The facts of an environment. catalogue: another than the one that the package brings along."""
    values = Gen3Values(state, catalogue or load())
    found = from_values.claims_in_values(values)
    if state.view.system == MANIFEST:
        found = [item for item in found if item.kind in _MANIFEST_KINDS]
    rendered = state.rendering is not None and state.rendering.failure is None
    if rendered:
        exact = from_manifests.claims_in_objects(values, [item.body for item in state.objects()])
        found = [item for item in found if item.kind not in _RENDERED_KINDS] + exact
    return EnvironmentFacts(
        environment=state.view.name,
        services=services(values),
        claims=tuple(found),
        settings=settings(state),
        rendered=rendered,
        chart_digest=chart_digest,
        complete=not state.unread and all(missing.tolerated for missing in state.values.missing),
    )


def services(values: Gen3Values) -> dict[str, ServiceFact]:
    """Every service of the catalogue, and those that only this chart has, by name.

    A service's further images are facts of their own, named "service/role": "etl/spark", "hatchery/sidecar".
    """
    facts: dict[str, ServiceFact] = {}
    for service in values.catalogue:
        enabled = values.enabled(service)
        for index, image in enumerate(service.images):
            name = service.name if index == 0 else f"{service.name}/{image.role}"
            own_switch = f"{image.path.rpartition('.')[0]}.enabled"  # of the part of the chart that runs the image
            facts[name] = _image_fact(values, name, image, enabled and values.get(own_switch, True) is not False)
    for name, path, image_name in _whole_images(values):
        service_name = name.split("/")[0]
        repository, tag = split_image(image_name)
        enabled = values.on(service_name) if service_name in values.catalogue.services else True
        location = values.location(path) if values.has(path) else None
        facts[name] = ServiceFact(name, enabled, repository, tag, bool(location and tag), location)
    facts |= _unknown_services(values)
    return facts


def _image_fact(values: Gen3Values, name: str, image: Image, enabled: bool) -> ServiceFact:
    block = values.get(image.path)
    if isinstance(block, str) and not image.tag_path:
        repository, tag = split_image(block)
        pinned = values.has(image.path) and bool(tag)
        return ServiceFact(name, enabled, repository, tag, pinned, values.location(image.path) if pinned else None)
    repository = block if isinstance(block, str) else values.text(f"{image.path}.repository") or image.repository
    registry = values.text(f"{image.path}.registry")
    if registry and not repository.startswith(f"{registry}/"):
        repository = f"{registry}/{repository}"
    tag = values.text(image.tag_key) or image.tag
    pinned = values.has(image.tag_key) and bool(values.text(image.tag_key))
    return ServiceFact(name, enabled, repository, tag, pinned, values.location(image.tag_key) if pinned else None)


def _whole_images(values: Gen3Values) -> Iterator[tuple[str, Path, str]]:
    """Images that are written as one text."""
    plain: tuple[tuple[str, Path], ...] = (
        ("ssjdispatcher/indexing", ("ssjdispatcher", "indexing")),
        ("gen3/awshelper", ("global", "awshelper_container_image")),
        ("gen3/fence helper", ("global", "fence_container_image")),
    )
    for name, path in plain:
        if text := values.text(path):
            yield name, path, text
    manifest = values.get("hatchery.hatchery.json")
    sidecar: Path = ("hatchery", "hatchery", "sidecarContainer", "image")
    if isinstance(manifest, str) and manifest.strip():
        image = look_up(_json(manifest), ("sidecar", "image"))
        sidecar = ("hatchery", "hatchery", "json")
    else:
        image = values.text(sidecar)
    if isinstance(image, str) and image:
        yield "hatchery/sidecar", sidecar, image


def _json(text: str) -> Any:
    """What the text holds; None if it is broken, which is another rule's finding."""
    try:
        return json.loads(text)
    except ValueError:
        return None


def _unknown_services(values: Gen3Values) -> dict[str, ServiceFact]:
    """Services of this chart that the catalogue does not know: its defaults switch them by `enabled` and name an image.
    Keys that only the environment writes are left out, since the chart may well ignore them."""
    facts = {}
    keys = values.state.chart_keys or frozenset()
    for name, block in values.merged.items():
        if name in values.catalogue.services or not isinstance(block, Mapping) or f"{name}.enabled" not in keys:
            continue
        if isinstance(look_up(block, ("image", "repository")), str) and f"{name}.image.repository" in keys:
            image = Image("main", f"{name}.image", "", "")
            facts[name] = _image_fact(values, name, image, block.get("enabled") is True)
    return facts


def settings(state: EnvironmentState) -> dict[str, Any]:
    """What the environment's files write: dotted path to scalar. Booleans and numbers stay, text is masked; a list is
    one setting, its text short or a digest."""
    return {".".join(map(str, path)): _setting(path, value) for path, value in _leaves(state.values.data)}


def _leaves(data: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    if isinstance(data, Mapping) and data:
        for key, value in data.items():
            yield from _leaves(value, (*path, key))
    elif path:
        yield path, data


def _setting(path: Path, value: Any) -> Any:
    shown = mask_tree(value, path)
    if isinstance(shown, str):
        return shown if len(shown) <= _LONG and "\n" not in shown else _digest(f"{len(shown)} characters", shown)
    if isinstance(shown, (list, dict)):
        return _digest(f"{len(shown)} items", json.dumps(shown, sort_keys=True, default=str))
    return shown if shown is None or isinstance(shown, (bool, int, float)) else str(shown)


def _digest(size: str, text: str) -> str:
    return f"{size}, sha256 {hashlib.sha256(text.encode()).hexdigest()[:12]}"
