"""Half a certificate, and one that is encoded twice."""

import pytest

from csoc.gen3.rules.tls_incomplete import check
from csoc.testing.states import environment_state

CERT = "-----BEGIN CERTIFICATE----- x"


def test_a_certificate_without_its_key_is_found_and_neither_is_shown() -> None:
    (hit,) = check(environment_state("global:\n  tls:\n    key: top-secret\n"))
    assert "global.tls.cert" in hit.cause
    assert hit.evidence[0].location
    assert hit.evidence[0].location.line == 3
    assert "top-secret" not in f"{hit}"


def test_base64_is_found() -> None:
    values = f"global: {{tls: {{cert: LS0tLS1CRUdJTiBDRVJU, key: {CERT!r}}}}}\n"
    assert [hit.key for hit in check(environment_state(values))] == ["encoded global.tls.cert"]


@pytest.mark.parametrize(
    "values",
    [
        f"global: {{tls: {{cert: {CERT!r}, key: {CERT!r}}}}}\n",
        "global: {tls: {cert: null, key: ''}}\n",
        "x: 1\n",
        "global: {tls: {cert: x}}\nrevproxy: {enabled: false}\n",
    ],
    ids=["both", "neither", "nothing", "no proxy"],
)
def test_quiet_with_both_or_neither(values: str) -> None:
    assert not list(check(environment_state(values)))


@pytest.mark.parametrize("values", ["global: {tls: text}\n", "global: {tls: {cert: [1], key: {a: 1}}}\n"])
def test_survives_shapes_that_nobody_foresaw(values: str) -> None:
    assert not list(check(environment_state(values)))
