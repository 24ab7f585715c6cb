"""From an address or a kubeconfig to a client.

A kubeconfig may name programs to run and files to read. One that a person keeps on their own machine is trusted with
that, like kubectl trusts it; one that came over a form is not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from kubernetes.client.api_client import ApiClient
from kubernetes.client.configuration import Configuration
from kubernetes.config.config_exception import ConfigException
from kubernetes.config.kube_config import KubeConfigLoader, KubeConfigMerger

from csoc.adapters.kube.client import KubeClient
from csoc.errors import DeniedError, RejectedError

_RUNS = ("exec", "auth-provider")
_FILES = ("certificate-authority", "client-certificate", "client-key", "tokenFile")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a cluster is. authority: certificates (PEM) that sign its own; "" takes the machine's. token: asked before
    each call, so that it may change."""

    address: str
    token: Callable[[], str]
    authority: str = ""


def connect(endpoint: Endpoint, name: str) -> KubeClient:
    """A client for an address with a bearer token. Raises RejectedError."""
    if not endpoint.address.startswith("https://"):
        raise RejectedError("A cluster is only spoken to over https", place=name, fix="Give its https address")
    configuration = Configuration()
    configuration.host = endpoint.address
    configuration.ca_cert_data = endpoint.authority or None
    configuration.api_key_prefix["authorization"] = "Bearer"

    def renew(current: Configuration) -> None:
        current.api_key["authorization"] = endpoint.token()

    configuration.api_key["authorization"] = ""  # without a key the hook is never asked
    configuration.refresh_api_key_hook = renew
    return KubeClient(ApiClient(configuration), name)


def from_kubeconfig(text: str, name: str, *, context: str = "", trusted: bool = False) -> KubeClient:
    """A client for a context of a kubeconfig ("" for its current one). trusted: it may run programs and read files.

    Raises RejectedError or DeniedError.
    """
    try:
        data = yaml.safe_load(text)
    except yaml.YAMLError:
        raise RejectedError("The kubeconfig is no YAML", place=name) from None
    if not isinstance(data, Mapping):
        raise RejectedError("The kubeconfig holds no clusters", place=name)
    if not trusted:
        _refuse_what_reaches_out(data, name)
    configuration = Configuration()
    try:
        loader = KubeConfigLoader(dict(data), active_context=context or None, config_base_path=None)
        loader.load_and_set(configuration)
    except (ConfigException, KeyError, TypeError, ValueError) as error:
        raise RejectedError(f"The kubeconfig cannot be used: {error}", place=name) from None
    return KubeClient(ApiClient(configuration), name)


def from_kubeconfig_file(path: Path, name: str, *, context: str = "") -> KubeClient:
    """A client for a context of a file on this machine, which may run programs, as kubectl lets it. Raises
    RejectedError."""
    try:
        merged = KubeConfigMerger(str(path))
        loader = KubeConfigLoader(merged.config, active_context=context or None, config_base_path=str(path.parent))
        configuration = Configuration()
        loader.load_and_set(configuration)
    except (ConfigException, OSError, yaml.YAMLError, KeyError, TypeError, ValueError) as error:
        raise RejectedError(f"The kubeconfig cannot be used: {error}", place=str(path)) from None
    return KubeClient(ApiClient(configuration), name)


def _refuse_what_reaches_out(data: Mapping[str, Any], name: str) -> None:
    for kind, inner in (("users", "user"), ("clusters", "cluster")):
        for entry in data.get(kind) or ():
            body = entry.get(inner) if isinstance(entry, Mapping) else None
            for key in (*_RUNS, *_FILES):
                if isinstance(body, Mapping) and key in body:
                    what = "runs a program" if key in _RUNS else "reads a file of this machine"
                    raise DeniedError(
                        f"The kubeconfig {what} ({key})",
                        place=name,
                        fix="Give one with a token and certificates inside",
                    )
