"""The portal can clone its configuration from a repository when a pod starts, past Argo CD and everyone's review.

`fence.usersync.userYamlS3Path` is not judged here: who may see what is kept in that file on purpose, with its own
review, and it is read again every half hour by design.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from csoc.errors import CsocError
from csoc.fleet.addresses import canonical_name
from csoc.fleet.shapes import items, mapping, text
from csoc.gen3.findings import Severity
from csoc.gen3.rules.chart_not_pinned import is_fixed
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.rules.support.certainty import on
from csoc.gen3.rules.support.reading import listed
from csoc.gen3.state import EnvironmentState

_SERVICES = ("portal", "frontend-framework")


def check(state: EnvironmentState) -> Iterator[Hit]:
    """One hit for each service that clones its configuration, and one for images that the portal downloads from a
    branch."""
    for service in _SERVICES:
        if on(state, service) and state.get((service, "customConfig", "enabled")):
            yield from _cloned(state, service)
    urls = [text(mapping(entry).get("url")) for entry in items(state.get("portal.extraImages"))]
    moving = [url for url in urls if _follows_branch(url)]
    if moving and on(state, "portal"):
        names = listed(url.rpartition("/")[2] for url in moving)
        yield Hit(
            cause=f"The portal downloads images from a branch of a repository when it starts: {names}",
            key=f"portal.extraImages {' '.join(sorted(moving))}",
            evidence=(state.at("portal.extraImages"),),
            severity=Severity.INFO,
            consequence="A push there changes the portal's pictures at its next restart.",
            fix="Name a tag or a commit in the URLs, or put the images into portal.gitops.",
        )


def _cloned(state: EnvironmentState, service: str) -> Iterator[Hit]:
    block = (service, "customConfig")
    repository, branch = text(state.get((*block, "repo"))), text(state.get((*block, "branch")))
    if is_fixed(branch):
        return
    folder = text(state.get((*block, "dir")))
    foreign = not _read_already(state, repository)
    yield Hit(
        cause=f"{service} clones its configuration at each start from {repository}, branch {branch or 'not set'}",
        key=f"{service} {repository} {branch}",
        evidence=(state.at(block, f"{service}.customConfig: {repository} {branch} {folder}"[:160]),),
        severity=Severity.MEDIUM if foreign and state.view.stage.value == "prod" else Severity.LOW,
    )


def _read_already(state: EnvironmentState, address: str) -> bool:
    """True if the repository is the one that the environment's Application or values come from."""
    try:
        name = canonical_name(address)
    except CsocError:
        return False
    return any(_name(source.repo_url) == name for source in state.view.application.sources)


def _name(address: str) -> str:
    try:
        return canonical_name(address)
    except CsocError:
        return ""


def _follows_branch(url: str) -> bool:
    """True for a raw file of a branch on GitHub."""
    found = re.match(r"https://raw\.githubusercontent\.com/[^/]+/[^/]+/(?:refs/heads/)?([^/]+)/", url)
    return found is not None and found[1] != "refs" and not is_fixed(found[1])


RULE = Rule(
    id="config-fetched-at-run-time",
    title="Configuration that is fetched when a pod starts",
    severity=Severity.LOW,
    consequence=(
        "A push to that branch changes the site at the next restart of a pod, without a change here: Argo CD shows no "
        "difference, csoc cannot check it, and two pods may show two versions."
    ),
    fix=(
        "Put the configuration into values (portal.gitops), where it is reviewed and checked, "
        "or set customConfig.branch to a tag and move it on purpose."
    ),
    covers=("fleet",),
    environment=check,
)
