"""The value files of a new environment: what holds for all, services, the portal, users, sign-in.

Every file has one subject and says so at its top, so that a change later touches the file that is about it. What only
the account knows (endpoints, certificates, roles) is in 90-outputs.yaml, which runs write.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from csoc.fleet.documents.infrastructure import SignIn, Size
from csoc.gen3.catalogue import Catalogue, load
from csoc.gen3.launch import portal, roles, sign_in, sizes, users, valuefiles, versions
from csoc.gen3.launch.bundles import Selection, switch_of
from csoc.gen3.launch.secrets import KEPT_BY_HELM, SecretPlan

COMMON, SERVICES, PORTAL, USERS, SIGN_IN = (
    "10-common.yaml",
    "20-services.yaml",
    "30-portal.yaml",
    "40-users.yaml",
    "50-sign-in.yaml",
)
OUTPUTS = "90-outputs.yaml"
FILES = (COMMON, SERVICES, PORTAL, USERS, SIGN_IN, OUTPUTS)
"""In the order in which they count."""

WORKSPACES = "jupyter-pods"


@dataclass(frozen=True, slots=True)
class Member:
    """A commons that a mesh joins, and its address."""

    name: str
    title: str
    hostname: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """Everything that values depend on before anything is made.

    commons: its name. environment: the chart's own name for it, which is in names that must be its alone: the uid.
    secret_name: the full name in Secrets Manager for a name below the environment's prefix. user_yaml: a list of users
    as YAML, "" to make one for the administrators. workspace_nodes: the cluster has nodes for workspaces alone.
    """

    commons: str
    environment: str
    namespace: str
    hostname: str
    title: str
    size: Size
    selection: Selection
    secrets: SecretPlan
    secret_name: Callable[[str], str]
    sign_in: SignIn
    dictionary: str
    internal: bool = False
    administrators: tuple[str, ...] = ()
    user_yaml: str = ""
    members: tuple[Member, ...] = ()
    workspace_nodes: bool = False


def workspaces_namespace(namespace: str) -> str:
    """Where hatchery starts workspaces: what the chart makes of the namespace."""
    return f"{WORKSPACES}-{namespace}"


def value_files(wanted: Wanted, catalogue: Catalogue | None = None) -> dict[str, bytes]:
    """Name to content, all but 90-outputs.yaml."""
    known = catalogue or load()
    files = {
        COMMON: valuefiles.render(common(wanted), header="What holds for all services."),
        SERVICES: valuefiles.render(services(wanted, known), header=_SERVICES_HEADER),
        USERS: valuefiles.render(users.values(wanted.administrators, wanted.user_yaml), header=_USERS_HEADER),
        SIGN_IN: valuefiles.render(signing_in(wanted), header=_SIGN_IN_HEADER),
    }
    if "portal" in wanted.selection:
        data = {"portal": {"gitops": {"json": portal.configuration(wanted.title, wanted.selection.on)}}}
        files[PORTAL] = valuefiles.render(data, header="What the portal shows.")
    return {name: files[name] for name in FILES if name in files}


def common(wanted: Wanted) -> dict[str, Any]:
    """10-common.yaml."""
    data: dict[str, Any] = {
        "global": {
            "dev": False,
            "hostname": wanted.hostname,
            "environment": wanted.environment,
            "dictionaryUrl": wanted.dictionary,
            "tierAccessLevel": "private",
            "aws": {
                "enabled": True,
                "scheme": "internal" if wanted.internal else "internet-facing",
                "secretStoreServiceAccount": {"enabled": True, "name": roles.SECRET_STORE},
            },
            "externalSecrets": {"deploy": True, "apiVersion": "external-secrets.io/v1"},
            "postgres": {"dbCreate": True},
            **sizes.everywhere(wanted.size),
        }
    }
    if "portal" in wanted.selection:
        data["global"]["frontendRoot"] = "portal"
    elif "frontend-framework" in wanted.selection:
        data["global"]["frontendRoot"] = "gen3ff"
    for path, image in versions.JOB_IMAGES.items():
        put(data, path, image)
    return data


def services(wanted: Wanted, catalogue: Catalogue) -> dict[str, Any]:
    """20-services.yaml: every switch, and for what is on its image, its service account, its secrets and its copies."""
    data: dict[str, Any] = {}
    on = wanted.selection.on
    for service in catalogue:
        path = switch_of(service)
        if path:
            put(data, path, service.name in on)
    for name in on:
        for path, tag in versions.TAGS.get(name, {}).items():
            put(data, path, tag)
        for path, flag in KEPT_BY_HELM.get(name, {}).items():
            put(data, path, flag)
    for secret in wanted.secrets.secrets:
        if secret.override.partition(".")[0] in on:
            put(data, secret.override, wanted.secret_name(secret.name))
    for account in roles.accounts(on):
        if account.value and not account.value.startswith("global."):
            put(data, account.value, account.service_account)
    for name, settings in sizes.copies(wanted.size, on).items():
        data[name].update(settings)
    _of_single_services(wanted, data)
    return data


def _of_single_services(wanted: Wanted, data: dict[str, Any]) -> None:
    on = wanted.selection.on
    if "hatchery" in on:
        # Both must name the same namespace, or no workspace ever opens (M6).
        namespace = workspaces_namespace(wanted.namespace)
        put(data, "hatchery.jupyterNamespace", namespace)
        put(data, "ambassador.jupyterNamespace", namespace)
        put(data, "hatchery.hatchery.skipNodeSelector", not wanted.workspace_nodes)
    if "guppy" in on:
        put(data, "guppy.configIndex", "dev_case-array-config")
    if "requestor" in on:
        put(data, "requestor.volumeMounts", [_REQUESTOR_CONFIG])
    if "indexd" in on:
        # The same in all stages, since what one of them registers may move to the next.
        put(data, "indexd.defaultPrefix", f"dg.{wanted.commons.upper()}/")
    if "manifestservice" in on:
        put(data, "manifestservice.manifestserviceG3auto.prefix", wanted.hostname)
    if "metadata" in on and wanted.members:
        put(data, "metadata.useAggMds", True)
        put(data, "metadata.aggMdsNamespace", wanted.namespace)
        put(data, "metadata.aggMdsConfig", _members(wanted.members))


def signing_in(wanted: Wanted) -> dict[str, Any]:
    """50-sign-in.yaml: what fence is told, but for secrets and names of buckets and queues."""
    public: dict[str, Any] = {"APP_NAME": wanted.title, **sign_in.public_part(wanted.sign_in)}
    public["MOCK_AUTH"] = False
    public["MOCK_GOOGLE_AUTH"] = False
    logging = "audit" in wanted.selection
    public["ENABLE_AUDIT_LOGS"] = {"presigned_url": logging, "login": logging}
    return {"fence": {"FENCE_CONFIG_PUBLIC": public, "FENCE_CONFIG": {"ENABLE_VISA_UPDATE_CRON": False}}}


def put(data: dict[str, Any], path: str, value: Any) -> None:
    r"""Sets a value at a dotted path; "\." stands for a dot inside of a key."""
    *parents, last = (step.replace("\0", ".") for step in path.replace("\\.", "\0").split("."))
    for step in parents:
        data = data.setdefault(step, {})
    data[last] = value


def _members(members: tuple[Member, ...]) -> str:
    """The configuration of the aggregate metadata service, one entry a member."""
    entries: Mapping[str, Any] = {
        member.title: {
            "mds_url": f"https://{member.hostname}/",
            "commons_url": f"{member.hostname}/",
            "adapter": "gen3",
            "config": {"guid_type": "discovery_metadata", "study_field": "gen3_discovery"},
            "keep_original_fields": True,
            "field_mappings": {
                "commons": member.title,
                "commons_url": member.hostname,
                "_unique_id": "path:_unique_id",
                "study_description": "path:summary",
                "full_name": "path:study_title",
                "short_name": "path:short_name",
                "tags": "path:tags",
            },
        }
        for member in members
    }
    text = {"array": {"type": "array"}, "text": {"type": "string"}}
    schema = {
        "_subjects_count": {"type": "integer"},
        "tags": text["array"],
        "_unique_id": text["text"],
        "study_description": text["text"],
        "full_name": text["text"],
        "short_name": {"type": "string", "default": "not_set"},
        "commons": text["text"],
        "commons_url": text["text"],
    }
    configuration = {"schema": schema, "settings": {"cache_drs": True}}
    return json.dumps({"configuration": configuration, "adapter_commons": entries}, indent=2) + "\n"


_REQUESTOR_CONFIG = {
    "name": "config-volume",
    "readOnly": True,
    "mountPath": "/src/requestor-config.yaml",
    "subPath": "config.yaml",
}
_SERVICES_HEADER = """\
Which services run, with which images, secrets and service accounts. Every switch of the chart is set, so that another
version of it with other defaults changes nothing here. Secrets are named, never held."""
_USERS_HEADER = "Who may do what (fence's user.yaml)."
_SIGN_IN_HEADER = """\
Who signs people in. The client's secret is in Secrets Manager, in this environment's fence-config, which wins over what
stands here."""
