"""From a plan to commits and pull requests, and what becomes of them."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from markdown_it import MarkdownIt

from csoc.errors import ConflictError, DeniedError, NotFoundError, RejectedError, UnavailableError
from csoc.fleet.codeowners import Dialect
from csoc.fleet.githost import MergeMethod, PullState, Verdict
from csoc.fleet.repositories import CommitRequest, SourceAddress, Upstream
from csoc.testing.fleets import HOME, World, environment
from csoc.testing.repositories import MemoryRepositories
from csoc.usecases.change.command import read_command
from csoc.usecases.change.follow import close_proposed, merge_proposed, proposed_changes, rebuild_proposed
from csoc.usecases.change.operations import parse_assignment
from csoc.usecases.change.plan import ChangePlan, plan_change
from csoc.usecases.change.propose import ChangeReport, propose_change
from csoc.usecases.load import FleetQuery, LoadedFleet
from csoc.usecases.ports import Ports

ADDRESS = SourceAddress(HOME, trusted=True)
ALPHA = "east/alpha.example.org/values.yaml"
BETA = "west/beta.example.org/values.yaml"
OWNERS = "east/.* @approver\nwest/.* @reader\n"


@pytest.fixture
def world() -> World:
    made = World()
    made.write(
        {
            **environment("east", "alpha.example.org", "fence: {image: {tag: '2026.01'}}\n"),
            **environment("west", "beta.example.org", "fence: {image: {tag: '2026.01'}}\n"),
        }
    )
    return made


def planned(world: World, names: list[str], *texts: str) -> tuple[LoadedFleet, ChangePlan]:
    fleet = world.load()
    operations = [parse_assignment(text) for text in texts]
    return fleet, plan_change(world.ports(), fleet, fleet.select(names), operations, manifests=False)


def propose(
    world: World,
    names: list[str],
    *texts: str,
    pull_request: bool = True,
    ports: Ports | None = None,
    message: str = "",
) -> ChangeReport:
    fleet, plan = planned(world, names, *texts)
    return propose_change(ports or world.ports(), fleet, plan, pull_request=pull_request, message=message)


BOTH = (["alpha", "beta"], "fence.image.tag=2026.04")


def test_a_change_is_one_commit_by_the_person(world: World) -> None:
    (outcome,) = propose(world, *BOTH, pull_request=False).outcomes
    assert outcome.published is not None
    commit = world.home.commits[outcome.published.commit].info
    assert commit.author == "Ada <ada@example.org>"
    assert commit.subject == 'Set fence.image.tag to "2026.04" in alpha, beta'
    assert world.read(ALPHA).endswith("fence: {image: {tag: '2026.04'}}\n")
    assert world.home.branches["main"] == outcome.published.commit


def test_a_message_of_ones_own_is_taken(world: World) -> None:
    (outcome,) = propose(world, *BOTH, pull_request=False, message="April release").outcomes
    assert outcome.published is not None
    assert world.home.commits[outcome.published.commit].info.subject == "April release"


def test_many_environments_are_counted_in_the_subject_and_named_below() -> None:
    made = World()
    names = [f"c{n}" for n in range(5)]
    for name in names:
        made.write(environment(name, f"{name}.example.org"))
    fleet, plan = planned(made, names, "fence.image.tag=2026.04")
    propose_change(made.ports(), fleet, plan, pull_request=True)
    assert made.host.pulls[1].title == 'Set fence.image.tag to "2026.04" in 5 environments'


def test_without_owners_there_is_one_pull_request(world: World) -> None:
    (outcome,) = propose(world, *BOTH).outcomes
    assert (outcome.files, outcome.environments) == ((ALPHA, BETA), ("alpha", "beta"))
    pull = world.host.pulls[1]
    assert pull.base == "main"
    assert pull.head.startswith("csoc/set-fence-image-tag-to-2026-04-in-alpha-")
    assert "```sh\ncsoc fleet set alpha beta fence.image.tag=2026.04\n```" in pull.body
    assert world.read(ALPHA).endswith("tag: '2026.01'}}\n")
    assert world.read(ALPHA, pull.head).endswith("tag: '2026.04'}}\n")


def test_each_set_of_owners_gets_a_pull_request_and_is_asked(world: World) -> None:
    world.write({"CODEOWNERS": OWNERS})
    report = propose(world, *BOTH)
    assert [(outcome.files, outcome.owners) for outcome in report.outcomes] == [
        ((ALPHA,), ("@approver",)),
        ((BETA,), ("@reader",)),
    ]
    assert [pull.review_requests for pull in world.host.pulls.values()] == [("approver",), ("reader",)]
    assert "One of 2 parts" in world.host.pulls[1].body


def test_an_owner_whom_the_host_does_not_know_is_a_note_and_the_others_are_asked(world: World) -> None:
    world.write({"CODEOWNERS": ".* @left-us @approver\n"})
    (outcome,) = propose(world, *BOTH).outcomes
    assert outcome.published is not None
    assert outcome.published.note.startswith("Could not be asked for a review: @left-us")
    assert world.host.pulls[1].review_requests == ("approver",)


def test_a_line_of_codeowners_that_cannot_be_used_is_told(world: World) -> None:
    world.write({"CODEOWNERS": "x\n"})
    assert "CODEOWNERS:1" in propose(world, *BOTH).notes[0]


class Failing:
    """Ports whose repositories refuse one path."""

    def __init__(self, ports: Ports, path: str) -> None:
        self._inner, self._path = ports.repositories, path

    def __getattr__(self, name: str) -> object:
        return getattr(self._inner, name)

    def commit(self, address: object, request: object) -> str:
        if any(change.path == self._path for change in request.changes):  # type: ignore[attr-defined]
            raise UnavailableError("The network is down")
        return self._inner.commit(address, request)  # type: ignore[arg-type]


def test_a_part_that_fails_is_reported_and_the_others_go_on(world: World) -> None:
    world.write({"CODEOWNERS": OWNERS})
    ports = world.ports()
    ports = replace(ports, repositories=Failing(ports, ALPHA))  # type: ignore[arg-type]
    first, second = propose(world, *BOTH, ports=ports).outcomes
    assert isinstance(first.error, UnavailableError)
    assert first.published is None
    assert second.published is not None


def test_the_same_file_changed_meanwhile_is_a_conflict_that_shows_both_sides(world: World) -> None:
    fleet, plan = planned(world, ["alpha"], "fence.image.tag=2026.04")
    world.write({ALPHA: world.read(ALPHA).replace("2026.01", "2026.03")})
    (outcome,) = propose_change(world.ports(), fleet, plan, pull_request=False).outcomes
    assert isinstance(outcome.error, ConflictError)
    assert "2026.01" in str(outcome.error)
    assert "2026.03" in str(outcome.error)


def test_another_file_changed_meanwhile_is_no_conflict(world: World) -> None:
    fleet, plan = planned(world, ["alpha"], "fence.image.tag=2026.04")
    world.write({"README.md": "x"})
    (outcome,) = propose_change(world.ports(), fleet, plan, pull_request=False).outcomes
    assert outcome.error is None
    assert world.read("README.md") == "x"


def test_an_application_that_changed_meanwhile_is_a_conflict_too(world: World) -> None:
    fleet, plan = planned(world, ["alpha"], "fence.image.tag=2026.04")
    world.write({"east/alpha.example.org/app.yaml": world.read("east/alpha.example.org/app.yaml") + "# moved\n"})
    (outcome,) = propose_change(world.ports(), fleet, plan, pull_request=False).outcomes
    assert isinstance(outcome.error, ConflictError)


def test_a_protected_branch_is_refused_with_the_way_out(world: World) -> None:
    world.host.protect("main", approvals=1)
    (outcome,) = propose(world, *BOTH, pull_request=False).outcomes
    assert isinstance(outcome.error, DeniedError)
    assert "--pull-request" in outcome.error.fix


def test_proposing_twice_finds_the_first_pull_request(world: World) -> None:
    propose(world, *BOTH)
    (again,) = propose(world, *BOTH).outcomes
    assert again.published is not None
    assert again.published.again
    assert list(world.host.pulls) == [1]


def test_a_branch_whose_pull_request_was_never_opened_is_found(world: World) -> None:
    propose(world, *BOTH)
    head = world.host.pulls.pop(1).head
    (again,) = propose(world, *BOTH).outcomes
    assert again.published is not None
    assert again.published.branch == head
    assert list(world.host.pulls) == [1]


def test_a_branch_of_that_name_with_something_else_is_a_conflict(world: World) -> None:
    propose(world, *BOTH)
    head = world.host.pulls.pop(1).head
    world.write({ALPHA: "other: 1\n"}, branch=head)
    (again,) = propose(world, *BOTH).outcomes
    assert isinstance(again.error, ConflictError)
    assert head in again.error.cause


def test_a_pull_request_that_somebody_changed_is_found_with_a_note(world: World) -> None:
    propose(world, *BOTH)
    world.write({ALPHA: "other: 1\n"}, branch=world.host.pulls[1].head)
    (again,) = propose(world, *BOTH).outcomes
    assert again.published is not None
    assert "something else" in again.published.note


def test_a_host_that_is_down_leaves_nothing_behind(world: World) -> None:
    fleet, plan = planned(world, *BOTH)
    world.host.down = True
    (outcome,) = propose_change(world.ports(), fleet, plan, pull_request=True).outcomes
    assert isinstance(outcome.error, UnavailableError)
    assert list(world.home.branches) == ["main"]


def test_a_credential_that_the_host_refuses_leaves_nothing_behind(world: World) -> None:
    fleet, plan = planned(world, *BOTH)
    world.user = "stranger"
    (outcome,) = propose_change(world.ports(), fleet, plan, pull_request=True).outcomes
    assert isinstance(outcome.error, DeniedError)
    assert list(world.home.branches) == ["main"]


def test_nothing_to_do_is_refused(world: World) -> None:
    with pytest.raises(RejectedError, match="nothing to change"):
        propose(world, ["alpha"], "fence.image.tag=2026.01")


TRICK = "x @everyone fixes #1 ![a](https://evil.example.org) <img> ``` [skip ci] ````"


@pytest.fixture
def messages(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Messages of the commits that are made."""
    made: list[str] = []
    commit = MemoryRepositories.commit

    def noted(self: MemoryRepositories, address: SourceAddress, request: CommitRequest) -> str:
        made.append(request.message)
        return commit(self, address, request)

    monkeypatch.setattr(MemoryRepositories, "commit", noted)
    return made


def test_text_from_files_has_no_effect_in_a_pull_request_or_its_commit(world: World, messages: list[str]) -> None:
    path = f"east/{TRICK.replace('/', '')}.example.org/values.yaml"
    files = environment("east", "trick.example.org", "fence: {image: {tag: '2026.01'}}\n")
    application = next(path for path in files if path.endswith("values.yaml"))
    world.write({(path if name == application else name): content for name, content in files.items()})
    propose(world, ["alpha"], f"fence.note='{TRICK}'")
    pull = world.host.pulls[1]
    for text in (pull.title, pull.body, *messages):
        assert not re.search(r"@\w|#\d|://|\[\w", text)
    parser = MarkdownIt("commonmark", {"html": True}).enable("table")
    kinds = {part.type for token in parser.parse(pull.body) for part in token.children or [token]}
    assert not kinds & {"image", "link_open", "html_inline", "html_block", "heading_open", "table_open"}
    (fence,) = [token for token in parser.parse(pull.body) if token.type == "fence"]
    assert fence.content.startswith(r"csoc fleet set alpha 'fence.note='\''x @''everyone fixes #''1 ")
    assert fence.content.count("\n") == 1


def test_a_command_that_would_call_people_is_written_so_that_only_a_shell_reads_it(world: World) -> None:
    propose(world, ["alpha"], f"fence.note='{TRICK}'")
    names, operations = read_command(world.host.pulls[1].body)
    assert names == ["alpha"]
    assert [(item.path, item.value) for item in operations] == [(("fence", "note"), TRICK)]


def test_a_value_of_several_lines_cannot_leave_the_command(world: World) -> None:
    propose(world, ["alpha"], 'fence.note="a\n\n# Heading @everyone"\n')
    body = world.host.pulls[1].body
    assert "\n# Heading" not in body
    assert "the command is left off" in body
    with pytest.raises(RejectedError, match="does not hold the command"):
        rebuild_proposed(world.ports(), FleetQuery(HOME), 1)


def test_the_text_of_a_large_change_says_what_was_left_off(messages: list[str]) -> None:
    made = World()
    names = [f"{'long-' * 9}{number:03}" for number in range(300)]
    for name in names:
        made.write(environment("east", f"{name}.example.org", "fence: {image: {tag: '2026.01'}}\n"))
    fleet, plan = planned(made, names, "fence.image.tag=2026.04")
    propose_change(made.ports(), fleet, plan, pull_request=True)
    pull = made.host.pulls[1]
    assert len(pull.body) < 65_536
    assert re.search(r"and \d+ more files, left off because of the length", pull.body)
    assert "Made by `csoc fleet set`; the command is left off, since it is too long." in pull.body
    assert "and 200 more" in messages[0]


def test_the_owners_are_read_as_the_host_reads_them(world: World) -> None:
    world.write({"CODEOWNERS": "/east/ @approver\n/west/ @reader\n"})
    world.host.codeowners = Dialect.GITHUB
    report = propose(world, *BOTH)
    assert [outcome.owners for outcome in report.outcomes] == [("@approver",), ("@reader",)]


# Afterwards


def test_only_pull_requests_of_csoc_are_followed(world: World) -> None:
    propose(world, *BOTH)
    world.write({"x": "y"}, branch="topic")
    world.host.as_user("maker").open_pull_request(head="topic", base="main", title="t", body="")
    assert [item.pull.number for item in proposed_changes(world.ports(), ADDRESS)] == [1]
    for follow in (close_proposed, lambda p, a, n: merge_proposed(p, a, n, MergeMethod.MERGE)):
        with pytest.raises(RejectedError, match="not made by csoc"):
            follow(world.ports(), ADDRESS, 2)


def test_a_merge_says_what_is_missing_and_happens_once_it_is_there(world: World) -> None:
    world.host.protect("main", approvals=1)
    propose(world, *BOTH)
    (item,) = proposed_changes(world.ports(), ADDRESS)
    assert item.missing == ("main needs 1 approval, it has 0",)
    with pytest.raises(DeniedError, match="approval"):
        merge_proposed(world.ports(), ADDRESS, 1, MergeMethod.MERGE)
    world.host.as_user("approver").review(1, Verdict.APPROVED, "", commit=item.pull.head_commit)
    merged = merge_proposed(world.ports(), ADDRESS, 1, MergeMethod.MERGE)
    assert merged.note == ""
    assert world.read(ALPHA).endswith("tag: '2026.04'}}\n")
    assert item.pull.head not in world.home.branches


def conflicting(world: World) -> None:
    """Pull request 1 for 2026.04, and 2026.03 on main meanwhile, with a key more."""
    propose(world, ["alpha"], "fence.image.tag=2026.04")
    world.write({ALPHA: world.read(ALPHA).replace("2026.01", "2026.03") + "arborist: {}\n"})


def test_a_conflict_is_shown_with_its_files_and_not_merged(world: World) -> None:
    conflicting(world)
    (item,) = proposed_changes(world.ports(), ADDRESS)
    assert item.pull.conflicts == (ALPHA,)
    with pytest.raises(ConflictError):
        merge_proposed(world.ports(), ADDRESS, 1, MergeMethod.MERGE)


def test_a_conflict_is_made_again_on_what_the_branch_holds_now(world: World) -> None:
    conflicting(world)
    made = rebuild_proposed(world.ports(), FleetQuery(HOME), 1)
    assert made.closed
    assert made.note == ""
    assert world.host.pulls[1].state is PullState.CLOSED
    assert world.host.comments[1] == [("maker", "Made again on what `main` holds now, as #2.")]
    new = world.host.pulls[2]
    assert new.title == world.host.pulls[1].title
    assert world.read(ALPHA, new.head).endswith("fence: {image: {tag: '2026.04'}}\narborist: {}\n")
    merge_proposed(world.ports(), ADDRESS, 2, MergeMethod.MERGE)
    assert "2026.04" in world.read(ALPHA)


def test_of_a_change_in_parts_only_the_part_that_conflicts_is_made_again(world: World) -> None:
    world.write({"CODEOWNERS": OWNERS})
    propose(world, *BOTH)
    world.write({ALPHA: world.read(ALPHA).replace("2026.01", "2026.03")})
    made = rebuild_proposed(world.ports(), FleetQuery(HOME), 1)
    assert made.closed
    assert made.report is not None
    assert [outcome.files for outcome in made.report.outcomes] == [(ALPHA,)]
    assert world.host.pulls[2].state is PullState.OPEN
    assert set(world.host.pulls) == {1, 2, 3}


def test_what_needs_no_rebuilding_stays_open(world: World) -> None:
    propose(world, ["alpha"], "fence.image.tag=2026.04")
    made = rebuild_proposed(world.ports(), FleetQuery(HOME), 1)
    assert not made.closed
    assert world.host.pulls[1].state is PullState.OPEN
    assert list(world.host.pulls) == [1]


def test_what_the_branch_has_already_is_not_made_again(world: World) -> None:
    propose(world, ["alpha"], "fence.image.tag=2026.04")
    world.write({ALPHA: world.read(ALPHA).replace("2026.01", "2026.04")})
    made = rebuild_proposed(world.ports(), FleetQuery(HOME), 1)
    assert made.report is None
    assert not made.closed


def test_a_pull_request_whose_text_was_changed_is_refused(world: World) -> None:
    propose(world, ["alpha"], "fence.image.tag=2026.04")
    world.host.pulls[1] = replace(world.host.pulls[1], body="Nothing here.")
    with pytest.raises(RejectedError, match="does not hold the command"):
        rebuild_proposed(world.ports(), FleetQuery(HOME), 1)


def test_a_command_that_somebody_put_into_the_text_is_not_run(world: World) -> None:
    conflicting(world)
    pull = world.host.pulls[1]
    other = pull.body.replace("fence.image.tag=2026.04", "fence.image.tag=2026.99")
    world.host.pulls[1] = replace(pull, title="Something harmless", body=other)
    with pytest.raises(RejectedError, match="does not make what its branch changes"):
        rebuild_proposed(world.ports(), FleetQuery(HOME), 1)
    assert list(world.host.pulls) == [1]


def test_a_title_that_somebody_wrote_is_not_taken_over(world: World) -> None:
    conflicting(world)
    first = world.host.pulls[1].title
    world.host.pulls[1] = replace(world.host.pulls[1], title="Set nothing in staging")
    rebuild_proposed(world.ports(), FleetQuery(HOME), 1)
    assert world.host.pulls[2].title == first


def test_a_branch_with_more_than_the_command_made_is_not_made_again(world: World) -> None:
    conflicting(world)
    world.write({"evil.yaml": "a: 1\n"}, branch=world.host.pulls[1].head)
    with pytest.raises(RejectedError, match="does not make what its branch changes"):
        rebuild_proposed(world.ports(), FleetQuery(HOME), 1)


def test_a_fork_is_none_of_csocs_whatever_its_branch_is_called(world: World) -> None:
    propose(world, ["alpha"], "fence.image.tag=2026.04")
    world.host.pulls[1] = replace(world.host.pulls[1], head_repository="mallory/fleet")
    assert proposed_changes(world.ports(), ADDRESS) == []
    with pytest.raises(RejectedError, match="not made by csoc"):
        merge_proposed(world.ports(), ADDRESS, 1, MergeMethod.MERGE)
    with pytest.raises(RejectedError, match="not made by csoc"):
        rebuild_proposed(world.ports(), FleetQuery(HOME), 1)


def test_a_closed_pull_request_can_be_proposed_again(world: World) -> None:
    propose(world, ["alpha"], "fence.image.tag=2026.04")
    assert close_proposed(world.ports(), ADDRESS, 1) == ""
    assert list(world.home.branches) == ["main"]
    (again,) = propose(world, ["alpha"], "fence.image.tag=2026.04").outcomes
    assert again.published is not None
    assert list(world.host.pulls) == [1, 2]


def test_a_number_that_is_not_there_is_not_found(world: World) -> None:
    with pytest.raises(NotFoundError):
        merge_proposed(world.ports(), ADDRESS, 9, MergeMethod.MERGE)


def test_a_folder_has_no_host_and_the_remote_is_named(world: World) -> None:
    fleet, plan = planned(world, *BOTH)
    local = replace(fleet, query=FleetQuery("/srv/gitops"))
    with pytest.raises(RejectedError) as caught:
        propose_change(world.ports(), local, plan, pull_request=True)
    assert "--fleet https://" in caught.value.fix


# From a folder on this machine

FOLDER = "/srv/gitops"


def local(world: World, **upstream: object) -> tuple[LoadedFleet, ChangePlan]:
    """The fleet as read from a folder whose remote is the world's repository."""
    fleet, plan = planned(world, *BOTH)
    given = {"remote": "origin", "url": HOME, "branch": "main", "head": fleet.tree.commit, "ahead": 0} | upstream
    world.repositories.upstreams[FOLDER] = Upstream(**given)  # type: ignore[arg-type]
    return replace(fleet, query=FleetQuery(FOLDER, revision="topic")), plan


def test_from_a_folder_a_pull_request_is_made_at_the_remote_and_says_so(world: World) -> None:
    fleet, plan = local(world)
    (outcome,) = propose_change(world.ports(), fleet, plan, pull_request=True).outcomes
    assert outcome.published is not None
    pull = world.host.pulls[1]
    assert (pull.base, world.read(ALPHA, pull.head).count("2026.04")) == ("main", 1)
    assert outcome.published.note.startswith(f"Pull requests are those of {HOME}, the remote origin of this folder")
    assert f"made on main at {fleet.tree.commit[:12]}" in outcome.published.note


def test_commits_that_the_remote_has_not_are_never_published_by_the_way(world: World) -> None:
    fleet, plan = local(world, ahead=2)
    (outcome,) = propose_change(world.ports(), fleet, plan, pull_request=True).outcomes
    assert outcome.error is not None
    assert "2 commits that origin has not" in outcome.error.cause
    assert not world.host.pulls
    assert list(world.home.branches) == ["main"]


def test_a_remote_on_a_host_that_is_not_allowed_is_refused(world: World) -> None:
    fleet, plan = local(world, url="https://evil.example.net/acme/fleet")
    (outcome,) = propose_change(world.ports(), fleet, plan, pull_request=True).outcomes
    assert isinstance(outcome.error, DeniedError)
    assert not world.host.pulls


def test_proposals_are_followed_from_a_folder(world: World) -> None:
    fleet, plan = local(world)
    propose_change(world.ports(), fleet, plan, pull_request=True)
    address = SourceAddress(FOLDER, trusted=True)
    assert [item.pull.number for item in proposed_changes(world.ports(), address)] == [1]
    world.write({ALPHA: world.read(ALPHA).replace("2026.01", "2026.03")})
    made = rebuild_proposed(world.ports(), FleetQuery(FOLDER), 1)
    assert made.closed
    assert "the remote origin of this folder" in made.note
    assert "the remote origin" in close_proposed(world.ports(), address, 2)
