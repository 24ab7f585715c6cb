"""A container asks for a key of a secret that External Secrets writes, and what is asked of the store has no such key.

The chart's own case is manifestservice: with keys of its own in values, its pods read them from manifestservice-g3auto,
whose ExternalSecret brings config.json alone (chart 0.3.90, manifestservice/templates). An ExternalSecret that takes
whatever the store holds is left alone, and so is a secret that something else adds to.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from csoc.fleet.shapes import mapping, mappings
from csoc.gen3.findings import Severity
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.rules.support import needs
from csoc.gen3.rules.support.reading import rendered
from csoc.gen3.rules.support.workloads import at_source, name_of
from csoc.gen3.state import EnvironmentState

_MANIFESTS = "manifestservice.manifestserviceG3auto.awsaccesskey"
_FIXES: Mapping[str, tuple[str, str]] = {
    "manifestservice-g3auto": (
        _MANIFESTS,
        "Remove awsaccesskey and awssecretkey below manifestservice.manifestserviceG3auto and use a role, or set"
        " manifestservice.externalSecrets.createK8sManifestServiceSecret: true.",
    ),
}


def check(state: EnvironmentState) -> Iterator[Hit]:
    """One hit a secret and workload, with all keys that are missing; optional references are left out."""
    if not rendered(state):
        return
    pulled = _pulled(state)
    given = needs.supply(state)
    lacking: dict[tuple[str, str], dict[str, None]] = {}
    for need in needs.needs(state):
        keys = pulled.get(need.name) if need.kind == needs.SECRET else None
        if keys is None or given.scripted(need.name) or (needs.SECRET, need.name) in given.keys:
            continue
        for key in need.keys:
            if key not in keys:
                lacking.setdefault((need.name, need.workload), {})[key] = None
    for (secret, workload), missing in lacking.items():
        path, fix = _FIXES.get(secret, ("", ""))
        text = f"{workload} reads {', '.join(missing)} of {secret}"
        yield Hit(
            cause=f"{workload} wants {' and '.join(missing)} of the secret {secret}, whose ExternalSecret does not ask"
            " for it",
            key=f"{workload} {secret} {' '.join(missing)}",
            evidence=(state.at(path) if path and state.written(path) else at_source(state, text),),
            fix=fix,
        )


def _pulled(state: EnvironmentState) -> dict[str, set[str]]:
    """Keys that ExternalSecrets write, by the secret's name; without those that take whatever there is."""
    keys: dict[str, set[str]] = {}
    open_ended: set[str] = set()
    for item in state.objects("ExternalSecret"):
        spec = mapping(item.body.get("spec"))
        target = mapping(spec.get("target"))
        name = str(target.get("name") or name_of(item.body))
        if spec.get("dataFrom") or target.get("template") or target.get("creationPolicy") not in (None, "Owner"):
            open_ended.add(name)
        keys.setdefault(name, set()).update(str(entry.get("secretKey")) for entry in mappings(spec.get("data")))
    return {name: found for name, found in keys.items() if name not in open_ended}


RULE = Rule(
    id="pulled-key-missing",
    title="A key that is not asked of the secret store",
    severity=Severity.HIGH,
    consequence="The pods stay in CreateContainerConfigError.",
    fix="Let the ExternalSecret ask for the key, or take the reference out of the values.",
    covers=("M20",),
    environment=check,
    rendered=True,
)
