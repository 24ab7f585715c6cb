"""What runs in the pods of a simulated cluster: logs, a few commands, answers of ports (the port `PodRuntime`).

Logs follow from the state of the containers (`logs`). A shell is not simulated: `env`, `printenv`, `hostname`, `id`,
`date`, `echo`, `true`, `false`, `cat` of mounted files and `sh -c` of one such command work; what only a shell can do
is refused in words (`shell`), and any other command ends as one that the image does not have.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

from csoc.emulator.kubernetes import moments, shell
from csoc.emulator.kubernetes.access.tokens import Signer
from csoc.emulator.kubernetes.controllers import logs
from csoc.emulator.kubernetes.controllers.cluster import Cluster
from csoc.emulator.kubernetes.controllers.podstatus import state_of, statuses
from csoc.emulator.kubernetes.objects.parts import annotations_of, labels_of, name_of, namespace_of, uid_of
from csoc.emulator.kubernetes.pod_runtime import LogLine, Output

Object = dict[str, Any]
_REFUSED, _NOT_FOUND = 2, 127
_WITHOUT_ARGUMENTS = ("env", "hostname", "id", "date")
_REQUEST_END = b"\r\n\r\n"
_TOKEN_SECONDS, _RENEWED_AFTER = 3600, 0.8


class _NoTokenError(Exception):
    """Nobody signs tokens for pods of this cluster, or the pod's service account is gone."""


class SimulatedPods:
    """The kubelets of one cluster, for its API server. signer: of the tokens that pods are given; without one, whoever
    reads such a file is told so."""

    def __init__(self, cluster: Cluster, signer: Signer | None = None) -> None:
        self._cluster = cluster
        self._signer = signer

    def logs(self, pod: Object, container: str, *, previous: bool = False) -> Sequence[LogLine]:
        """See `PodRuntime`."""
        return logs.lines(self._cluster, pod, container, previous=previous)

    def run(self, pod: Object, container: str, command: Sequence[str], stdin: bytes) -> Output:
        """See `PodRuntime`. Raises LookupError if the container does not run."""
        spec = _container(pod, container)
        status = next((one for one in statuses(pod) if one["name"] == spec["name"]), None)
        if status is None or state_of(status) != "running":
            raise LookupError(f'container not found ("{spec["name"]}")')
        try:
            words = shell.words_of(command, stdin)
        except shell.ShellError as error:
            return Output(_REFUSED, err=f"sh: {error}\n".encode())
        return self._command(pod, spec, words, stdin)

    def _command(self, pod: Object, spec: Mapping[str, Any], words: list[str], stdin: bytes) -> Output:
        if not words:
            return Output(0)
        name, arguments = words[0].rpartition("/")[2], words[1:]
        if arguments and name in _WITHOUT_ARGUMENTS:
            return Output(_REFUSED, err=f"{name}: the emulator knows no arguments of it\n".encode())
        environment = self._environment(pod, spec)
        if name == "env" or (name == "printenv" and not arguments):
            return Output(0, "".join(f"{key}={value}\n" for key, value in environment.items()).encode())
        if name == "printenv":
            found = [environment[one] for one in arguments if one in environment]
            return Output(0 if len(found) == len(arguments) else 1, "".join(f"{one}\n" for one in found).encode())
        if name == "cat":
            return self._cat(pod, spec, arguments) if arguments else Output(0, stdin)
        simple = {
            "hostname": f"{name_of(pod)}\n",
            "id": "uid=0(root) gid=0(root) groups=0(root)\n",
            "date": self._cluster.now().strftime("%a %b %d %H:%M:%S UTC %Y\n"),
            "echo": " ".join(arguments) + "\n",
            "true": "",
        }
        if name in simple:
            return Output(0, simple[name].encode())
        if name == "false":
            return Output(1)
        text = f'exec: "{words[0]}": executable file not found in $PATH\n'
        return Output(_NOT_FOUND, err=text.encode())

    def _environment(self, pod: Object, spec: Mapping[str, Any]) -> dict[str, str]:
        """The variables as the kubelet makes them, with values of Secrets and ConfigMaps."""
        found = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOSTNAME": name_of(pod)}
        for source in spec.get("envFrom") or ():
            prefix = str(source.get("prefix") or "")
            for resource, field in (("configmaps", "configMapRef"), ("secrets", "secretRef")):
                data = self._data(pod, resource, source.get(field))
                found |= {f"{prefix}{key}": value for key, value in data.items()}
        for variable in spec.get("env") or ():
            origin = variable.get("valueFrom")
            if origin is None:
                found[variable["name"]] = str(variable.get("value") or "")
                continue
            for resource, field in (("configmaps", "configMapKeyRef"), ("secrets", "secretKeyRef")):
                reference = origin.get(field)
                data = self._data(pod, resource, reference)
                if reference and reference.get("key") in data:
                    found[variable["name"]] = data[reference["key"]]
            if origin.get("fieldRef"):
                found[variable["name"]] = _field(pod, str(origin["fieldRef"].get("fieldPath", "")))
        return found

    def _data(self, pod: Object, resource: str, reference: Mapping[str, Any] | None) -> dict[str, str]:
        if not reference:
            return {}
        name = str(reference.get("name") or reference.get("secretName") or "")
        body = self._cluster.get("", resource, namespace_of(pod), name) or {}
        data = {key: str(value) for key, value in (body.get("data") or {}).items()}
        if resource == "secrets":
            data = {key: base64.b64decode(value).decode("utf-8", "replace") for key, value in data.items()}
        return data

    def _cat(self, pod: Object, spec: Mapping[str, Any], paths: Sequence[str]) -> Output:
        out, wrong = b"", b""
        for path in paths:
            try:
                content = self._file(pod, spec, path)
            except _NoTokenError:
                wrong += f"cat: {path}: the emulator signs no tokens for this cluster\n".encode()
                continue
            if content is None:
                wrong += f"cat: {path}: No such file or directory\n".encode()
            else:
                out += content
        return Output(1 if wrong else 0, out, wrong)

    def _file(self, pod: Object, spec: Mapping[str, Any], path: str) -> bytes | None:
        volumes = {one["name"]: one for one in pod["spec"].get("volumes") or ()}
        for mount in spec.get("volumeMounts") or ():
            volume, place = volumes.get(mount["name"], {}), str(mount["mountPath"]).rstrip("/")
            sub = mount.get("subPath")
            if sub and path == place:
                name = str(sub)
            elif not sub and path.startswith(f"{place}/"):
                name = path.removeprefix(f"{place}/")
            else:
                continue
            content = self._mounted(pod, volume, name).get(name)
            if content is not None:
                return content.encode()
        return None

    def _mounted(self, pod: Object, volume: Mapping[str, Any], name: str) -> dict[str, str]:
        """The files of a volume; tokens only if the one of that name is asked for, since each is signed."""
        found: dict[str, str] = {}
        parts = [*((volume.get("projected") or {}).get("sources") or ()), volume]
        for part in parts:
            for resource, field in (("configmaps", "configMap"), ("secrets", "secret")):
                data = self._data(pod, resource, part.get(field))
                items = (part.get(field) or {}).get("items")
                found |= {one["path"]: data[one["key"]] for one in items if one["key"] in data} if items else data
            for one in (part.get("downwardAPI") or {}).get("items") or ():
                found[one["path"]] = _field(pod, str((one.get("fieldRef") or {}).get("fieldPath", "")))
            wanted = part.get("serviceAccountToken")
            if wanted and wanted.get("path") == name:
                found[name] = self._token(pod, wanted)
        return found

    def _token(self, pod: Object, wanted: Mapping[str, Any]) -> str:
        """The token of a file; the same until most of its time is over, as the kubelet keeps it
        (pkg/kubelet/token/token_manager.go)."""
        account = self._cluster.get("", "serviceaccounts", namespace_of(pod), str(pod["spec"]["serviceAccountName"]))
        if self._signer is None or account is None:
            raise _NoTokenError
        audience, seconds = str(wanted.get("audience") or ""), int(wanted.get("expirationSeconds") or _TOKEN_SECONDS)
        now, name = self._cluster.now(), (uid_of(pod), "token", audience, seconds)
        token, renewed_at = self._cluster.memory.get(name, ("", now))
        if now >= renewed_at:
            token, _ = self._signer.token(account, [audience] if audience else [], seconds, now, pod)
            self._cluster.memory[name] = (token, moments.moved(now, seconds * _RENEWED_AFTER))
        return str(token)

    def answer(self, pod: Object, port: int, request: bytes) -> bytes:
        """See `PodRuntime`. Ports that a running container declares answer HTTP with a short page."""
        declared = {
            int(one["containerPort"])
            for spec in pod["spec"].get("containers") or ()
            for one in spec.get("ports") or ()
            if one.get("containerPort")
        }
        running = any(state_of(one) == "running" for one in statuses(pod))
        if port not in declared or not running:
            raise ConnectionRefusedError(f"failed to connect to localhost:{port} inside namespace: connection refused")
        if _REQUEST_END not in request:
            return b""
        line = request.split(b"\r\n", 1)[0].decode("latin-1")
        body = f"{name_of(pod)}: {line}\n".encode()
        head = (
            f"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        return head.encode() + body


def _container(pod: Object, name: str) -> Mapping[str, Any]:
    for part in ("containers", "initContainers"):
        for spec in pod["spec"].get(part) or ():
            if spec["name"] == name or not name:
                found: Mapping[str, Any] = spec
                return found
    raise LookupError(f'container not found ("{name}")')


def _field(pod: Object, path: str) -> str:
    if path.startswith(("metadata.labels['", "metadata.annotations['")):
        key = path.partition("['")[2].removesuffix("']")
        return str((labels_of(pod) if path.startswith("metadata.labels") else annotations_of(pod)).get(key, ""))
    value: Any = pod
    for part in path.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return "" if value is None else str(value)
