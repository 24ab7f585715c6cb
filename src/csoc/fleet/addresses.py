"""Addresses of repositories and charts: how they are read, what they are called, and which may be contacted.

Addresses come from repositories that anyone may have written to. Every fetcher asks here before it opens a connection,
so that there is one place to get it right: a repository cannot make csoc read local files, speak to the inside of a
network, or send a credential anywhere. Nothing here does I/O; looking up a host's addresses is a function handed in.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from urllib.parse import unquote

from csoc.config import DEFAULT_HOSTS, Settings
from csoc.errors import DeniedError, RejectedError, UnavailableError

Resolve = Callable[[str, int], Sequence[str]]
"""Host and port to IP addresses, as text. Empty means "not for us to look up" (a proxy does it). Raises OSError."""

LENGTH = 2_000
"""An address longer than this is refused: no real one is."""

_PORTS = {"https": 443, "http": 80, "ssh": 22, "oci": 443}
_HOST = re.compile(r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*")
_USER = re.compile(r"[A-Za-z0-9_.+][A-Za-z0-9_.+-]*")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://(.*)", re.DOTALL)
_HELPER = re.compile(r"[A-Za-z0-9+.-]+::")
_SCP = re.compile(r"(?:([^@/:\[\]]+)@)?(\[[^\]/]*\]|[^/:@\[\]]+):(.*)", re.DOTALL)
_INSIDE_NAMES = ("localhost", "local", "internal", "intranet", "lan", "home.arpa")


@dataclass(frozen=True, slots=True)
class Address:
    """One address, taken apart.

    scheme: https, http, ssh, oci, file or "" (a local path). host: lower case, IPv6 without brackets, "" if local.
    port: None if it is the scheme's own. path: no slash at the ends and no ".git" at the end (a local path as given).
    user: for ssh only. suffix: what `path` lost (".git"), kept because some hosts insist on it.
    """

    scheme: str
    host: str
    port: int | None
    path: str
    user: str = ""
    suffix: str = ""

    @property
    def local(self) -> bool:
        """True for a path on this machine."""
        return self.scheme in ("", "file")

    @property
    def effective_port(self) -> int:
        """The port that is contacted; 0 for a local path."""
        return self.port or _PORTS.get(self.scheme, 0)

    @property
    def authority(self) -> str:
        """host, or host:port where the port is not the scheme's own; IPv6 in brackets."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}" if self.port else host

    @property
    def name(self) -> str:
        """The canonical name: "github.com/uc-cdis/gen3-gitops", the same for https and ssh; or the local path."""
        return self.path if self.local else f"{self.authority}/{unquote(self.path)}".rstrip("/")

    @property
    def url(self) -> str:
        """What to connect to. Holds no credential; ssh gets the user "git" if none was named."""
        if self.local:
            return self.path
        user = f"{self.user or 'git'}@" if self.scheme == "ssh" else ""
        return f"{self.scheme}://{user}{self.authority}/{self.path}{self.suffix}"

    def __str__(self) -> str:
        return self.url


@dataclass(frozen=True, slots=True)
class Policy:
    """What an address found in a repository may be. hosts: exact or "*.example.org", with optional ":port".

    inside: those of `hosts` that the person listed, and which may therefore be on an inner network.
    """

    hosts: frozenset[str]
    schemes: frozenset[str]
    inside: frozenset[str]

    @classmethod
    def of(cls, settings: Settings) -> Policy:
        """The policy that the settings describe."""
        hosts = frozenset(host.lower().rstrip(".") for host in settings.hosts)
        return cls(hosts, frozenset(settings.allowed_schemes), frozenset(hosts - set(DEFAULT_HOSTS)))

    def including(self, address: Address) -> Policy:
        """The same, with exactly the host and port of an address that a person typed."""
        if address.local:
            return self
        entry = f"{_bracketed(address.host)}:{address.effective_port}"
        return replace(self, hosts=self.hosts | {entry}, inside=self.inside | {entry})


def parse(text: str) -> Address:
    """Takes an address apart: URL, "git@host:path", or a local path.

    Raises RejectedError (not an address, or with something in it that no address needs: a password, control characters,
    a leading "-", a backslash, ".." in the path) and DeniedError (a scheme that csoc never speaks). Messages never hold
    what stands before the "@".
    """
    _refuse_strange_text(text)
    match = _SCHEME.fullmatch(text)
    if match:
        scheme = match[1].lower()
        if scheme == "file":
            return _parse_file(match[2])
        if scheme not in _PORTS:
            raise DeniedError(
                f'Addresses of the scheme "{scheme}" are never opened', place=shown(text), fix="Use https or ssh"
            )
        return _parse_url(scheme, match[2], text)
    if _HELPER.match(text):
        raise DeniedError("Git's remote helpers are never run", place=shown(text), fix="Use an https or ssh address")
    scp = None if text.startswith(("/", ".", "~")) else _SCP.fullmatch(text)
    if scp:
        user, host, path = scp.groups()
        return _remote("ssh", _host(host, text), None, path, _user(user, text), text)
    return Address("", "", None, text)


@lru_cache(maxsize=4096)
def canonical_name(text: str) -> str:
    """The canonical name of an address; the text itself where it is not one. For comparing what documents say."""
    try:
        return parse(text).name
    except (RejectedError, DeniedError):
        return shown(text)


def check(address: Address, policy: Policy, resolve: Resolve, *, trusted: bool) -> None:
    """Refuses an address that may not be contacted; returns nothing.

    A trusted address (a person typed it) passes. Any other must be remote, with scheme and host allowed, and its host
    must not be, nor resolve to, an address inside a network, unless the person listed exactly that host and port.

    Raises DeniedError, UnavailableError (the host cannot be looked up).
    """
    if trusted:
        return
    place = address.url
    if address.local:
        raise DeniedError(
            "A repository may not name a path on this machine", place=place, fix="Use the https address of a repository"
        )
    entry = _matching(address, policy.hosts)
    listed = entry is not None and not entry.startswith("*") and entry in policy.inside
    named_port = listed and entry is not None and _has_port(entry)
    if address.scheme not in policy.schemes and not (address.scheme == "http" and named_port):
        raise DeniedError(
            f'The scheme "{address.scheme}" is not allowed for addresses found in a repository',
            place=place,
            fix=f"Allowed are {', '.join(sorted(policy.schemes))}; http only for a host listed with its port",
        )
    if entry is None:
        raise DeniedError(
            f"The host {address.authority} is not allowed",
            place=place,
            fix=f'If you trust it, add "{address.authority}" to extra_allowed_hosts in the settings of csoc',
        )
    if listed:
        return
    inner = _inner_address(address, resolve)
    if inner:
        raise DeniedError(
            f"The host {address.authority} is {inner}, inside a network",
            place=place,
            fix=f'If you trust it, add exactly "{address.authority}" to extra_allowed_hosts in the settings of csoc',
        )


def below(prefix: str, address: Address) -> int:
    """How specific a URL prefix is for an address: 0 if the address is not below it, else more for a longer path.

    Scheme, host and port must be equal; the path must begin with whole segments of the prefix's path.
    """
    start = parse(prefix.rstrip("/").removesuffix(".git") + "/_")
    parts = start.path.split("/")[:-1]
    same = (start.scheme, start.host, start.effective_port) == (address.scheme, address.host, address.effective_port)
    return len(parts) + 1 if same and address.path.split("/")[: len(parts)] == parts else 0


def is_inner(ip: str) -> bool:
    """True for an IP address that is not out on the Internet: loopback, private, link-local, multicast, reserved."""
    try:
        found = ipaddress.ip_address(ip.partition("%")[0])
    except ValueError:
        return True
    if isinstance(found, ipaddress.IPv6Address):
        carried = [found.ipv4_mapped, found.sixtofour]
        if found in ipaddress.ip_network("64:ff9b::/96"):  # RFC 6052: an IPv4 address behind a translator
            carried.append(ipaddress.IPv4Address(int(found) & 0xFFFFFFFF))
        for ipv4 in carried:
            if ipv4 is not None:
                return is_inner(str(ipv4))
    return not found.is_global or found.is_multicast


def shown(text: str) -> str:
    """An address for a message: one short line, without whatever stands before an "@" in its authority."""
    clean = "".join(char if char.isprintable() else "?" for char in text[:300])
    scheme, mark, rest = clean.partition("://")
    if not mark:
        return re.sub(r"^[^/@]*:[^/]*@", "", clean)
    authority, slash, path = rest.partition("/")
    if "@" in path:  # a password with a slash in it
        return f"{scheme}://{path.rpartition('@')[2]}"
    return f"{scheme}://{authority.rpartition('@')[2]}{slash}{path}"


def _refuse_strange_text(text: str) -> None:
    if not text or len(text) > LENGTH:
        raise RejectedError(f"An address must have 1 to {LENGTH} characters", place=shown(text[:80]))
    if any(not char.isprintable() for char in text) or text != text.strip():
        raise RejectedError("An address must not hold control characters or outer spaces", place=shown(text))
    if text.startswith("-"):
        raise RejectedError('An address must not begin with "-"', place=shown(text))
    if "\\" in text:
        raise RejectedError("An address must not hold a backslash", place=shown(text))


def _parse_file(rest: str) -> Address:
    host, slash, path = rest.partition("/")
    if host not in ("", "localhost") or not slash:
        raise RejectedError("A file address must read file:///path", place="file://")
    return Address("file", "", None, "/" + unquote(path))


def _parse_url(scheme: str, rest: str, text: str) -> Address:
    authority, _, path = rest.partition("/")
    user, at, host_port = authority.rpartition("@")
    if "@" in path.partition("/")[0] and not at:
        raise RejectedError('The "@" stands where no address has one', place=f"{scheme}://")
    # The clone URLs of Azure DevOps name the owner as user, who is no secret.
    owner = host_port.lower() == "dev.azure.com" and user == path.partition("/")[0]
    if at and scheme != "ssh" and not owner:
        raise RejectedError(
            "An address must not hold a user or a password",
            place=shown(text),
            fix="Take it out, and put the credential into the settings of csoc",
        )
    match = re.fullmatch(r"(\[[^\]]*\]|[^:\[\]]*)(?::(\d{1,5}))?", host_port)
    if not match or (match[2] and not 0 < int(match[2]) < 65536):
        raise RejectedError("The host of the address is not a name with an optional port", place=shown(text))
    port = int(match[2]) if match[2] else None
    host = _host(match[1], text)
    return _remote(scheme, host, port, path, _user(user if at and scheme == "ssh" else None, text), text)


def _remote(scheme: str, host: str, port: int | None, path: str, user: str, text: str) -> Address:
    if "?" in path or "#" in path:
        raise RejectedError('The path of an address must not hold "?" or "#"', place=shown(text))
    if " " in path:
        raise RejectedError("The path of an address must not hold spaces", place=shown(text), fix="Write %20")
    parts = [part for part in path.split("/") if part]
    for part in (unquote(part) for part in parts):
        if part in (".", "..") or "/" in part or "\\" in part or not part.isprintable():
            raise RejectedError("The path of an address leaves where it begins", place=shown(text))
    if scheme == "ssh" and (not parts or parts[0].startswith("-")):
        raise RejectedError('The path of an ssh address must not be empty or begin with "-"', place=shown(text))
    clean = "/".join(parts)
    suffix = ".git" if clean.endswith(".git") and clean != ".git" and not clean.endswith("/.git") else ""
    own = _PORTS[scheme]
    return Address(scheme, host, None if port == own else port, clean.removesuffix(suffix), user, suffix)


def _host(host: str, text: str) -> str:
    host = host.lower().removesuffix(".")
    if host.startswith("["):
        try:
            inner = host.removeprefix("[").removesuffix("]")
            return str(ipaddress.IPv6Address("" if "%" in inner else inner))
        except ValueError:
            raise RejectedError("The host of the address is not an IPv6 address", place=shown(text)) from None
    if len(host) > 253 or not _HOST.fullmatch(host):
        raise RejectedError(
            "The host of the address is not a host name", place=shown(text), fix="Write other scripts as punycode"
        )
    return host


def _user(user: str | None, text: str) -> str:
    if user is None:
        return ""
    if not _USER.fullmatch(user):
        raise RejectedError("The user of the address is not a plain name", place=shown(text), fix="Leave passwords out")
    return user


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _has_port(entry: str) -> bool:
    return re.search(r":\d+\Z", entry) is not None and not entry.endswith("]")


def _matching(address: Address, entries: Iterable[str]) -> str | None:
    """The entry that allows the host: exact ones first, since only those can allow an inner address."""
    host = _bracketed(address.host)
    exact = [f"{host}:{address.effective_port}", *([host] if address.port is None else [])]
    known = set(entries)
    for entry in exact:
        if entry in known:
            return entry
    for entry in known:
        name, _, port = entry.rpartition(":") if _has_port(entry) else (entry, "", "")
        fits_port = int(port) == address.effective_port if port else address.port is None
        if name.startswith("*.") and fits_port and host.endswith(name[1:]) and len(host) > len(name) - 1:
            return entry
    return None


def _inner_address(address: Address, resolve: Resolve) -> str:
    """What the host is inside a network: "127.0.0.1", a name; or ""."""
    host = address.host
    try:
        ipaddress.ip_address(host)
    except ValueError:
        pass
    else:
        return host if is_inner(host) else ""
    if host.rpartition(".")[2] in _INSIDE_NAMES or host.endswith(".home.arpa"):
        return "a local name"
    try:
        found = resolve(host, address.effective_port)
    except OSError as error:
        raise UnavailableError(
            f"The host {host} cannot be looked up: {error.strerror or 'no answer'}",
            place=address.url,
            fix="Check the name and the network",
        ) from error
    return next((ip for ip in found if is_inner(ip)), "")
