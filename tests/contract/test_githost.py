"""The contract of `fleet.githost.GitHost`, on every implementation: in memory, a real Gitea, and GitHub's adapter.

GitHub itself cannot be run here. Its adapter speaks to `tests/contract/github_server.py`, which says how it differs.
What each test finds is described in `tests/contract/githost_worlds.py`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from csoc.adapters.githost import webhook
from csoc.errors import ConflictError, CsocError, DeniedError, NotFoundError, RejectedError, UnavailableError
from csoc.fleet.codeowners import Dialect, group_by_owners, parse_codeowners
from csoc.fleet.githost import (
    CheckState,
    EventKind,
    GitHost,
    Mergeable,
    MergeMethod,
    PullRequest,
    PullState,
    Verdict,
    WebhookEvent,
)
from testbed.servers.gitea import Gitea
from tests.contract.githost_worlds import VALUES, Deliveries, GiteaWorld, MemoryWorld, World, gitea_world, github_world

HANGING_SECONDS = 120
"""What comes, comes in a moment, or after many on a busy machine; what does not come at all ends the test."""


@pytest.fixture(params=["memory", "github", pytest.param("gitea", marks=pytest.mark.gitea)])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    if request.param == "gitea":
        yield gitea_world(request.getfixturevalue("gitea"))
    elif request.param == "memory":
        yield MemoryWorld()
    else:
        with github_world() as made:
            yield made


def opened(world: World, branch: str = "csoc/change", files: dict[str, str] | None = None) -> PullRequest:
    """A pull request by maker that changes values.yaml (or files) on a new branch."""
    world.push(branch, files or {"values.yaml": VALUES.replace("replicas: 1", "replicas: 2")})
    return world.host("maker").open_pull_request(head=branch, base="main", title="More replicas", body="Because.")


def test_the_host_names_the_default_branch(world: World) -> None:
    assert world.host("maker").default_branch() == "main"


def test_an_opened_pull_request_says_what_it_would_merge(world: World) -> None:
    head = world.push("csoc/change", {"values.yaml": "replicas: 2\n"})
    pull = world.host("maker").open_pull_request(head="csoc/change", base="main", title="More", body="Because.")

    assert (pull.state, pull.title, pull.body) == (PullState.OPEN, "More", "Because.")
    assert (pull.head, pull.head_commit, pull.base) == ("csoc/change", head, "main")
    assert pull.author == world.account("maker")
    assert pull.mergeable is Mergeable.YES
    assert (pull.conflicts, pull.reviews, pull.checks, pull.draft) == ((), (), (), False)
    assert pull.merge_commit == ""
    assert str(pull.number) in pull.url
    assert world.host("reader").get(pull.number) == pull


def test_opening_twice_gives_one_pull_request_with_the_newer_words(world: World) -> None:
    first = opened(world)
    host = world.host("maker")
    second = host.open_pull_request(head=first.head, base="main", title="Even more", body="", labels=["csoc"])

    assert second.number == first.number
    assert (second.title, second.body, second.labels) == ("Even more", "", ("csoc",))
    assert [pull.number for pull in host.list_open()] == [first.number]


def test_a_pull_request_is_found_by_its_branch_as_long_as_it_is_open(world: World) -> None:
    pull = opened(world)
    host = world.host("maker")
    assert host.find_pull_request("csoc/change") == pull
    assert host.find_pull_request("csoc/change", "main") == pull
    assert host.find_pull_request("csoc/change", "release") is None
    assert host.find_pull_request("csoc/chang") is None
    host.close(pull.number)
    assert host.find_pull_request("csoc/change") is None


def test_the_last_pull_request_of_a_branch_is_found_whatever_became_of_it(world: World) -> None:
    host = world.host("maker")
    assert host.last_pull_request("csoc/change", "main") is None
    first = opened(world)
    assert host.last_pull_request(first.head, "main") == first
    assert host.last_pull_request(first.head, "release") is None
    host.close(first.number)
    closed = host.last_pull_request(first.head, "main")
    assert closed is not None
    assert (closed.number, closed.state) == (first.number, PullState.CLOSED)
    second = host.open_pull_request(head=first.head, base="main", title="Again", body="")
    outcome = host.merge(second.number, MergeMethod.MERGE, expected_head=second.head_commit)
    host.delete_branch(second.head)
    merged = host.last_pull_request(first.head, "main")
    assert merged is not None
    assert (merged.number, merged.state, merged.merge_commit) == (second.number, PullState.MERGED, outcome.commit)


def test_after_closing_the_same_branch_can_be_opened_anew(world: World) -> None:
    first = opened(world)
    world.host("maker").close(first.number)
    again = world.host("maker").open_pull_request(head=first.head, base="main", title="Again", body="")
    assert again.number != first.number


def test_a_branch_without_changes_or_that_does_not_exist_cannot_be_opened(world: World) -> None:
    host = world.host("maker")
    with pytest.raises(NotFoundError, match="nowhere"):
        host.open_pull_request(head="nowhere", base="main", title="T", body="")
    opened(world)
    with pytest.raises(ConflictError, match="main"):
        host.open_pull_request(head="main", base="main", title="T", body="")


def test_open_pull_requests_are_listed_by_label_and_by_the_beginning_of_the_branch(world: World) -> None:
    host = world.host("maker")
    numbers = {}
    for branch, labels in (("csoc/a", ["csoc"]), ("csoc/b", []), ("other", ["csoc", "urgent"]), ("csoc/c", [])):
        world.push(branch, {f"{branch}.yaml": "a: 1\n"})
        pull = host.open_pull_request(head=branch, base="main", title=branch, body="", labels=labels)
        numbers[branch] = pull.number
    host.close(numbers["csoc/c"])

    assert [pull.head for pull in host.list_open()] == ["other", "csoc/b", "csoc/a"]
    assert [pull.head for pull in host.list_open(head_prefix="csoc/")] == ["csoc/b", "csoc/a"]
    assert [pull.head for pull in host.list_open(label="csoc")] == ["other", "csoc/a"]
    assert host.list_open(label="none") == ()
    assert host.list_open()[0].reviews is None


def test_a_comment_appears_in_the_conversation(world: World) -> None:
    pull = opened(world)
    world.host("reader").comment(pull.number, "What for?")
    assert world.comments(pull.number) == [(world.account("reader"), "What for?")]


def test_people_are_asked_for_reviews_and_the_author_is_left_out(world: World) -> None:
    pull = opened(world)
    host = world.host("maker")
    host.request_review(pull.number, [f"@{world.account('approver')}", world.account("maker")])
    assert host.get(pull.number).review_requests == (world.account("approver"),)
    host.request_review(pull.number, [world.account("maker")])
    with pytest.raises((NotFoundError, RejectedError)):
        host.request_review(pull.number, ["nobody-of-that-name"])
    with pytest.raises(RejectedError, match="another organisation"):
        host.request_review(pull.number, ["@elsewhere/team"])


def test_a_review_says_who_and_about_which_commit_and_is_stale_after_a_push(world: World) -> None:
    pull = opened(world)
    given = world.host("approver").review(pull.number, Verdict.APPROVED, "Good.", commit=pull.head_commit)
    assert (given.author, given.verdict, given.stale) == (world.account("approver"), Verdict.APPROVED, False)
    assert given.commit == pull.head_commit
    assert world.host("maker").get(pull.number).reviews == (given,)

    head = world.push(pull.head, {"more.yaml": "a: 1\n"})
    (review,) = world.host("maker").get(pull.number).reviews or ()
    assert (review.commit, review.stale) == (pull.head_commit, True)
    with pytest.raises(ConflictError, match="the head is"):
        world.host("approver").review(pull.number, Verdict.APPROVED, "", commit=pull.head_commit)
    assert world.host("maker").get(pull.number).head_commit == head


def test_changes_can_be_requested_and_the_newest_verdict_stays_in_order(world: World) -> None:
    pull = opened(world)
    host = world.host("approver")
    host.review(pull.number, Verdict.CHANGES_REQUESTED, "Not yet.", commit=pull.head_commit)
    host.review(pull.number, Verdict.COMMENTED, "A thought.", commit=pull.head_commit)
    verdicts = [review.verdict for review in world.host("maker").get(pull.number).reviews or ()]
    assert verdicts == [Verdict.CHANGES_REQUESTED, Verdict.COMMENTED]


def test_nobody_approves_their_own_change(world: World) -> None:
    pull = opened(world)
    for verdict in (Verdict.APPROVED, Verdict.CHANGES_REQUESTED):
        with pytest.raises(DeniedError, match="own pull request"):
            world.host("maker").review(pull.number, verdict, "Fine.", commit=pull.head_commit)


@pytest.mark.parametrize("method", MergeMethod)
def test_merging_brings_the_change_to_main_whatever_the_method(world: World, method: MergeMethod) -> None:
    pull = opened(world)
    host = world.host("maker")
    outcome = host.merge(pull.number, method, expected_head=pull.head_commit, message="Title\n\nText")

    assert "replicas: 2" in world.read("values.yaml")
    merged = host.get(pull.number)
    assert (merged.state, merged.merge_commit) == (PullState.MERGED, outcome.commit)
    assert len(outcome.commit) == 40
    assert not outcome.already_merged
    assert host.list_open() == ()


def test_merging_again_is_no_error_and_changes_nothing(world: World) -> None:
    pull = opened(world)
    host = world.host("maker")
    first = host.merge(pull.number, MergeMethod.MERGE, expected_head=pull.head_commit)
    again = host.merge(pull.number, MergeMethod.MERGE, expected_head=pull.head_commit)
    assert (again.commit, again.already_merged) == (first.commit, True)
    with pytest.raises(ConflictError, match="the head is"):
        host.merge(pull.number, MergeMethod.MERGE, expected_head=first.commit)


def test_a_head_that_moved_is_not_merged(world: World) -> None:
    pull = opened(world)
    world.push(pull.head, {"smuggled.yaml": "a: 1\n"})
    with pytest.raises(ConflictError, match="the head is"):
        world.host("maker").merge(pull.number, MergeMethod.MERGE, expected_head=pull.head_commit)
    assert "replicas: 1" in world.read("values.yaml")


def test_of_two_changes_to_one_line_the_second_reports_the_conflict_and_is_not_merged(world: World) -> None:
    first = opened(world, "csoc/one", {"values.yaml": VALUES.replace("replicas: 1", "replicas: 2"), "a.yaml": "a: 1\n"})
    second = opened(
        world, "csoc/two", {"values.yaml": VALUES.replace("replicas: 1", "replicas: 3"), "b.yaml": "b: 1\n"}
    )
    host = world.host("maker")
    host.merge(first.number, MergeMethod.MERGE, expected_head=first.head_commit)

    pull = host.get(second.number)
    assert (pull.mergeable, pull.conflicts) == (Mergeable.NO, ("values.yaml",))
    with pytest.raises(ConflictError, match=r"values\.yaml"):
        host.merge(second.number, MergeMethod.MERGE, expected_head=second.head_commit)
    assert "replicas: 2" in world.read("values.yaml")


def test_two_changes_to_different_files_merge_one_after_the_other(world: World) -> None:
    host = world.host("maker")
    pulls = [opened(world, f"csoc/{name}", {f"{name}.yaml": "a: 1\n"}) for name in ("one", "two")]
    for pull in pulls:
        host.merge(pull.number, MergeMethod.MERGE, expected_head=pull.head_commit)
    assert world.read("one.yaml") == world.read("two.yaml") == "a: 1\n"


def test_a_protected_main_refuses_pushes_and_merges_without_approval_and_says_what_is_missing(world: World) -> None:
    world.protect(approvals=1)
    with pytest.raises(DeniedError):
        world.push("main", {"values.yaml": "replicas: 9\n"})
    pull = opened(world)
    host = world.host("maker")
    with pytest.raises(DeniedError, match=r"main needs 1 approval, it has 0|At least 1 approving review"):
        host.merge(pull.number, MergeMethod.MERGE, expected_head=pull.head_commit)
    assert "replicas: 1" in world.read("values.yaml")

    world.host("approver").review(pull.number, Verdict.APPROVED, "", commit=pull.head_commit)
    host.merge(pull.number, MergeMethod.MERGE, expected_head=pull.head_commit)
    assert "replicas: 2" in world.read("values.yaml")


def test_a_required_check_has_to_pass_before_a_merge(world: World) -> None:
    world.protect(checks=("ci/check",))
    pull = opened(world)
    host = world.host("maker")
    with pytest.raises(DeniedError, match="check ci/check has not reported"):
        host.merge(pull.number, MergeMethod.MERGE, expected_head=pull.head_commit)
    world.report(pull.head_commit, "ci/check", CheckState.FAILED)
    with pytest.raises(DeniedError, match="check ci/check is failed"):
        host.merge(pull.number, MergeMethod.MERGE, expected_head=pull.head_commit)
    world.report(pull.head_commit, "ci/check", CheckState.PASSED)
    (check,) = host.get(pull.number).checks or ()
    assert (check.name, check.state) == ("ci/check", CheckState.PASSED)
    host.merge(pull.number, MergeMethod.MERGE, expected_head=pull.head_commit)


def test_protection_says_what_is_demanded_and_what_is_not_known(world: World) -> None:
    host = world.host("maker")
    free = host.protection("main")
    assert (free.protected, free.required_approvals, free.required_checks) == (False, 0, ())
    assert free.may_push is True
    assert world.host("reader").protection("main").may_push is False

    world.protect(approvals=2, checks=("ci/check",))
    protected = host.protection("main")
    assert protected.protected
    assert protected.required_checks == ("ci/check",)
    assert protected.required_approvals in {2, None}
    assert protected.may_push in {False, None}
    if None in (protected.required_approvals, protected.may_push, protected.pushers):
        assert protected.unknown
    with pytest.raises(NotFoundError):
        host.protection("nowhere")


def test_a_reader_may_not_merge(world: World) -> None:
    pull = opened(world)
    with pytest.raises(DeniedError):
        world.host("reader").merge(pull.number, MergeMethod.MERGE, expected_head=pull.head_commit)
    assert "replicas: 1" in world.read("values.yaml")


def test_a_closed_pull_request_is_not_merged_and_a_merged_one_not_closed(world: World) -> None:
    host = world.host("maker")
    closed, merged = opened(world, "csoc/a"), opened(world, "csoc/b", {"b.yaml": "b: 1\n"})
    assert host.close(closed.number).state is PullState.CLOSED
    assert host.close(closed.number).state is PullState.CLOSED
    with pytest.raises(ConflictError, match="closed"):
        host.merge(closed.number, MergeMethod.MERGE, expected_head=closed.head_commit)
    host.merge(merged.number, MergeMethod.MERGE, expected_head=merged.head_commit)
    with pytest.raises(ConflictError, match="merged already"):
        host.close(merged.number)


def test_deleting_a_branch_can_be_repeated_and_spares_the_default_one(world: World) -> None:
    pull = opened(world)
    host = world.host("maker")
    host.delete_branch(pull.head)
    host.delete_branch(pull.head)
    left = host.get(pull.number)
    assert left.head_commit == pull.head_commit
    assert left.head == pull.head
    with pytest.raises(DeniedError):
        host.delete_branch("main")
    assert world.read("values.yaml") == VALUES


def test_a_merged_pull_request_remains_readable_without_its_branch(world: World) -> None:
    pull = opened(world)
    host = world.host("maker")
    outcome = host.merge(pull.number, MergeMethod.SQUASH, expected_head=pull.head_commit)
    host.delete_branch(pull.head)
    again = host.merge(pull.number, MergeMethod.SQUASH, expected_head=pull.head_commit)
    assert (again.commit, again.already_merged) == (outcome.commit, True)


QUESTIONS: list[Callable[[GitHost], Any]] = [
    lambda host: host.default_branch(),
    lambda host: host.protection("main"),
    lambda host: host.get(1),
    lambda host: host.list_open(),
    lambda host: host.find_pull_request("csoc/change"),
    lambda host: host.last_pull_request("csoc/change", "main"),
    lambda host: host.open_pull_request(head="csoc/change", base="main", title="T", body=""),
    lambda host: host.merge(1, MergeMethod.MERGE, expected_head="0" * 40),
    lambda host: host.comment(1, "Hello"),
    lambda host: host.delete_branch("csoc/change"),
    lambda host: host.register_webhook("http://127.0.0.1:1/hook", "secret"),
]


@pytest.mark.parametrize(
    ("whose", "error"),
    [
        (lambda world: world.host("impostor"), DeniedError),
        (lambda world: world.lost(), NotFoundError),
        (lambda world: world.down(), UnavailableError),
    ],
    ids=["wrong token", "no such repository", "host down"],
)
def test_a_question_that_cannot_be_answered_ends_in_the_right_error(
    world: World, whose: Callable[[World], GitHost], error: type[CsocError]
) -> None:
    host = whose(world)
    for question in QUESTIONS:
        with pytest.raises(error) as raised:
            question(host)
        assert "impostor" not in str(raised.value)


def test_a_pull_request_that_does_not_exist_is_not_found(world: World) -> None:
    with pytest.raises(NotFoundError):
        world.host("maker").get(999)


def test_registering_a_webhook_again_leaves_one(world: World) -> None:
    if isinstance(world, GiteaWorld):
        world.repository.add_collaborator(world.people["maker"], "admin")
    host = world.host("maker")
    host.register_webhook("http://127.0.0.1:1/hook", "one secret")
    host.register_webhook("http://127.0.0.1:1/hook", "another")
    host.register_webhook("http://127.0.0.1:1/other", "a third")
    assert sorted(world.hooks()) == ["http://127.0.0.1:1/hook", "http://127.0.0.1:1/other"]
    with pytest.raises(DeniedError):
        world.host("reader").register_webhook("http://127.0.0.1:1/hook", "stolen")


# What only the real Gitea can show.


@pytest.fixture
def deliveries() -> Iterator[Deliveries]:
    made = Deliveries()
    yield made
    made.stop()


@pytest.mark.gitea
def test_giteas_deliveries_are_signed_and_read_as_events(gitea: Gitea, deliveries: Deliveries) -> None:
    world = gitea_world(gitea)
    world.repository.add_collaborator(world.people["maker"], "admin")
    before = world.repository.head()
    world.host("maker").register_webhook(deliveries.url, "an older secret")
    world.host("maker").register_webhook(deliveries.url, "known to both")

    head = world.push("csoc/change", {"values.yaml": "replicas: 2\n"})
    headers, body = deliveries.received.get(timeout=HANGING_SECONDS)
    push = webhook.receive("known to both", body, headers)
    assert push is not None
    assert (push.kind, push.branch, push.after, push.deleted) == (EventKind.PUSH, "csoc/change", head, False)
    assert push.before == ""  # the branch is new
    assert push.sender == world.account("maker")
    assert push.repository == f"{gitea.url.removeprefix('http://')}/{world.organisation}/{world.repository.name}"
    for secret, content in (("an older secret", body), ("known to both", body.replace(b"csoc", b"main"))):
        with pytest.raises(DeniedError, match="not signed"):
            webhook.receive(secret, content, headers)

    pull = world.host("maker").open_pull_request(head="csoc/change", base="main", title="T", body="")
    event = _next_pull_request(deliveries, "opened")
    assert (event.number, event.branch, event.base, event.after) == (pull.number, "csoc/change", "main", head)
    assert not event.merged

    world.host("maker").merge(pull.number, MergeMethod.MERGE, expected_head=head)
    event = _next_pull_request(deliveries, "closed")
    assert (event.number, event.merged) == (pull.number, True)
    assert world.repository.head() != before


def _next_pull_request(deliveries: Deliveries, action: str) -> WebhookEvent:
    while True:  # until nothing comes any more
        headers, body = deliveries.received.get(timeout=HANGING_SECONDS)
        event = webhook.receive("known to both", body, headers)
        if event is not None and event.kind is EventKind.PULL_REQUEST and event.action == action:
            return event


@pytest.mark.gitea
def test_on_gitea_changes_to_different_lines_of_one_file_are_no_conflict(gitea: Gitea) -> None:
    world = gitea_world(gitea)
    lines = [f"line{number}: 1\n" for number in range(20)]
    world.repository.push({"long.yaml": "".join(lines)})
    host = world.host("maker")
    pulls = [
        opened(world, f"csoc/{at}", {"long.yaml": "".join([*lines[:at], "new: 1\n", *lines[at:]])}) for at in (2, 15)
    ]
    for pull in pulls:
        assert host.get(pull.number).mergeable is Mergeable.YES
        host.merge(pull.number, MergeMethod.MERGE, expected_head=pull.head_commit)
    assert world.read("long.yaml").count("new: 1") == 2


@pytest.mark.gitea
def test_on_gitea_a_file_that_one_side_removed_and_the_other_changed_is_a_conflict(gitea: Gitea) -> None:
    world = gitea_world(gitea)
    pull = opened(world)
    world.repository.push({"values.yaml": None})
    until = time.monotonic() + HANGING_SECONDS  # Gitea notices in the background that main moved, and tells nobody
    found = world.host("maker").get(pull.number)
    while found.mergeable is Mergeable.YES and time.monotonic() < until:
        found = world.host("maker").get(pull.number)
    assert (found.mergeable, found.conflicts) == (Mergeable.NO, ("values.yaml",))


@pytest.mark.gitea
def test_gitea_asks_those_whom_csoc_takes_for_code_owners(gitea: Gitea) -> None:
    world = gitea_world(gitea)
    approver, reader = world.account("approver"), world.account("reader")
    text = (
        "# who looks after what\n"
        f"commons/prod/.*\\\\.ya?ml @{approver}\n"
        f"!(commons|docs)/.* @{reader} # all the rest\n"
        "commons/[[:alpha:]]+/secret{2} @nobody-of-that-name\n"
    )
    world.repository.push({"CODEOWNERS": text})
    owners = parse_codeowners(text.encode(), Dialect.GITEA)
    host = world.host("maker")
    changes = (
        ["commons/prod/a.yaml"],
        ["commons/prod/a_yaml", "docs/a.yaml"],
        ["other/b.txt", "docs/a"],
        ["commons/prod/b.yml", "b"],
    )
    for number, paths in enumerate(changes):
        pull = opened(world, f"csoc/{number}", dict.fromkeys(paths, "a: 1\n"))
        expected = {owner.removeprefix("@") for group in group_by_owners(paths, owners) for owner in group}
        assert set(host.get(pull.number).review_requests or ()) == expected, paths


@pytest.mark.gitea
def test_gitea_tells_an_administrator_of_the_repository_who_may_push(gitea: Gitea) -> None:
    world = gitea_world(gitea)
    world.repository.add_collaborator(world.people["approver"], "admin")
    world.repository.protect(
        "main", enable_push=True, enable_push_whitelist=True, push_whitelist_usernames=[world.account("maker")]
    )
    assert world.host("approver").protection("main").pushers == (world.account("maker"),)
    told = world.host("maker").protection("main")
    assert told.pushers is None
    assert "administrators" in told.unknown[0]
    assert told.may_push is True


@pytest.mark.gitea
def test_on_gitea_a_team_is_asked_for_a_review(gitea: Gitea) -> None:
    world = gitea_world(gitea)
    team = {
        "name": "ops",
        "permission": "write",
        "units": ["repo.code", "repo.pulls"],
        "includes_all_repositories": True,
    }
    gitea.api("POST", f"/orgs/{world.organisation}/teams", team)
    pull = opened(world)
    world.host("maker").request_review(pull.number, [f"@{world.organisation}/ops"])
    assert world.host("maker").get(pull.number).review_requests == (f"{world.organisation}/ops",)


# What only GitHub's interface has.


def test_on_github_rules_and_older_protection_add_up() -> None:
    with github_world() as world:
        world.protect(approvals=1, checks=("ci/check",))
        world.server.rules = [
            {"type": "deletion"},
            {"type": "pull_request", "parameters": {"required_approving_review_count": 2}},
            {"type": "required_status_checks", "parameters": {"required_status_checks": [{"context": "run/tests"}]}},
        ]
        told = world.host("approver").protection("main")
        assert (told.required_approvals, told.required_checks) == (2, ("ci/check", "run/tests"))
        assert told.pushers == ("release-bot", "@ops")
        assert "pass the protection" in told.unknown[0]
        world.server.rules = []
        told = world.host("maker").protection("main")
        assert told.required_approvals is None
        assert "administrators" in told.unknown[0]


def test_on_github_check_runs_and_statuses_are_read_together() -> None:
    with github_world() as world:
        pull = opened(world)
        world.report(pull.head_commit, "ci/check", CheckState.PENDING)
        world.report(pull.head_commit, "run/tests", CheckState.FAILED)
        world.report(pull.head_commit, "run/lint", CheckState.PASSED)
        checks = {check.name: check.state for check in world.host("maker").get(pull.number).checks or ()}
        assert checks == {
            "ci/check": CheckState.PENDING,
            "run/tests": CheckState.FAILED,
            "run/lint": CheckState.PASSED,
        }


def test_on_github_the_adapter_waits_for_mergeable_without_sleeping_here() -> None:
    with github_world() as world:
        pull = opened(world)
        world.push(pull.head, {"more.yaml": "a: 1\n"})
        assert world.waits == []
        assert world.host("maker").get(pull.number).mergeable is Mergeable.YES
        assert world.waits == [0.5]


def test_on_github_every_request_names_the_version_of_the_interface() -> None:
    with github_world() as world:
        opened(world)
        assert {headers.get("X-GitHub-Api-Version") for _, _, headers in world.server.requests} == {"2022-11-28"}
