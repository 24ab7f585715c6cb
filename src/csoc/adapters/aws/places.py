"""Stacks of linked accounts: who asks takes the link's provisioner role, in the person's name, for one task."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from csoc.accounts.links import Link, Links, Role
from csoc.adapters.aws.failures import code_of, translated
from csoc.adapters.aws.leftovers import AccountLeftovers
from csoc.adapters.aws.secrets import AccountSecrets
from csoc.adapters.aws.sessions import BotoSession, own_session
from csoc.adapters.aws.stacks import CloudFormationStacks, Pause
from csoc.adapters.aws.taking import Taking, linked
from csoc.clock import Clock, system_clock
from csoc.errors import DeniedError
from csoc.provisioning.places import Place


class LinkedPlaces:
    """See csoc.provisioning.places.Places. own: csoc's own identity, asked for when a role is taken."""

    def __init__(
        self,
        links: Links,
        *,
        own: Callable[[], BotoSession] = own_session,
        clock: Clock = system_clock,
        pause: Pause = time.sleep,
    ) -> None:
        self._links = links
        self._own = own
        self._clock = clock
        self._pause = pause

    def at(self, account: str, account_id: str, region: str, *, person: str, task: str) -> Place:
        link = linked(self._links, account, account_id)
        taking = Taking(link, Role.PROVISIONER, region, person=person, task=task, own=self._own, clock=self._clock)
        # Taken at once: who may not act is told so before anything else happens.
        taking.client("cloudformation")
        stacks = CloudFormationStacks(
            taking.client,
            link.installation,
            pause=self._pause,
            upload=lambda body: _uploaded(taking.client("s3"), link, region, body),
        )
        return Place(stacks, link.installation, link.roles[Role.EXECUTION])

    def secrets_at(self, account: str, account_id: str, region: str, *, person: str, task: str) -> AccountSecrets:
        """See csoc.provisioning.secrets.SecretPlaces."""
        link = linked(self._links, account, account_id)
        taking = Taking(link, Role.SECRETS, region, person=person, task=task, own=self._own, clock=self._clock)
        return AccountSecrets(lambda: taking.client("secretsmanager"))

    def leftovers_at(self, account: str, account_id: str, region: str, *, person: str, task: str) -> AccountLeftovers:
        """See csoc.provisioning.leftovers.LeftoverPlaces."""
        link = linked(self._links, account, account_id)
        taking = Taking(link, Role.OBSERVER, region, person=person, task=task, own=self._own, clock=self._clock)
        return AccountLeftovers(taking.client)


def _uploaded(client: Any, link: Link, region: str, body: str) -> str:
    """Puts a template into the link's bucket; its key names its content, so what is there is the same."""
    if not link.artifact_bucket:
        raise DeniedError(
            "The template is too large for a request, and the link has no bucket for it",
            place=link.account,
            fix=f"Update the link's stack: csoc account link {link.account} prints its template",
        )
    key = f"templates/{hashlib.sha256(body.encode()).hexdigest()}.json"
    with translated(f"s3://{link.artifact_bucket}/{key}"):
        try:
            client.put_object(
                Bucket=link.artifact_bucket,
                Key=key,
                Body=body.encode(),
                ContentType="application/json",
                IfNoneMatch="*",
            )
        except ClientError as error:
            if code_of(error) not in ("PreconditionFailed", "ConditionalRequestConflict"):
                raise
    suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    return f"https://{link.artifact_bucket}.s3.{region}.{suffix}/{key}"
