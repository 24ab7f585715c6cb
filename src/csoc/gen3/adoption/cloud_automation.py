"""Reads the older cloud-automation manifests (manifest.json), so that a commons which has not moved to Helm is on the
same page as those that have, and its versions, ETL mapping and portal are checked by the same rules.

Only what the chart has a key for is translated, to the key that the chart really reads; each translated value keeps the
place where the manifest says it. Two things that only the older system asks for keep names of their own, so that rules
see whether they are there: arborist.deployment_version and sower.json.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from csoc.fleet.location import Location
from csoc.fleet.values import Layer, Path
from csoc.gen3.images import split_image

Locate = Callable[[Path], Location | None]

# Manifest block to chart, where the names differ.
_CHART_OF = {"audit-service": "audit", "tube": "etl"}
# Images that are not a service of their own: where the chart takes them.
_IMAGE_OF: dict[str, Path] = {"spark": ("etl", "image", "spark"), "tube": ("etl", "image", "tube")}
_GLOBAL_OF = {
    "environment": "environment",
    "hostname": "hostname",
    "revproxy_arn": "revproxyArn",
    "dictionary_url": "dictionaryUrl",
    "dispatcher_job_num": "dispatcherJobNum",
    "portal_app": "portalApp",
    "frontend_root": "frontendRoot",
    "tier_access_level": "tierAccessLevel",
    "tier_access_limit": "tierAccessLimit",
    "public_datasets": "publicDataSets",
}


# Files beside a manifest, and where the chart takes what they hold.
SIBLINGS: tuple[tuple[tuple[str, ...], str], ...] = (
    (("etl", "etlMapping"), "etlMapping.yaml"),
    (("portal", "gitops", "json"), "portal/gitops.json"),
    (("hatchery", "hatchery", "json"), "manifests/hatchery/hatchery.json"),
    (("sower", "json"), "manifests/sower/sower.json"),
    (("fence", "FENCE_CONFIG_PUBLIC"), "manifests/fence/fence-config-public.yaml"),
)


def looks_like_manifest(data: object) -> bool:
    """True for a manifest.json: a block of image versions, and a hostname."""
    if not isinstance(data, Mapping):
        return False
    versions, general = data.get("versions"), data.get("global")
    if not isinstance(versions, Mapping) or not isinstance(general, Mapping):
        return False
    return isinstance(general.get("hostname"), str) and all(isinstance(image, str) for image in versions.values())


class _Translation:
    def __init__(self) -> None:
        self.data: dict[str, Any] = {}
        self.origin: dict[Path, Path] = {}

    def put(self, target: Path, value: Any, source: Path) -> None:
        """Sets a translated value and remembers where it comes from."""
        block = self.data
        for step in target[:-1]:
            block = block.setdefault(str(step), {})
        block[str(target[-1])] = value
        self.origin[target] = source


def translate(manifest: Mapping[str, Any], locate: Locate, label: str) -> Layer:
    """A manifest as a layer of chart values. locate: the place of a path in the manifest."""
    made = _Translation()
    for name, image in manifest["versions"].items():
        repository, tag = split_image(image)
        chart = _CHART_OF.get(name, name)
        base = _IMAGE_OF.get(name, (chart, "image"))
        made.put((chart if name != "spark" else "etl", "enabled"), True, ("versions", name))
        made.put((*base, "repository"), repository, ("versions", name))
        made.put((*base, "tag"), tag, ("versions", name))
    for old, new in _GLOBAL_OF.items():
        if old in manifest["global"]:
            made.put(("global", new), manifest["global"][old], ("global", old))
    if "useryaml_s3path" in manifest["global"]:
        source: Path = ("global", "useryaml_s3path")
        made.put(("fence", "usersync", "userYamlS3Path"), manifest["global"]["useryaml_s3path"], source)
        made.put(("fence", "usersync", "usersync"), True, source)
    if "netpolicy" in manifest["global"]:
        on = manifest["global"]["netpolicy"] == "on"
        made.put(("global", "netPolicy", "enabled"), on, ("global", "netpolicy"))
    arborist = manifest.get("arborist")
    if isinstance(arborist, Mapping) and "deployment_version" in arborist:
        version: Path = ("arborist", "deployment_version")
        made.put(version, arborist["deployment_version"], version)
    if isinstance(manifest.get("hatchery"), Mapping):
        made.put(("hatchery", "hatchery", "json"), json.dumps(manifest["hatchery"], default=str), ("hatchery",))
    if "sower" in manifest:
        made.put(("sower", "sowerConfig"), manifest["sower"], ("sower",))
    guppy = manifest.get("guppy")
    if isinstance(guppy, Mapping):
        for old, new in (
            ("indices", "indices"),
            ("config_index", "configIndex"),
            ("auth_filter_field", "authFilterField"),
        ):
            if old in guppy:
                made.put(("guppy", new), guppy[old], ("guppy", old))
    made.put(("global", "dev"), False, ("global",))
    return Layer(label, made.data, _locator(made.origin, locate))


def sibling_layer(path: Path, value: Any, locate: Locate, label: str) -> Layer:
    """What stands in a file of its own beside the manifest (the ETL mapping, the portal's configuration)."""
    data: Any = value
    for step in reversed(path):
        data = {step: data}
    return Layer(label, data, lambda steps: locate(steps[len(path) :]) if steps[: len(path)] == path else locate(()))


def text_layer(path: Path, text: str, place: Location) -> Layer:
    """A file that the chart takes as one text."""
    layer = sibling_layer(path, text, lambda _: place, place.path)
    return replace(layer, locate_text=lambda steps: place if steps == path else None)


def _locator(origin: Mapping[Path, Path], locate: Locate) -> Locate:
    def find(path: Path) -> Location | None:
        for length in range(len(path), 0, -1):
            source = origin.get(path[:length])
            if source is not None:
                return locate((*source, *path[length:])) or locate(source)
        inside = next((source for target, source in origin.items() if target[: len(path)] == path), None)
        return locate(inside) if inside is not None else None

    return find
