"""What corrections remember, and what is under way for a while."""

from __future__ import annotations

from datetime import UTC, datetime

from moto.core.utils import get_service_model

from csoc.emulator.cloud.calls import Call, Identity
from csoc.emulator.cloud.corrections import corrected
from csoc.emulator.cloud.corrections.correction import Echo, Memory, UnderWay, echoing
from csoc.emulator.timeline import SteppedTimeline

AT = datetime(2026, 1, 1, tzinfo=UTC)
ECHO = Echo(
    "rds",
    "cluster",
    "Id",
    "Id",
    {"Shown": "Asked"},
    ("Create", "Modify"),
    ("Delete",),
    {"Create": "One", "Describe": "Many"},
    small=True,
)


def call(
    operation: str = "Describe", service: str = "rds", region: str = "us-east-1", account: str = "1", **given: str
) -> Call:
    identity = Identity(account, "arn", "arn", "id")
    return Call(identity, service, operation, region, given, AT, "request")


def test_the_model_of_a_service_is_kept_once_for_all_its_operations_and_is_the_one_that_moto_keeps() -> None:
    kept = get_service_model("sqs")
    found = [corrected._operation("sqs", name).service_model for name in ("CreateQueue", "DeleteQueue")]
    assert all(model is kept for model in found)


def test_what_is_remembered_is_of_one_account_and_region() -> None:
    memory = Memory()
    memory.keep(call(), "cluster", "a", {"x": 1})
    assert memory.kept(call(), "cluster", "a") == {"x": 1}
    assert memory.kept(call(region="us-west-2"), "cluster", "a") is None
    assert memory.kept(call(account="2"), "cluster", "a") is None
    assert memory.names(call(), "cluster") == ["a"]


def test_what_is_global_is_remembered_for_all_regions() -> None:
    memory = Memory()
    memory.keep(call(service="budgets"), "tags", "a", {"x": 1})
    assert memory.kept(call(service="budgets", region="eu-west-1"), "tags", "a") == {"x": 1}


def test_what_was_given_is_told_again_until_it_is_deleted() -> None:
    after = echoing(Memory(), ECHO).after
    assert after["Create"](call("Create", Id="Db", Asked="yes"), {"One": {"Id": "db"}}) == {
        "One": {"Id": "db", "Shown": "yes"}
    }
    after["Modify"](call("Modify", Id="db", Asked="no"), {})
    told = after["Describe"](call(), {"Many": [{"Id": "db"}, {"Id": "other"}]})
    assert told == {"Many": [{"Id": "db", "Shown": "no"}, {"Id": "other"}]}
    after["Delete"](call("Delete", Id="db"), {})
    assert after["Describe"](call(), {"Many": [{"Id": "db"}]}) == {"Many": [{"Id": "db"}]}


def test_something_is_under_way_for_its_time() -> None:
    timeline = SteppedTimeline(AT)
    under_way = UnderWay(timeline)
    under_way.begin(call(), "cluster", "a", "creating", 60)
    timeline.advance(59)
    assert under_way.status(call(), "cluster", "a") == "creating"
    timeline.advance(1)
    assert under_way.status(call(), "cluster", "a") == ""


def test_the_end_of_an_earlier_work_does_not_end_a_later_one() -> None:
    timeline = SteppedTimeline(AT)
    under_way = UnderWay(timeline)
    under_way.begin(call(), "cluster", "a", "creating", 60)
    timeline.advance(30)
    under_way.stop(call(), "cluster", "a")
    under_way.begin(call(), "cluster", "a", "creating", 60)
    timeline.advance(30)
    assert under_way.status(call(), "cluster", "a") == "creating"
    timeline.advance(30)
    assert under_way.status(call(), "cluster", "a") == ""


def test_what_was_under_way_is_still_so_after_a_restart_and_ends_in_its_time() -> None:
    before = UnderWay(SteppedTimeline(AT))
    before.begin(call(), "cluster", "a", "creating", 60)
    before.begin(call(), "cluster", "gone", "deleting", 60)
    before.stop(call(), "cluster", "gone")
    timeline = SteppedTimeline(AT)
    after = UnderWay(timeline)
    after.restore(before.all_kept())
    assert (after.status(call(), "cluster", "a"), after.status(call(), "cluster", "gone")) == ("creating", "")
    timeline.advance(60)
    assert after.status(call(), "cluster", "a") == ""
