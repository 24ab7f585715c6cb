"""The chart fills in a self-signed half where only a certificate or only its key is given, and the two do not match."""

from __future__ import annotations

from collections.abc import Iterator

from csoc.gen3.findings import Severity
from csoc.gen3.gen3_values import Gen3Values
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.rules.support.certainty import values_complete
from csoc.gen3.state import EnvironmentState

_PARTS = ("global.tls.cert", "global.tls.key")


def check(state: EnvironmentState) -> Iterator[Hit]:
    """One hit if only one half is given, and one for each half that is encoded already."""
    values = Gen3Values(state)
    if not values_complete(state) or not values.on("revproxy"):
        return
    given = [path for path in _PARTS if values.text(path).strip()]
    if len(given) == 1:
        other = next(path for path in _PARTS if path not in given)
        yield Hit(
            cause=f"{given[0]} is set and {other} is not",
            key=f"without {other}",
            evidence=(state.at(given[0], f"{given[0]} is set"), state.at(other, f"{other} is not set")),
        )
    for path in given:
        if values.text(path).strip().startswith("LS0tLS1"):
            yield Hit(
                cause=f"{path} is base64 already, and the chart encodes it once more",
                key=f"encoded {path}",
                evidence=(state.at(path, f"{path} is base64"),),
                fix="Give the PEM text itself, from -----BEGIN to -----END.",
            )


RULE = Rule(
    id="tls-incomplete",
    title="A certificate without its key",
    severity=Severity.HIGH,
    consequence="The Secret gen3-certs holds no usable pair, and Ingresses that use it show another certificate.",
    fix="Give both as PEM text, or neither, so that the chart makes a self-signed pair.",
    covers=("M9",),
    environment=check,
)
