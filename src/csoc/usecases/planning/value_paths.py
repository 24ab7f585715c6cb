"""Which files an environment's gen3 rests on, by its document, and which of them runs write.

What is deployed is the fleet's own files, each at the path that the document names. Whoever writes one may not approve
what comes of it, so each path has to name one file, and nobody's work may hide behind the file that runs write.
"""

from __future__ import annotations

import posixpath
import re

from csoc.errors import RejectedError
from csoc.fleet.documents.collection import Documents
from csoc.fleet.documents.layout import ADOPTED
from csoc.fleet.documents.model import Environment
from csoc.gen3.launch.values import OUTPUTS

_STANDS_FOR_OTHERS = re.compile(r"[*?\[\]{}$]")
"""What Argo CD replaces in the path of a value file."""


def written_by_runs(environment: Environment) -> str | None:
    """Where runs write what layers hand on; None if the document does not say it."""
    paths = (one.path for one in environment.spec.values if one.repository is None)
    return next((path for path in paths if posixpath.basename(path) == OUTPUTS), None)


def outputs_path(environment: Environment) -> str:
    """The same. Raises RejectedError if the document does not say it."""
    found = written_by_runs(environment)
    if found is None:
        name = environment.metadata.name
        raise RejectedError(
            f"The environment {name} names no {OUTPUTS} among its values",
            place=name,
            fix=f"Add commons/{environment.spec.commons}/{name}/values/{OUTPUTS} as the last of them",
        )
    return found


def check_values(environment: Environment, documents: Documents) -> None:
    """Raises RejectedError: nobody could say of some value who wrote it, or runs would write a file of another
    environment."""
    name, outputs = environment.metadata.name, outputs_path(environment)
    for one in environment.spec.values:
        if one.repository is not None:
            raise RejectedError(
                f"The environment {name} names values in another repository, whose authors nobody here knows",
                place=f"{name}, {one.path}",
                fix="Copy the file into this repository, and leave `repository` out",
            )
        if _STANDS_FOR_OTHERS.search(one.path) or posixpath.normpath(one.path) != one.path:
            raise RejectedError(
                f"A path among the values of the environment {name} does not name one file as Git does",
                place=f"{name}, {one.path}",
                fix='Name each file by its whole path, without "*", "?", "$", brackets, "./" or "//"',
            )
        if posixpath.basename(one.path) == OUTPUTS and one.path != outputs:
            raise RejectedError(
                f"The environment {name} names two files {OUTPUTS} among its values, and runs write only {outputs}",
                place=f"{name}, {one.path}",
                fix="Give the other one another name",
            )
    for other in documents.environments.values():
        theirs = other.document
        if theirs.metadata.uid != environment.metadata.uid and outputs in {one.path for one in theirs.spec.values}:
            raise RejectedError(
                f"Runs would write {outputs} for {name}, and it is among the values of {theirs.metadata.name}",
                place=f"{name}, {outputs}",
                fix=f"Name a {OUTPUTS} of its own for each of them",
            )


def check_application(environment: Environment) -> None:
    """Raises RejectedError: runs would write the Application where other programs look for something else."""
    reference = environment.spec.application
    if reference is None:
        return
    *folders, file = reference.path.split("/")
    hidden = [one for one in (*folders[folders[:1] == [ADOPTED] :], file) if one.startswith(".") or not one]
    if hidden or not file.endswith((".yaml", ".yml")):
        raise RejectedError(
            f"{environment.metadata.name} names a place for its Application where none may stand",
            place=f"{environment.metadata.name}, {reference.path}",
            fix="Name a .yaml file in the folder that its cluster's root Application reads, as application.path",
        )
