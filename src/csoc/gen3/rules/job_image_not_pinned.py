"""Images that sower and hatchery start later are named inside their configuration, where nobody looks for tags.

A workspace whose image moves gives two researchers two sets of libraries under one name, and a job's image is pulled
anew for each run.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from csoc.fleet.shapes import items, mapping, text
from csoc.fleet.values import Path
from csoc.gen3.findings import Severity
from csoc.gen3.images import is_moving, split_image
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.rules.support.certainty import on
from csoc.gen3.state import EnvironmentState

_JOBS, _WORKSPACES = "Jobs (sower)", "Workspaces (hatchery)"


def check(state: EnvironmentState) -> Iterator[Hit]:
    """One hit for each image with a moving tag that the environment's own configuration names."""
    seen: set[str] = set()
    for what, name, image, path in (*_jobs(state), *_workspaces(state)):
        _, tag = split_image(image)
        if image in seen or not is_moving(tag):
            continue
        seen.add(image)
        yield Hit(
            cause=f"{what} use {image}, whose tag moves",
            key=f"{what} {image}",
            evidence=(state.at(path, f"{name}: {image}" if name else image),),
        )


def _jobs(state: EnvironmentState) -> Iterator[tuple[str, str, str, Path]]:
    """(what, name, image, values path) of the jobs that sower starts."""
    if not on(state, "sower") or not state.written("sower.sowerConfig"):
        return
    for index, entry in enumerate(items(state.get("sower.sowerConfig"))):
        image = text(mapping(mapping(entry).get("container")).get("image"))
        yield _JOBS, text(mapping(entry).get("name")), image, ("sower", "sowerConfig", index)


def _workspaces(state: EnvironmentState) -> Iterator[tuple[str, str, str, Path]]:
    """The same of the containers that hatchery offers; its JSON counts where there is one."""
    if not on(state, "hatchery"):
        return
    manifest = text(state.get("hatchery.hatchery.json"))
    if manifest.strip():
        for entry in items(_json(manifest).get("containers")):
            data = mapping(entry)
            yield _WORKSPACES, text(data.get("name")), text(data.get("image")), ("hatchery", "hatchery", "json")
    elif state.written("hatchery.hatchery.containers"):
        for index, entry in enumerate(items(state.get("hatchery.hatchery.containers"))):
            data, path = mapping(entry), ("hatchery", "hatchery", "containers", index)
            yield _WORKSPACES, text(data.get("name")), text(data.get("image")), path


def _json(manifest: str) -> Mapping[str, object]:
    try:
        return mapping(json.loads(manifest))
    except (ValueError, RecursionError):
        return {}


RULE = Rule(
    id="job-image-not-pinned",
    title="An image of jobs or workspaces that follows a branch",
    severity=Severity.LOW,
    consequence="Whatever is pushed under the tag runs at the next start: two workspaces of one name may differ.",
    fix="Name a version, or a commit's tag such as <name>__<commit>, in the image.",
    covers=("fleet",),
    environment=check,
)
