"""The Secret that an ExternalSecret wants: made of what was read, by its template, and written as its policy allows.

Source: External Secrets 1.3.2, pkg/controllers/externalsecret/externalsecret_controller.go; templates of the engine v2
as far as csoc's own subset of Go templates goes.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping

from csoc.emulator.kubernetes.controllers.cluster import Cluster
from csoc.emulator.kubernetes.controllers.secrets_operator import COMPONENT
from csoc.emulator.kubernetes.objects.parts import (
    annotations_of,
    controller_of,
    digest,
    labels_of,
    name_of,
    namespace_of,
    owner_reference,
    uid_of,
)
from csoc.emulator.kubernetes.store import Object
from csoc.fleet.argocd.gotemplate.evaluation import SubsetRenderer
from csoc.fleet.argocd.gotemplate.values import TemplateError, UnsupportedError

MANAGED = "reconcile.external-secrets.io/managed"
HASH = "reconcile.external-secrets.io/data-hash"


class TemplateProblem(Exception):  # noqa: N818 - a problem of the object, told in its status
    """The template of an ExternalSecret does not give a Secret."""


def made(body: Object, name: str, data: Mapping[str, bytes]) -> Object:
    """The Secret that should be there."""
    target = body["spec"].get("target") or {}
    template = target.get("template") or {}
    values = {key: base64.b64encode(value).decode() for key, value in data.items()}
    if template.get("templateFrom"):
        raise TemplateProblem("could not apply template: this simulated cluster does not follow templateFrom")
    if template.get("data"):
        rendered = _rendered(template["data"], data)
        values = (values if template.get("mergePolicy") == "Merge" else {}) | rendered
    given = template.get("metadata") or {}
    labels = dict(given.get("labels") or labels_of(body)) | {MANAGED: "true"}
    labels["reconcile.external-secrets.io/created-by"] = hashlib.sha256(
        f"{namespace_of(body)}/{name_of(body)}".encode()
    ).hexdigest()[:56]
    annotations = dict(given.get("annotations") or {} if "metadata" in template else _passed_on(body))
    annotations[HASH] = digest_of(values)
    made: Object = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": name,
            "namespace": namespace_of(body),
            "labels": labels,
            "annotations": annotations,
        },
        "type": template.get("type") or "Opaque",
        "data": values,
    }
    if target.get("creationPolicy", "Owner") == "Owner":
        made["metadata"]["ownerReferences"] = [owner_reference(body)]
    if target.get("immutable"):
        made["immutable"] = True
    return made


def _passed_on(body: Object) -> dict[str, str]:
    """Annotations of the ExternalSecret go on to its Secret, but for what kubectl writes; Argo CD's tracking goes on
    too, and tells there that the Secret is not its own object."""
    skipped = "kubectl.kubernetes.io/last-applied-configuration"
    return {name: value for name, value in annotations_of(body).items() if name != skipped}


def _rendered(templates: Mapping[str, str], data: Mapping[str, bytes]) -> dict[str, str]:
    texts = {key: value.decode("utf-8", "replace") for key, value in data.items()}
    found = {}
    for key, template in templates.items():
        try:
            text = SubsetRenderer().render(str(template), texts, ("missingkey=error",))
        except (TemplateError, UnsupportedError) as error:
            where = f"could not execute template: unable to execute template at key {key}"
            raise TemplateProblem(f"could not apply template: {where}: {error}") from error
        found[key] = base64.b64encode(text.encode()).decode()
    return found


def write(cluster: Cluster, body: Object, name: str, made: Object) -> tuple[str, str] | None:
    """Makes or changes the Secret; gives (message, reason) if it may not."""
    policy = (body["spec"].get("target") or {}).get("creationPolicy", "Owner")
    found = cluster.get("", "secrets", namespace_of(body), name)
    if policy == "None" or (policy == "Merge" and found is None):
        return None
    if found is None:
        cluster.create("", "secrets", made)
        cluster.event(body, "Created", "secret created", COMPONENT)
        return None
    owner = controller_of(found)
    if policy == "Owner" and owner is not None and owner.get("uid") != uid_of(body):
        return "target is owned by another ExternalSecret", "secret is owned by another ExternalSecret"
    if found.get("immutable"):
        return "could not update secret, target is immutable", "secret is immutable"
    after = dict(found)
    after["data"] = (dict(found.get("data") or {}) if policy == "Merge" else {}) | made["data"]
    after["metadata"] = dict(found["metadata"])
    for part in ("labels", "annotations"):
        after["metadata"][part] = dict(found["metadata"].get(part) or {}) | made["metadata"][part]
    after["metadata"]["annotations"][HASH] = digest_of(after["data"])
    if "ownerReferences" in made["metadata"]:
        after["metadata"]["ownerReferences"] = made["metadata"]["ownerReferences"]
    if after != found:
        cluster.save("", "secrets", after)
        cluster.event(body, "Updated", "secret updated", COMPONENT)
    return None


def digest_of(data: Mapping[str, str]) -> str:
    return digest(dict(sorted(data.items())), 32)
