"""What answers refer to: a secret of the commons, and no other secret of whoever launches it."""

from __future__ import annotations

from pathlib import Path

import pytest

from csoc.config import Credential, GitHostSettings, PlatformSettings, Settings
from csoc.errors import CsocError, NotFoundError, RejectedError
from csoc.gen3.launch.answerfiles import parse_answers
from csoc.gen3.launch.answers import Answers
from csoc.usecases.launch_files import secrets_of, variables_of

_CANARY = "hunter2-canary-of-this-machine"


def answers(where: str) -> Answers:
    return parse_answers(f"signIn: {{provider: google, clientSecret: {{{where}}}}}".encode())


def canary(name: str) -> str | None:
    return _CANARY


@pytest.mark.parametrize(
    "name",
    ["AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "CSOC_DATABASE_URL", "CSOC_ANYTHING", "PGPASSWORD", "FLEET_TOKEN"],
)
def test_a_variable_that_csoc_itself_reads_is_not_given_to_a_commons(tmp_path: Path, name: str) -> None:
    with pytest.raises(RejectedError) as refused:
        secrets_of(answers(f"env: {name}"), tmp_path, canary, own={"FLEET_TOKEN"})
    assert refused.value.place == "signIn.clientSecret"
    assert f"The variable {name} is one that csoc itself reads" in refused.value.cause
    assert "copy it into a variable of its own" in refused.value.fix
    assert _CANARY not in str(refused.value)


def test_any_other_variable_is_read(tmp_path: Path) -> None:
    for name in ("CLIENT_SECRET", "MY_AWS_SECRET", "FLEET_TOKEN"):
        found = secrets_of(answers(f"env: {name}"), tmp_path, canary)
        assert found == {"fence-config": {"client-secret": _CANARY}}


def test_every_variable_that_settings_name_is_one_that_csoc_reads() -> None:
    settings = Settings(
        credentials=(
            Credential(url_prefix="https://git.example.org", kind="token", token_env="ONE"),
            Credential(
                url_prefix="ssh://git@git.example.org",
                kind="ssh-key",
                private_key_file=Path("/nowhere"),
                passphrase_env="TWO",
            ),
        ),
        git_hosts=(GitHostSettings(url="https://git.example.org", kind="gitea", token_env="THREE"),),
        platform=PlatformSettings(token_env="FOUR"),
    )
    assert variables_of(settings) == {"ONE", "TWO", "THREE", "FOUR"}
    assert variables_of(Settings()) == frozenset()


def test_a_file_beside_the_answers_or_below_is_read(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    for name in ("secret", "below/secret"):
        (tmp_path / name).write_text(f"{_CANARY}\n")
        assert secrets_of(answers(f"file: {name}"), tmp_path) == {"fence-config": {"client-secret": _CANARY}}
    (tmp_path / "link").symlink_to("below/secret")
    assert secrets_of(answers("file: link"), tmp_path) == {"fence-config": {"client-secret": _CANARY}}


@pytest.mark.parametrize("path", ["/etc/hostname", "../key", "below/../../key", "~/.aws/credentials"])
def test_a_path_out_of_the_folder_is_no_answer(path: str) -> None:
    with pytest.raises(RejectedError, match="a file beside the answers or below") as refused:
        answers(f"file: {path}")
    assert "signIn.clientSecret.file" in str(refused.value)


def test_no_link_leads_to_a_file_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(_CANARY)
    home = tmp_path / "home"
    home.mkdir()
    (home / "link").symlink_to("../key")
    (home / "folder").symlink_to("..")
    for name in ("link", "folder/key"):
        with pytest.raises(RejectedError, match="The file is not in the folder of the answers") as refused:
            secrets_of(answers(f"file: {name}"), home)
        assert refused.value.place == f"signIn.clientSecret, {name}"
        assert "beside the answers or below" in refused.value.fix
        assert _CANARY not in str(refused.value)


@pytest.mark.parametrize(
    ("content", "kind", "sentence"),
    [
        (None, NotFoundError, "The file does not exist"),
        (b"\n", NotFoundError, "The file is empty"),
        (b"\xff\xfe", RejectedError, "The file is not text"),
        (b"one\ntwo", RejectedError, "is not one line of text"),
        (b"x" * 64_001, RejectedError, "The file is larger than"),
    ],
)
def test_a_file_that_holds_no_secret_is_said_to_hold_none(
    tmp_path: Path, content: bytes | None, kind: type[CsocError], sentence: str
) -> None:
    if content is not None:
        (tmp_path / "secret").write_bytes(content)
    with pytest.raises(kind, match=sentence) as refused:
        secrets_of(answers("file: secret"), tmp_path)
    assert refused.value.place.startswith("signIn.clientSecret")
