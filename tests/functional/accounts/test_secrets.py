"""`csoc secret put` at a real terminal and for those who automate: into the account, and nowhere else."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pygit2
import pytest

from csoc.adapters.db.database import open_database
from csoc.adapters.db.runs import DatabaseRuns
from csoc.emulator.owners import REGION, OwnerOf
from csoc.operations.runs import Run, RunState, Step
from csoc.provisioning import names
from tests.functional.accounts.conftest import World
from tests.unit.gen3.launch.launching import answers, launch

CSOC = "from csoc.cli.entry import main; main()"
CANARY = "canary-Zq83hfkK2-of-nobody"
SHOUTED = "CANARY_8472_OF_NOBODY"
TOKEN = "GOCSPX-1234567890abcdefghijklmnopqr"
PUT = ("secret", "put", "heart-dev", "fence-config")


class Heart:
    """An environment whose layers are there as far as its secrets need them. uid: of its document."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.owner: OwnerOf = world.linked("research")
        made = launch(answers(("minimal",), account="research", stage="dev"))
        self.uid, self.plan = made.environment.metadata.uid, made.secrets
        _commit(world.csoc.folder, made.files)
        secrets = self.owner.client("secretsmanager")
        for name in self.plan.names:
            secrets.create_secret(Name=names.secret(self.uid, name))
        template = {
            "Resources": {"Queue": {"Type": "AWS::SQS::Queue"}},
            "Outputs": {"DatabaseEndpoint": {"Value": "database.example.org"}},
        }
        stack = names.stack(self.uid, "database")
        done = self.owner.make_stack(stack, json.dumps(template), {}, lambda: time.sleep(0.05))
        assert done == "CREATE_COMPLETE"

    def value(self, name: str) -> str:
        found = self.owner.client("secretsmanager").get_secret_value(SecretId=names.secret(self.uid, name))
        return str(found["SecretString"])

    def waiting_run(self) -> str:
        """Queues a run that fills the environment's secrets."""
        world = self.world
        place = {"account": "research", "account_id": self.owner.account, "region": REGION}
        result = {"outputs": {"DatabaseEndpoint": "database.example.org"}}
        steps = (
            Step(1, "apply database", "apply layer", state=RunState.SUCCEEDED, result=result),
            Step(2, "put secrets", "put secrets", place),
        )
        arguments = {"fleet": str(world.csoc.folder), "commit": "", "environment": "heart-dev"}
        by, at = "sts:arn:aws:sts::111111111111:assumed-role/csoc-worker/ada", datetime.now(UTC)
        run = Run("r1", "apply", self.uid, "environment heart-dev", by, at, steps=steps, arguments=arguments)
        store = DatabaseRuns(open_database(f"sqlite:///{world.csoc.variables['CSOC_DATA_DIR']}/csoc.sqlite3"))
        store.add(run)
        store.close()
        return run.id

    def nothing_holds(self, canary: str) -> None:
        """Looks through every file of csoc's: database, cache, logs, fleet."""
        for folder in (self.world.csoc.home, self.world.csoc.folder, Path(self.world.csoc.variables["CSOC_DATA_DIR"])):
            holding = [path for path in folder.rglob("*") if path.is_file() and canary.encode() in path.read_bytes()]
            assert holding == []


@pytest.fixture
def heart(world: World) -> Heart:
    return Heart(world)


def _commit(folder: Path, files: Mapping[str, bytes]) -> None:
    repository = pygit2.Repository(str(folder))
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
        repository.index.add(path)
    repository.index.write()
    who = pygit2.Signature("Ada", "ada@example.org", 1_790_000_000, 0)
    tree = repository.index.write_tree()
    repository.create_commit("HEAD", who, who, "Launch", tree, [repository.head.target])


def _environment(world: World) -> dict[str, str]:
    return {**world.csoc.environment, "PYTHONPATH": os.environ.get("PYTHONPATH", ""), "TERM": "dumb"}


def at_terminal(world: World, arguments: Sequence[str], typed: Sequence[str]) -> tuple[int, str]:
    """Runs a command at a terminal of its own and answers each of its questions; gives its code and all that was to be
    seen, what the terminal echoes included."""
    ours, theirs = os.openpty()
    command = ["setsid", "--ctty", "--wait", sys.executable, "-c", CSOC, *arguments]
    with subprocess.Popen(
        command, env=_environment(world), cwd=world.csoc.folder, stdin=theirs, stdout=theirs, stderr=theirs
    ) as running:
        os.close(theirs)
        seen, left = b"", list(typed)
        with contextlib.suppress(OSError):  # a terminal that its last user closed
            while part := os.read(ours, 65_536):
                seen += part
                if left and seen.endswith(b": "):
                    os.write(ours, f"{left.pop(0)}\n".encode())
        os.close(ours)
    assert not left, seen
    return running.returncode, seen.decode()


@contextmanager
def working_on(world: World, run: str) -> Iterator[subprocess.Popen[str]]:
    """A worker for one run, as a process of its own."""
    with subprocess.Popen(
        [sys.executable, "-c", CSOC, "worker", "--only", run], env=_environment(world), cwd=world.csoc.folder,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    ) as worker:  # fmt: skip
        try:
            yield worker
        finally:
            worker.kill()


def waits(world: World, run: str, seconds: float = 60) -> str:
    """What a run waits for, once it waits."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        steps = world.csoc("runs", "show", run, "--json").data["steps"]
        if steps[1]["waitsFor"]:
            return f"{steps[1]['waitsFor']}: {steps[1]['fix']}"
        time.sleep(0.3)  # each look takes time from the process that is looked at
    raise AssertionError("The run did not wait")


def test_a_run_waits_for_what_only_a_person_has_and_goes_on_once_it_was_typed(heart: Heart) -> None:
    world = heart.world
    run = heart.waiting_run()
    with working_on(world, run) as worker:
        assert waits(world, run).endswith("which only a person has: csoc secret put heart-dev fence-config")
        code, seen = at_terminal(world, PUT, ["client-id-of-heart", CANARY])
        assert code == 0, seen
        assert CANARY not in seen
        assert f"Put {names.secret(heart.uid, 'fence-config')}\r\n" in seen
        assert f"The run {run} goes on by itself; csoc runs watch {run} shows it." in seen
        fence = heart.value("fence-config")
        assert f"client_secret: {CANARY}" in fence
        said, _ = worker.communicate(timeout=60)
    assert worker.returncode == 0, said
    assert CANARY not in said
    assert heart.value("fence-config") == fence, "the run leaves alone what a person put"
    assert all(heart.value(name) for name in heart.plan.names)
    heart.nothing_holds(CANARY)


def test_automation_gives_fields_by_variable_and_file_and_no_error_shows_a_value(heart: Heart, tmp_path: Path) -> None:
    world = heart.world
    file = tmp_path / "client-secret"
    file.write_text(f"{CANARY}\n", encoding="utf-8")
    world.csoc.variables["CLIENT_ID"] = "client-id-of-heart"
    by_variable, by_file = ("--from-env", "client-id=CLIENT_ID"), ("--from-file", f"client-secret={file}")

    for wrong, code, said in (
        (by_file, 2, "There is no terminal to ask at for client-id"),
        ((*by_file, "--from-env", "client-secret=CLIENT_ID"), 2, "client-secret is told twice"),
        (("--from-env", "password=CLIENT_ID"), 2, "Its fields: client-id, client-secret"),
        (("--from-env", "client-id"), 2, "Write it as --from-env FIELD=NAME"),
        (("--from-env", "client-id=NOT_SET"), 4, "--from-env client-id=: The variable that is named here is not set"),
        ((*by_variable, "--from-file", f"client-secret={tmp_path}/none"), 4, "There is no file of the name"),
        (("--from-env", f"client-secret={CANARY}"), 2, "followed by no name of a variable"),
        (("--from-env", f"client-secret={SHOUTED}"), 4, "--from-env client-secret=: The variable that is named here"),
        ((*by_variable, "--from-file", f"client-secret={TOKEN}"), 4, "--from-file client-secret=: There is no file"),
        ((*by_variable, "--from-file", f"client-secret={CANARY}"), 4, "write the file's path"),
        ((*by_variable, "--from-file", f"client-secret={CANARY * 20}"), 4, "There is no file of the name"),
        ((*by_variable, "--from-file", f"client-secret={CANARY}\n"), 2, "is no single line of text"),
        ((*by_variable, "--from-file", "client-secret=/dev/zero"), 1, "=/dev/zero: It is no file"),
        ((*by_variable, CANARY), 2, "There are more words than ENVIRONMENT and NAME"),
        ((*by_variable, f"--{CANARY}"), 2, "There is an option that this command does not have"),
    ):
        refused = world.csoc(*PUT, *wrong)
        assert (refused.code, said in refused.err) == (code, True), (wrong, refused.err)
        assert "settings" not in refused.err
        assert not {one for one in (CANARY, TOKEN, SHOUTED) if one in refused.err + refused.out}, (
            "what was typed is not repeated"
        )
    file.write_text(f"{CANARY}\nand more\n", encoding="utf-8")
    refused = world.csoc(*PUT, *by_variable, *by_file)
    assert refused.code == 1
    assert "is not one line of text" in refused.err
    assert CANARY not in refused.err + refused.out

    file.write_text(f"{CANARY}\n", encoding="utf-8")
    done = world.done(world.csoc(*PUT, *by_variable, *by_file, "--json"))
    assert done.data == {"put": [names.secret(heart.uid, "fence-config")], "run": None}
    assert f"client_secret: {CANARY}" in heart.value("fence-config")
    assert "client_id: client-id-of-heart" in heart.value("fence-config")
    assert CANARY not in done.out + done.err

    # Put again, the whole secret would be made anew, and with it the key that Fence encrypts with.
    before = heart.value("fence-config")
    for words in ((), (*by_variable, *by_file)):
        refused = world.csoc(*PUT, *words)
        assert (refused.code, "put again, it gets another key" in refused.err) == (5, True), refused.err
        assert "what Fence encrypted in its database" in refused.err
        assert "changes single fields of it in Secrets Manager" in refused.err
        assert "add --renew" in refused.err
    assert heart.value("fence-config") == before
    world.done(world.csoc(*PUT, *by_variable, *by_file, "--renew"))
    after = heart.value("fence-config")
    keys = [next(line for line in text.splitlines() if "ENCRYPTION_KEY" in line) for text in (before, after)]
    assert keys[0] != keys[1]
    heart.nothing_holds(CANARY)


def test_a_secret_that_asks_for_nothing_and_one_that_there_is_not_are_refused(heart: Heart) -> None:
    for name, code, said in (
        ("fence-dbcreds", 1, "csoc makes it"),
        (CANARY, 4, "Secrets that ask for something: fence-config"),
    ):
        refused = heart.world.csoc("secret", "put", "heart-dev", name)
        assert (refused.code, said in refused.err) == (code, True), refused.err
        assert CANARY not in refused.err, "the secret itself may stand where its name is asked for"
