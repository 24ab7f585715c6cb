"""What jobs leave behind: a simulated container does nothing, but others wait for what a real one would have written.

Gen3's charts wait in this way: the pods of a service read the key `dbcreated` of a Secret, which the service's
`<service>-dbcreate` job adds when the database is there (gen3-helm, helm/common/templates/_db_setup_job.tpl); the
workspace token service waits for the client that its `wts-oidc-job` makes in fence (helm/wts/templates/wts-oidc.yaml).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


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
