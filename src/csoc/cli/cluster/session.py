"""What the commands about clusters have in common: their ports, and how a cluster is shown."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from csoc.cli.output import say, table

if TYPE_CHECKING:
    from csoc.clusters.connecting import Survey
    from csoc.usecases.clusters import ClusterPorts


def open_clusters() -> AbstractContextManager[ClusterPorts]:
    """The real ports. Loading them takes longer than most mistakes do to be seen, so that is done last."""
    from csoc import bootstrap

    return bootstrap.cluster_ports()


def print_survey(seen: Survey) -> None:
    """What there is, and each right with what the cluster says of it."""
    say(f"Kubernetes {seen.version.removeprefix('v')}")
    for sentence in seen.argo.said:
        say(sentence + ".")
    table(["component", "what is there"], [[name, told] for name, told in seen.others.items()])
    rows = [
        [
            one.right.namespace or "everywhere",
            ", ".join(one.right.resources),
            ", ".join(one.right.verbs),
            "lacking: " + ", ".join(one.lacking) if one.lacking else "yes",
            one.right.why,
        ]
        for one in seen.rights
    ]
    table(["where", "what", "verbs", "allowed", "what for"], rows, title="Rights that csoc uses here")


def survey_json(seen: Survey) -> dict[str, Any]:
    """The same for programs."""
    return {
        "version": seen.version,
        "argoCd": {"presence": str(seen.presence), "action": str(seen.argo.action), "said": list(seen.argo.said)},
        "components": dict(seen.others),
        "rights": [
            {
                "namespace": one.right.namespace,
                "group": one.right.group,
                "resources": list(one.right.resources),
                "verbs": list(one.right.verbs),
                "names": list(one.right.names),
                "why": one.right.why,
                "lacking": list(one.lacking),
            }
            for one in seen.rights
        ],
    }
