"""Makes the files of a new fleet repository: one that csoc accepts at once, and that teaches whoever opens it.

Examples stand in the READMEs of the folders and not as documents: an invented cluster would be shown as part of the
fleet until somebody deletes it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from pydantic import ValidationError

from csoc.clock import Ids
from csoc.errors import ConflictError, RejectedError
from csoc.fleet.documents import layout
from csoc.fleet.documents.base import API_VERSION, RecordMetadata
from csoc.fleet.documents.examples import EXAMPLES
from csoc.fleet.documents.faults import explain
from csoc.fleet.documents.judgements import Waivers, WaiversSpec
from csoc.fleet.documents.model import Fleet
from csoc.fleet.documents.schemas import schema_files
from csoc.fleet.documents.writing import render_document, schema_reference

DEFAULT_STAGES = ("dev", "staging", "prod")


def plan_init(
    name: str, stages: Sequence[str] = DEFAULT_STAGES, *, ids: Ids, existing: Collection[str] = ()
) -> dict[str, bytes]:
    """Every file of a new fleet repository by path. existing: paths that the target holds already; schemas among them
    are csoc's own, and the present ones take their place.

    Raises RejectedError (name or stages cannot be used; says what was expected), ConflictError (a file would be
    overwritten; names all of them).
    """
    fleet = _fleet(name, stages, ids())
    files = {
        "fleet.yaml": render_document(fleet, path="fleet.yaml", comments=_FLEET_COMMENTS, header=_FLEET_HEADER),
        "waivers.yaml": _waivers(),
        "README.md": _README.format(name=name).encode(),
        "CODEOWNERS": _CODEOWNERS.encode(),
        ".gitattributes": _GITATTRIBUTES.encode(),
        **{path: _folder(title, text, kind) for path, (title, text, kind) in _FOLDERS.items()},
        **schema_files(),
    }
    taken = sorted((set(files) - set(schema_files())) & set(existing))
    if taken:
        raise ConflictError(
            f"{len(taken)} of the files to write exist already: {', '.join(taken)}",
            place=taken[0],
            fix="Choose an empty folder, or adopt the repository instead: csoc fleet adopt",
        )
    return dict(sorted(files.items()))


def _fleet(name: str, stages: Sequence[str], uid: str) -> Fleet:
    data = {
        "apiVersion": API_VERSION,
        "kind": "Fleet",
        "metadata": {"name": name, "uid": uid},
        "spec": {"stages": tuple(stages)},
    }
    try:
        return Fleet.model_validate(data)
    except ValidationError as error:
        found = [explain(Fleet, data, item) for item in error.errors(include_url=False)]
        causes = "; ".join(f"{item.field}: expected {item.expected}, found {item.found}" for item in found)
        raise RejectedError(f"A fleet cannot be made with these names: {causes}") from None


def _waivers() -> bytes:
    document = Waivers.make(metadata=RecordMetadata(name="waivers"), spec=WaiversSpec(waivers=()))
    example = EXAMPLES["Waivers"].partition("  waivers:\n")[2]
    lines = "".join(f"  # {line}\n" for line in ["For example:", "waivers:", *_outdented(example)])
    return render_document(document, path="waivers.yaml", header=_WAIVERS_HEADER) + lines.encode()


def _outdented(text: str) -> list[str]:
    return [line.removeprefix("  ") for line in text.splitlines()]


def _folder(title: str, text: str, kind: str) -> bytes:
    path = layout.pattern(kind)
    modeline = f"# yaml-language-server: $schema={schema_reference(path, kind)}"
    return f"# {title}\n\n{text}\n\n`{path}`\n\n```yaml\n{modeline}\n{EXAMPLES[kind]}```\n".encode()


_FLEET_HEADER = """\
Everything that this organisation runs. csoc reads the documents of this repository; what is written in them
overrules what csoc would infer. An editor with a YAML language server checks them while you type."""

_FLEET_COMMENTS = {
    "metadata.uid": "never changes; other documents have their own",
    "spec.stages": "The order of promotion, production last. Environments name one of these, or unknown.",
}

_WAIVERS_HEADER = """\
Findings that somebody takes responsibility for until a day. Each says why, and who answers for it; after its last
day the finding counts again."""

_README = """\
# {name}

The fleet of {name}: its accounts, clusters, commons and environments, as csoc reads them.

| path | what it holds |
|---|---|
| `fleet.yaml` | the fleet: its stages in the order of promotion |
| `accounts/` | cloud accounts and sites; never a role or a secret |
| `clusters/` | Kubernetes clusters, and the Argo CD Applications that run on them |
| `commons/` | commons and their environments, with their values |
| `releases/` | versions that are promoted together |
| `waivers.yaml` | findings that somebody takes responsibility for until a day |
| `.csoc/schemas/` | what editors need to check documents while you type; written by csoc |

The README of each folder shows a whole document.

Check everything, as a reviewer would:

    csoc check

See what there is:

    csoc fleet show

Names may change. A `uid` may not: it is part of the names of what csoc makes, and tells two things of one name apart.
Give a copied document a new one.
"""

_CODEOWNERS = """\
# Who must review what. Take the "#" away and name your teams; Git hosts then ask them for each pull request.
#
# *                     @example/platform-team
# /accounts/            @example/security-team
# /waivers.yaml         @example/security-team
# /commons/heart/       @example/heart-team
"""

_GITATTRIBUTES = """\
# One form of line ends everywhere, so that a change shows only what changed.
* text=auto eol=lf
.csoc/schemas/*.json linguist-generated=true
"""

_FOLDERS = {
    "accounts/README.md": (
        "Accounts",
        "One document for each cloud account or site. Trust between csoc and an account is set up outside of Git,\n"
        "so nothing here is secret.",
        "Account",
    ),
    "clusters/README.md": (
        "Clusters",
        "One folder for each Kubernetes cluster. `applications/` in it holds the Argo CD Applications of the\n"
        "environments that run there; the cluster's root Application reads that folder and no other.",
        "Cluster",
    ),
    "commons/README.md": (
        "Commons",
        "One folder for each commons, with a `commons.yaml` (`kind: Commons`, `spec: {}`) and one folder for each of\n"
        "its environments. An environment keeps its values beside its document.",
        "Environment",
    ),
    "releases/README.md": (
        "Releases",
        "One document for each set of versions that is promoted as a whole.",
        "Release",
    ),
}
