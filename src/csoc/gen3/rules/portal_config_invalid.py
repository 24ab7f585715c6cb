"""The portal compiles its configuration when it starts: a slip in it keeps the portal down, or breaks one page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from csoc.gen3.data_model import portal_config as portal
from csoc.gen3.findings import Severity
from csoc.gen3.gen3_values import Gen3Values
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.rules.support.explorer import PORTAL, PortalConfig, portal_config
from csoc.gen3.state import EnvironmentState
from csoc.gen3.views import HELM, MANIFEST

_DOWN = "The portal does not start with this configuration: pods that start anew never become ready."
_PAGE = "The portal starts, and the page or the part of it that this is for does not work."


def check(state: EnvironmentState) -> Iterator[Hit]:
    """One hit if the configuration is no JSON, else one for each thing that is missing or of the wrong kind."""
    written = state.values.get(PORTAL)
    if Gen3Values(state).on("portal") and isinstance(written, (Mapping, list)):
        yield Hit(
            cause="portal.gitops.json is written as YAML, and the chart takes one text",
            key="not text",
            evidence=(state.at(PORTAL, "portal.gitops.json is no text"),),
            consequence="The chart does not render.",
            fix="Write portal.gitops.json as a literal block: `json: |` and the JSON below it.",
        )
        return
    config = portal_config(state)
    if config is None:
        return
    if config.error is not None:
        yield Hit(
            cause=f"the portal's configuration is not JSON: {config.error.cause}",
            key=f"not JSON: {config.error.cause}",
            evidence=(config.at_line(config.error.line, f"{'.'.join(map(str, PORTAL))}, line {config.error.line}"),),
            consequence=_DOWN,
        )
        return
    yield from _faults(config)
    yield from _twice(config)


def _faults(config: PortalConfig) -> Iterator[Hit]:
    for fault in portal.faults(config.data):
        where = fault.path or ("the whole",)
        yield Hit(
            cause=fault.text,
            key=fault.key,
            evidence=(config.at(fault.path, ".".join(str(step) for step in where)),),
            severity=Severity.HIGH if fault.stops else Severity.MEDIUM,
            consequence=_DOWN if fault.stops else _PAGE,
            fix=f"{fault.fix}." if fault.fix else "",
        )


def _twice(config: PortalConfig) -> Iterator[Hit]:
    for path, line in config.json.duplicates[:50] if config.json is not None else ():
        name = ".".join(str(step) for step in path)
        yield Hit(
            cause=f"{name} stands twice in the portal's configuration, and only the later one counts",
            key=f"twice {name}",
            evidence=(config.at_line(line, name),),
            severity=Severity.LOW,
            consequence="What the earlier one says is lost without a word.",
            fix="Keep one of the two.",
        )


RULE = Rule(
    id="portal-config-invalid",
    title="A portal configuration that the portal cannot use",
    severity=Severity.HIGH,
    consequence=_PAGE,
    fix="Correct portal.gitops.json at the line named; data-portal's docs/portal_config.md describes each key.",
    covers=("portal configuration",),
    environment=check,
    systems=(HELM, MANIFEST),
)
