"""The password that the chart makes for /mds-admin is encoded together with its quotes, so that no request gets in.

metadata/templates/secrets.yaml of the chart (0.2.60 to 0.3.90, as far as tried); whether the version at hand does so is
read from the secret that it makes. /index-admin has the like: its secret gateway-g3auto is made by no
chart at all, which cannot be told from one that somebody made by hand, so that only the metadata service is judged.
"""

from __future__ import annotations

from collections.abc import Iterator

from csoc.gen3.findings import Severity
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.rules.support.certainty import on
from csoc.gen3.rules.support.chart import decoded, secret_content
from csoc.gen3.rules.support.reading import rendered
from csoc.gen3.state import EnvironmentState

_LOCAL = "metadata.externalSecrets.createK8sMetadataSecret"


def check(state: EnvironmentState) -> Iterator[Hit]:
    """A hit if metadata and the reverse proxy are on, and the secret that both read is made with quotes inside."""
    if not rendered(state) or not (on(state, "metadata") and on(state, "revproxy")):
        return
    made = secret_content(state, "metadata-g3auto") or {}
    if (decoded(made.get("base64Authz.txt", "")) or "").startswith('"'):
        path = _LOCAL if state.written(_LOCAL) else "global.externalSecrets.deploy"
        yield Hit(
            cause="The reverse proxy's password for the metadata service is encoded with its quotes",
            key="metadata-g3auto",
            evidence=(state.at(path),),
        )


RULE = Rule(
    id="admin-password-unusable",
    title="Administration of metadata is shut",
    severity=Severity.LOW,
    consequence="Every request to /mds-admin is refused; jobs that write metadata that way fail.",
    fix="Keep metadata-g3auto in Secrets Manager (metadata.externalSecrets.metadataG3auto) with base64Authz.txt made of"
    " gateway:<password> without quotes.",
    covers=("M24",),
    environment=check,
    rendered=True,
)
