"""What an account holds, in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from csoc.errors import NotFoundError
from csoc.provisioning import names
from csoc.provisioning.leftovers import Left, type_of


class MemoryLeftovers:
    """See csoc.provisioning.leftovers.Leftovers. tagged: tags by ARN. zones: names of records by hosted zone. doors:
    tags of security groups, by network, id and name."""

    def __init__(self, tagged: Mapping[str, Mapping[str, str]] | None = None) -> None:
        self.tagged: dict[str, Mapping[str, str]] = dict(tagged or {})
        self.zones: dict[str, Sequence[str]] = {}
        self.doors: dict[tuple[str, str, str], Mapping[str, str]] = {}

    def of_owner(self, uid: str) -> Sequence[Left]:
        found = [
            Left(arn, *type_of(arn), tags.get(names.LAYER_TAG, ""))
            for arn, tags in self.tagged.items()
            if tags.get(names.OWNER_TAG) == uid
        ]
        return sorted(found, key=lambda left: (left.name, left.arn))

    def doors_in(self, vpc: str) -> Sequence[Left]:
        found = [
            Left(f"security-group/{group}", "ec2 security-group", name, tags.get(names.LAYER_TAG, ""), "", owner)
            for (network, group, name), tags in self.doors.items()
            if network == vpc and (owner := tags.get(names.OWNER_TAG, ""))
        ]
        return sorted(found, key=lambda left: (left.name, left.arn))

    def validation_records_in(self, zone: str, domain: str) -> Sequence[str]:
        if zone not in self.zones:
            raise NotFoundError(f"There is no hosted zone {zone}", place=zone)
        return sorted(name for name in self.zones[zone] if name.startswith("_") and name.endswith(f".{domain}"))


class MemoryLeftoverPlaces:
    """One account for whoever asks. asked: who came, and for what."""

    def __init__(self, leftovers: MemoryLeftovers) -> None:
        self._leftovers = leftovers
        self.asked: list[tuple[str, str, str]] = []

    def leftovers_at(
        self,
        account: str,
        account_id: str,  # noqa: ARG002 - the port's
        region: str,  # noqa: ARG002 - the port's
        *,
        person: str,
        task: str,
    ) -> MemoryLeftovers:
        """See csoc.provisioning.leftovers.LeftoverPlaces."""
        self.asked.append((account, person, task))
        return self._leftovers
