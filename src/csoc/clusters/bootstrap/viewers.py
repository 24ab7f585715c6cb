"""What csoc may do in a cluster of its own while nothing is brought there or taken away: look, and see no Secret.

EKS's policy for viewers shows what is in namespaces, without Secrets. Following a launch takes more than that: nodes,
volumes, and the kinds of Argo CD and External Secrets. The group is that of the link's access entry, which the layer
`cluster` makes.
"""

from __future__ import annotations

from csoc.clusters.client import Object

VIEWERS = "csoc-viewers"
"""Name of the group, of its role and of its binding."""
_LOOK = ["get", "list", "watch"]
_SEEN: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("", ("nodes", "persistentvolumes")),
    ("apiextensions.k8s.io", ("customresourcedefinitions",)),
    ("argoproj.io", ("applications", "appprojects")),
    ("external-secrets.io", ("clustersecretstores", "externalsecrets", "secretstores")),
    ("networking.k8s.io", ("ingressclasses",)),
    ("storage.k8s.io", ("storageclasses",)),
)


def viewer_objects() -> tuple[Object, Object]:
    """The role, and its binding to the group."""
    rules = [{"apiGroups": [group], "resources": list(kinds), "verbs": _LOOK} for group, kinds in _SEEN]
    # An annotation has Argo CD look again. What an Application may deploy, its project decides, which nobody of the
    # group can change.
    rules.append({"apiGroups": ["argoproj.io"], "resources": ["applications"], "verbs": ["patch"]})
    role = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": VIEWERS},
        "rules": rules,
    }
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": VIEWERS},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": VIEWERS},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": VIEWERS}],
    }
    return role, binding
