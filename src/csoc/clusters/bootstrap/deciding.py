"""What is done about a component, and why. Pure."""

from __future__ import annotations

import fnmatch
from dataclasses import dataclass
from enum import StrEnum

from csoc.clusters.bootstrap.looking import Found, Presence
from csoc.clusters.platform import Component
from csoc.fleet.versions import Version


class Action(StrEnum):
    """What csoc does."""

    INSTALL = "install"
    COMPLETE = "complete"
    CHANGE = "bring to its pin"
    KEEP = "keep"
    USE = "use as it is"
    STOP = "stop"


@dataclass(frozen=True, slots=True)
class Decision:
    """action; said: each a sentence. fix: what somebody can do about a STOP."""

    action: Action
    said: tuple[str, ...]
    fix: str = ""

    @property
    def applies(self) -> bool:
        """True if csoc writes the component's own objects."""
        return self.action in (Action.INSTALL, Action.COMPLETE, Action.CHANGE, Action.KEEP)


def decide(found: Found, component: Component, namespaces: tuple[str, ...] = ()) -> Decision:
    """What to do. namespaces: those in which the component must take csoc's Applications."""
    title = component.title
    if found.presence is Presence.ABSENT:
        return Decision(Action.INSTALL, (f"{_begin(title)} is absent: csoc installs {component.version}",))
    if found.presence is Presence.HALF:
        return Decision(Action.COMPLETE, (f"{_begin(title)} is csoc's and half installed: csoc completes it",))
    if found.presence is Presence.OTHER_PIN:
        at = found.pin.partition(" ")[0]
        if at == component.version:
            return Decision(Action.CHANGE, (f"{_begin(title)} is csoc's at {at}: csoc brings it to other settings",))
        said = f"{_begin(title)} is csoc's at {at}: csoc brings it to {component.version}"
        return Decision(Action.CHANGE, (said,))
    if found.presence is Presence.OURS:
        return Decision(Action.KEEP, (f"{_begin(title)} is csoc's and at its pin, {component.version}",))
    return _foreign(found, component, namespaces)


def _foreign(found: Found, component: Component, namespaces: tuple[str, ...]) -> Decision:
    title = component.title
    said = [f"{_begin(title)} {found.version} in {found.namespace} is somebody else's: csoc leaves it as it is"]
    if not found.version:
        said = [
            f"{_begin(title)} in {found.namespace} is somebody else's, its version unknown: csoc leaves it as it is"
        ]
    problems: list[tuple[str, str]] = []
    if found.version and not _within(found.version, component):
        wanted = f"{component.oldest} or later" + (f", below {component.below}" if component.below else "")
        problems.append((f"Gen3 needs {title} {wanted}, and it is {found.version}", f"Upgrade {title}"))
    problems += [
        (f"The cluster does not serve {kind}, which {title} should bring", f"Install the definitions of {title}")
        for kind in found.unserved
    ]
    if found.sees_all is False:
        problems.append(
            (f"{_begin(title)} may act in some namespaces only, and commons have namespaces of their own",
             "Install it for the whole cluster, or bind its controller to a ClusterRole")
        )  # fmt: skip
    deaf = [one for one in namespaces if one != found.namespace and not _takes(found.further, one)]
    if deaf:
        problems.append(
            (f"It takes Applications from {found.namespace} only, and csoc's are in {', '.join(deaf)}",
             f"Add {', '.join(deaf)} to application.namespaces of argocd-cmd-params-cm")
        )  # fmt: skip
    if found.not_ready:
        said.append(f"Not ready there: {', '.join(found.not_ready)}")
    if problems and not component.is_vital:
        return Decision(Action.USE, (*said, *(f"{what}. {fix}, for {component.needed_for}" for what, fix in problems)))
    if problems:
        return Decision(Action.STOP, (*said, *(what for what, _ in problems)), "; ".join(fix for _, fix in problems))
    return Decision(Action.USE, tuple(said))


def _within(version: str, component: Component) -> bool:
    is_, oldest = Version.parse(version), Version.parse(component.oldest) if component.oldest else None
    below = Version.parse(component.below) if component.below else None
    if is_ is None:
        return True
    return not (oldest is not None and is_ < oldest) and (below is None or is_ < below)


def _takes(further: tuple[str, ...], namespace: str) -> bool:
    return any(fnmatch.fnmatchcase(namespace, one) for one in further)


def _begin(title: str) -> str:
    return title[0].upper() + title[1:]
