"""The list of users of a new commons: nobody but its administrators, and roles that the services ask about.

The chart's own list makes an address that anybody may own an administrator of the file index, so there is always a list
of the commons' own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from csoc.errors import RejectedError
from csoc.fleet.shapes import mapping
from csoc.fleet.yaml import yamltext
from csoc.gen3.launch import valuefiles, versions

LARGEST_BYTES = 900_000
"""Of a list that somebody wrote: the chart makes a ConfigMap of it, which may have 1 MiB."""
_LISTS = ("anonymous_policies", "all_users_policies", "groups", "policies", "resources", "roles")
_AUTHZ = (*_LISTS, "user_project_to_resource")
_TOP = ("authz", "clients", "cloud_providers", "groups", "rbac", "users")
# Source: "user.yaml guide", documentation of fence.

_ROLES: tuple[tuple[str, str, str], ...] = (
    ("administrator", "*", "*"),
    ("reader", "*", "read"),
    ("creator", "*", "create"),
    ("updater", "*", "update"),
    ("deleter", "*", "delete"),
    ("storage_reader", "*", "read-storage"),
    ("storage_writer", "*", "write-storage"),
    ("file_uploader", "fence", "file_upload"),
    ("workspace_user", "jupyterhub", "access"),
    ("sheepdog_admin", "sheepdog", "*"),
    ("indexd_admin", "indexd", "*"),
    ("mds_user", "mds_gateway", "access"),
)
"""Name, service, method."""

_SCHEDULE = "*/10 * * * *"
_PATHS = ("/data_file", "/open", "/programs", "/sower", "/workspace", "/mds_gateway", "/requestor", "/audit")


def values(administrators: tuple[str, ...], user_yaml: str = "") -> dict[str, Any]:
    """40-users.yaml. user_yaml: a list that somebody wrote, which counts as it is.

    The chart's job that reads the list once never changes again, so a later change of the list would reach nobody. Its
    cron job reads the same list again and again ("none": from these values, and from no bucket).
    """
    sync = {
        "usersync": True,
        "userYamlS3Path": "none",
        "schedule": _SCHEDULE,
        "custom_image": versions.JOB_IMAGES["global.awshelper_container_image"],
    }
    return {"fence": {"usersync": sync, "USER_YAML": user_yaml or user_list(administrators)}}


def check_list(content: bytes) -> None:
    """Makes sure that a list which somebody wrote is a user.yaml. Raises RejectedError, which repeats nothing of it."""
    fix = "Write a user.yaml: users, and below authz its resources, policies, roles and groups"
    try:
        documents = yamltext.parse(content)
    except yamltext.YamlError as error:
        where = f": line {error.line}" if error.line else ""
        raise RejectedError(f"The list of users is not YAML{where}", fix=fix) from None
    if len(documents) != 1 or not isinstance(documents[0].data, Mapping):
        raise RejectedError("The list of users is not one mapping of keys", fix=fix)
    wrong = next(_misshapen(documents[0].data), None)
    if wrong is not None:
        path, expected = wrong
        line = (documents[0].position(path) or (1, 1))[0]
        raise RejectedError(f"The list of users is no user.yaml: line {line}: expected {expected}", fix=fix)


def _misshapen(data: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Where something else stands than a user.yaml has there, and what is expected."""
    if not {"authz", "users"} & set(data):
        yield (), "users or authz"
    for key, value in data.items():
        if key not in _TOP:
            yield (key,), f"one of the keys {', '.join(_TOP)}"
        elif value is not None and not isinstance(value, Mapping):
            yield (key,), f"a mapping below {key}"
    for key, value in mapping(data.get("authz")).items():
        if key not in _AUTHZ:
            yield ("authz", key), f"one of the keys {', '.join(_AUTHZ)}"
        elif key in _LISTS and value is not None and not isinstance(value, list):
            yield ("authz", key), f"a list below authz.{key}"
    for name, user in mapping(data.get("users")).items():
        if user is not None and not isinstance(user, Mapping):
            yield ("users", name), "a mapping for each user"


def user_list(administrators: tuple[str, ...]) -> str:
    """A user.yaml in which the administrators may do everything and everybody may read what is open."""
    resources: list[dict[str, Any]] = [{"name": path.removeprefix("/")} for path in _PATHS]
    resources.append(
        {
            "name": "services",
            "subresources": [
                {
                    "name": "sheepdog",
                    "subresources": [
                        {"name": "submission", "subresources": [{"name": "program"}, {"name": "project"}]}
                    ],
                },
                {"name": "indexd", "subresources": [{"name": "admin"}]},
                {"name": "audit", "subresources": [{"name": "presigned_url"}, {"name": "login"}]},
            ],
        }
    )
    everything = [*_PATHS, "/services/sheepdog/submission/program", "/services/sheepdog/submission/project"]
    everything += ["/services/indexd/admin", "/services/audit"]
    document = {
        "cloud_providers": {},
        "authz": {
            "anonymous_policies": ["open_data_reader"],
            "all_users_policies": [],
            "groups": [{"name": "administrators", "policies": ["everything"], "users": list(administrators)}],
            "resources": resources,
            "policies": [
                {
                    "id": "everything",
                    "description": "what administrators may do",
                    "resource_paths": everything,
                    "role_ids": ["administrator", "sheepdog_admin", "indexd_admin"],
                },
                {
                    "id": "open_data_reader",
                    "description": "read what is open",
                    "resource_paths": ["/open"],
                    "role_ids": ["reader", "storage_reader"],
                },
                {
                    "id": "workspace",
                    "description": "use workspaces",
                    "resource_paths": ["/workspace"],
                    "role_ids": ["workspace_user"],
                },
                {
                    "id": "data_upload",
                    "description": "upload files",
                    "resource_paths": ["/data_file"],
                    "role_ids": ["file_uploader"],
                },
            ],
            "roles": [
                {"id": name, "permissions": [{"id": name, "action": {"service": service, "method": method}}]}
                for name, service, method in _ROLES
            ],
        },
        "clients": {"wts": {"policies": ["open_data_reader"]}},
        "users": {mail: {"tags": {"email": mail}} for mail in administrators},
        "groups": {},
    }
    return valuefiles.render(document).decode()
