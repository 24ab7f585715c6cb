"""A shell as small as exec needs it: it reads the environment and the files that the cluster gave the container.

Whoever plays the kubelet hands in both. Nothing is run and nothing of the machine is read.
"""

from __future__ import annotations

import base64
import posixpath
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from csoc.emulator.kubernetes.pods import Output
from csoc.emulator.kubernetes.store import Key, Store

Object = dict[str, Any]
_SHELLS = ("sh", "bash", "ash", "dash")
_MOST_COMMANDS = 200


@dataclass(slots=True)
class Inside:
    """What a command sees. files: content by absolute path. folder: where it begins."""

    environment: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict)
    folder: str = "/"
    user: str = "root"


def is_shell(command: Sequence[str]) -> bool:
    """Whether a command is a shell that reads its commands from stdin."""
    return (
        bool(command)
        and posixpath.basename(command[0]) in _SHELLS
        and all(one in ("-i", "-l", "-s") for one in command[1:])
    )


def run(inside: Inside, command: Sequence[str], stdin: bytes = b"") -> Output:
    """Runs a command. Exit codes are those of a shell: 126 cannot be run, 127 not found."""
    if not command:
        return Output(126, err=b"no command\n")
    name = posixpath.basename(command[0])
    if name in _SHELLS:
        if is_shell(command):
            return _script(inside, stdin.decode("utf-8", "replace"), b"")
        flags = [one for one in command[1:] if one.startswith("-")]
        texts = [one for one in command[1:] if not one.startswith("-")]
        if any("c" in one for one in flags) and texts:
            return _script(inside, texts[0], stdin)
        return Output(2, err=f"{name}: the emulator runs sh -c TEXT or reads commands from stdin\n".encode())
    known = _COMMANDS.get(name)
    if known is None:
        why = (
            f'exec: "{command[0]}": executable file not found in $PATH: the emulator has {", ".join(sorted(_COMMANDS))}'
        )
        return Output(127, err=f"{why}\n".encode())
    return known(inside, list(command[1:]), stdin)


def _script(inside: Inside, text: str, stdin: bytes) -> Output:
    """Commands divided by ; && || | and line ends."""
    out, err, code = b"", b"", 0
    for number, (before, words) in enumerate(_commands(inside, text)):
        if number >= _MOST_COMMANDS:
            return Output(2, out, err + b"sh: the emulator runs 200 commands at most\n")
        if (before == "&&" and code) or (before == "||" and not code):
            continue
        if words and words[0] == "exit":
            given = int(words[1]) & 255 if len(words) > 1 and words[1].isdigit() else code
            return Output(given, out, err)
        if before == "|":
            piped, out = out, b""
            done = run(inside, words, piped)
        else:
            done = run(inside, words, stdin)
        out, err, code = out + done.out, err + done.err, done.code
    return Output(code, out, err)


def _commands(inside: Inside, text: str) -> list[tuple[str, list[str]]]:
    """Commands with what stands before each."""
    found: list[tuple[str, list[str]]] = []
    for line in text.splitlines():
        try:
            lexer = shlex.shlex(_expanded(inside, line), posix=True, punctuation_chars="|&;")
            lexer.whitespace_split = True
            words = list(lexer)
        except ValueError as error:
            found.append((";", ["false", str(error)]))
            continue
        before, part = ";", list[str]()
        for word in words:
            if word in (";", "&&", "||", "|"):
                if part:
                    found.append((before, part))
                before, part = word, []
            else:
                part.append(word)
        if part:
            found.append((before, part))
    return found


def _expanded(inside: Inside, line: str) -> str:
    """With $NAME and ${NAME} replaced outside of single quotes."""
    made, at, quoted = "", 0, False
    while at < len(line):
        char = line[at]
        if char == "'":
            quoted = not quoted
        if char == "$" and not quoted and at + 1 < len(line):
            rest = line[at + 1 :]
            if rest.startswith("{") and "}" in rest:
                name, length = rest[1 : rest.index("}")], rest.index("}") + 2
            else:
                count = next((index for index, one in enumerate(rest) if not (one.isalnum() or one == "_")), len(rest))
                name, length = rest[:count], count + 1
            if name:
                made += inside.environment.get(name, "").replace("'", "'\"'\"'")
                at += length
                continue
        made += char
        at += 1
    return made


def _path(inside: Inside, name: str) -> str:
    return posixpath.normpath(posixpath.join(inside.folder, name))


def _cat(inside: Inside, words: list[str], stdin: bytes) -> Output:
    names = [word for word in words if not word.startswith("-") or word == "-"]
    if not names:
        return Output(0, stdin)
    out, err = b"", b""
    for name in names:
        path = _path(inside, name)
        if name == "-":
            out += stdin
        elif path in inside.files:
            out += inside.files[path]
        elif _entries(inside, path):
            err += f"cat: {name}: Is a directory\n".encode()
        else:
            err += f"cat: {name}: No such file or directory\n".encode()
    return Output(1 if err else 0, out, err)


def _entries(inside: Inside, path: str) -> list[str]:
    prefix = path.rstrip("/") + "/"
    return sorted({name.removeprefix(prefix).partition("/")[0] for name in inside.files if name.startswith(prefix)})


def _ls(inside: Inside, words: list[str], stdin: bytes) -> Output:  # noqa: ARG001 - commands are all called alike
    names = [word for word in words if not word.startswith("-")] or ["."]
    out, err = "", ""
    for name in names:
        path = _path(inside, name)
        entries = _entries(inside, path)
        if path in inside.files:
            out += f"{name}\n"
        elif entries or path == "/":
            out += (f"{name}:\n" if len(names) > 1 else "") + "".join(f"{entry}\n" for entry in entries)
        else:
            err += f"ls: {name}: No such file or directory\n"
    return Output(2 if err else 0, out.encode(), err.encode())


def _echo(inside: Inside, words: list[str], stdin: bytes) -> Output:  # noqa: ARG001
    if words[:1] == ["-n"]:
        return Output(0, " ".join(words[1:]).encode())
    return Output(0, (" ".join(words) + "\n").encode())


def _env(inside: Inside, words: list[str], stdin: bytes) -> Output:  # noqa: ARG001
    if words:
        found = [inside.environment.get(word) for word in words]
        out = "".join(f"{value}\n" for value in found if value is not None)
        return Output(0 if None not in found else 1, out.encode())
    return Output(0, "".join(f"{name}={value}\n" for name, value in inside.environment.items()).encode())


def _grep(inside: Inside, words: list[str], stdin: bytes) -> Output:
    names = [word for word in words if not word.startswith("-")]
    if not names:
        return Output(2, err=b"usage: grep TEXT [FILE]\n")
    source = _cat(inside, names[1:], stdin)
    lines = [line for line in source.out.splitlines(keepends=True) if names[0].encode() in line]
    return Output(0 if lines else 1, b"".join(lines), source.err)


def _lines(first: bool) -> Callable[[Inside, list[str], bytes], Output]:
    def command(inside: Inside, words: list[str], stdin: bytes) -> Output:
        count = 10
        if words[:1] == ["-n"] and len(words) > 1 and words[1].isdigit():
            count, words = int(words[1]), words[2:]
        source = _cat(inside, words, stdin)
        lines = source.out.splitlines(keepends=True)
        kept = lines[:count] if first else lines[max(len(lines) - count, 0) :]
        return Output(source.code, b"".join(kept), source.err)

    return command


def _test(inside: Inside, words: list[str], stdin: bytes) -> Output:  # noqa: ARG001
    flag, name = (*words, "", "")[:2]
    path = _path(inside, name)
    holds = {"-f": path in inside.files, "-d": bool(_entries(inside, path)), "-n": bool(name), "-z": not name}
    holds["-e"] = holds["-f"] or holds["-d"]
    if flag not in holds:
        return Output(2, err=b"test: the emulator knows -e -f -d -n -z\n")
    return Output(0 if holds[flag] else 1)


_COMMANDS: Mapping[str, Callable[[Inside, list[str], bytes], Output]] = {
    "cat": _cat,
    "ls": _ls,
    "echo": _echo,
    "env": _env,
    "printenv": _env,
    "grep": _grep,
    "head": _lines(first=True),
    "tail": _lines(first=False),
    "test": _test,
    "true": lambda inside, words, stdin: Output(0),  # noqa: ARG005
    "false": lambda inside, words, stdin: Output(1, err=" ".join(words[:1]).encode() + b"\n" if words else b""),  # noqa: ARG005
    "pwd": lambda inside, words, stdin: Output(0, f"{inside.folder}\n".encode()),  # noqa: ARG005
    "whoami": lambda inside, words, stdin: Output(0, f"{inside.user}\n".encode()),  # noqa: ARG005
    "hostname": lambda inside, words, stdin: Output(0, f"{inside.environment.get('HOSTNAME', '')}\n".encode()),  # noqa: ARG005
}


# What the cluster gives a container


def inside_of(store: Store, pod: Object, container: str) -> Inside:
    """The environment and files of a container, from its pod and the objects that this refers to."""
    spec, metadata = pod["spec"], pod["metadata"]
    found = next(
        one for part in ("containers", "initContainers") for one in spec.get(part) or () if one["name"] == container
    )
    environment = {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOSTNAME": spec.get("hostname") or metadata["name"],
        "KUBERNETES_SERVICE_HOST": "10.100.0.1",
        "KUBERNETES_SERVICE_PORT": "443",
    }
    for source in found.get("envFrom") or ():
        environment.update(_from_source(store, metadata["namespace"], source))
    for variable in found.get("env") or ():
        value = variable.get("value")
        if value is None and "valueFrom" in variable:
            value = _from_reference(store, pod, variable["valueFrom"])
        if value is not None:
            environment[variable["name"]] = _with_variables(value, environment)
    environment["HOME"] = environment.get("HOME", "/root")
    return Inside(environment, _files(store, pod, found), found.get("workingDir") or "/")


def _with_variables(text: str, environment: Mapping[str, str]) -> str:
    for name, value in environment.items():
        text = text.replace(f"$({name})", value)
    return text


def _data(store: Store, resource: str, namespace: str, name: str) -> dict[str, bytes]:
    body = store.get(Key("", resource, namespace, name)) or {}
    if resource == "secrets":
        return {key: base64.b64decode(value) for key, value in (body.get("data") or {}).items()}
    plain = {key: value.encode() for key, value in (body.get("data") or {}).items()}
    return plain | {key: base64.b64decode(value) for key, value in (body.get("binaryData") or {}).items()}


def _from_source(store: Store, namespace: str, source: Object) -> dict[str, str]:
    prefix = source.get("prefix", "")
    found: dict[str, bytes] = {}
    for name, resource in (("configMapRef", "configmaps"), ("secretRef", "secrets")):
        if source.get(name):
            found = _data(store, resource, namespace, source[name].get("name", ""))
    return {prefix + key: value.decode("utf-8", "replace") for key, value in found.items()}


def _from_reference(store: Store, pod: Object, reference: Object) -> str | None:
    for name, resource in (("configMapKeyRef", "configmaps"), ("secretKeyRef", "secrets")):
        if reference.get(name):
            data = _data(store, resource, pod["metadata"]["namespace"], reference[name].get("name", ""))
            value = data.get(reference[name]["key"])
            return None if value is None else value.decode("utf-8", "replace")
    if reference.get("fieldRef"):
        return _field(pod, reference["fieldRef"]["fieldPath"])
    return None


def _field(pod: Object, path: str) -> str:
    part, bracket, key = path.partition("['")
    value: Any = pod
    for name in part.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    if bracket:
        value = (value or {}).get(key.removesuffix("']"))
    if isinstance(value, dict):
        return "\n".join(f'{name}="{text}"' for name, text in sorted(value.items()))
    return "" if value is None else str(value)


def _files(store: Store, pod: Object, container: Object) -> dict[str, bytes]:
    volumes = {one["name"]: one for one in pod["spec"].get("volumes") or ()}
    found: dict[str, bytes] = {}
    for mount in container.get("volumeMounts") or ():
        inside = _volume(store, pod, volumes.get(mount["name"], {}))
        sub = mount.get("subPath", "")
        if sub in inside:
            found[mount["mountPath"]] = inside[sub]
            continue
        for name, content in inside.items():
            if not sub or name.startswith(sub.rstrip("/") + "/"):
                found[posixpath.join(mount["mountPath"], name.removeprefix(sub).lstrip("/"))] = content
    return found


def _volume(store: Store, pod: Object, volume: Object) -> dict[str, bytes]:
    if volume.get("projected"):
        found: dict[str, bytes] = {}
        for source in volume["projected"].get("sources") or ():
            found.update(_projection(store, pod, source))
        return found
    parts = {name: volume[name] for name in ("configMap", "downwardAPI") if volume.get(name)}
    if volume.get("secret"):
        parts["secret"] = {**volume["secret"], "name": volume["secret"].get("secretName", "")}
    return _projection(store, pod, parts)


def _projection(store: Store, pod: Object, source: Object) -> dict[str, bytes]:
    namespace = pod["metadata"]["namespace"]
    for kind, resource in (("configMap", "configmaps"), ("secret", "secrets")):
        if source.get(kind):
            data = _data(store, resource, namespace, source[kind].get("name", ""))
            items = source[kind].get("items")
            return data if not items else {one["path"]: data[one["key"]] for one in items if one["key"] in data}
    if source.get("downwardAPI"):
        rows = source["downwardAPI"].get("items") or ()
        return {one["path"]: _field(pod, one["fieldRef"]["fieldPath"]).encode() for one in rows if one.get("fieldRef")}
    if source.get("serviceAccountToken"):
        return {source["serviceAccountToken"]["path"]: b"a token of the emulator that no API takes"}
    return {}
