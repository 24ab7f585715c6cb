"""What the owner of a cluster types so that csoc may enter it, with no more than it uses: for EKS an access entry, for
other clusters a service account whose token stands in a kubeconfig.

The rights come from roles in the cluster, bound to one group or service account. No access policy of EKS is associated:
each of them gives more than csoc uses, or shows less.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import Any

from csoc.clusters.connecting import GROUP, Right, bound
from csoc.gen3.launch import valuefiles

_ACCOUNT = {"kind": "ServiceAccount", "name": "csoc", "namespace": "csoc"}
_FILE = "csoc-rights.yaml"
_MONTH = "720h"
_JSONPATH = "kubectl config view --raw --flatten --minify --output jsonpath="


def eks_commands(name: str, region: str, role: str, rights: Sequence[Right]) -> str:
    """For a cluster of EKS. name: as EKS calls it. role: ARN of the role by which csoc enters."""
    words = [
        "aws", "eks", "create-access-entry", "--region", region, "--cluster-name", name, "--principal-arn", role,
        "--kubernetes-groups", GROUP["name"],
    ]  # fmt: skip
    return "\n".join((shlex.join(words), *_applied(bound(rights, GROUP))))


def kubeconfig_commands(name: str, rights: Sequence[Right]) -> str:
    """For a cluster that kubectl enters where they are typed: they end in a kubeconfig with a token inside."""
    file = f"{name}.yaml"
    config = f"kubectl config --kubeconfig {file}"
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": _ACCOUNT["namespace"]}}
    account = {"apiVersion": "v1", "kind": "ServiceAccount",
               "metadata": {"name": _ACCOUNT["name"], "namespace": _ACCOUNT["namespace"]}}  # fmt: skip
    return "\n".join(
        (
            *_applied([namespace, account, *bound(rights, _ACCOUNT)]),
            f"{_JSONPATH}'{{.clusters[0].cluster.certificate-authority-data}}' | base64 --decode > {name}-ca.crt",
            f"{config} set-cluster csoc --embed-certs --certificate-authority {name}-ca.crt "
            f"--server \"$({_JSONPATH}'{{.clusters[0].cluster.server}}')\"",
            f"{config} set-credentials csoc "
            f'--token "$(kubectl create token {_ACCOUNT["name"]} --namespace {_ACCOUNT["namespace"]} '
            f'--duration {_MONTH})"',
            f"{config} set-context csoc --cluster csoc --user csoc",
            f"{config} use-context csoc",
            f"csoc cluster connect {name} --kubeconfig {file}",
        )
    )


def _applied(objects: Sequence[dict[str, Any]]) -> tuple[str, ...]:
    text = valuefiles.render_all(objects).decode().rstrip("\n")
    return (f"cat > {_FILE} <<'EOF'", text, "EOF", f"kubectl apply --filename {_FILE}")
