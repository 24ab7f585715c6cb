"""Addresses: one name for one repository, and nothing that a repository says leads inside."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from csoc.config import Settings
from csoc.errors import CsocError, DeniedError, RejectedError, UnavailableError
from csoc.fleet import addresses
from csoc.fleet.addresses import Policy, below, canonical_name, check, is_inner, parse, shown

PUBLIC = ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946"]
NAME = st.from_regex(r"[a-zA-Z0-9][a-zA-Z0-9._-]{0,20}[a-zA-Z0-9]", fullmatch=True).filter(
    lambda name: not name.endswith(".git") and ".." not in name
)


def resolving(*found: str) -> addresses.Resolve:
    def resolve(host: str, port: int) -> Sequence[str]:
        return found

    return resolve


def policy(*hosts: str) -> Policy:
    return Policy.of(Settings(extra_allowed_hosts=hosts))


def allowed(url: str, given_policy: Policy | None = None, *found: str) -> bool:
    try:
        check(parse(url), given_policy or policy(), resolving(*(found or PUBLIC)), trusted=False)
    except DeniedError:
        return False
    return True


@pytest.mark.parametrize(
    "text",
    [
        "https://github.com/uc-cdis/gen3-gitops",
        "https://github.com/uc-cdis/gen3-gitops.git",
        "https://GitHub.com/uc-cdis/gen3-gitops/",
        "https://github.com:443/uc-cdis//gen3-gitops.git/",
        "https://github.com./uc-cdis/gen3-gitops",
        "ssh://git@github.com/uc-cdis/gen3-gitops.git",
        "ssh://github.com:22/uc-cdis/gen3-gitops",
        "git@github.com:uc-cdis/gen3-gitops.git",
        "git@github.com:/uc-cdis/gen3-gitops",
        "github.com:uc-cdis/gen3-gitops",
        "HTTPS://github.com/uc%2Dcdis/gen3-gitops",
    ],
)
def test_every_form_of_one_repository_has_one_name(text: str) -> None:
    assert canonical_name(text) == "github.com/uc-cdis/gen3-gitops"


@pytest.mark.parametrize(
    ("text", "name", "url"),
    [
        ("https://git.example.org:8443/a/b", "git.example.org:8443/a/b", "https://git.example.org:8443/a/b"),
        ("ssh://me@git.example.org:2222/a/b.git", "git.example.org:2222/a/b", "ssh://me@git.example.org:2222/a/b.git"),
        ("git@h.org:a/b.git", "h.org/a/b", "ssh://git@h.org/a/b.git"),
        ("https://[2001:DB8::1]:8443/a", "[2001:db8::1]:8443/a", "https://[2001:db8::1]:8443/a"),
        ("oci://public.ecr.aws/karpenter", "public.ecr.aws/karpenter", "oci://public.ecr.aws/karpenter"),
        ("https://helm.gen3.org", "helm.gen3.org", "https://helm.gen3.org/"),
        ("/srv/fleet.git", "/srv/fleet.git", "/srv/fleet.git"),
        ("file:///srv/a%20b", "/srv/a b", "/srv/a b"),
        ("./fleet", "./fleet", "./fleet"),
        ("a/b:c", "a/b:c", "a/b:c"),
        (
            "https://org@dev.azure.com/org/project%20x/_git/repo",
            "dev.azure.com/org/project x/_git/repo",
            "https://dev.azure.com/org/project%20x/_git/repo",
        ),
    ],
)
def test_an_address_has_a_name_and_a_url_without_credentials(text: str, name: str, url: str) -> None:
    assert (parse(text).name, parse(text).url) == (name, url)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " https://github.com/a/b",
        "https://github.com/a/b\n",
        "https://github.com/a\x00b",
        "-oProxyCommand=id",
        "--upload-pack=id",
        "https://github.com\\@evil.org/a",
        "C:\\fleet",
        "folder\\fleet",
        "https://user:hunter2@github.com/a/b",
        "https://ghp_hunter2@github.com/a/b",
        "https://user:hunter2/@github.com/a/b",
        "https://user:12/hunter2@github.com/a/b",
        "ssh://git:hunter2@github.com/a/b",
        "ssh://-oProxyCommand=id/a",
        "ssh://git@-oProxyCommand=id/a",
        "ssh://-l@github.com/a",
        "git@github.com:-oProxyCommand=id",
        "git@-x:a/b",
        "ssh://github.com",
        "https:///a/b",
        "https://gith\u00fcb.com/a",
        "https://github.com:0/a",
        "https://github.com:99999/a",
        "https://github.com:x/a",
        "https://github.com/a/../../b",
        "https://github.com/a/%2e%2e/b",
        "https://github.com/a%2f..%2fb",
        "https://github.com/a%00b",
        "https://github.com/a?ref=x",
        "https://github.com/a#x",
        "https://github.com/a b",
        "https://[::1%25eth0]/a",
        "https://[zz]/a",
        "file://server/share",
        "https://github.com/" + "a" * 3000,
    ],
)
def test_an_address_with_something_strange_in_it_is_refused_and_no_password_shown(text: str) -> None:
    with pytest.raises(RejectedError) as caught:
        parse(text)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    ["git://github.com/a/b", "ext::sh -c id", "ftp://x.org/a", "javascript://x", "ext::https://github.com/a", "fd::17"],
)
def test_a_scheme_that_is_never_spoken_is_denied_to_everyone(text: str) -> None:
    with pytest.raises(DeniedError):
        parse(text)


@pytest.mark.parametrize(
    "url", ["https://github.com/a/b", "git@gitlab.com:a/b", "https://helm.gen3.org", "oci://public.ecr.aws/karpenter"]
)
def test_well_known_public_hosts_are_allowed(url: str) -> None:
    assert allowed(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.org/a",
        "https://github.com.evil.org/a",
        "https://evilgithub.com/a",
        "https://sub.github.com/a",
        "https://github.com:8443/a",
        "http://github.com/a",
        "ssh://github.com:2222/a",
        "/etc",
        "./x",
        "~/x",
        "file:///etc/passwd",
        "http://localhost/a",
        "https://localhost/a",
        "https://127.0.0.1/a",
        "https://[::1]/a",
        "https://169.254.169.254/latest/meta-data",
        "https://2130706433/a",
        "https://10.0.0.1/a",
    ],
)
def test_what_is_not_listed_is_denied(url: str) -> None:
    assert not allowed(url)


@pytest.mark.parametrize(
    "found",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1",
        "fe80::1%eth0",
        "fc00::1",
        "ff02::1",
        "::ffff:10.0.0.1",
        "64:ff9b::a00:1",
        "2002:7f00:1::",
        "nonsense",
    ],
)
def test_a_listed_name_that_leads_inside_is_denied(found: str) -> None:
    assert is_inner(found)
    assert not allowed("https://github.com/a/b", None, "93.184.216.34", found)
    assert not allowed("https://git.example.org/a", policy("*.example.org"), found)


@pytest.mark.parametrize("found", PUBLIC)
def test_public_addresses_are_outside(found: str) -> None:
    assert not is_inner(found)


def test_a_host_inside_is_allowed_where_the_person_listed_exactly_it() -> None:
    assert allowed("https://git.acme.test/a", policy("git.acme.test"), "10.0.0.1")
    assert allowed("https://git.acme.test:8443/a", policy("git.acme.test:8443"), "10.0.0.1")
    assert allowed("https://127.0.0.1:3000/a", policy("127.0.0.1:3000"))
    assert allowed("https://[::1]:3000/a", policy("[::1]:3000"))
    assert not allowed("https://git.acme.test:8443/a", policy("git.acme.test"), "10.0.0.1")
    assert not allowed("https://git.acme.test/a", policy("git.acme.test:8443"), "10.0.0.1")
    assert not allowed("https://a.git.acme.test/a", policy("*.git.acme.test"), "10.0.0.1")


def test_http_is_allowed_only_for_a_host_listed_with_its_port() -> None:
    assert allowed("http://127.0.0.1:3000/a", policy("127.0.0.1:3000"))
    assert allowed("http://git.acme.test/a", policy("git.acme.test:80"), "10.0.0.1")
    assert not allowed("http://git.acme.test/a", policy("git.acme.test"), "10.0.0.1")
    assert not allowed("http://git.acme.test:8080/a", policy("*.corp:8080"), "10.0.0.1")


def test_a_wildcard_is_for_what_is_below_it() -> None:
    assert allowed("https://a.b.example.org/x", policy("*.example.org"))
    assert allowed("https://a.example.org:8443/x", policy("*.example.org:8443"))
    assert not allowed("https://example.org/x", policy("*.example.org"))
    assert not allowed("https://evilexample.org/x", policy("*.example.org"))
    assert not allowed("https://a.example.org:8443/x", policy("*.example.org"))


def test_a_scheme_that_the_person_took_away_is_denied() -> None:
    without = Policy.of(Settings(allowed_schemes=("https",)))
    assert allowed("https://github.com/a", without)
    assert not allowed("git@github.com:a/b", without)
    assert not allowed("oci://ghcr.io/a", without)


def test_what_a_person_typed_passes_and_brings_its_host_along() -> None:
    typed = parse("http://localhost:3000/a")
    check(typed, policy(), resolving(), trusted=True)
    check(parse("/etc"), policy(), resolving(), trusted=True)
    more = policy().including(typed)
    assert allowed("http://localhost:3000/b", more)
    assert not allowed("http://localhost:3001/b", more)
    assert policy().including(parse("/etc")) == policy()


def test_a_host_that_cannot_be_looked_up_is_unavailable_and_not_denied() -> None:
    def fail(host: str, port: int) -> Sequence[str]:
        raise OSError(-2, "Name or service not known")

    with pytest.raises(UnavailableError, match="Name or service not known"):
        check(parse("https://github.com/a"), policy(), fail, trusted=False)


def test_where_a_proxy_looks_hosts_up_local_names_are_still_denied() -> None:
    def nothing(host: str, port: int) -> Sequence[str]:
        return []

    check(parse("https://github.com/a"), policy(), nothing, trusted=False)
    for host in ("a.localhost", "db.internal", "nas.local"):
        inside = policy(f"*.{host.partition('.')[2]}")
        with pytest.raises(DeniedError, match="local name"):
            check(parse(f"https://{host}/a"), inside, nothing, trusted=False)


def test_a_message_shows_an_address_without_what_stands_before_the_at() -> None:
    assert shown("https://user:hunter2@github.com/a\x1b[0m") == "https://github.com/a?[0m"
    assert "hunter2" not in shown("user:hunter2@github.com:a/b")
    assert "hunter2" not in shown("https://user:hunt/hunter2@github.com/a")
    assert len(shown("x" * 10_000)) <= 300


@given(st.text())
def test_no_text_breaks_reading_an_address(text: str) -> None:
    try:
        found = parse(text)
    except CsocError:
        return
    assert found.local or parse(found.url).name == found.name


@given(NAME, st.lists(NAME, min_size=1, max_size=4))
def test_the_https_and_ssh_forms_of_any_repository_are_one_name(owner: str, parts: list[str]) -> None:
    path = "/".join([owner, *parts])
    https = parse(f"https://git.example.org/{path}.git")
    assert https.name == parse(f"git@git.example.org:{path}").name == parse(f"ssh://x@GIT.example.org/{path}/").name
    assert parse(https.url) == https


@given(st.sampled_from(["https", "ssh", "oci"]), st.from_regex(r"[a-z0-9.\[\]:@%-]{1,30}", fullmatch=True))
def test_no_authority_gets_past_the_list_unless_it_is_on_it(scheme: str, authority: str) -> None:
    try:
        address = parse(f"{scheme}://{authority}/a/b")
    except CsocError:
        return
    if allowed(f"{scheme}://{authority}/a/b"):
        assert address.host in Settings().hosts
        assert address.port is None


def test_a_prefix_is_of_whole_segments() -> None:
    assert below("https://github.com", parse("https://github.com/a/b")) == 1
    assert below("https://github.com/a/", parse("https://github.com/a/b")) == 2
    assert below("https://github.com/a/b.git", parse("https://github.com/a/b")) == 3
    assert below("https://github.com/a", parse("https://github.com/ab/c")) == 0
    assert below("https://github.com/a/b/c", parse("https://github.com/a/b")) == 0
