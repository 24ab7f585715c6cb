"""What Argo CD leaves alone when it synchronises."""

from dataclasses import replace

import pytest

from csoc.fleet.argocd.model import IgnoredDifference
from csoc.gen3.rules.support.argo import keeps_live
from csoc.testing.states import environment_view

RESPECT = ("CreateNamespace=true", "RespectIgnoreDifferences=true")


@pytest.mark.parametrize(
    ("item", "kept"),
    [
        (IgnoredDifference("", "Secret", "keys", ("/data",)), True),
        (IgnoredDifference("*", "*", "", (".data.pem",)), True),
        (IgnoredDifference("", "Secret", "k*", ("/data/pem",)), True),
        (IgnoredDifference("", "Secret", "keys", ("/metadata/labels",)), False),
        (IgnoredDifference("", "Secret", "other", ("/data",)), False),
        (IgnoredDifference("batch", "Job", "keys", ("/spec",)), False),
        (IgnoredDifference("", "Secret", "keys", ()), False),
    ],
)
def test_content_survives_where_its_differences_are_ignored_in_synchronisations_too(
    item: IgnoredDifference, kept: bool
) -> None:
    application = replace(environment_view().application, ignored=(item,), sync_options=RESPECT)
    assert keeps_live(application, "", "Secret", "keys") is kept
    assert not keeps_live(replace(application, sync_options=()), "", "Secret", "keys")
