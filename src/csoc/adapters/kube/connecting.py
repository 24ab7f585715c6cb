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
from csoc.fleet.masking import mask_text
from csoc.fleet.shapes import mapping, mappings
from csoc.fleet.yaml import yamltext
from csoc.fleet.yaml.yamlbuild import Limits

_LIMITS = Limits(size_bytes=1_000_000, depth=20, nodes=50_000, documents=1)
_RUNS = ("exec", "auth-provider")
_FILES = ("certificate-authority", "client-certificate", "client-key", "tokenFile")
# The official client raises each of these for a file that has another shape than it expects.
_UNUSABLE = (ConfigException, OSError, AttributeError, LookupError, TypeError, ValueError)


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

    One that is not trusted also names its server by https and lets it be verified. Raises RejectedError or DeniedError.
    """
    try:
        documents = yamltext.parse(text.encode("utf-8", "replace"), _LIMITS)
    except yamltext.YamlError as error:
        raise RejectedError(f"The kubeconfig is no YAML that can be read: {error}", place=name) from None
    data = documents[0].data if documents else None
    if not isinstance(data, dict):
        raise RejectedError("The kubeconfig holds no clusters", place=name)
    if not trusted:
        _refuse_what_reaches_out(data, name)
    configuration = Configuration()
    try:
        loader = KubeConfigLoader(data, active_context=context or None, config_base_path=None)
        loader.load_and_set(configuration)
    except _UNUSABLE as error:
        raise RejectedError(f"The kubeconfig cannot be used: {mask_text(str(error))}", place=name) from None
    if not trusted:
        _refuse_what_is_unproven(configuration, name)
    return KubeClient(ApiClient(configuration), name)


def from_kubeconfig_file(path: Path, name: str, *, context: str = "") -> KubeClient:
    """A client for a context of a file on this machine, which may run programs, as kubectl lets it. Raises
    RejectedError."""
    try:
        merged = KubeConfigMerger(str(path))
        loader = KubeConfigLoader(merged.config, active_context=context or None, config_base_path=str(path.parent))
        configuration = Configuration()
        loader.load_and_set(configuration)
    except (*_UNUSABLE, yaml.YAMLError) as error:
        raise RejectedError(f"The kubeconfig cannot be used: {mask_text(str(error))}", place=str(path)) from None
    return KubeClient(ApiClient(configuration), name)


def _refuse_what_reaches_out(data: Mapping[str, Any], name: str) -> None:
    for kind, inner in (("users", "user"), ("clusters", "cluster")):
        for entry in mappings(data.get(kind)):
            body = mapping(entry.get(inner))
            for key in (*_RUNS, *_FILES):
                if key in body:
                    what = "runs a program" if key in _RUNS else "reads a file of this machine"
                    raise DeniedError(
                        f"The kubeconfig {what} ({key})",
                        place=name,
                        fix="Give one with a token and certificates inside",
                    )


def _refuse_what_is_unproven(configuration: Configuration, name: str) -> None:
    """A server that proves nothing would be handed the credential. Without an address the client would take one of this
    machine."""
    if not configuration.host.startswith("https://"):
        raise RejectedError("A cluster is only spoken to over https", place=name, fix="Give its https address")
    if not configuration.verify_ssl:
        raise DeniedError(
            "The kubeconfig lets its server go unverified (insecure-skip-tls-verify)",
            place=name,
            fix="Give the authority of its certificate (certificate-authority-data) instead",
        )
