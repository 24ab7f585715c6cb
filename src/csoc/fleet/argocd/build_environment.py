"""Argo CD's build environment: $ARGOCD_APP_NAME and its like, replaced in value file paths and parameters.

It is Go's os.Expand: a name that is not known becomes nothing, so a password parameter with a "$" in it silently loses
a part. csoc must see the same value that the cluster gets.
"""

from __future__ import annotations

from collections.abc import Mapping

from csoc.fleet.argocd.model import Application, ApplicationSource

_SPECIAL = "*#$@!?-0123456789"


def build_environment(application: Application, source: ApplicationSource, commit: str = "") -> dict[str, str]:
    """The variables of one source. commit: what its revision resolves to; "" if unknown."""
    revision = commit or source.target_revision
    return {
        "ARGOCD_APP_NAME": application.name,
        "ARGOCD_APP_NAMESPACE": application.destination_namespace,
        "ARGOCD_APP_PROJECT_NAME": application.project,
        "ARGOCD_APP_REVISION": revision,
        "ARGOCD_APP_REVISION_SHORT": revision[:7],
        "ARGOCD_APP_REVISION_SHORT_8": revision[:8],
        "ARGOCD_APP_SOURCE_REPO_URL": source.repo_url,
        "ARGOCD_APP_SOURCE_PATH": source.path,
        "ARGOCD_APP_SOURCE_TARGET_REVISION": source.target_revision,
    }


def expand(text: str, variables: Mapping[str, str]) -> str:
    """The text with $NAME and ${NAME} replaced; "$$" is "$"; unknown names become nothing."""
    if "$" not in text:
        return text
    parts: list[str] = []
    at = 0
    while True:
        dollar = text.find("$", at)
        if dollar < 0 or dollar + 1 >= len(text):
            return "".join(parts) + text[at:]
        parts.append(text[at:dollar])
        name, width = _name_at(text, dollar + 1)
        if name:
            parts.append("$" if name == "$" else variables.get(name, ""))
        elif not width:
            parts.append("$")
        at = dollar + 1 + width


def _name_at(text: str, at: int) -> tuple[str, int]:
    """The variable's name at a position and how many characters it takes there; ("", n) swallows a malformed ${."""
    if text[at] == "{":
        if text[at + 1 : at + 2] and text[at + 1] in _SPECIAL and text[at + 2 : at + 3] == "}":
            return text[at + 1], 3
        end = text.find("}", at)
        if end == at + 1:
            return "", 2
        if end < 0:
            return "", 1
        return text[at + 1 : end], end - at + 1
    if text[at] in _SPECIAL:
        return text[at], 1
    end = at
    while end < len(text) and (text[end] == "_" or (text[end].isascii() and text[end].isalnum())):
        end += 1
    return text[at:end], end - at
