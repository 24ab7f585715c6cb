"""A kubeconfig that came over a form runs no program and reads no file; one that is good connects."""

from __future__ import annotations

import base64
import copy
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from csoc.adapters.kube.connecting import from_kubeconfig, from_kubeconfig_file
from csoc.errors import CsocError, DeniedError, RejectedError
from tests.unit.adapters.kube.scripted import TOKEN, ScriptedCluster, said

Object = dict[str, Any]
PROGRAMS = {
    "exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "touch", "args": []},
    "auth-provider": {"name": "gcp", "config": {"cmd-path": "touch", "cmd-args": ""}},
}
FILES = dict.fromkeys(("certificate-authority", "client-certificate", "client-key", "tokenFile"), "/etc/hostname")
KEYS: dict[str, Any] = {**PROGRAMS, **FILES}


def kubeconfig(server: str = "https://cluster.example.org") -> Object:
    """Two contexts; the first is the current one."""
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "one",
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}} for name in ("one", "two")],
        "clusters": [{"name": name, "cluster": {"server": server}} for name in ("one", "two")],
        "users": [{"name": name, "user": {"token": f"{TOKEN}-{name}"}} for name in ("one", "two")],
    }


def text_of(data: object) -> str:
    return yaml.safe_dump(data)


@pytest.mark.parametrize("which", [0, 1], ids=["the current one", "another one"])
@pytest.mark.parametrize(("kind", "inner"), [("users", "user"), ("clusters", "cluster")])
@pytest.mark.parametrize("key", KEYS)
def test_what_runs_a_program_or_reads_a_file_is_denied_wherever_it_stands(
    key: str, kind: str, inner: str, which: int
) -> None:
    data = kubeconfig()
    data[kind][which][inner][key] = KEYS[key]
    what = "runs a program" if key in PROGRAMS else "reads a file"
    with pytest.raises(DeniedError, match=rf"{what}.*\({key}\)") as refused:
        from_kubeconfig(text_of(data), "of a form")
    assert refused.value.place == "of a form"
    assert "token and certificates inside" in refused.value.fix


@pytest.mark.parametrize("key", KEYS)
def test_what_is_denied_is_found_behind_an_alias_and_a_merge_key_too(key: str) -> None:
    hidden = f"""
hidden: &hidden {{{key}: {json.dumps(KEYS[key])}}}
current-context: one
contexts: [{{name: one, context: {{cluster: one, user: one}}}}]
clusters: [{{name: one, cluster: {{server: "https://cluster.example.org"}}}}]
users: [{{name: one, user: %s}}]
"""
    for user in ("*hidden", "{<<: *hidden}"):
        with pytest.raises(DeniedError):
            from_kubeconfig(hidden % user, "x")


@pytest.mark.parametrize("key", FILES)
def test_a_key_of_a_file_is_denied_with_no_value_too(key: str) -> None:
    data = kubeconfig()
    data["users"][0]["user"][key] = None
    with pytest.raises(DeniedError):
        from_kubeconfig(text_of(data), "x")


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "a: [",
        "\tx",
        "a: b: c",
        "&a [*b]",
        "--- {}\n--- {}\n",
        "!!python/object/apply:os.getcwd []",
        "\0",
        "[" * 9999,
    ],
)
def test_what_is_no_yaml_is_rejected(text: str) -> None:
    with pytest.raises(RejectedError, match="kubeconfig") as refused:
        from_kubeconfig(text, "of a form")
    assert refused.value.place == "of a form"


def test_a_file_that_grows_when_it_is_read_is_rejected() -> None:
    levels = [f"a{n + 1}: &a{n + 1} {{{', '.join(f'k{i}: *a{n}' for i in range(9))}}}" for n in range(12)]
    with pytest.raises(RejectedError, match="kubeconfig"):
        from_kubeconfig("\n".join(["a0: &a0 {x: 1}", *levels]), "x")


@pytest.mark.parametrize("text", ["", "[]", "hello", "5", "null"])
def test_what_is_no_mapping_holds_no_clusters(text: str) -> None:
    with pytest.raises(RejectedError, match="holds no clusters"):
        from_kubeconfig(text, "x")


def test_a_file_of_another_shape_is_rejected_whichever_part_has_it() -> None:
    good = kubeconfig()
    odd: list[Any] = [None, 5, "text", [], [5], ["name"], {}, {"name": "one"}, True]
    places: list[tuple[Any, ...]] = [
        ("contexts",),
        ("clusters",),
        ("contexts", 0),
        ("contexts", 0, "context"),
        ("clusters", 0),
        ("clusters", 0, "cluster"),
        ("clusters", 0, "cluster", "server"),
        ("clusters", 0, "cluster", "certificate-authority-data"),
        ("users",),
        ("users", 0),
        ("users", 0, "user"),
        ("users", 0, "user", "token"),
        ("users", 0, "user", "client-certificate-data"),
    ]
    for place in places:
        for value in odd:
            data = copy.deepcopy(good)
            inside: Any = data
            for step in place[:-1]:
                inside = inside[step]
            inside[place[-1]] = value
            told = ""
            try:
                from_kubeconfig(text_of(data), "x").close()
            except CsocError as error:
                told = str(error)
            assert TOKEN not in told, (place, value)


def test_a_context_that_there_is_not_is_rejected_by_name() -> None:
    with pytest.raises(RejectedError, match="name three in"):
        from_kubeconfig(text_of(kubeconfig()), "x", context="three")


@pytest.mark.parametrize("server", ["http://cluster.example.org", "", None])
def test_a_server_without_https_is_not_handed_the_credential(server: str | None) -> None:
    data = kubeconfig()
    data["clusters"][0]["cluster"] = {"server": server} if server is not None else {"x": 1}
    with pytest.raises(RejectedError, match="only spoken to over https"):
        from_kubeconfig(text_of(data), "x")


def test_a_server_that_proves_nothing_is_not_handed_the_credential() -> None:
    data = kubeconfig()
    data["clusters"][0]["cluster"]["insecure-skip-tls-verify"] = True
    with pytest.raises(DeniedError, match="insecure-skip-tls-verify"):
        from_kubeconfig(text_of(data), "x")


def test_a_good_one_becomes_a_client_with_its_own_token_and_server() -> None:
    data = kubeconfig()
    data["clusters"][1]["cluster"]["server"] = "https://second.example.org/"
    authority = base64.b64encode(b"certificates").decode()
    data["clusters"][1]["cluster"]["certificate-authority-data"] = authority
    client = from_kubeconfig(text_of(data), "x")
    other = from_kubeconfig(text_of(data), "x", context="two")
    shown = [(one._api.configuration.host, one._api.configuration.api_key) for one in (client, other)]
    assert shown == [
        ("https://cluster.example.org", {"BearerToken": f"Bearer {TOKEN}-one"}),
        ("https://second.example.org", {"BearerToken": f"Bearer {TOKEN}-two"}),
    ]
    assert Path(other._api.configuration.ssl_ca_cert).read_text() == "certificates"
    client.close()
    other.close()


def test_a_trusted_one_is_sent_with_its_token_and_may_read_files(scripted: ScriptedCluster, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("of-a-file")
    data = kubeconfig(scripted.url)
    data["users"][0]["user"] = {"tokenFile": str(tmp_path / "token")}
    scripted.will(said({"gitVersion": "v1.34.0"}))
    client = from_kubeconfig(text_of(data), "x", trusted=True)
    assert client.version() == "v1.34.0"
    assert scripted.asked[0].headers["authorization"] == "Bearer of-a-file"
    client.close()


def test_a_file_of_this_machine_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    path = tmp_path / "config"
    for text in ("{", "clusters: 5", "current-context: one\ncontexts: [{name: one}]"):
        path.write_text(text)
        with pytest.raises(RejectedError, match="cannot be used") as refused:
            from_kubeconfig_file(path, "x")
        assert refused.value.place == str(path)
