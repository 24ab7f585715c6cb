"""What the commands about accounts have in common: the ports of clouds for the time of one command."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

import click

from csoc.accounts.links import Link, Links
from csoc.cli.output import with_commands

if TYPE_CHECKING:
    from csoc.usecases.cloud_ports import CloudPorts


def open_cloud() -> AbstractContextManager[CloudPorts]:
    """The real ports. Loading them takes longer than most mistakes do to be seen, so that is done last."""
    from csoc import bootstrap

    return bootstrap.cloud_ports()


def open_links() -> AbstractContextManager[Links]:
    """The links alone, for who asks no cloud."""
    from csoc import records

    return records.links()


class AccountName(click.ParamType[str]):
    """The name of an Account."""

    name = "name"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The name itself, or a usage error."""
        text = str(value)
        if not text or len(text) > 63 or not all(char.isascii() and (char.isalnum() or char in "-.") for char in text):
            self.fail(f"{text[:80]!r} is no name: small letters, digits, hyphens and dots, at most 63", param, ctx)
        return text


ACCOUNT_NAME = AccountName()


def link_json(link: Link) -> dict[str, Any]:
    """A link for programs, without its ExternalId, which is for those who link only."""
    return {
        "account": link.account,
        "id": link.account_id,
        "region": link.region,
        "state": str(link.state),
        "begunAt": link.begun_at.isoformat(),
        "verifiedAt": link.verified_at.isoformat() if link.verified_at else None,
        "triedAt": link.tried_at.isoformat() if link.tried_at else None,
        "unlinkedAt": link.unlinked_at.isoformat() if link.unlinked_at else None,
        "by": link.by,
        "principal": link.principal,
        "roles": dict(link.roles),
        "templateDigest": link.template_digest,
        "checks": [
            {
                "name": one.name,
                "expectation": one.expectation,
                "outcome": one.outcome,
                "severity": one.severity or None,
                "detail": one.detail,
                "fix": with_commands(one.fix, one.commands),
            }
            for one in link.checks
        ],
        "missing": dict(link.missing),
    }
