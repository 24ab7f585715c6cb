"""What csoc shows to a Git server, looked up in the settings by the address that is contacted.

A credential goes to the address below whose prefix it stands in the settings, and nowhere else; it is handed to libgit2
when the server asks for it, and so never becomes part of a URL, a clone's configuration or a message.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Protocol

import pygit2
from pygit2.enums import CredentialType

from csoc.adapters.git.github_app import AppTokens
from csoc.config import Credential, Settings
from csoc.errors import DeniedError, NotFoundError
from csoc.fleet import addresses
from csoc.fleet.addresses import Address


class GitCredential(Protocol):
    """What libgit2 takes."""

    @property
    def credential_type(self) -> CredentialType:
        """Which kind it is."""


class Credentials:
    """The settings' credentials. environ: where variables are read."""

    def __init__(self, settings: Settings, apps: AppTokens, environ: Mapping[str, str] | None = None) -> None:
        self._credentials = settings.credentials
        self._apps = apps
        self._environ = os.environ if environ is None else environ

    def find(self, address: Address) -> Credential | None:
        """The credential with the longest prefix that the address is below."""
        best = max(self._credentials, key=lambda one: addresses.below(one.url_prefix, address), default=None)
        return best if best is not None and addresses.below(best.url_prefix, address) else None

    def basic(self, address: Address) -> tuple[str, str] | None:
        """User and password for HTTP, or None if the settings have none. For other fetchers too (charts, registries).

        Raises what reading a token or asking for one raises.
        """
        credential = self.find(address)
        if credential is None:
            return None
        user = credential.username or "x-access-token"
        if credential.kind == "token":
            return user, credential.token(self._environ)
        if credential.kind == "github-app":
            return user, self._apps.token(credential)
        return None

    def app_token(self, credential: Credential) -> str:
        """A token of a GitHub App, for its host's interface. Raises as `AppTokens.token`."""
        return self._apps.token(credential)

    def answer(self, address: Address, allowed: CredentialType, *, trusted: bool) -> GitCredential:
        """What to show to the server that asks. Raises DeniedError (there is nothing for it), and as `basic`."""
        if allowed & CredentialType.USERPASS_PLAINTEXT and address.scheme != "ssh":
            basic = self.basic(address)
            if basic:
                return pygit2.UserPass(*basic)
        if address.scheme == "ssh" and allowed & CredentialType.USERNAME:
            return pygit2.Username(self._user(address))
        if address.scheme == "ssh" and allowed & CredentialType.SSH_KEY:
            return self._ssh(address, trusted=trusted)
        raise DeniedError(
            "The server asks for a credential, and the settings have none for this address (or it does not exist)",
            place=address.url,
            fix="Add one under [[credentials]] in the settings of csoc",
        )

    def _user(self, address: Address) -> str:
        credential = self.find(address)
        return address.user or (credential.username if credential else "") or "git"

    def _ssh(self, address: Address, *, trusted: bool) -> GitCredential:
        credential = self.find(address)
        user = self._user(address)
        if credential is not None and credential.kind == "ssh-key":
            key = credential.private_key_file
            if key is None or not key.is_file():
                raise NotFoundError("The SSH key does not exist", place=str(key), fix="Correct private_key_file")
            passphrase = self._environ.get(credential.passphrase_env or "", "")
            return pygit2.Keypair(user, None, str(key), passphrase)
        # An agent holds every key of the person, so an address from a repository gets it only if the settings say so.
        allowed = trusted if credential is None else credential.kind == "ssh-agent"
        if allowed and self._environ.get("SSH_AUTH_SOCK"):
            return pygit2.KeypairFromAgent(user)
        raise DeniedError(
            "The server asks for an SSH key and the settings have none for this address",
            place=address.url,
            fix='Add one under [[credentials]] in the settings of csoc (kind "ssh-key" or "ssh-agent")',
        )
