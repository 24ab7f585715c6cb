"""What EKS adds to pods so that the AWS SDK in them finds a role: by a token of the cluster, or by pod identity.

Source: amazon-eks-pod-identity-webhook, pkg/handler/handler.go and pkg/cache (pod identity comes before the role of an
annotation), README.md (annotations); "How EKS Pod Identity works", Amazon EKS User Guide.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Object = dict[str, Any]
_PREFIX = "eks.amazonaws.com/"
_ROLE, _AUDIENCE, _REGIONAL = f"{_PREFIX}role-arn", f"{_PREFIX}audience", f"{_PREFIX}sts-regional-endpoints"
_SECONDS, _SKIPPED = f"{_PREFIX}token-expiration", f"{_PREFIX}skip-containers"
_TOKEN_SECONDS, _SHORTEST_SECONDS, _LONGEST_SECONDS = 86_400, 3_600, 86_400
_ROLE_FOLDER = "/var/run/secrets/eks.amazonaws.com/serviceaccount"
_IDENTITY_FOLDER = "/var/run/secrets/pods.eks.amazonaws.com/serviceaccount"
_IDENTITY_FILE = "eks-pod-identity-token"
_CREDENTIALS = "http://169.254.170.23/v1/credentials"


def give_role(pod: Object, account: Mapping[str, Any], region: str, *, associated: bool) -> None:
    """Adds variables and a token's file to the containers of a new pod, if its service account has a role.

    associated: whether a pod identity association is for the account. Whatever a container says itself stays.
    """
    annotations = account["metadata"].get("annotations") or {}
    role = annotations.get(_ROLE)
    if associated:
        audience, file, folder, volume = "pods.eks.amazonaws.com", _IDENTITY_FILE, _IDENTITY_FOLDER, _IDENTITY_FILE
        variables = {
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": _CREDENTIALS,
            "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": f"{folder}/{file}",
        }
        regional = True
    elif role:
        audience, file = annotations.get(_AUDIENCE) or "sts.amazonaws.com", "token"
        folder, volume = _ROLE_FOLDER, "aws-iam-token"
        variables = {"AWS_ROLE_ARN": role, "AWS_WEB_IDENTITY_TOKEN_FILE": f"{folder}/{file}"}
        regional = annotations.get(_REGIONAL, "true") == "true"
    else:
        return
    named = {"AWS_STS_REGIONAL_ENDPOINTS": "regional"} if regional else {}
    named |= {"AWS_DEFAULT_REGION": region, "AWS_REGION": region, **variables}
    spec, own = pod["spec"], pod["metadata"].get("annotations") or {}
    skipped = {one.strip() for one in own.get(_SKIPPED, "").split(",")}
    for container in [*(spec.get("initContainers") or ()), *(spec.get("containers") or ())]:
        if container["name"] not in skipped:
            _add(container, named, volume, folder)
    source = {"audience": audience, "expirationSeconds": _seconds(own, annotations), "path": file}
    volumes = spec.setdefault("volumes", [])
    if not any(one.get("name") == volume for one in volumes):
        volumes.append({"name": volume, "projected": {"sources": [{"serviceAccountToken": source}]}})
        volumes[-1]["projected"]["defaultMode"] = 420


def _add(container: Object, variables: Mapping[str, str], volume: str, folder: str) -> None:
    env = container.setdefault("env", [])
    there = {one.get("name") for one in env}
    # One region is enough: the other name of it is left alone as well.
    regions = {"AWS_REGION", "AWS_DEFAULT_REGION"}
    there |= regions if there & regions else set()
    env += [{"name": name, "value": value} for name, value in variables.items() if name not in there]
    mounts = container.setdefault("volumeMounts", [])
    if not any(one.get("mountPath") == folder for one in mounts):
        mounts.append({"name": volume, "readOnly": True, "mountPath": folder})


def _seconds(pod: Mapping[str, str], account: Mapping[str, str]) -> int:
    text = pod.get(_SECONDS) or account.get(_SECONDS) or ""
    wanted = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else _TOKEN_SECONDS
    return min(max(wanted, _SHORTEST_SECONDS), _LONGEST_SECONDS)
