"""Files of answers: read with everything that is wrong with them at once, each with its place; and an example of one.

No secret may be in such a file, and what looks like one is never shown, also where it is what is wrong.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from csoc.config import is_variable_name
from csoc.errors import RejectedError
from csoc.fleet.documents.faults import Fault, explain
from csoc.fleet.location import Location
from csoc.fleet.masking import looks_secret
from csoc.fleet.values import Path, walk
from csoc.fleet.yaml import yamltext
from csoc.gen3.launch import bundles, versions
from csoc.gen3.launch.answers import EACH_ALONE, PROVIDERS, VARIABLE, Answers

_GIVEN_BY_HAND = "csoc secret put ENVIRONMENT fence-config"
"""How a client's secret is given by hand."""
LARGEST_BYTES = 200_000
_MOST_FAULTS = 50


def parse_answers(content: bytes, path: str = "answers.yaml", *, secret_command: str = _GIVEN_BY_HAND) -> Answers:
    """Answers from YAML (or JSON, which is YAML too).

    path: what the file is called in errors. secret_command: how a secret is given instead. Raises RejectedError that
    holds every mistake with its line, field, what was expected and the nearest, never a secret; `faults_of` has them
    one by one.
    """
    faults, answers = _read(content, path, secret_command)
    if faults or answers is None:
        each = "; ".join(f"line {fault.location.line}: {fault.cause}{_sentence(fault.fix)}" for fault in faults)
        count = "1 answer is" if len(faults) == 1 else f"{len(faults)} answers are"
        raise RejectedError(f"{count} wrong: {each}", place=path, fix="See csoc launch --example-answers")
    return answers


def faults_of(content: bytes, path: str = "answers.yaml", *, secret_command: str = _GIVEN_BY_HAND) -> tuple[Fault, ...]:
    """Everything that is wrong with answers; () if nothing is."""
    return tuple(_read(content, path, secret_command)[0])


def _read(content: bytes, path: str, secret_command: str) -> tuple[list[Fault], Answers | None]:
    if len(content) > LARGEST_BYTES:
        return [Fault(_at(path), "", f"at most {LARGEST_BYTES:,} bytes", f"{len(content):,}")], None
    try:
        documents = yamltext.parse(content)
    except yamltext.YamlError as error:
        return [Fault(_at(path, error.line), "", "YAML", error.cause, error.fix)], None
    if len(documents) > 1:
        return [Fault(_at(path, documents[1].line), "", "one document", f"{len(documents)}")], None
    if not documents:
        return _validated({}, None, path)
    document = documents[0]
    if not isinstance(document.data, Mapping):
        return [Fault(_at(path, document.line), "", "a mapping of keys", "something else")], None
    faults = list(_secrets(document, path, secret_command))
    faults += [
        Fault(_at(path, line), ".".join(map(str, keys)), "a key that stands once", "the same key above")
        for keys, line in document.duplicates()
    ]
    hidden = [fault.field for fault in faults]
    found, answers = _validated(document.data, document, path)
    faults += [fault for fault in found if not any(fault.field == one or fault.field.startswith(one) for one in hidden)]
    faults.sort(key=lambda fault: (fault.location.line, fault.location.column, fault.field))
    return faults[:_MOST_FAULTS], None if faults else answers


def _validated(
    data: Mapping[str, Any], document: yamltext.YamlDocument | None, path: str
) -> tuple[list[Fault], Answers | None]:
    """What is wrong with each answer, and with those that are right together."""
    faults: list[Fault] = []
    wrong: set[str] = set()
    try:
        answers = _checked(data)
    except ValidationError as error:
        for item in error.errors(include_url=False)[:_MOST_FAULTS]:
            wrong.add(str(item["loc"][0]) if item["loc"] else "")
            faults.append(_explained(data, document, path, item))
        answers = _checked({key: value for key, value in data.items() if key not in wrong})
    for mismatch in answers.mismatches():
        if not wrong.intersection((mismatch.field, *mismatch.with_fields)):
            place = (document.position((mismatch.field,)) if document else None) or (1, 1)
            faults.append(Fault(_at(path, *place), mismatch.field, mismatch.expected))
    return list(dict.fromkeys(faults)), None if faults else answers


def _checked(data: Mapping[str, Any]) -> Answers:
    # Through JSON, where a list may become a tuple; everything else stays strict.
    return Answers.model_validate_json(json.dumps(data), context={EACH_ALONE: True})


def _explained(data: Mapping[str, Any], document: yamltext.YamlDocument | None, path: str, item: ErrorDetails) -> Fault:
    explained = explain(Answers, data, item, "")
    at = (document.position(explained.path) or document.position(tuple(item["loc"]))) if document else None
    if item["type"] == "extra_forbidden" and not explained.fix.startswith("Did you mean"):
        # Answers of a wrong name may be any file of this machine, so a key that is none of ours is not repeated.
        parent = _field(explained.path[:-1])
        return Fault(_at(path, *(at or (1, 1))), parent, explained.expected, "another (not shown)", explained.fix)
    fix = explained.fix or _nearest_of(explained.expected, explained.found)
    return Fault(_at(path, *(at or (1, 1))), explained.field, explained.expected, explained.found, fix)


def _nearest_of(expected: str, found: str) -> str:
    alternatives = re.findall(r"\b[a-z][a-z-]+\b", expected.partition("one of ")[2])
    close = difflib.get_close_matches(found.strip('"'), alternatives, n=1, cutoff=0.6)
    return f'Did you mean "{close[0]}"?' if close else ""


_NAME_IT = "Put the secret into a variable, and write the variable's name"
_NAMED_SECRET = ("clientSecret", "client_secret", "password", "secret", "token")


def _secrets(document: yamltext.YamlDocument, path: str, secret_command: str) -> Iterator[Fault]:
    """A fault for each text that is a secret, or stands where one would: without it."""
    give = f", or leave it out and give it when csoc asks: {secret_command}"
    for keys, value in walk(document.data):
        if not isinstance(value, (str, int, float)) or isinstance(value, bool):
            continue
        line = document.position(keys) or (1, 1)
        if keys[-1:] == ("env",):
            # Whatever is no name is taken for the secret itself.
            if not is_variable_name(str(value)):
                yield Fault(_at(path, *line), _field(keys), VARIABLE, "something else (not shown)", _NAME_IT)
            continue
        named = bool(keys) and str(keys[-1]) in _NAMED_SECRET
        if not named and not _reason(keys, value):
            continue
        yield Fault(_at(path, *line), _field(keys), "no secret in the answers", "one (not shown)", _instead(keys, give))


def _instead(keys: Path, give: str) -> str:
    """What to write in place of a secret: one answer can say where it is, an address is read without."""
    if "clientSecret" in keys or "client_secret" in keys:
        return f"Write where it is instead: clientSecret: {{env: NAME}} or {{file: PATH}}{give}"
    if keys[:1] == ("dictionary",):
        return "Take it away: the dictionary is read without signing in, by csoc and by the services"
    if keys[:2] == ("chart", "repoURL"):
        return "Take it away: what csoc shows to hosts stands below credentials in its settings, by url_prefix"
    return "Take it away: no answer but signIn.clientSecret is about a secret, and that one says where it is"


def _reason(keys: Path, value: object) -> str | None:
    if keys[-1:] == ("file",):
        return looks_secret((), value)  # a path, below a key that says secret
    # Ids of clients are public, though their key and their look say otherwise; what is in them is judged all the same.
    return looks_secret(("name",) if keys and keys[-1] == "clientId" else keys, value)


def _field(keys: Path) -> str:
    text = ""
    for step in keys:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else str(step)
    return text


def _sentence(fix: str) -> str:
    return f" ({fix})" if fix else ""


def _at(path: str, line: int = 1, column: int = 1) -> Location:
    return Location("", "", path, line, column)


def example_answers() -> str:
    """Answers with every key explained, as YAML that parses."""
    return _EXAMPLE


_EXAMPLE = f"""\
# Answers for csoc launch. Every key may be left out; what stands behind # is its default and why.

commons: heart                    # short name; "commons" if left out
title: Heart Data Commons         # what pages are headed with; made from the name
# environment: heart-dev          # <commons>-<stage>
stage: dev                        # dev: nobody launches production by leaving a line out
# slot: blue                      # only where two environments of a commons share a stage
# account: research               # the only account that is linked for workloads
# region: ap-southeast-2          # the account's first region
hostname: heart.example.org       # what people open; <environment>.<zone>, or .example.org to look at a launch
# namespace: heart-dev            # namespace and release; the environment's name
size: small                       # small (to try it), medium (production), large (many users)
cluster: new                      # or the name of a cluster that there is
# clusterName: heart              # name of a new cluster; the commons' name
# kubernetes: "{versions.KUBERNETES}"              # of a new cluster, in quotes
# network:                        # of a new cluster
#   cidr: 10.20.0.0/16
#   zones: 3                      # 2 or 3; as the size says
#   egress: nat                   # or proxy: only what allowDomains lists may be reached
# apiAccess: [203.0.113.0/24]     # who may reach the Kubernetes API; nobody from outside of its network
services: [standard]              # bundles: {", ".join(bundles.BUNDLES)}; and names of services
# members: [heart, lung]          # with the bundle mesh: the commons that it joins
signIn:
  provider: google                # {", ".join(PROVIDERS)}, or your own with discoveryUrl
  # clientId: 1234.apps.example.org      # no secret; csoc asks for it if left out
  # clientSecret: {{env: CLIENT_SECRET}}   # or {{file: PATH}}; never the secret itself; csoc asks for it if left out
# dictionary: {versions.DICTIONARY}
administrators: [ada@example.org] # may do everything; nobody if left out
# users: user.yaml                # a list of users beside this file, in place of administrators
# allow: [203.0.113.0/24]         # networks that may open the site; everybody, behind the sign-in
# internal: false                 # true: private addresses only
# certificate: arn:aws:acm:...    # one is requested for the hostname
# zone: {{name: example.org, id: Z0123456789ABCDEFGHIJ}}  # csoc keeps records there; else it names them
# chart: {{version: {versions.CHART_VERSION}}}
"""
