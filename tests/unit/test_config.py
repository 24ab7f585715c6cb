"""Settings: from a file and variables, every mistake named, no secret shown, and every setting documented."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from csoc.config import Credential, SecretSource, Settings, loading
from csoc.errors import CsocError, NotFoundError, RejectedError

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "settings.md"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "config.toml"


def load(file: Path, text: str, **environ: str) -> Settings:
    file.write_text(text)
    return loading.load({"CSOC_CONFIG": str(file), **environ})


def mistakes(file: Path, text: str, **environ: str) -> str:
    with pytest.raises(RejectedError) as caught:
        load(file, text, **environ)
    return str(caught.value)


def test_without_a_file_the_defaults_hold(tmp_path: Path) -> None:
    assert loading.load({"XDG_CONFIG_HOME": str(tmp_path)}) == Settings()
    assert Settings().cache_dir == Path("~/.cache/csoc").expanduser()
    assert "github.com" in Settings().hosts


def test_the_file_is_found_in_the_users_configuration_folder(tmp_path: Path) -> None:
    (tmp_path / "csoc").mkdir()
    (tmp_path / "csoc" / "config.toml").write_text("[limits]\nfetch_seconds = 7\n")
    assert loading.load({"XDG_CONFIG_HOME": str(tmp_path)}).limits.fetch_seconds == 7
    assert loading.config_path({}) == Path("~/.config/csoc/config.toml").expanduser()


def test_a_file_that_is_named_must_be_there_and_readable(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"nothing\.toml"):
        loading.load({"CSOC_CONFIG": str(tmp_path / "nothing.toml")})
    with pytest.raises(RejectedError, match="It is no file"):
        loading.load({"CSOC_CONFIG": str(tmp_path)})


def test_variables_win_over_the_file(file: Path) -> None:
    text = 'cache_dir = "/a"\n[limits]\nfetch_seconds = 1\nfile_bytes = 5\n'
    given = load(file, text, CSOC_CACHE_DIR="/b", CSOC_LIMITS_FETCH_SECONDS="2", CSOC_AUTHOR_NAME="Ada")
    assert (given.cache_dir, given.limits.fetch_seconds, given.limits.file_bytes) == (Path("/b"), 2, 5)
    assert given.author.name == "Ada"


def test_lists_in_variables_are_written_with_commas(file: Path) -> None:
    given = load(file, "", CSOC_EXTRA_ALLOWED_HOSTS="a.org, b.org:80,", CSOC_ALLOWED_SCHEMES="https")
    assert given.extra_allowed_hosts == ("a.org", "b.org:80")
    assert given.hosts[-2:] == ("a.org", "b.org:80")
    assert given.allowed_schemes == ("https",)


def test_every_mistake_is_named_at_once_with_file_key_and_what_was_expected(file: Path) -> None:
    text = mistakes(
        file,
        'cache_dri = "/x"\nallowed_schemes = ["http"]\n[limits]\nfetch_seconds = "soon"\nfile_bytes = -1\n'
        '[[git_hosts]]\nkind = "gitlab"\n[[credentials]]\nurl_prefix = "github.com"\nkind = "token"\ntoken_env = "T"\n',
        CSOC_RENDER_WORKERS="many",
    )
    assert str(file) in text
    assert "cache_dri: unknown key, did you mean cache_dir" in text
    assert "allowed_schemes.0: input should be 'https', 'ssh' or 'oci'" in text
    assert "limits.fetch_seconds: input should be a valid number" in text
    assert "limits.file_bytes: input should be greater than 0" in text
    assert "git_hosts.0.url: is required" in text
    assert "git_hosts.0.kind: input should be 'github' or 'gitea'" in text
    assert "url_prefix must start with https://" in text
    assert "render.workers (from CSOC_RENDER_WORKERS): input should be a valid integer" in text


def test_an_unknown_key_is_named_with_the_nearest_of_its_section(file: Path) -> None:
    assert "limits.fetch_second: unknown key, did you mean fetch_seconds" in mistakes(file, "[limits]\nfetch_second=1")
    assert "author.zzz: unknown key, known are email, name" in mistakes(file, "[author]\nzzz = 1")
    assert "CSOC_CACHE_DIR" in mistakes(file, "", CSOC_CACHE_DIRS="/x")
    assert load(file, "", CSOC_MY_TOKEN="x", CSOC_REAL="/r") == Settings()


def test_a_secret_in_the_wrong_place_is_refused_and_not_shown(file: Path) -> None:
    text = mistakes(file, '[[credentials]]\nurl_prefix = "https://github.com"\nkind = "token"\ntoken = "hunter2"\n')
    assert "token: unknown key, did you mean token_env" in text
    assert "hunter2" not in text
    text = mistakes(
        file, '[[credentials]]\nurl_prefix = "https://a:hunter2@github.com"\nkind = "token"\ntoken_env = "X"\n'
    )
    assert "hunter2" not in text
    for secret in ("ghp_hunter2", "AKIAIOSFODNN7EXAMPLE", "0123456789ABCDEF0123456789ABCDEF"):
        for key in ("token_env", "passphrase_env"):
            text = mistakes(
                file, f'[[credentials]]\nurl_prefix = "https://github.com"\nkind = "ssh-agent"\n{key} = "{secret}"\n'
            )
            assert f"credentials.0.{key}: must be the name of a variable" in text
            assert secret not in text


@pytest.mark.parametrize(
    "fields",
    [
        'kind = "token"',
        'kind = "token"\ntoken_env = "A"\ntoken_file = "b"',
        'kind = "ssh-key"',
        'kind = "github-app"\napp_id = "1"\nprivate_key_file = "k"',
        'kind = "github-app"\napp_id = "1"\ninstallation_id = "1/../2"\nprivate_key_file = "k"',
        'kind = "password"',
    ],
)
def test_a_credential_that_lacks_something_says_what(file: Path, fields: str) -> None:
    assert "credentials.0" in mistakes(file, f'[[credentials]]\nurl_prefix = "https://github.com"\n{fields}\n')


@pytest.mark.parametrize("text", ["a = ", "[limits", "a = 1\na = 2", "\x00"])
def test_a_file_that_is_not_toml_is_refused_with_its_place(file: Path, text: str) -> None:
    assert str(file) in mistakes(file, text)


def test_a_file_of_the_wrong_shape_is_refused(file: Path) -> None:
    assert "limits" in mistakes(file, "limits = 1\n", CSOC_LIMITS_FILE_BYTES="5")
    assert "credentials" in mistakes(file, "[credentials]\nkind = 'token'\n")
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(RejectedError):
        loading.load({"CSOC_CONFIG": str(file)})


def test_a_token_is_read_anew_from_its_variable_or_file(tmp_path: Path) -> None:
    source = SecretSource(token_file=tmp_path / "token")
    for token in ("one", "two"):
        (tmp_path / "token").write_text(f"{token}\n")
        assert source.token() == token
    assert SecretSource(token_env="T").token({"T": " three\n"}) == "three"


def test_a_token_that_is_not_there_is_named_by_its_place(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="MY_TOKEN"):
        SecretSource(token_env="MY_TOKEN").token({"MY_TOKEN": " "})
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "large").write_bytes(b"x" * 100_000)
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    for name in ("nothing", "empty", "large", "binary"):
        with pytest.raises(CsocError) as caught:
            SecretSource(token_file=tmp_path / name).token()
        assert name in str(caught.value)
    with pytest.raises(RejectedError, match="It is no file"):
        SecretSource(token_file=tmp_path).token()


def test_settings_can_be_shown_since_they_hold_no_secret() -> None:
    given = Settings(credentials=(Credential(url_prefix="https://a.org", kind="token", token_env="T"),))
    assert "token_env='T'" in repr(given)
    assert not [name for name in documented() if re.search(r"(password|secret|token)$", name)]


def documented() -> dict[str, str]:
    """Every setting, with the heading below which the page must have it."""
    found: dict[str, str] = {}
    for name, field in Settings.model_fields.items():
        inner = next((one for one in models(field.annotation)), None)
        if inner is None:
            found[name] = "## At the top"
        else:
            heading = f"## `[[{name}]]`" if isinstance(field.default, tuple) else f"## `[{name}]`"
            found |= {f"{name}.{key}": heading for key in inner.model_fields}
    return found


def models(annotation: object) -> list[type[BaseModel]]:
    inner = getattr(annotation, "__args__", ()) or (annotation,)
    return [one for one in inner if isinstance(one, type) and issubclass(one, BaseModel)]


@pytest.mark.parametrize(("name", "heading"), documented().items())
def test_every_setting_is_in_the_reference_below_its_heading(name: str, heading: str) -> None:
    section = PAGE.read_text().split(f"{heading}\n", 1)[1].split("\n## ")[0]
    assert f"| `{name.rpartition('.')[2]}` |" in section


def test_every_setting_in_the_reference_exists() -> None:
    sections = re.split(r"^## ", PAGE.read_text(), flags=re.MULTILINE)[1:]
    known = documented().items()
    for section in sections:
        heading = f"## {section.splitlines()[0]}"
        rows = re.findall(r"^\| `([a-z_]+)` \|", section, flags=re.MULTILINE)
        assert sorted(rows) == sorted(name.rpartition(".")[2] for name, where in known if where == heading)


def test_numbers_in_the_reference_are_the_defaults() -> None:
    given = Settings()
    for section in ("limits", "render"):
        rows = re.findall(
            r"^\| `([a-z_]+)` \| (\d+) \|",
            PAGE.read_text().split(f"## `[{section}]`")[1].split("\n## ")[0],
            re.MULTILINE,
        )
        assert {name: float(number) for name, number in rows} == {
            name: float(value) for name, value in getattr(given, section)
        }


def test_every_variable_for_a_top_level_setting_is_in_the_reference() -> None:
    text = PAGE.read_text()
    for variable, key in loading.variables().items():
        assert f"`{variable}`" in text or (len(key) == 2 and f"`CSOC_{key[0].upper()}_" in text)


def test_a_wrong_variable_is_named_and_no_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(RejectedError) as refused:
        loading.load({"CSOC_LIMITS_FETCH_SECONDS": "soon", "XDG_CONFIG_HOME": str(tmp_path)})
    assert refused.value.place == "CSOC_LIMITS_FETCH_SECONDS"


def test_the_cache_follows_the_users_cache_folder_unless_it_is_set(file: Path, tmp_path: Path) -> None:
    assert load(file, "", XDG_CACHE_HOME=str(tmp_path)).cache_dir == tmp_path / "csoc"
    assert load(file, "", XDG_CACHE_HOME=str(tmp_path), CSOC_CACHE_DIR="/var/tmp/d").cache_dir == Path("/var/tmp/d")
    assert load(file, 'cache_dir = "/var/tmp/e"', XDG_CACHE_HOME=str(tmp_path)).cache_dir == Path("/var/tmp/e")


def test_records_are_kept_in_the_users_data_folder_unless_another_place_is_set(tmp_path: Path) -> None:
    environ = {"XDG_CONFIG_HOME": str(tmp_path), "XDG_DATA_HOME": "/data"}
    assert loading.load(environ).database == "sqlite:////data/csoc/csoc.sqlite3"
    assert loading.load(environ | {"CSOC_DATA_DIR": "/own"}).database == "sqlite:////own/csoc.sqlite3"
    elsewhere = "postgresql://csoc@db.example.org/csoc"
    assert loading.load(environ | {"CSOC_DATABASE_URL": elsewhere}).database == elsewhere


@pytest.mark.parametrize("url", ["postgresql://csoc:hush@db/csoc", "postgresql://db/csoc?password=hush"])
def test_a_password_in_the_address_of_the_database_is_refused_and_not_repeated(tmp_path: Path, url: str) -> None:
    with pytest.raises(RejectedError, match="PGPASSFILE") as refused:
        loading.load({"XDG_CONFIG_HOME": str(tmp_path), "CSOC_DATABASE_URL": url})
    assert "hush" not in str(refused.value)
