"""`csoc emulator`: what it prints, whom it answers, and how it ends."""

from __future__ import annotations

import http.client
import json
import re
import shlex
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.exceptions import BotoCoreError, ClientError

from csoc.emulator.effects import EFFECTS
from tests.functional.emulator.running_command import ACCOUNT, Started, csoc, environment, started


@pytest.fixture(scope="module")
def emulator() -> Iterator[Started]:
    with started() as running:
        yield running


def test_with_nothing_but_what_it_prints_aws_finds_the_account(emulator: Started) -> None:
    told = csoc("emulator", "credentials", "333333333333", **emulator.variables)
    lines = [shlex.split(line) for line in told.stdout.splitlines()]
    printed = dict(words[1].split("=", 1) for words in lines if words[0] == "export")
    asked = ["aws", "sts", "get-caller-identity", "--query", "Arn", "--output", "text"]
    answer = subprocess.run(asked, env=environment(**printed), capture_output=True, text=True, timeout=60, check=True)
    assert answer.stdout.strip() == "arn:aws:iam::333333333333:user/owner"


def test_faults_are_set_listed_and_ended_from_the_command_line(emulator: Started) -> None:
    made = csoc(
        "emulator", "faults", "add", "error", "--service", "sqs", "--code", "Out", "--json", **emulator.variables
    )
    name = json.loads(made.stdout)["id"]
    with pytest.raises(Exception, match="Out"):
        emulator.client("sqs").list_queues()
    listed = json.loads(csoc("emulator", "faults", "list", "--json", **emulator.variables).stdout)
    assert [(one["id"], one["hits"]) for one in listed] == [(name, 1)]
    csoc("emulator", "faults", "remove", name, **emulator.variables)
    assert emulator.client("sqs").list_queues().get("QueueUrls", []) == []


def test_a_rule_for_pods_is_listed_without_a_count_and_takes_no_call(emulator: Started) -> None:
    made = csoc("emulator", "faults", "add", "image", "--image", "*/fence:*", "--json", **emulator.variables)
    listed = csoc("emulator", "faults", "list", **emulator.variables).stdout
    refused = csoc("emulator", "faults", "add", "crash", "--workload", "fence*", "--calls", "1", **emulator.variables)
    csoc("emulator", "faults", "remove", "--all", **emulator.variables)
    assert listed.startswith("1 fault\n")
    assert listed.split()[-3:] == [json.loads(made.stdout)["id"], "image", "image=*/fence:*"]
    assert (refused.returncode, "not for crash" in refused.stderr) == (2, True)


@pytest.mark.parametrize("effect", ["image", "crash", "oom", "unready"])
def test_a_rule_for_pods_says_which(emulator: Started, effect: str) -> None:
    refused = csoc("emulator", "faults", "add", effect, **emulator.variables)
    assert (refused.returncode, "a part of its name at least" in " ".join(refused.stderr.split())) == (2, True)


def test_the_help_names_every_effect() -> None:
    help_text = csoc("emulator", "faults", "add", "--help").stdout
    assert "{throttle" not in help_text
    assert all(re.search(rf"\b{effect}\b", help_text.partition("Options:")[0]) for effect in EFFECTS)


def test_a_rule_that_makes_no_sense_is_refused_with_the_reason(emulator: Started) -> None:
    refused = csoc("emulator", "faults", "add", "latency", **emulator.variables)
    assert refused.returncode == 2
    assert "a latency needs seconds" in refused.stderr


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("credentials", "12"), "It has 12 digits"),
        (("faults", "add", "deny", "--account", "production"), "an account id has 12 digits"),
        (("faults", "add", "deny", "--service", "nosuch"), "the emulator has no service nosuch"),
        (
            ("faults", "add", "latency", "--seconds", "1", "--status", "500"),
            "status is for throttle and deny and error",
        ),
        (("faults", "add", "error", "--code", "Out", "--status", "200"), "200 is not in the range 400<=x<=599"),
        (("faults", "list", "--at", "https://example.org"), "This is no address of an emulator"),
        (("faults", "remove"), "Which fault is to end is not said"),
        (("faults", "remove", "fault-1", "--all"), "Which fault is to end is said twice"),
    ],
)
def test_what_was_typed_wrongly_is_wrong_usage(emulator: Started, arguments: tuple[str, ...], why: str) -> None:
    refused = csoc("emulator", *arguments, **emulator.variables)
    assert why in " ".join(refused.stderr.split())
    assert refused.returncode == 2


def test_without_the_variables_it_is_wrong_usage_to_ask() -> None:
    refused = csoc("emulator", "faults", "list")
    assert refused.returncode == 2
    assert "Set the variables that `csoc emulator` printed at its start" in refused.stderr


def test_a_fault_that_there_is_none_of_is_not_there(emulator: Started) -> None:
    refused = csoc("emulator", "faults", "remove", "fault-999", **emulator.variables)
    assert (refused.returncode, "there is no fault fault-999" in refused.stderr) == (4, True)


def test_a_rule_for_an_account_that_there_is_none_of_is_set_and_said_to_wait(emulator: Started) -> None:
    made = csoc("emulator", "faults", "add", "deny", "--account", "999999999999", **emulator.variables)
    csoc("emulator", "faults", "remove", "--all", **emulator.variables)
    assert (made.returncode, "is set" in made.stdout) == (0, True)
    assert "there is no account 999999999999 yet" in made.stderr


def test_the_status_of_a_refused_call_is_chosen_on_the_command_line(emulator: Started) -> None:
    csoc(
        "emulator",
        "faults",
        "add",
        "error",
        "--service",
        "sqs",
        "--code",
        "Out",
        "--status",
        "503",
        **emulator.variables,
    )
    with pytest.raises(ClientError) as refused:
        emulator.client("sqs").list_queues()
    csoc("emulator", "faults", "remove", "--all", **emulator.variables)
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 503


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({}, 200),
        ({"x-csoc-token": "wrong"}, 401),
        ({"Origin": "http://127.0.0.1"}, 403),
        ({"Host": "evil.example:80"}, 403),
    ],
)
def test_the_control_answers_nobody_without_the_token_no_page_and_no_other_name(
    emulator: Started, changed: dict[str, str], status: int
) -> None:
    where = urlsplit(emulator.told["endpoint"])
    connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=30)
    connection.request("GET", "/_csoc/accounts", headers={"x-csoc-token": emulator.told["token"], **changed})
    assert connection.getresponse().status == status
    connection.close()


def test_it_listens_on_the_loopback_only(emulator: Started) -> None:
    assert listening(urlsplit(emulator.told["endpoint"]).port or 0) == {"0100007F"}


def listening(port: int) -> set[str]:
    """The addresses, in the kernel's hexadecimal form, on which somebody listens at a port."""
    text = "\n".join(Path(f"/proc/net/{kind}").read_text("ascii") for kind in ("tcp", "tcp6"))
    rows = [line.split() for line in text.splitlines()]
    places = [row[1].split(":") for row in rows if len(row) > 3 and row[3] == "0A"]
    return {address for address, found in places if int(found, 16) == port}


def test_a_taken_port_is_said_so() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refused = csoc("emulator", "--port", str(port))
    assert refused.returncode == 5
    assert f"127.0.0.1:{port}" in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.mark.parametrize(("end", "code"), [(signal.SIGINT, 0), (signal.SIGTERM, 143)])
def test_it_ends_cleanly_when_it_is_told_to(end: signal.Signals, code: int) -> None:
    with started() as running:
        running.process.send_signal(end)
        _, complaints = running.process.communicate(timeout=30)
        assert (running.process.returncode, complaints) == (code, "")


def test_it_ends_cleanly_while_a_client_still_waits() -> None:
    with started() as running:
        csoc("emulator", "faults", "add", "timeout", "--service", "sqs", **running.variables)
        waiting = threading.Thread(target=_ignored, args=(running.client("sqs").list_queues,))
        waiting.start()
        while json.loads(csoc("emulator", "faults", "list", "--json", **running.variables).stdout)[0]["hits"] == 0:
            pass
        running.process.terminate()
        _, complaints = running.process.communicate(timeout=30)
        waiting.join(timeout=30)
    assert (running.process.returncode, complaints) == (143, "")


def _ignored(action: Callable[[], object]) -> None:
    with suppress(BotoCoreError):
        action()


def test_an_account_must_have_twelve_digits() -> None:
    refused = csoc("emulator", "--port", "0", "--account", f"{ACCOUNT}0")
    assert refused.returncode == 2
    assert "12 digits" in refused.stderr


def test_a_site_that_was_left_behind_is_not_taken_for_another_clouds(tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "csoc.env").touch()
    refused = csoc("emulator", "--port", "0", "--site", str(tmp_path / "site"))
    assert (refused.returncode, "the cloud that it was made for is gone" in refused.stderr) == (5, True)


def test_a_site_needs_an_account_to_link(tmp_path: Path) -> None:
    refused = csoc("emulator", "--port", "0", "--account", ACCOUNT, "--site", str(tmp_path / "site"))
    assert (refused.returncode, "Give --account twice" in refused.stderr) == (2, True)


def test_a_site_that_is_kept_with_its_cloud_is_found_again(tmp_path: Path) -> None:
    data, site = tmp_path / "cloud", tmp_path / "site"
    with started("--site", str(site), data=data) as first:
        before = (site / "answers.yaml").read_bytes()
        first.process.terminate()
        first.process.communicate(timeout=30)
    with started("--site", str(site), data=data) as again:
        told = again.told["site"]["variables"]
        assert told["CSOC_PLATFORM_MIRROR"] == (site / "charts").as_uri()
        assert shlex.quote(told["AWS_SESSION_TOKEN"]) in (site / "csoc.env").read_text()
        zones = [one["Name"] for one in _owner(again).list_hosted_zones()["HostedZones"]]
        assert zones == ["tidewater.example.org."]
    assert (site / "answers.yaml").read_bytes() == before
    assert [path.stat().st_mode & 0o77 for path in (site, site / "csoc.env", site / "owner.env")] == [0, 0, 0]


def _owner(running: Started) -> Any:
    given = running.told["accounts"][1]["variables"]
    return boto3.client(
        "route53",
        region_name="ap-southeast-2",
        endpoint_url=given["AWS_ENDPOINT_URL"],
        aws_access_key_id=given["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=given["AWS_SECRET_ACCESS_KEY"],
    )
