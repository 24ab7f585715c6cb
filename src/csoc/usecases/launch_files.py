"""What a file of answers refers to, read before anything is planned: the list of users, and secrets.

A list of users goes into Git as it is, so not any file of this machine may be one: it stands beside the answers or
below, has the shape of a user.yaml, and holds nothing that looks secret. What is refused is never repeated.

The secret goes to the commons, whose people may read it. Answers that somebody else wrote must not choose a secret of
this machine for that: its file stands beside the answers too, and its variable is none that csoc itself reads.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection
from pathlib import Path

from csoc.config import Settings
from csoc.config.files import read_whole
from csoc.errors import CsocError, NotFoundError, RejectedError, UnavailableError
from csoc.gen3.file_secrets import secrets_in_file
from csoc.gen3.launch import users
from csoc.gen3.launch.answers import Answers, SecretReference
from csoc.gen3.launch.secretvalues import check_one_line
from csoc.usecases.planning.filling import GivenSecrets

_MOST_NAMED = 5
_LARGEST_SECRET_BYTES = 64_000
# AWS's client and csoc's settings; libpq, which reads the database's password.
_OWN_VARIABLES = ("AWS_", "CSOC_", "PGPASS")


def variables_of(settings: Settings) -> frozenset[str]:
    """The variables in which settings say that tokens and passphrases are."""
    sources = (*settings.credentials, *settings.git_hosts, settings.platform)
    named = {one.token_env for one in sources} | {one.passphrase_env for one in settings.credentials}
    return frozenset(name for name in named if name)


def users_of(answers: Answers, folder: Path) -> str:
    """The list of users that the answers name, "" for none. folder: where the answers stand.

    Raises NotFoundError, UnavailableError (it cannot be read) or RejectedError (it is elsewhere, too large, no
    user.yaml, or holds a secret); none of them shows what is in it.
    """
    if answers.users is None:
        return ""
    content = _content(
        folder,
        answers.users,
        users.LARGEST_BYTES,
        place=f"users, {answers.users}",
        fix="Name a user.yaml that stands beside the answers or below",
    )
    try:
        users.check_list(content)
    except RejectedError as error:
        error.place = f"users, {answers.users}"
        raise
    found = secrets_in_file(content, keys=True)
    if found:
        lines = ", ".join(f"line {one.line}: {one.reason}" for one in found[:_MOST_NAMED])
        raise RejectedError(
            f"The list of users goes into Git, and a secret is in it (not shown): {lines}",
            place=f"users, {answers.users}",
            fix="Take it out; whoever it belongs to makes it anew if others could read the file",
        )
    return content.decode()


def secrets_of(
    answers: Answers,
    folder: Path,
    variable: Callable[[str], str | None] = os.environ.get,
    own: Collection[str] = (),
) -> GivenSecrets:
    """What the answers know of the client, kept in this process's memory only. own: variables that csoc reads, beside
    those that it always does.

    Raises NotFoundError, UnavailableError, RejectedError (it is no single line, or not for answers to name).
    """
    found: dict[str, str] = {}
    if answers.sign_in.client_id is not None:
        found["client-id"] = answers.sign_in.client_id
    if answers.sign_in.client_secret is not None:
        found["client-secret"] = _secret(answers.sign_in.client_secret, folder, variable, own)
    return {"fence-config": found} if found else {}


def _secret(
    reference: SecretReference, folder: Path, variable: Callable[[str], str | None], own: Collection[str]
) -> str:
    place = "signIn.clientSecret"
    if reference.env is not None:
        if reference.env.startswith(_OWN_VARIABLES) or reference.env in own:
            raise RejectedError(
                f"The variable {reference.env} is one that csoc itself reads, and no secret of a commons",
                place=place,
                fix="If the client's secret is in it, copy it into a variable of its own, and name that",
            )
        value = (variable(reference.env) or "").strip()
        if not value:
            raise NotFoundError(f"The variable {reference.env} is not set", place=place, fix="Set it")
    else:
        where = f"{place}, {reference.file}"
        fix = "Correct signIn.clientSecret.file: a file that stands beside the answers or below"
        content = _content(folder, str(reference.file), _LARGEST_SECRET_BYTES, place=where, fix=fix)
        try:
            value = content.decode().strip()
        except UnicodeDecodeError:
            raise RejectedError("The file is not text, so no secret", place=where, fix=fix) from None
        if not value:
            raise NotFoundError("The file is empty", place=where, fix="Put the secret into it")
    check_one_line(value, "the client's secret", place)
    return value


def _content(folder: Path, name: str, largest_bytes: int, *, place: str, fix: str) -> bytes:
    """Of a file below a folder. No link leads out of it, and nothing but a file is opened."""
    try:
        root = folder.resolve(strict=True)
        path = (root / name).resolve(strict=True)
        if not path.is_relative_to(root):
            raise RejectedError("The file is not in the folder of the answers", place=place, fix=fix)
        return read_whole(path, largest_bytes, fix=fix, follow=False)
    except CsocError as error:
        error.place = place
        raise
    except FileNotFoundError:
        raise NotFoundError("The file does not exist", place=place, fix=fix) from None
    except (OSError, RuntimeError) as error:  # RuntimeError: links in a circle
        said = error.strerror if isinstance(error, OSError) else "its links lead nowhere"
        raise UnavailableError(f"The file cannot be read: {said}", place=place, fix=fix) from error
