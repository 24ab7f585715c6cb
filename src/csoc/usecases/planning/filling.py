"""What an environment's run needs of its documents: secrets, their values, and where outputs are written.

Documents are read at the commit that the run names, so that what is filled is what was approved.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from csoc.errors import NotFoundError, RejectedError
from csoc.gen3.launch import bundles
from csoc.gen3.launch.documents import secrets_of
from csoc.gen3.launch.outputs import Place, outputs_file
from csoc.gen3.launch.secrets import PlannedSecret, SecretPlan
from csoc.gen3.launch.secretvalues import PrivateKey, RandomBytes, SecretFacts, make_values
from csoc.operations.runs import Run
from csoc.operations.services import Written
from csoc.provisioning import names
from csoc.provisioning.master_login import full_name, is_asked
from csoc.usecases.planning.fleets import open_fleet
from csoc.usecases.planning.infrastructure_read import usable_link
from csoc.usecases.planning.outputs import outputs_of
from csoc.usecases.planning.owners import Owner, environment_of, find_owner
from csoc.usecases.planning.value_paths import outputs_path
from csoc.usecases.planning.writing import Content, write
from csoc.usecases.provisioning_ports import ProvisioningPorts

GivenSecrets = Mapping[str, Mapping[str, str]]
"""By secret and field, what a person gave; in memory only."""

Given = Callable[[str], GivenSecrets]
"""What a person gave for an environment, by its uid."""


@dataclass(frozen=True, slots=True)
class DocumentFilling:
    """See csoc.operations.services.Filling. given: what a person gave for an environment, by its uid."""

    ports: ProvisioningPorts
    random: RandomBytes
    private_key: PrivateKey
    given: Given = field(default=lambda _: {})

    def outputs(self, run: Run) -> Mapping[str, str]:
        owner = self._owner(run)
        return outputs_of(self.ports, owner, usable_link(self.ports, owner), person=run.by, task=run.id)

    def secret_names(self, run: Run, outputs: Mapping[str, str]) -> tuple[str, ...]:
        owner, plan = self._planned(run, outputs)
        return tuple(full_name(owner.uid, name) for name in plan.names)

    def secret_values(self, run: Run, lacking: Sequence[str], outputs: Mapping[str, str]) -> Mapping[str, str]:
        owner, plan = self._planned(run, outputs)
        short = [name for name in plan.names if full_name(owner.uid, name) in lacking]
        given = self.given(owner.uid)
        for secret in (plan.get(name) for name in plan.to_put(short)):
            _check_given(owner, secret, given)
        values = make_values(plan, short, facts_of(owner, outputs), given, self.random, self.private_key)
        return {full_name(owner.uid, one.name): one.text for one in values}

    def write_outputs(self, run: Run, outputs: Mapping[str, str]) -> Written:
        source = _source(run)
        owner = self._owner(run)
        environment = environment_of(owner)
        place = Place(owner.account.spec.id, owner.region)
        content = outputs_file(outputs, place, bundles.select(environment.spec.services))
        path = outputs_path(environment)
        return write(
            self.ports.git,
            run,
            source,
            Content(
                files={path: content},
                message=f"Outputs of the layers of {owner.name}",
                head=f"outputs-{owner.name}",
                body=f"What run {run.id} made for {owner.name}. Nothing runs with it before it is merged and applied.",
            ),
        )

    def _planned(self, run: Run, outputs: Mapping[str, str]) -> tuple[Owner, SecretPlan]:
        owner = self._owner(run)
        return owner, planned_secrets(owner, outputs)

    def _owner(self, run: Run) -> Owner:
        commit = str(run.arguments.get("commit", ""))
        return find_owner(open_fleet(self.ports, _source(run), commit or None).documents, f"environment/{_name(run)}")


def _source(run: Run) -> str:
    source = run.arguments.get("fleet")
    if not isinstance(source, str) or not source:
        raise RejectedError("The run does not say of which fleet it is", place=f"run {run.id}", fix="Begin a new one")
    return source


def _name(run: Run) -> str:
    return str(run.arguments.get("environment", ""))


def _check_given(owner: Owner, secret: PlannedSecret, given: GivenSecrets) -> None:
    missing = [field for field in secret.asked if not given.get(secret.name, {}).get(field.name)]
    if missing:
        raise NotFoundError(
            f"{' and '.join(one.what for one in missing)}, which only a person has",
            place=f"secret {secret.name}",
            fix=f"csoc secret put {owner.name} {secret.name}",
        )


def planned_secrets(owner: Owner, outputs: Mapping[str, str]) -> SecretPlan:
    """The secrets of an environment whose layers have these outputs."""
    plan = secrets_of(environment_of(owner))
    return plan.with_master_login() if is_asked(owner.uid, outputs) else plan


def facts_of(owner: Owner, outputs: Mapping[str, str]) -> SecretFacts:
    """What values of secrets say besides secrets. Raises RejectedError if that is not known yet."""
    environment = environment_of(owner)
    uid, account, region = owner.uid, owner.account.spec.id, owner.region
    host = outputs.get("DatabaseEndpoint", "")
    if not host:
        raise RejectedError(
            "Nobody knows where the database is, so its logins cannot be made",
            place=owner.shown,
            fix="Apply the layer database first, or say under `from` of one that exists where it stands",
        )
    if environment.spec.sign_in is None:
        raise RejectedError(
            f"{owner.name} does not say who tells it who its users are",
            place=owner.shown,
            fix="Add signIn to its document",
        )
    return SecretFacts(
        uid=uid,
        hostname=environment.spec.hostname,
        database_host=host,
        sign_in=environment.spec.sign_in,
        bucket=lambda purpose: names.bucket(uid, purpose, account),
        queue_url=lambda purpose: f"https://sqs.{region}.amazonaws.com/{account}/{names.thing(uid, purpose)}",
    )
