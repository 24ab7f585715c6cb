"""The definitions of Argo CD's kinds, as far as the API server acts on them: names, columns, what is kept.

Source of names and columns: Argo CD 3.2, manifests/crds. The schemas here keep every field: Argo CD itself says what is
wrong with an Application.
"""

from __future__ import annotations

from typing import Any

GROUP, VERSION = "argoproj.io", "v1alpha1"
_OPEN = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}


def _column(name: str, path: str, priority: int = 0) -> dict[str, Any]:
    return {"name": name, "type": "string", "jsonPath": path} | ({"priority": priority} if priority else {})


def _definition(
    kind: str, plural: str, short: list[str], columns: list[dict[str, Any]], *, status: bool = False
) -> dict[str, Any]:
    properties: dict[str, Any] = {
        "apiVersion": {"type": "string"},
        "kind": {"type": "string"},
        "metadata": {"type": "object"},
        "spec": _OPEN,
        "status": _OPEN,
    }
    if kind == "Application":
        properties["operation"] = _OPEN
    version: dict[str, Any] = {
        "name": VERSION,
        "served": True,
        "storage": True,
        "schema": {
            "openAPIV3Schema": {"type": "object", "required": ["metadata", "spec"], "properties": properties},
        },
        "additionalPrinterColumns": columns,
    }
    if status:
        version["subresources"] = {"status": {}}
    names = {"kind": kind, "listKind": f"{kind}List", "plural": plural, "singular": kind.lower(), "shortNames": short}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{GROUP}"},
        "spec": {"group": GROUP, "names": names, "scope": "Namespaced", "versions": [version]},
    }


# An Application has no status apart from the rest: its controller writes both with one patch.
DEFINITIONS = (
    _definition(
        "Application",
        "applications",
        ["app", "apps"],
        [
            _column("Sync Status", ".status.sync.status"),
            _column("Health Status", ".status.health.status"),
            _column("Revision", ".status.sync.revision", 10),
            _column("Project", ".spec.project", 10),
        ],
    ),
    _definition("ApplicationSet", "applicationsets", ["appset", "appsets"], [], status=True),
    _definition("AppProject", "appprojects", ["appproj", "appprojs"], []),
)
