"""What survives the emulator: everything that its services know, in one file of a folder.

A snapshot is written whole, beside the old one, and then put in its place, so that an end at any moment leaves a
snapshot that can be read. Why snapshots and no journal of calls: docs/decisions/emulator-state.md.
"""

from __future__ import annotations

import hashlib
import importlib
import io
import json
import logging
import marshal
import os
import pickle
import stat
import sys
import tempfile
import threading
import types
import weakref
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from moto.core.base_backend import AccountSpecificBackend, BackendDict
from moto.iam.aws_managed_policies import aws_managed_policies_data
from moto.iam.models import AWSManagedPolicy
from moto.organizations.models import organizations_backends
from moto.s3.models import s3_backends

from csoc import __version__
from csoc.emulator.cloud.gate import Gate
from csoc.emulator.timeline import Timeline
from csoc.errors import ConflictError, DeniedError, RejectedError, UnavailableError

_MAGIC = b"csoc-emulator-state\n"
_FORMAT = 3
_FILE = "state"
_PAUSE_SECONDS = 2.0
_LOG = logging.getLogger(__name__)
_LOCK = "lock"


@dataclass(frozen=True, slots=True)
class Part:
    """One thing that is kept. keep: gives what can be pickled; restore: takes it back."""

    keep: Callable[[], Any]
    restore: Callable[[Any], None]


class StateFolder:
    """A folder of this user's own, that nobody else may look into; one emulator at a time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextmanager
    def held(self) -> Iterator[None]:
        """Makes the folder if need be and keeps others out until the block ends.

        Raises DeniedError if it is not this user's alone, ConflictError if an emulator runs in it, UnavailableError if
        it cannot be made or written.
        """
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._check()
            # Closing it lets the lock go, also where the process ends without a word.
            lock = os.open(self._folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        except FileExistsError as error:
            raise RejectedError("This is a file, not a folder", place=str(self._folder), fix="Name a folder") from error
        except NotADirectoryError as error:
            raise RejectedError("A part of the path is a file", place=str(self._folder), fix="Name a folder") from error
        except OSError as error:
            why = f"The folder cannot be used: {error.strerror}"
            raise UnavailableError(why, place=str(self._folder), fix="Name another one") from error
        try:
            _hold(lock, self._folder)
            yield
        finally:
            os.close(lock)

    def load(self) -> dict[str, Any] | None:
        """What was kept, by part; None if nothing was. The folder must be held.

        Raises RejectedError for a snapshot of another version, or one that is damaged.
        """
        path = self._folder / _FILE
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise UnavailableError(f"The state cannot be read: {error.strerror}", place=str(path)) from error
        header, digest, body = _taken_apart(content, path)
        if header != _versions():
            raise RejectedError(
                f"The state was kept by {header}, and this is {_versions()}",
                place=str(path),
                fix="Run the versions that kept it, or begin in another folder",
            )
        if hashlib.sha256(body).hexdigest() != digest:
            raise RejectedError("The state is damaged", place=str(path), fix="Begin in another folder")
        try:
            # The folder is this user's own and closed to others, so what is loaded was written by this program.
            found: dict[str, Any] = _Unpickler(io.BytesIO(body)).load()
        except (pickle.UnpicklingError, AttributeError, ImportError, EOFError, TypeError, LookupError) as error:
            reason = f"The state cannot be read: {error}"
            raise RejectedError(reason, place=str(path), fix="Begin in another folder") from error
        return found

    def save(self, body: bytes) -> None:
        """Keeps what `pickled` made. Raises UnavailableError if that is not possible; the old snapshot stays."""
        header = f"{_versions()}\n{hashlib.sha256(body).hexdigest()}\n".encode()
        written: Path | None = None
        try:
            with tempfile.NamedTemporaryFile(dir=self._folder, prefix=".state-", delete=False) as file:
                written = Path(file.name)
                file.write(_MAGIC + header + body)
                file.flush()
                os.fsync(file.fileno())
            written.replace(self._folder / _FILE)
        except OSError as error:
            if written is not None:
                with suppress(OSError):
                    written.unlink()
            why = f"The state cannot be kept: {error.strerror}"
            raise UnavailableError(why, place=str(self._folder), fix="Make room, or name another folder") from error

    def _check(self) -> None:
        found = os.lstat(self._folder)
        if stat.S_ISLNK(found.st_mode) or not stat.S_ISDIR(found.st_mode):
            raise RejectedError(
                "This is no folder of its own", place=str(self._folder), fix="Name a folder, not a link"
            )
        if found.st_uid != os.getuid():
            raise DeniedError(
                "The folder belongs to somebody else, and what is in it would be run", place=str(self._folder),
                fix="Name a folder of your own",
            )  # fmt: skip
        if stat.S_IMODE(found.st_mode) & 0o077:
            raise DeniedError(
                "Others may look into the folder, which keeps keys", place=str(self._folder),
                fix=f"chmod 700 {self._folder}",
            )  # fmt: skip


def _hold(lock: int, folder: Path) -> None:
    import fcntl

    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise ConflictError(
            "Another emulator keeps its state here", place=str(folder), fix="End it, or name another folder"
        ) from error


def _taken_apart(content: bytes, path: Path) -> tuple[str, str, bytes]:
    if not content.startswith(_MAGIC):
        raise RejectedError("This is no state of an emulator", place=str(path), fix="Begin in another folder")
    header, digest, body = (*content[len(_MAGIC) :].split(b"\n", 2), b"", b"")[:3]
    return header.decode("utf-8", "replace"), digest.decode("ascii", "replace"), body


def _versions() -> str:
    python = ".".join(str(part) for part in sys.version_info[:2])
    return f"format {_FORMAT}, csoc {__version__}, moto {metadata.version('moto')}, Python {python}"


# Pickling

_LOCKS = (type(threading.Lock()), type(threading.RLock()))


class _Pickler(pickle.Pickler):
    """Pickles moto's objects as they are, apart from locks, which are made anew, and tables of back ends, of which
    there is one of each in a process: they are named."""

    def reducer_override(self, value: Any) -> Any:
        if isinstance(value, _LOCKS):
            return (threading.Lock, ()) if isinstance(value, _LOCKS[0]) else (threading.RLock, ())
        if isinstance(value, (rsa.RSAPrivateKey, ec.EllipticCurvePrivateKey)):
            text = value.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            return _private_key, (text,)
        if isinstance(value, AWSManagedPolicy):
            # 1,582 of them in each account, the same everywhere but for who has them.
            return _aws_policy, (value.name, value.account_id, value.attachment_count)
        if isinstance(value, x509.Certificate):
            return _certificate, (value.public_bytes(Encoding.PEM),)
        if isinstance(value, weakref.WeakValueDictionary):
            return weakref.WeakValueDictionary, (dict(value),)
        if isinstance(value, defaultdict) and type(value) is not defaultdict:
            # Its own way would call a constructor that asks for more than the factory.
            return _with_default, (type(value), value.default_factory), vars(value), None, iter(value.items())
        if isinstance(value, types.FunctionType) and "<locals>" in value.__qualname__:
            cells = tuple(cell.cell_contents for cell in value.__closure__ or ())
            return _function, (marshal.dumps(value.__code__), value.__module__, value.__defaults__, cells)
        return NotImplemented

    def persistent_id(self, value: Any) -> Any:
        if isinstance(value, BackendDict):
            return ("table", *_place(value))
        if isinstance(value, AccountSpecificBackend):
            table = next(one for one in _tables() if dict.get(one, value.account_id) is value)
            return ("account", *_place(table), value.account_id)
        return None


class _Unpickler(pickle.Unpickler):
    def persistent_load(self, pid: Any) -> Any:
        table = _table(pid[1], pid[2])
        return table if pid[0] == "table" else table[pid[3]]


def _with_default(kind: type[defaultdict[Any, Any]], factory: Any) -> Any:
    made = kind.__new__(kind)
    made.default_factory = factory
    return made


def _aws_policy(name: str, account: str, attachments: int) -> Any:
    made = AWSManagedPolicy.from_data(name, account, "aws", _aws_policies()[name])
    made.attachment_count = attachments
    return made


@cache
def _aws_policies() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(aws_managed_policies_data)
    return found


def _private_key(text: bytes) -> Any:
    return serialization.load_pem_private_key(text, None)


def _certificate(text: bytes) -> Any:
    return x509.load_pem_x509_certificate(text)


def _function(code: bytes, module: str, defaults: tuple[Any, ...] | None, cells: tuple[Any, ...]) -> Any:
    """A function that was made within another one; moto has such as defaults of its tables."""
    if not module.startswith("moto."):
        raise pickle.UnpicklingError(f"{module} is none of moto's modules")
    closure = tuple(types.CellType(content) for content in cells) or None
    found = marshal.loads(code)  # noqa: S302 - see StateFolder.load
    return types.FunctionType(found, vars(importlib.import_module(module)), found.co_name, defaults, closure)


def _tables() -> list[BackendDict[Any]]:
    """Tables of back ends that are in use."""
    return list(vars(BackendDict)["_instances"])


def _place(table: BackendDict[Any]) -> tuple[str, str]:
    """Module and name of a table of back ends."""
    module = sys.modules[table.backend.__module__]
    name = next((name for name, value in vars(module).items() if value is table), "")
    if not name:
        raise pickle.PicklingError(f"{module.__name__} has no name for its table of back ends")
    return module.__name__, name


def _table(module: str, name: str) -> Any:
    if not module.startswith("moto."):
        raise pickle.UnpicklingError(f"{module} is none of moto's modules")
    return getattr(importlib.import_module(module), name)


def pickled(value: Any) -> bytes:
    """A value with moto's objects in it."""
    buffer = io.BytesIO()
    _Pickler(buffer, protocol=pickle.HIGHEST_PROTOCOL).dump(value)
    return buffer.getvalue()


def keep_moto() -> Any:
    """All of moto's back ends that are in use, and what their tables keep besides."""
    return {
        _place(table): (
            {account: dict(dict.items(regions)) for account, regions in dict.items(table)},
            {name: value for name, value in vars(table).items() if name not in _OF_EVERY_TABLE},
        )
        for table in _tables()
    }


def restore_moto(kept: Any) -> None:
    """Puts back ends where moto looks for them."""
    for (module, name), (accounts, shared) in kept.items():
        table = _table(module, name)
        table.__dict__.update(shared)
        for account, regions in accounts.items():
            for region, backend in regions.items():
                dict.__setitem__(table[account], region, backend)


def forget_accounts(accounts: Collection[str]) -> None:
    """Drops all that moto holds of these accounts, with the names that only one account of all can have."""
    for table in _tables():
        for account in accounts:
            dict.pop(table, account, None)
    for names in (s3_backends.bucket_accounts, organizations_backends.master_accounts):
        for name, (_, account) in [*names.items()]:
            if account in accounts or name in accounts:
                names.pop(name, None)


_OF_EVERY_TABLE = frozenset({"backend", "service_name", "_use_boto3_regions", "_additional_regions", "_id"})
MOTO = Part(keep_moto, restore_moto)


class Keeper:
    """Keeps the parts in a folder every few seconds and at the end. Nothing changes while it copies: calls wait at the
    gate, and the timeline's actions wait for this one, since it is one of them."""

    def __init__(self, folder: StateFolder, parts: Mapping[str, Part], gate: Gate, timeline: Timeline) -> None:
        self._folder = folder
        self._parts = parts
        self._gate = gate
        self._timeline = timeline
        self._last = b""
        self._ended = False

    def begin(self, kept: Mapping[str, Any] | None) -> None:
        """Puts back what was kept, and from here on keeps what there is."""
        if kept is not None:
            for name, part in self._parts.items():
                part.restore(kept[name])
        self._again()

    def end(self) -> None:
        """Keeps the last state. Raises UnavailableError."""
        self._ended = True
        self._keep()

    def _again(self) -> None:
        # Emulated seconds: the pause is a real one, however fast the time runs.
        speed = getattr(self._timeline, "speed", 1.0)
        self._timeline.later(_PAUSE_SECONDS * speed, self._periodically)

    def _periodically(self) -> None:
        if self._ended:
            return
        try:
            self._keep()
        except UnavailableError as error:
            _LOG.error("%s", error)
        finally:
            self._again()

    def _keep(self) -> None:
        with self._gate.alone():
            body = pickled({name: part.keep() for name, part in self._parts.items()})
        if body != self._last:
            self._folder.save(body)
            self._last = body
