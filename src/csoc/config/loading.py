"""Where settings come from: the file, then variables, which win. Every mistake is told at once, with its key."""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_origin

from pydantic import ValidationError

from csoc.config import Author, AwsSettings, Credential, GitHostSettings, Limits, RenderLimits, Section, Settings
from csoc.config.files import read_whole
from csoc.errors import NotFoundError, RejectedError

_LARGEST_BYTES = 1_000_000
_WHERE = re.compile(r" \(at [a-z0-9, ]+\)$")


def config_path(environ: Mapping[str, str] | None = None) -> Path:
    """Where the settings file is: CSOC_CONFIG, or csoc/config.toml in the user's configuration folder."""
    environ = os.environ if environ is None else environ
    if environ.get("CSOC_CONFIG"):
        return Path(environ["CSOC_CONFIG"]).expanduser()
    return Path(environ.get("XDG_CONFIG_HOME") or "~/.config").expanduser() / "csoc" / "config.toml"


def load(environ: Mapping[str, str] | None = None) -> Settings:
    """Settings from the file, then from variables, which win.

    Raises NotFoundError (CSOC_CONFIG names no file), UnavailableError (cannot be read), RejectedError (every mistake
    at once, each with its key and what was expected).
    """
    environ = os.environ if environ is None else environ
    path = config_path(environ)
    data = _read(path, required=bool(environ.get("CSOC_CONFIG")))
    origins = _apply_variables(data, environ)
    if environ.get("XDG_CACHE_HOME"):
        data.setdefault("cache_dir", str(Path(environ["XDG_CACHE_HOME"]) / "csoc"))
    if environ.get("XDG_DATA_HOME"):
        data.setdefault("data_dir", str(Path(environ["XDG_DATA_HOME"]) / "csoc"))
    try:
        return Settings.model_validate(data)
    except ValidationError as error:
        mistakes = error.errors(include_url=False, include_input=False)
        lines = [_explain(item, origins) for item in mistakes]
        places = {_origin([str(part) for part in item["loc"]], origins) or str(path) for item in mistakes}
        raise RejectedError(
            "; ".join(lines), place=", ".join(sorted(places)), fix="See docs/reference/settings.md"
        ) from None


def variables() -> dict[str, tuple[str, ...]]:
    """Every variable that sets something, with the key it sets: {"CSOC_LIMITS_FETCH_SECONDS": ("limits", ...)}."""
    found: dict[str, tuple[str, ...]] = {}
    for name, field in Settings.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, Section):
            keys = (
                key for key, one in field.annotation.model_fields.items() if get_origin(one.annotation) is not Mapping
            )
            found |= {f"CSOC_{name}_{key}".upper(): (name, key) for key in keys}
        elif name not in ("credentials", "git_hosts"):
            found[f"CSOC_{name}".upper()] = (name,)
    return found


def _read(path: Path, *, required: bool) -> dict[str, Any]:
    try:
        content = read_whole(path, _LARGEST_BYTES, what="The settings file", fix="Correct CSOC_CONFIG")
    except NotFoundError:
        if required:
            raise
        return {}
    try:
        return tomllib.loads(content.decode())
    except UnicodeDecodeError:
        raise RejectedError("The settings file is not UTF-8 text", place=str(path)) from None
    except tomllib.TOMLDecodeError as error:
        # The reader's own sentence may quote the file, which may be another one than was meant.
        where = _WHERE.search(str(error))
        raise RejectedError(f"The settings file is not TOML{where[0] if where else ''}", place=str(path)) from None


def _apply_variables(data: dict[str, Any], environ: Mapping[str, str]) -> dict[tuple[str, ...], str]:
    """Puts variables into data. Returns which key came from which variable, for messages."""
    known = variables()
    origins: dict[tuple[str, ...], str] = {}
    for name in sorted(environ):
        key = known.get(name)
        if key is None:
            _refuse_misspelt(name, known)
            continue
        value: Any = environ[name]
        field = Settings.model_fields[key[0]]
        if len(key) == 2 and isinstance(field.annotation, type) and issubclass(field.annotation, Section):
            field = field.annotation.model_fields[key[1]]
        if get_origin(field.annotation) is tuple:
            value = [item.strip() for item in value.split(",") if item.strip()]
        section = data
        if len(key) == 2:
            section = data.setdefault(key[0], {})
            if not isinstance(section, dict):
                continue  # the file has something else there; validation says so
        section[key[-1]] = value
        origins[key] = name
    return origins


def _refuse_misspelt(name: str, known: Mapping[str, object]) -> None:
    # Other CSOC_ variables are not ours to refuse (a token may be kept in one), but a near miss is a mistake.
    if not name.startswith("CSOC_"):
        return
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.9)
    if near:
        raise RejectedError(f"The variable {name} sets nothing", place=name, fix=f"Did you mean {near[0]}?")


def _origin(parts: list[str], origins: Mapping[tuple[str, ...], str]) -> str:
    """The variable that a setting came from; "" if it came from the file."""
    return next((name for path, name in origins.items() if parts[: len(path)] == list(path)), "")


def _explain(item: Any, origins: Mapping[tuple[str, ...], str]) -> str:
    """One mistake in words, without the value, which may be a secret in the wrong place."""
    parts = [str(part) for part in item["loc"]]
    key = ".".join(parts)
    origin = _origin(parts, origins)
    where = f"{key} (from {origin})" if origin else key or "the file"
    if item["type"] == "extra_forbidden":
        near = difflib.get_close_matches(parts[-1], _keys_beside(item["loc"]), n=1, cutoff=0.5)
        hint = f", did you mean {near[0]}" if near else f", known are {', '.join(sorted(_keys_beside(item['loc'])))}"
        return f"{where}: unknown key{hint}"
    if item["type"] == "missing":
        return f"{where}: is required"
    message = str(item["msg"]).removeprefix("Value error, ")
    return f"{where}: {message[0].lower()}{message[1:]}"


def _keys_beside(loc: tuple[int | str, ...]) -> list[str]:
    sections: dict[str, type[Section]] = {
        "credentials": Credential,
        "git_hosts": GitHostSettings,
        "limits": Limits,
        "render": RenderLimits,
        "author": Author,
        "aws": AwsSettings,
    }
    model: type[Section] = sections.get(str(loc[0]), Settings) if len(loc) > 1 else Settings
    return list(model.model_fields)
