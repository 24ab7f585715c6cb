"""Finalizers on production."""

from csoc.gen3.rules.deleting_deletes_everything import check
from csoc.testing.states import environment_state
from tests.unit.gen3.rules.making import application_view

FINALIZER = "resources-finalizer.argocd.argoproj.io"


def test_a_finalizer_on_production_is_found() -> None:
    (hit,) = check(environment_state("", view=application_view(finalizers=(FINALIZER,))))
    assert hit.key == "finalizer"
    background = environment_state("", view=application_view(finalizers=(f"{FINALIZER}/background",)))
    assert list(check(background))


def test_quiet_for_a_finalizer_elsewhere_and_for_other_finalizers() -> None:
    assert not list(check(environment_state("", view=application_view(stage="dev", finalizers=(FINALIZER,)))))
    assert not list(
        check(environment_state("", view=application_view(finalizers=("post-delete-finalizer.argocd.argoproj.io",))))
    )
