"""What documents of an account name that exists already, and that its link has to let csoc read: nothing besides."""

from __future__ import annotations

from collections.abc import Iterator

from csoc.accounts.links import Link
from csoc.accounts.terms import Reads
from csoc.fleet.documents.collection import Documents
from csoc.fleet.documents.infrastructure import LayerSource
from csoc.fleet.documents.model import Cluster, Environment
from csoc.provisioning.existing import parameters_of
from csoc.provisioning.infrastructure import sources_of
from csoc.provisioning.layers import LAYERS, Layer

_OWN = "/csoc/"
_LONGEST = 4_096
"""Characters of a parameter's value. Source: CloudFormation quotas."""


def reads_of(documents: Documents, link: Link) -> Reads:
    """The parameters and stacks that layers of the account's clusters and environments are read from. Single
    parameters, or their folders where their names together are longer than a template's parameter can be."""
    paths: set[str] = set()
    folders: set[str] = set()
    stacks: set[str] = set()
    for layer, source in _sources(documents, link.account):
        if source.stack is not None:
            stacks.add(source.stack)
        for path in parameters_of(layer, source).values():
            if not path.startswith(_OWN):
                paths.add(path)
                folders.add(f"{path.rpartition('/')[0]}/*")
    single = _arns(link, "ssm", [f"parameter{path}" for path in paths])
    whole = _arns(link, "ssm", [f"parameter{path}" for path in folders if path != "/*"])
    return Reads(
        single if len(",".join(single)) <= _LONGEST else whole,
        _arns(link, "cloudformation", [f"stack/{name}/*" for name in stacks]),
    ).checked()


def _arns(link: Link, service: str, rests: list[str]) -> tuple[str, ...]:
    return tuple(sorted(f"arn:{link.partition}:{service}:*:{link.account_id}:{rest}" for rest in rests))


def _sources(documents: Documents, account: str) -> Iterator[tuple[Layer, LayerSource]]:
    here = {name: one.document for name, one in documents.clusters.items() if one.document.spec.account == account}
    environments = [one.document for one in documents.environments.values() if one.document.spec.cluster in here]
    owners: list[Cluster | Environment] = [*here.values(), *environments]
    for owner in owners:
        for layer, source in sources_of(owner).items():
            if layer in LAYERS:
                yield LAYERS[layer], source
