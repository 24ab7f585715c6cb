"""Which services a commons gets: what was asked for, what that needs, and everything else switched off."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from csoc.errors import RejectedError
from csoc.gen3.catalogue import load
from csoc.gen3.images import is_moving
from csoc.gen3.launch import bundles, roles, versions

ASKED = st.lists(st.sampled_from([*bundles.BUNDLES, *bundles.OFFERED]), max_size=5)


def test_every_service_of_the_chart_is_offered_or_says_why_not() -> None:
    services = {service.name for service in load()}
    assert set(bundles.OFFERED) | set(bundles.NOT_OFFERED) == services
    assert not set(bundles.OFFERED) & set(bundles.NOT_OFFERED)


def test_standard_has_what_most_commons_run_and_nothing_of_workspaces() -> None:
    on = bundles.select(["standard"]).on
    assert {"fence", "indexd", "metadata", "audit", "ssjdispatcher", "portal"} <= set(on)
    assert not {"hatchery", "guppy", "etl", "aws-es-proxy"} & set(on)


def test_what_is_on_by_default_and_not_wanted_is_switched_off() -> None:
    selection = bundles.select(["minimal"])
    for service in load():
        switched = service.enabled and service.condition == f"{service.name}.enabled"
        if switched and service.name not in selection:
            assert service.name in selection.off, service.name
    assert {"hatchery", "ambassador", "etl", "wts"} <= set(selection.off)


def test_what_is_needed_comes_with_its_reason() -> None:
    on = bundles.select(["ohif-viewer", "guppy"]).on
    assert on["orthanc"] == "ohif-viewer needs it: it shows images of a DICOM server"
    assert on["etl"].startswith("guppy needs it")
    assert on["aws-es-proxy"].startswith(("guppy needs it", "etl needs it"))
    assert on["sheepdog"].startswith(("etl needs it", "portal needs it"))


def test_any_of_several_is_met_by_the_one_that_was_asked_for() -> None:
    assert "orthanc" in bundles.select(["ohif-viewer"])
    assert bundles.select(["hatchery"]).on["ambassador"].startswith("hatchery needs it")


def test_names_from_images_and_manifests_are_understood() -> None:
    assert "audit" in bundles.select(["audit-service"])


@pytest.mark.parametrize("name", sorted(bundles.NOT_OFFERED))
def test_a_service_that_csoc_cannot_make_everything_for_is_refused_with_the_reason(name: str) -> None:
    with pytest.raises(RejectedError, match="csoc does not launch") as caught:
        bundles.select([name])
    assert bundles.NOT_OFFERED[name] in caught.value.cause


def test_all_names_that_are_wrong_are_said_at_once() -> None:
    with pytest.raises(RejectedError) as caught:
        bundles.select(["gupy", "minimal", "jeg"])
    assert 'no service "gupy". Did you mean "guppy"?' in caught.value.cause
    assert "csoc does not launch jeg" in caught.value.cause


@given(ASKED)
def test_every_selection_is_complete_and_says_why(asked: list[str]) -> None:
    catalogue = load()
    selection = bundles.select(asked)
    assert {"revproxy", "arborist", "fence", "indexd"} <= set(selection.on)
    assert "portal" in selection or "frontend-framework" in selection
    for name, reason in selection.on.items():
        assert reason
        assert name in bundles.OFFERED
        assert name not in selection.off
        for requirement in catalogue.services[name].requires:
            assert any(one in selection for one in requirement.any_of), f"{name} lacks {requirement.any_of}"
        for needed, _ in bundles.NEEDS.get(name, ()):
            assert needed in selection
    switched = {service.name for service in catalogue if bundles.switch_of(service)}
    assert switched == {name for name in (*selection.on, *selection.off) if name in switched}


@given(ASKED)
def test_asking_in_another_order_or_twice_changes_nothing(asked: list[str]) -> None:
    assert set(bundles.select(asked).on) == set(bundles.select([*reversed(asked), *asked]).on)


def test_every_offered_service_has_a_pinned_image() -> None:
    for name in bundles.OFFERED:
        service = load().services[name]
        tags = versions.TAGS.get(name, {})
        for image in service.images:
            if image.role in ("main", "tube", "spark"):
                tag = tags[image.tag_key]
                assert not is_moving(tag.rpartition(":")[2]), f"{name}: {tag}"
    assert all(not is_moving(image.rpartition(":")[2]) for image in versions.JOB_IMAGES.values())


@given(ASKED)
def test_grants_name_buckets_queues_and_secrets_that_are_made(asked: list[str]) -> None:
    on = bundles.select(asked).on
    buckets = {bucket.purpose for bucket in roles.buckets(on)}
    queues = {queue.purpose for queue in roles.queues(on)}
    accounts = roles.accounts(on)
    assert len({account.service_account for account in accounts}) == len(accounts)
    for account in accounts:
        for grant in account.grants:
            there = {"bucket": buckets, "queue": queues}.get(grant.kind)
            assert there is None or grant.name in there, f"{account.service_account}: {grant}"
    for bucket in roles.buckets(on):
        assert bucket.notifies in ("", *queues)


def test_only_the_secret_store_reads_secrets_and_nobody_has_more_than_its_service_does() -> None:
    on = bundles.select([*bundles.BUNDLES]).on
    granted = {account.service_account: account.grants for account in roles.accounts(on)}
    readers = [name for name, grants in granted.items() if any("secret" in grant.kind for grant in grants)]
    assert readers == [roles.SECRET_STORE]
    assert granted["ssjdispatcher-job-sa"] == (roles.Grant("bucket", "uploads", "read"),)
    assert granted["audit-service-sa"] == (roles.Grant("queue", "audit", "receive"),)
    assert granted["hatchery-service-account"] == ()
