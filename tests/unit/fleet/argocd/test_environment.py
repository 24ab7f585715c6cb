"""Argo CD's build environment, as Go's os.Expand replaces it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from csoc.fleet.argocd.build_environment import build_environment, expand
from tests.unit.fleet.argocd import making

VARIABLES = {"NAME": "portal", "A_1": "x"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("values-$NAME.yaml", "values-portal.yaml"),
        ("values-${NAME}.yaml", "values-portal.yaml"),
        ("$NAME/$A_1", "portal/x"),
        ("pa$$word", "pa$word"),
        ("pa$word", "pa"),
        ("pa${missing}x", "pax"),
        ("cost: 5$", "cost: 5$"),
        ("5$ net", "5$ net"),
        ("$1x", "x"),
        ("${}x", "x"),
        ("${NAME", "NAME"),
        ("${$}", "$"),
        ("no variable", "no variable"),
    ],
)
def test_variables_are_replaced_as_gos_os_expand_does(text: str, expected: str) -> None:
    assert expand(text, VARIABLES) == expected


def test_the_environment_names_the_application_and_its_source() -> None:
    app = making.application(
        making.app_yaml(
            spec="  project: gen3\n  source: {repoURL: https://x.org/r, path: a/b, targetRevision: v1}\n",
            destination="ns",
        )
    )
    found = build_environment(app, app.sources[0], "0123456789abcdef")
    assert found["ARGOCD_APP_NAME"] == "portal"
    assert found["ARGOCD_APP_NAMESPACE"] == "ns"
    assert found["ARGOCD_APP_PROJECT_NAME"] == "gen3"
    assert found["ARGOCD_APP_REVISION_SHORT"] == "0123456"
    assert found["ARGOCD_APP_SOURCE_PATH"] == "a/b"
    assert found["ARGOCD_APP_SOURCE_TARGET_REVISION"] == "v1"


@given(st.text(alphabet="$ {}ANME_1x", max_size=30))
def test_expanding_never_raises_and_leaves_no_known_name(text: str) -> None:
    assert "$NAME" not in expand(text.replace("$$", ""), VARIABLES)
