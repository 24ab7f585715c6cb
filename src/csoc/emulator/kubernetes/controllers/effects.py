"""What jobs leave behind: a simulated container does nothing, but others wait for what a real one would have written.

Gen3's charts wait in this way: the pods of a service read the key `dbcreated` of a Secret, which the service's
`<service>-dbcreate` job adds when the database is there (gen3-helm, helm/common/templates/_db_setup_job.tpl); the
workspace token service waits for the client that its `wts-oidc-job` makes in fence (helm/wts/templates/wts-oidc.yaml).
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from csoc.emulator.kubernetes.objects.parts import namespace_of

if TYPE_CHECKING:
    from csoc.emulator.kubernetes.controllers.cluster import Cluster


@dataclass(frozen=True, slots=True)
class Effect:
    """When a container of what is called `<stem><suffix>` has ended well, the data is put into the Secret. secret: its
    name, with {stem}. data: keys with {stem}, values as text. create: it is made if it is not there."""

    suffix: str
    secret: str
    data: Mapping[str, str] = field(default_factory=dict)
    create: bool = False


GEN3 = (
    Effect("-dbcreate", "{stem}-dbcreds", {"dbcreated": "true\n"}),
    Effect("-oidc-job", "{stem}-oidc-client", {"client_id": "simulated", "client_secret": "simulated"}, create=True),
)


def leave(cluster: Cluster, pod: Mapping[str, Any], names: Sequence[str], effects: Sequence[Effect]) -> None:
    """Does what the pod would have done. names: of the pod and all that controls it."""
    for effect in effects:
        stem = next((name.removesuffix(effect.suffix) for name in names if name.endswith(effect.suffix)), None)
        if stem is None:
            continue
        name = effect.secret.format(stem=stem)
        data = {key.format(stem=stem): base64.b64encode(value.encode()).decode() for key, value in effect.data.items()}
        body = cluster.get("", "secrets", namespace_of(pod), name)
        if body is not None:
            cluster.save("", "secrets", body | {"data": dict(body.get("data") or {}) | data})
        elif effect.create:
            metadata = {"name": name, "namespace": namespace_of(pod)}
            made = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": "Opaque", "data": data}
            cluster.create("", "secrets", made)
