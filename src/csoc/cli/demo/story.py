"""What the demo tells: accounts linked and one refused, a commons launched until it answers.

Each chapter calls what the commands call, and says which command that is, so that nobody has to guess what to type.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from csoc.accounts.links import Link
from csoc.cli.demo import emulated_site
from csoc.cli.demo.scene import CARELESS, PREVENTION, REGION, RESEARCH, Scene
from csoc.cli.plan.session import open_applying, open_provisioning
from csoc.cli.plan.show import plan_json
from csoc.cli.runs.session import run_json
from csoc.cli.session import open_ports
from csoc.gen3.launch.answerfiles import parse_answers
from csoc.gen3.launch.answers import Answers
from csoc.operations.runs import RunState
from csoc.provisioning.plans import Plan
from csoc.usecases import runs as run_cases
from csoc.usecases.accounts.linking import Begun, Wanted, begin_link
from csoc.usecases.accounts.verifying import verify
from csoc.usecases.init import init_fleet
from csoc.usecases.launching import Request, begin, prepare
from csoc.usecases.load import FleetQuery, load_fleet
from csoc.usecases.run_ports import RunPorts

COMMONS, ENVIRONMENT, HOSTNAME = emulated_site.COMMONS, f"{emulated_site.COMMONS}-dev", emulated_site.HOSTNAME
_CLIENT_SECRET = "demo-client-secret-of-nobody"  # noqa: S105 - invented, and of no provider
_LOOK_SECONDS = 0.2

Tell = Callable[[str, str], None]
"""Says a line: text and style."""


@dataclass(slots=True)
class Told:
    """What came of it, for programs and for the end of the story."""

    links: list[dict[str, Any]] = field(default_factory=list)
    plans: list[dict[str, Any]] = field(default_factory=list)
    runs: list[dict[str, Any]] = field(default_factory=list)
    is_healthy: bool = False
    usd_per_month: float = 0.0


def tell(scene: Scene, say: Tell) -> Told:
    """Plays everything. Raises what the commands raise."""
    told = Told()
    found_fleet(scene, say)
    link_account(scene, say, told, "research", RESEARCH)
    link_account(scene, say, told, "prevention", PREVENTION)
    _refuse(scene, say, told)
    _launch(scene, say, told)
    return told


def found_fleet(scene: Scene, say: Tell) -> None:
    """Makes the fleet, with nothing in it."""
    from csoc import bootstrap

    say("A fleet is a Git repository", "bold")
    say("  $ csoc fleet init fleet", "dim")
    with open_ports() as ports:
        init_fleet(ports, scene.fleet, name="tidewater")
    bootstrap.found_repository(scene.fleet, "A fleet", name="Ada", email=f"ada@{emulated_site.ZONE}")
    say(f"  It is in {scene.fleet}", "")


def link_account(scene: Scene, say: Tell, told: Told, name: str, account: str) -> None:
    """Links an account and verifies it."""
    say("", "")
    say(
        f"The account {name} ({account}) is linked: its owner makes one stack, and csoc tries what it may not do",
        "bold",
    )
    say(f"  $ csoc account link {name} --account-id {account} --region {REGION}", "dim")
    begun = _begun(scene, name, account)
    scene.make_stack(account, _stack(begun), begun.template.body, {"ExternalId": begun.link.external_id})
    say(f"  $ csoc account verify {name}", "dim")
    link = _verified(name)
    say(
        f"  {link.state}: {sum(one.outcome == 'ok' for one in link.checks)} of {len(link.checks)} tests went well",
        "green",
    )
    told.links.append({"account": name, "state": str(link.state)})


def _refuse(scene: Scene, say: Tell, told: Told) -> None:
    """An owner who trusts anybody who knows the role's name, as more than a third of all products let them."""
    say("", "")
    say(f"The account careless ({CARELESS}) lets in everybody who knows the role's name, and is refused", "bold")
    begun = _begun(scene, "careless", CARELESS)
    loose = json.loads(begun.template.body)
    for resource in loose["Resources"].values():
        trust = resource.get("Properties", {}).get("AssumeRolePolicyDocument", {})
        for statement in trust.get("Statement", []):
            statement.get("Condition", {}).get("StringEquals", {}).pop("sts:ExternalId", None)
    scene.make_stack(CARELESS, _stack(begun), json.dumps(loose), {"ExternalId": begun.link.external_id})
    say("  $ csoc account verify careless", "dim")
    link = _verified("careless")
    wrong = [one for one in link.checks if one.outcome == "wrong"]
    say(f"  {link.state}: {wrong[0].name}: {wrong[0].detail}" if wrong else f"  {link.state}", "red")
    if wrong and wrong[0].fix:
        say(f"  fix: {wrong[0].fix}", "")
    told.links.append({"account": "careless", "state": str(link.state)})


def _launch(scene: Scene, say: Tell, told: Told) -> None:
    answers = answers_of(scene)
    say("", "")
    say(f"A commons is launched: {HOSTNAME}, with a cluster of its own", "bold")
    say("  $ csoc launch --answers answers.yaml --auto-approve --wait", "dim")
    given = {"fence-config": {"client-id": "reef-portal", "client-secret": _CLIENT_SECRET}}
    with open_applying(lambda _: given) as (ports, runs):
        request = Request(str(scene.fleet), answers, auto_approve=True)
        prepared = prepare(ports, request)
        say(f"  Its documents and values are one commit: {prepared.commit[:12]}", "")
        launched = begin(ports, runs, request, prepared)
        for plan in launched.plans:
            _say_plan(plan, say, told)
        for run in launched.runs:
            say(f"  Run {run.id} of {run.owner_name}:", "")
            ended = execute_and_tell(runs, run.id, say)
            told.runs.append(run_json(runs.runs.get(run.id)))
            if ended is not RunState.SUCCEEDED:
                return
    told.is_healthy = True
    say(f"  https://{HOSTNAME}/ answers", "bold green")


def _say_plan(plan: Plan, say: Tell, told: Told) -> None:
    costs = [layer.cost for layer in plan.layers if layer.cost is not None]
    after = sum(cost.after for cost in costs)
    told.usd_per_month += after
    told.plans.append(plan_json(plan, ""))
    layers = ", ".join(f"{layer.layer} {len(layer.changes)}" for layer in plan.layers)
    say(f"  Plan {plan.id} of {plan.owner_kind} {plan.owner_name}: resources to make: {layers}", "")
    say(f"    about {after:,.0f} USD a month. {costs[0].source.split('.')[0] if costs else ''}", "")


def execute_and_tell(runs: RunPorts, run_id: str, say: Tell) -> RunState:
    """Executes a run here and tells its steps as they begin and end."""
    executor = run_cases.begin_executing(runs, run_id)
    shown: dict[int, str] = {}
    try:
        for seen in run_cases.watch(runs, run_id, pause=lambda: time.sleep(_LOOK_SECONDS)):
            for step in seen.run.steps:
                now = f"{step.state} {step.waits_for}".strip()
                if now != shown.get(step.number) and step.state is not RunState.QUEUED:
                    shown[step.number] = now
                    style = "green" if step.state is RunState.SUCCEEDED else "red" if step.cause else ""
                    say(f"    {step.name}: {step.state}{f', for {step.waits_for}' if step.waits_for else ''}", style)
                    if step.cause:
                        say(f"      {step.cause}", "red")
                        say(f"      fix: {step.fix}", "")
    finally:
        executor.close(5)
    return runs.runs.get(run_id).state


def answers_of(scene: Scene) -> Answers:
    """The answers of the demo, as a person would write them."""
    return parse_answers(answers_text(scene).encode(), "answers.yaml")


def answers_text(scene: Scene) -> str:
    """The same as YAML."""
    return emulated_site.answers_text(scene.site)


def _begun(scene: Scene, name: str, account: str) -> Begun:
    with open_provisioning() as ports:
        fleet = load_fleet(ports.git, FleetQuery(str(scene.fleet)))
        return begin_link(ports.git, ports.cloud, fleet, Wanted(name, account, REGION, "workload"))


def _verified(name: str) -> Link:
    with open_provisioning() as ports:
        return verify(ports.cloud, name, None).link


def _stack(begun: Begun) -> str:
    from csoc.accounts.names import link_stack

    return link_stack(begun.link.installation)
