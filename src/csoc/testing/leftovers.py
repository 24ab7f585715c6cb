"""What an account holds, in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from csoc.provisioning import names
from csoc.provisioning.leftovers import Left, type_of


class MemoryLeftovers:
    """See csoc.provisioning.leftovers.Leftovers. tagged: tags by ARN."""

    def __init__(self, tagged: Mapping[str, Mapping[str, str]] | None = None) -> None:
        self.tagged: dict[str, Mapping[str, str]] = dict(tagged or {})

    def of_owner(self, uid: str) -> Sequence[Left]:
        found = [
            Left(arn, *type_of(arn), tags.get(names.LAYER_TAG, ""))
            for arn, tags in self.tagged.items()
            if tags.get(names.OWNER_TAG) == uid
        ]
        return sorted(found, key=lambda left: (left.name, left.arn))


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
