"""The list of users of a new commons: nobody but its administrators, and roles that the services ask about.

The chart's own list makes an address that anybody may own an administrator of the file index, so there is always a list
of the commons' own.
"""

from __future__ import annotations

from typing import Any

from csoc.gen3.launch import valuefiles, versions

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
