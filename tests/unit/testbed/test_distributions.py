"""Fetching a server from a Maven repository: checked, unpacked with its permissions, prepared, whole or not at all."""

from __future__ import annotations

import hashlib
import os
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from testbed import debian, distributions
from testbed.cache import BuildError
from testbed.distributions import Distribution

MAVEN = """#!/bin/sh
echo "$*" >>"$CALLS"
for word; do
  case "$word" in -DoutputDirectory=*) mkdir "${word#*=}"; cp "$ARCHIVE" "${word#*=}/small-1.0.zip" ;; esac
done
"""


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Distribution:
    """A distribution with one program, and a Maven that brings it."""
    archive = tmp_path / "archive.zip"
    with zipfile.ZipFile(archive, "w") as opened:
        member = zipfile.ZipInfo("small-1.0/bin/prepare.sh")
        member.external_attr = 0o755 << 16
        opened.writestr(member, '#!/bin/sh\necho "$1" >prepared\n')
    folder = tmp_path / "bin"
    folder.mkdir()
    for name, text in (("mvn", MAVEN), ("java", "#!/bin/sh\necho 'openjdk version \"17.0.1\"' >&2\n")):
        (folder / name).write_text(text, encoding="utf-8")
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    monkeypatch.setenv("CALLS", str(tmp_path / "calls"))
    monkeypatch.setenv("ARCHIVE", str(archive))
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    return Distribution("keycloak", "org.example", "small", "1.0", digest, ("bin/prepare.sh", "ready"), 1000)


def test_it_is_fetched_and_prepared_once(small: Distribution, tmp_path: Path) -> None:
    said: list[str] = []
    folder = distributions.ensure(small, said.append, tmp_path / "cache")
    assert distributions.ensure(small, said.append, tmp_path / "cache") == folder
    assert (folder / "keycloak" / "prepared").read_text(encoding="utf-8") == "ready\n"
    assert len((tmp_path / "calls").read_text(encoding="utf-8").splitlines()) == 1
    assert "org.example:small:1.0:zip" in said[0]
    assert [path.name for path in folder.iterdir()] == ["keycloak"]


def test_another_content_than_the_pinned_is_refused_and_nothing_is_left(small: Distribution, tmp_path: Path) -> None:
    wrong = replace(small, sha256="0" * 64)
    with pytest.raises(BuildError, match=f"has the SHA-256 {small.sha256}, not 0000"):
        distributions.ensure(wrong, print, tmp_path / "cache")
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["keycloak.lock"]


def test_what_maven_says_is_told_where_it_fails(
    small: Distribution, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bin" / "mvn").write_text("#!/bin/sh\necho '[ERROR] Unknown host'\nexit 1\n", encoding="utf-8")
    with pytest.raises(BuildError, match="Unknown host"):
        distributions.ensure(small, print, tmp_path / "cache")


def test_a_machine_without_java_is_told_the_package(small: Distribution, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(debian, "OLDEST_JAVA", 99)
    assert distributions.why_not(small) == "Java >= 99 missing (Debian: apt-get install default-jre-headless)"


def test_too_little_room_is_told_before_anything_is_fetched(small: Distribution) -> None:
    assert "GB are needed" in (distributions.why_not(replace(small, disk_bytes=10**18)) or "")
