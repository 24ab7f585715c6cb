"""The DICOM servers ask for an ExternalSecret even where External Secrets are off, unless a flag of theirs is set.

orthanc looks at createK8sOrthancS3G3auto. dicom-server looks at that same name for the ExternalSecret, which no
document mentions, and at createK8sOrthancG3auto for its own secret (chart 0.3.90, external-secrets.yaml of both).
Older versions of either look elsewhere, so the rule speaks only where the chart at hand reads the flag.
"""

from __future__ import annotations

from collections.abc import Iterator

from csoc.gen3.findings import Severity
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.rules.support.certainty import on, values_complete
from csoc.gen3.rules.support.chart import may_read
from csoc.gen3.state import EnvironmentState

_SHARED = "createK8sOrthancS3G3auto"
_OWN = "createK8sOrthancG3auto"


def check(state: EnvironmentState) -> Iterator[Hit]:
    """One hit a server that is on and gets no secret, or two of them."""
    if not values_complete(state):
        return
    deploy = bool(state.get("global.externalSecrets.deploy"))
    for service in ("orthanc", "dicom-server"):
        if not on(state, service) or not may_read(state, (service, "externalSecrets", _SHARED)):
            continue
        external = not state.get((service, "externalSecrets", _SHARED))
        switch = (service, "enabled")
        if external and not deploy:
            yield Hit(
                cause=f"{service} asks for an ExternalSecret, and External Secrets are off",
                key=service,
                evidence=(state.at(switch), state.at("global.externalSecrets.deploy")),
                fix=f"Set {service}.externalSecrets.{_SHARED}: true.",
            )
        elif deploy and service == "dicom-server" and external == bool(state.get((service, "externalSecrets", _OWN))):
            cause = "two parties make" if external else "nobody makes"
            yield Hit(
                cause=f"With these flags {cause} dicom-server's secret orthanc-g3auto",
                key=f"{service} flags",
                evidence=(state.at((service, "externalSecrets")),),
                fix=f"Set dicom-server.externalSecrets.{_SHARED} and {_OWN} to the same value.",
            )


RULE = Rule(
    id="dicom-secret-not-made",
    title="A DICOM server without its secret",
    severity=Severity.HIGH,
    consequence="The synchronisation fails where ExternalSecret is unknown, or the pods wait for a secret for ever.",
    fix="Set the flags of both servers so that each secret has one maker.",
    covers=("M18",),
    environment=check,
)
