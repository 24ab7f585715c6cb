"""Each answer of a launch, wrong once: the sentence says which answer and what to write, and nothing was written."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

import csoc
from csoc import bootstrap
from csoc.emulator.owners import OwnerOf
from csoc.emulator.running import Emulator, running
from csoc.emulator.timeline import RunningTimeline
from tests.functional.accounts.conftest import World
from tests.functional.command import Ran

CHART = Path(csoc.__file__).parent / "cli" / "demo_fleet" / "charts" / "gen3"
_CANARY = "GOCSPX-canary0123456789abcdefghij"
_NOTHING = "Nothing was written to Git"


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with running(timeline=RunningTimeline(speed=1000)) as started:
        yield started


class Launching:
    """A fleet with a linked account. owner: of the account."""

    def __init__(self, emulator: Emulator, folder: Path) -> None:
        self.world = World(emulator, folder)
        self.owner: OwnerOf = self.world.linked("research")
        charts = folder / "charts"
        shutil.copytree(CHART, charts / "gen3")
        commit = bootstrap.found_repository(charts, "Charts", name="Ada", email="ada@example.org")
        self.world.csoc.variables["CSOC_PLATFORM_MIRROR"] = charts.as_uri()
        self.chart = f"chart: {{repoURL: '{charts.as_uri()}', path: gen3, version: {commit}}}\n"

    def git(self, *words: str) -> str:
        done = subprocess.run(["git", *words], cwd=self.world.csoc.folder, capture_output=True, text=True, check=True)
        return done.stdout

    def launch(self, text: str, *more: str) -> Ran:
        path = self.world.csoc.home / "answers.yaml"
        path.write_text(text)
        return self.world.csoc("launch", "--answers", path, *more)

    def traces(self) -> tuple[str, str, list[str]]:
        """All that a launch could leave: the commit, files that are in none, stacks."""
        stacks = self.owner.client("cloudformation").describe_stacks()["Stacks"]
        return self.git("rev-parse", "HEAD"), self.git("status", "--short"), sorted(one["StackId"] for one in stacks)


@pytest.fixture(scope="module")
def launching(emulator: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Launching:
    return Launching(emulator, tmp_path_factory.mktemp("answers"))


@pytest.fixture(scope="module")
def there(launching: Launching) -> Launching:
    """The same, with the commons heart launched."""
    text = "commons: heart\nhostname: heart.example.org\nsize: small\n"
    ran = launching.launch(text + launching.chart)
    assert ran.code == 0, ran.err
    assert "heart-dev on cluster heart is in Git: commit" in ran.out
    return launching


@pytest.mark.parametrize(
    ("line", "sentence", "fix"),
    [
        ("services: [fenc]", 'There is no bundle and no service "fenc". Did you mean "fence"?', "--example-answers"),
        ("services: [minimal, jeg]", "csoc does not launch jeg: its image is a test build", "--example-answers"),
        ("size: huge", 'size: expected one of small, medium, large, found "huge"', "--example-answers"),
        ("region: eu-north-9", "", "Name one of ap-southeast-2, or add eu-north-9 to the regions in the document"),
        ("region: Sydney", 'region: expected a region of AWS such as ap-southeast-2, found "Sydney"', ""),
        ("region: us-west-2", "region: The account research is not used in us-west-2", "Name one of ap-southeast-2"),
        ("hostname: https://reef.example.org/", "in lower case, without https://, port or path", "--example-answers"),
        ("hostname: reef.example.org:443", "in lower case, without https://, port or path", "--example-answers"),
        ("hostname: unknown", "hostname: expected a DNS name", "--example-answers"),
        ("cluster: nowhere", "cluster: There is no cluster nowhere; there are: ", "or write cluster: new"),
        ("account: other", "account: There is no account other in this fleet; there are: research", "account link"),
        ("stage: live", "stage: live is no stage of this fleet", "Its stages are dev, staging, prod"),
        ("kubernetes: 1.35", "kubernetes: expected text, found the number 1.35 (Put it in quotes", ""),
        ('kubernetes: "latest"', 'expected a Kubernetes version such as "1.35"', "--example-answers"),
        ("network: {egress: proxy, allowDomains: ['https://x.y']}", "expected a domain such as example.org", ""),
        ("zone: {name: example.org, id: zone}", "the id of a hosted zone, such as Z0123456789", ""),
        ("users: nobody.yaml", "users, nobody.yaml: The file does not exist", "Name a user.yaml that stands beside"),
        ("hostnme: reef.example.org", 'Did you mean "hostname"?', "--example-answers"),
    ],
)  # fmt: skip
def test_a_wrong_answer_is_named_with_what_to_write_and_leaves_nothing(
    launching: Launching, line: str, sentence: str, fix: str
) -> None:
    before = launching.traces()
    base = [one for one in ("commons: reef", "hostname: reef.example.org") if not line.startswith(one.split(":")[0])]
    ran = launching.launch("\n".join([*base, line, ""]))
    assert ran.code not in (0, 2, 6), ran.err
    assert sentence in ran.err, ran.err
    assert fix in ran.err.partition("fix: ")[2] or not fix, ran.err
    assert "^" not in ran.err, "a regular expression is no sentence"
    assert launching.traces() == before


def test_a_secret_that_is_not_there_is_a_mistake_only_where_it_is_needed_now_and_hides_no_other(
    launching: Launching,
) -> None:
    before = launching.traces()
    lines = "commons: reef\nhostname: reef.example.org\nsignIn: {provider: google, clientSecret: {env: NOT_SET}}\n"
    alone = launching.launch(lines, "--wait")
    assert (alone.code, "The variable NOT_SET is not set" in alone.err) == (4, True), alone.err
    both = launching.launch(f"{lines}users: nobody.yaml\n", "--wait")
    assert "2 things that the answers name cannot be used" in both.err
    assert "users, nobody.yaml: The file does not exist" in both.err
    assert "signIn.clientSecret: The variable NOT_SET is not set" in both.err
    planned = launching.launch(f"{lines}account: other\n")
    assert "There is no account other in this fleet" in planned.err
    assert "NOT_SET" not in planned.err
    assert launching.traces() == before


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("file:///srv/fleet", "/srv/fleet: No cluster can fetch the fleet from a folder of this machine"),
        ("/srv/fleet", "/srv/fleet: No cluster can fetch the fleet from a folder of this machine"),
        ("https:///fleet", "The host of the address is not a host name"),
        ("https://git.invalid/fleet", "https://git.invalid/fleet: No cluster can fetch the fleet there"),
    ],
)
def test_a_fleet_that_no_cluster_can_ever_fetch_is_refused_before_anything_is_made(
    launching: Launching, monkeypatch: pytest.MonkeyPatch, url: str, sentence: str
) -> None:
    before = launching.traces()
    monkeypatch.setitem(launching.world.csoc.variables, "CSOC_PLATFORM_FLEET_URL", url)
    ran = launching.launch("commons: reef\nhostname: reef.example.org\n" + launching.chart)
    assert ran.code == 1, ran.err
    assert sentence in " ".join(ran.err.split())
    assert "Set platform.fleet_url (CSOC_PLATFORM_FLEET_URL)" in " ".join(ran.err.split())
    assert launching.traces() == before


@pytest.mark.parametrize("owner", ["cluster/heart", "heart-dev"])
def test_what_would_have_it_fetched_is_not_planned_either(
    there: Launching, monkeypatch: pytest.MonkeyPatch, owner: str
) -> None:
    csoc = there.world.csoc
    monkeypatch.setitem(csoc.variables, "CSOC_PLATFORM_FLEET_URL", "file:///srv/fleet")
    refused = csoc("plan", owner)
    assert (refused.code, "No cluster can fetch the fleet" in refused.err) == (1, True), refused.err
    part = "network" if owner.startswith("cluster") else "credentials"
    assert csoc("plan", owner, "--layer", part).code == 0


@pytest.fixture
def nothing_pending(monkeypatch: pytest.MonkeyPatch) -> None:
    """The repository's host knows of no launch whose pull request waits."""
    monkeypatch.setattr("csoc.usecases.launching.find_pending", lambda *_: None)


@pytest.mark.usefixtures("nothing_pending")
def test_an_answer_that_only_planning_can_refuse_gets_into_no_pull_request(launching: Launching) -> None:
    before = launching.traces()
    arn = "arn:aws:acm:ap-southeast-2:111111111111:certificate/11111111-2222-3333-4444-555555555555"
    ran = launching.launch(f"commons: reef\ncertificate: {arn}\n", "--pull-request")
    assert ran.code == 1
    assert 'certificate: this certificate is in "ap-southeast-2" of account "111111111111"' in ran.err
    assert f"fix: Correct it in the answers. {_NOTHING}" in ran.err
    assert launching.traces() == before


def test_a_secret_as_an_answer_is_refused_without_being_repeated(launching: Launching) -> None:
    before = launching.traces()
    ran = launching.launch(f"commons: reef\nsignIn: {{provider: google, clientSecret: {_CANARY}}}\n")
    assert ran.code == 1
    assert "signIn.clientSecret: expected no secret in the answers, found one (not shown)" in ran.err
    assert "clientSecret: {env: NAME}" in ran.err
    assert _CANARY not in ran.err + ran.out
    assert launching.traces() == before


@pytest.mark.usefixtures("nothing_pending")
def test_a_policy_that_blocks_a_plan_blocks_the_commit(launching: Launching, monkeypatch: pytest.MonkeyPatch) -> None:
    from csoc.provisioning import planning
    from csoc.provisioning.plans import PolicyFinding

    found = PolicyFinding("test", "network/Vpc", "it is refused by a test", "Take it away", blocks=True)
    monkeypatch.setattr(planning, "judge", lambda considered: [found])
    before = launching.traces()
    ran = launching.launch("commons: reef\n", "--pull-request")
    assert ran.code == 1
    assert "A plan is blocked: network/Vpc: it is refused by a test" in ran.err
    assert f"fix: Take it away. {_NOTHING}" in ran.err
    assert launching.traces() == before


@pytest.mark.parametrize(
    ("text", "sentence", "fix"),
    [
        ("commons: heart\nhostname: other.example.org\n",
         "There is an environment heart-dev already: of the commons heart, at heart.example.org",
         "Give this one another name (environment)"),
        ("commons: heart\nhostname: heart.example.org\nsize: large\n", "and large in the answers; size is small in",
         "To go on with what is there, take size out of the answers"),
        ("commons: heart\nhostname: heart.example.org\nservices: [minimal]\n", "services is [standard] in",
         "csoc plan heart-dev"),
        ("commons: heart\nhostname: heart.example.org\napiAccess: [203.0.113.0/24]\n", "apiAccess is left out in",
         "csoc plan heart-dev"),
        ("commons: heart\nstage: prod\n", "cluster: There is a cluster heart already",
         "Use it (cluster: heart), or name the new one (clusterName)"),
        ("commons: lung\nhostname: heart.example.org\n",
         "hostname: The environment heart-dev has the hostname heart.example.org", "Choose another one"),
        ("commons: lung\ncluster: heart\nnamespace: heart-dev\n",
         "namespace: heart-dev has the namespace heart-dev of the cluster heart", "Choose another one"),
        ("commons: lung\ncluster: heart\nregion: us-west-2\n",
         "region: The cluster heart is in ap-southeast-2, and the answers say us-west-2", "Leave it out"),
    ],
)  # fmt: skip
def test_what_is_there_already_is_named(there: Launching, text: str, sentence: str, fix: str) -> None:
    before = there.traces()
    ran = there.launch(text)
    assert ran.code in (1, 5), ran.err
    assert sentence in ran.err
    assert fix in ran.err.partition("fix: ")[2]
    assert there.traces() == before


def test_the_same_answers_go_on_where_the_launch_is(there: Launching) -> None:
    before = there.traces()
    for text in ("commons: heart\nhostname: heart.example.org\n",
                 "commons: heart\nhostname: heart.example.org\nsize: small\ncluster: new\nstage: dev\n"):  # fmt: skip
        ran = there.launch(text)
        assert ran.code == 0, ran.err
        assert "heart-dev on cluster heart is in Git already" in ran.out
        assert there.traces() == before


def test_what_nobody_can_know_yet_is_said(launching: Launching) -> None:
    ran = launching.launch(
        "commons: coral\nhostname: coral.example.org\nzone: {name: example.org, id: Z0123456789ABCDEFGHIJ}\n"
        f'kubernetes: "1.34"\n{launching.chart}'
    )
    assert ran.code == 0, ran.err
    said = ran.out.partition("Nobody can know yet:")[2]
    for what in (
        "whether EKS offers Kubernetes 1.34: when the layer cluster is made",
        "whether the hosted zone Z0123456789ABCDEFGHIJ of example.org is in the account: when the layer edge is made",
        "how Argo CD reaches the fleet, which is a folder on this machine",
    ):
        assert what in said


def test_the_example_launches_as_it_is_printed_and_leaves_its_runs_to_a_workflow(launching: Launching) -> None:
    place = "github:example/fleet"
    example = launching.world.csoc("launch", "--example-answers").out.replace("heart", "kelp")
    ran = launching.launch(example + launching.chart, "--where", place)
    assert ran.code == 0, ran.err
    assert "kelp-dev on cluster kelp is in Git: commit" in ran.out
    begun = launching.world.csoc("runs", "list", "--limit", "2", "--json").data["runs"]
    assert {one["where"] for one in begun} == {place}
    assert all(f"In that workflow: csoc worker --where {place} --only {one['id']}" in ran.out for one in begun)


@pytest.mark.parametrize(
    ("more", "sentence"),
    [(("--where", "elsewhere"), "elsewhere"), (("--wait", "--where", "github:example/fleet"), "--wait executes the")],
)
def test_a_place_that_cannot_be_is_refused(launching: Launching, more: tuple[str, ...], sentence: str) -> None:
    before = launching.traces()
    ran = launching.launch("commons: reef\n", *more)
    assert (ran.code != 0, sentence in ran.err) == (True, True), ran.err
    assert launching.traces() == before
