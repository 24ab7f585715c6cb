"""Writes what the simulated clusters know of Kubernetes: resources, types of fields, built-in roles.

Read from the documents that Kubernetes publishes with its source (module k8s.io/kubernetes: api/discovery,
api/openapi-spec/v3, and the test data of the built-in roles; modules of its types: generated.proto), which the Go
module proxy has. Only facts that the API's behaviour rests on are kept: no descriptions.
`python -m scripts.kubernetes_facts` writes the file, `--check` compares.

The form, to be small. A type is a word or a list:
    s i n b y t q x o *    string, integer, number, boolean, bytes, time, quantity, int-or-string, any object, anything
    "#Name"                another definition; "#Name!" the same, replaced as a whole
    ["{", T] ["{!", T]     a map; one that is replaced as a whole
    ["[", T, F]            a list; F: {"t": "s" set or "m" map, "k": keys, "p": patch merge key ("" for scalars),
                           "r": true if a patch also replaces keys}; without "t" it is replaced as a whole
A definition is an object of fields; "!" in it: replaced as a whole; "=": defaults that are not Go's zero values; "^":
required fields; "~": structs that are always there, since Go has them as values; "0": fields whose zero value
Go leaves out, since they are no pointers. Numbers are those of protobuf: "name=1"; ">Name=2" is a message whose fields
count as the outer one's.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

MODULE, VERSION = "k8s.io/kubernetes", "v1.34.0"
ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "src" / "csoc" / "emulator" / "kubernetes" / "kinds" / "facts-1.34.json"

_WORDS = {"string": "s", "integer": "i", "number": "n", "boolean": "b", "object": "o", "": "*"}
_FORMATS = {"byte": "y", "date-time": "t", "int-or-string": "x"}
_SPECIAL = {
    "io.k8s.apimachinery.pkg.api.resource.Quantity": "q",
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": "x",
}
_ZERO: tuple[Any, ...] = ("", 0, {}, False, None)
_ROLES = "plugin/pkg/auth/authorizer/rbac/bootstrappolicy/testdata"
_ROLE_FILES = (
    *("cluster-roles", "controller-roles", "namespace-roles"),
    *("cluster-role-bindings", "controller-role-bindings", "namespace-role-bindings"),
)
_PROTOBUF = ("k8s.io/api", "k8s.io/apimachinery", "k8s.io/apiextensions-apiserver", "k8s.io/kube-aggregator")
_PROTOBUF_VERSION = "v0.34.0"
_OPTIONS = "io.k8s.apimachinery.pkg.apis.meta.v1."


def module_folder(module: str = MODULE, version: str = VERSION) -> Path:
    """Where Go has the module, fetched if need be. Raises CalledProcessError if it cannot be had."""
    command = ["go", "mod", "download", "-json", f"{module}@{version}"]
    told = subprocess.run(command, check=True, capture_output=True, text=True, timeout=600)
    return Path(json.loads(told.stdout)["Dir"])


def facts(folder: Path) -> dict[str, Any]:
    """Everything that the file says."""
    groups = _groups(folder / "api" / "discovery")
    resources = [row for group, version in groups for row in _resources(folder / "api" / "discovery", group, version)]
    definitions = _definitions(folder / "api" / "openapi-spec" / "v3", groups)
    for name, fields in _left_out().items():
        if isinstance(definitions.get(name), dict):
            definitions[name] |= {
                "0": sorted(field for field in fields if definitions[name].get(field) in ("s", "i", "b"))
            }
    return {
        "source": f"{MODULE}@{VERSION}: api/discovery, api/openapi-spec/v3, {_ROLES}",
        "groups": [f"{group}/{version}" if group else version for group, version in groups],
        "resources": resources,
        "definitions": definitions,
        "numbers": _numbers(definitions),
        "roles": [_role(item) for name in _ROLE_FILES for item in _items(folder / _ROLES / f"{name}.yaml")],
    }


def text(found: dict[str, Any]) -> str:
    """The file: one line an entry, so that differences can be read."""
    parts = []
    for key, value in found.items():
        if isinstance(value, list):
            inside = ",\n".join(_line(item) for item in value)
            parts.append(f"{_line(key)}: [\n{inside}\n]")
        elif isinstance(value, dict):
            inside = ",\n".join(f"{_line(name)}: {_line(item)}" for name, item in sorted(value.items()))
            parts.append(f"{_line(key)}: {{\n{inside}\n}}")
        else:
            parts.append(f"{_line(key)}: {_line(value)}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _line(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _groups(folder: Path) -> list[tuple[str, str]]:
    """Groups and versions that are served unless somebody asks for more: those that are neither alpha nor beta."""
    listed = json.loads((folder / "apis.json").read_text(encoding="utf-8"))["groups"]
    found = [("", "v1")]
    for group in listed:
        found += [(group["name"], row["version"]) for row in group["versions"] if re.fullmatch(r"v\d+", row["version"])]
    return found


def _resources(folder: Path, group: str, version: str) -> list[dict[str, Any]]:
    name = f"apis__{group}__{version}.json" if group else "api__v1.json"
    listed = json.loads((folder / name).read_text(encoding="utf-8"))["resources"]
    whole = [row for row in listed if "/" not in row["name"]]
    found = []
    for row in whole:
        subs = [part for part in listed if part["name"].startswith(row["name"] + "/")]
        made = {
            "group": group,
            "version": version,
            "kind": row["kind"],
            "plural": row["name"],
            "singular": row["singularName"],
            "namespaced": row["namespaced"],
            "short_names": row.get("shortNames", []),
            "categories": row.get("categories", []),
            "verbs": row["verbs"],
            "subresources": {
                part["name"].partition("/")[2]: [
                    part.get("group", group),
                    part.get("version", version),
                    part["kind"],
                    part["verbs"],
                ]
                for part in subs
            },
        }
        found.append({key: value for key, value in made.items() if value not in ([], {})})
    return found


def _definitions(folder: Path, groups: list[tuple[str, str]]) -> dict[str, Any]:
    """All types that the served kinds are made of."""
    documents: dict[str, Any] = {}
    wanted: list[str] = []
    for path in sorted(folder.glob("*.json")):
        schemas = json.loads(path.read_text(encoding="utf-8")).get("components", {}).get("schemas", {})
        for name, schema in schemas.items():
            documents.setdefault(name, schema)
            kinds = schema.get("x-kubernetes-group-version-kind", [])
            served = any((kind["group"], kind["version"]) in groups for kind in kinds)
            if served and not name.endswith("List") and not name.startswith(_OPTIONS):
                wanted.append(name)
    found: dict[str, Any] = {}
    while wanted:
        name = wanted.pop()
        short = _short(name)
        if short in found or name in _SPECIAL:
            continue
        schema = documents[name]
        if "properties" not in schema:
            found[short] = _simple(schema)
            continue
        found[short] = _definition(schema, wanted)
    return found


def _definition(schema: dict[str, Any], wanted: list[str]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    defaults = {}
    values = []
    for field, part in schema["properties"].items():
        made[field] = _type(part, wanted)
        if part.get("default") == {} and isinstance(made[field], str) and made[field].startswith("#"):
            values.append(field)
        if part.get("default") not in _ZERO:
            defaults[field] = part["default"]
    if schema.get("x-kubernetes-map-type") == "atomic":
        made["!"] = True
    if defaults:
        made["="] = defaults
    if values:
        made["~"] = values
    if schema.get("required"):
        made["^"] = sorted(schema["required"])
    kinds = schema.get("x-kubernetes-group-version-kind")
    if kinds:
        made["@"] = [[kind["group"], kind["version"], kind["kind"]] for kind in kinds][:1]
    return made


def _type(part: dict[str, Any], wanted: list[str]) -> Any:
    reference = part.get("$ref") or next((one["$ref"] for one in part.get("allOf", [])), None)
    if reference:
        name = reference.rpartition("/")[2]
        if name in _SPECIAL:
            return _SPECIAL[name]
        wanted.append(name)
        return f"#{_short(name)}" + ("!" if part.get("x-kubernetes-map-type") == "atomic" else "")
    if part.get("type") == "array":
        facts_of_list: dict[str, Any] = {}
        kind = part.get("x-kubernetes-list-type")
        if kind in ("set", "map"):
            facts_of_list["t"] = kind[0]
        if "x-kubernetes-list-map-keys" in part:
            facts_of_list["k"] = part["x-kubernetes-list-map-keys"]
        strategy = part.get("x-kubernetes-patch-strategy", "").split(",")
        if "merge" in strategy:
            facts_of_list["p"] = part.get("x-kubernetes-patch-merge-key", "")
        if "retainKeys" in strategy:
            facts_of_list["r"] = True
        return ["[", _type(part["items"], wanted), *([facts_of_list] if facts_of_list else [])]
    if "additionalProperties" in part:
        mark = "{!" if part.get("x-kubernetes-map-type") == "atomic" else "{"
        return [mark, _type(part["additionalProperties"], wanted)]
    return _simple(part)


def _simple(part: dict[str, Any]) -> str:
    return _FORMATS.get(part.get("format", ""), _WORDS[part.get("type", "")])


def _numbers(definitions: dict[str, Any]) -> dict[str, str]:
    """Numbers of the fields of all types, and of the messages that are inlined in them."""
    messages: dict[str, list[tuple[str, str, str]]] = {}
    for module in _PROTOBUF:
        for path in sorted(module_folder(module, _PROTOBUF_VERSION).rglob("generated.proto")):
            messages.update(_messages(path.read_text(encoding="utf-8")))
    found: dict[str, str] = {}
    wanted = [name for name, body in definitions.items() if isinstance(body, dict) and name in messages]
    while wanted:
        name = wanted.pop()
        if name in found:
            continue
        known = definitions.get(name, {})
        rows = []
        for field, kind, number in messages[name]:
            if known and field not in known and kind in messages:
                rows.append(f">{kind}={number}")
                wanted.append(kind)
            else:
                rows.append(f"{field}={number}")
        found[name] = " ".join(rows)
    return found


def _left_out() -> dict[str, list[str]]:
    """Fields that are values with omitempty, by type."""
    found: dict[str, list[str]] = {}
    for module in _PROTOBUF:
        root = module_folder(module, _PROTOBUF_VERSION)
        for path in sorted(root.rglob("types*.go")):
            package = _short(
                "io.k8s." + ".".join((module.partition("/")[2], *path.parent.relative_to(root).parts)) + "."
            )
            text = path.read_text(encoding="utf-8")
            for name, body in re.findall(r"^type (\w+) struct \{(.*?)^\}", text, re.MULTILINE | re.DOTALL):
                fields = re.findall(r"^\t\w+\s+[a-zA-Z]\S*\s+`json:\"([\w$]+),omitempty", body, re.MULTILINE)
                if fields:
                    found[package + name] = fields
    return found


def _messages(text: str) -> dict[str, list[tuple[str, str, str]]]:
    """Messages of a file: name, type and number of each field."""
    package = _proto_short(re.search(r"^package ([\w.]+);", text, re.MULTILINE)[1] + ".")  # type: ignore[index]
    found = {}
    for name, body in re.findall(r"^message (\w+) \{(.*?)^\}", text, re.MULTILINE | re.DOTALL):
        rows = re.findall(r"^  (?:optional |repeated |map<\w+, )\.?([\w.]+)>? (\w+) = (\d+);", body, re.MULTILINE)
        found[package + name] = [
            (field, _proto_short(kind) if "." in kind else package + kind, number) for kind, field, number in rows
        ]
    return found


def _proto_short(name: str) -> str:
    return _short(
        "io."
        + name.replace("k8s.io.", "k8s.", 1)
        .replace("apiextensions_apiserver", "apiextensions-apiserver")
        .replace("kube_aggregator", "kube-aggregator")
    )


def _short(name: str) -> str:
    for long, short in (
        ("io.k8s.apimachinery.pkg.apis.meta.v1.", "meta."),
        ("io.k8s.apimachinery.pkg.", "machinery."),
        ("io.k8s.apiextensions-apiserver.pkg.apis.", ""),
        ("io.k8s.kube-aggregator.pkg.apis.", ""),
        ("io.k8s.api.", ""),
    ):
        if name.startswith(long):
            return short + name.removeprefix(long)
    return name


def _items(path: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = yaml.safe_load(path.read_text(encoding="utf-8"))["items"]
    return found


def _role(item: dict[str, Any]) -> dict[str, Any]:
    metadata = {key: item["metadata"][key] for key in ("name", "namespace", "labels") if key in item["metadata"]}
    labels = metadata.get("labels", {})
    labels.pop("kubernetes.io/bootstrapping", None)
    if not labels:
        metadata.pop("labels", None)
    kept = {key: item[key] for key in ("aggregationRule", "rules", "roleRef", "subjects") if item.get(key)}
    return {"kind": item["kind"], **metadata, **kept}


def main() -> int:
    """Exit codes: 0 written, or the same; 1 the file is not what the module says."""
    parser = argparse.ArgumentParser(description="Write what the simulated clusters know of Kubernetes.")
    parser.add_argument("--check", action="store_true", help="write nothing; say whether the file is right")
    options = parser.parse_args()
    made = text(facts(module_folder()))
    if options.check:
        same = TARGET.is_file() and TARGET.read_text(encoding="utf-8") == made
        print(
            f"{TARGET.name}: {'as the module says' if same else 'stale; python -m scripts.kubernetes_facts writes it'}"
        )
        return 0 if same else 1
    TARGET.write_text(made, encoding="utf-8")
    print(f"wrote {TARGET.relative_to(ROOT)}, {len(made) // 1000} kB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
