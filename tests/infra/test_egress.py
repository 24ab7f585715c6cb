"""The proxies: what the list may hold, what machines are made from, and what a real squid lets through.

Where squid with TLS is installed (Debian: squid-openssl), it is asked about the configuration that machines get; where
this is root and nftables is there too, it runs in a network of its own, as it does on a machine.
"""

from __future__ import annotations

import datetime
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import settings as how
from hypothesis import strategies as st

from csoc_infra.layers import egress
from csoc_infra.layers.egress import lists
from csoc_infra.mistakes import MistakeError
from testbed import debian
from tests.infra.documents import cluster_document, cluster_settings
from tests.infra.squid_scene import NAMES as ASKED
from tests.infra.squid_scene import PROXY, SERVER
from tests.infra.templates import actions, cluster, made, of_type, statements

HOSTS = st.from_regex(r"([a-z]{1,3}\.){1,3}(org|com)", fullmatch=True)
NAMES = st.lists(st.tuples(st.booleans(), HOSTS).map(lambda one: f"{'.' * one[0]}{one[1]}"), max_size=12)


@pytest.mark.parametrize(
    ("names", "number", "said"),
    [
        (["quay.io", "quay.io"], 1, "there already"),
        ([".docker.io", ".docker.io"], 1, "there already"),
        (["quay.io", ".quay.io"], 0, "covers quay.io"),
        ([".quay.io", "cdn.quay.io"], 1, "covers cdn.quay.io"),
        ([".b.example.org", ".example.org"], 0, "covers .b.example.org"),
    ],
)
def test_a_name_that_is_there_twice_or_covered_is_refused_since_squid_would_refuse_the_whole_list(
    names: Sequence[str], number: int, said: str
) -> None:
    with pytest.raises(MistakeError, match=said) as refused:
        lists.check(names)
    assert refused.value.path == f"[{number}]"


def test_a_domain_is_no_cover_for_one_that_only_ends_alike() -> None:
    lists.check([".quay.io", "notquay.io", "quay.io.example.org"])


@given(NAMES)
def test_what_remains_of_a_list_covers_the_same_and_nothing_twice(names: list[str]) -> None:
    whole = lists.allowed(names, "ap-southeast-2", "aws")
    lists.check(whole)
    assert all(name in whole or lists._cover(name, whole) for name in names)


@given(st.sets(HOSTS, max_size=40), HOSTS)
def test_one_more_name_changes_one_parameter_only(names: set[str], more: str) -> None:
    before, after = lists.chunks(sorted(names)), lists.chunks(sorted({*names, more}))
    changed = {number for number in {*before, *after} if before.get(number) != after.get(number)}
    assert len(changed) <= 1
    assert " ".join(after.values()).split().count(more) == 1


def test_a_list_that_does_not_fit_is_refused_with_its_path() -> None:
    document = cluster_document("medium")
    document["layers"]["egress"]["settings"]["allowed"] = [f"{'a' * 60}{number}.example.org" for number in range(900)]
    with pytest.raises(MistakeError) as refused:
        made(document)
    assert refused.value.path == "layers.egress.settings.allowed"


def test_what_nodes_need_of_their_own_region_is_let_through_without_being_asked_for() -> None:
    whole = lists.allowed([], "eu-west-1", "aws")
    assert {"sts.eu-west-1.amazonaws.com", "api.ecr.eu-west-1.amazonaws.com", ".dkr.ecr.eu-west-1.amazonaws.com"} <= {
        *whole
    }
    assert ".amazonaws.com" not in whole


def test_the_whole_list_of_the_document_reaches_the_machines() -> None:
    parameters = of_type(cluster("medium", "egress"), "AWS::SSM::Parameter").values()
    listed = [one["Value"] for one in parameters if "/egress/allowed/" in one["Name"]]
    assert set(cluster_settings("medium")["egress"]["allowed"]) <= set(" ".join(listed).split())


def test_a_machine_may_attach_its_own_interface_and_nothing_else_and_may_change_neither_routes_nor_the_list() -> None:
    template = cluster("medium", "egress")
    allowed: dict[str, set[str]] = {}
    for role, statement in statements(template):
        allowed.setdefault(role, set()).update(actions(statement))
        if actions(statement) == ["ec2:AttachNetworkInterface"] and "Condition" not in statement:
            number = role.removeprefix("Role")
            assert f"Interface{number}" in str(statement["Resource"])
        if "autoscaling:SetInstanceHealth" in actions(statement):
            assert statement["Resource"].endswith(f"/csoc-c1b2c3d4e5-egress-{role.removeprefix('Role')}")
    assert set(allowed) == {"Role1", "Role2", "Role3"}
    for may in allowed.values():
        assert may == {
            "ec2:AttachNetworkInterface",
            "ec2:DescribeNetworkInterfaces",
            "autoscaling:SetInstanceHealth",
            "ssm:GetParametersByPath",
            "cloudwatch:PutMetricData",
            "logs:CreateLogStream",
            "logs:DescribeLogStreams",
            "logs:PutLogEvents",
        }


def test_each_zone_has_its_own_table_its_own_group_and_an_alarm_that_tells_people() -> None:
    template = cluster("medium", "egress")
    routes = of_type(template, "AWS::EC2::Route")
    assert [one["RouteTableId"]["Fn::Select"][0] for one in routes.values()] == [0, 1, 2]
    assert [one["NetworkInterfaceId"]["Ref"] for one in routes.values()] == ["Interface1", "Interface2", "Interface3"]
    for group in of_type(template, "AWS::AutoScaling::AutoScalingGroup").values():
        assert (group["MinSize"], group["MaxSize"], group["DesiredCapacity"]) == ("1", "1", "1")
        assert len(group["VPCZoneIdentifier"]) == 1
    alarms = of_type(template, "AWS::CloudWatch::Alarm")
    assert len(alarms) == 3
    for alarm in alarms.values():
        assert alarm["TreatMissingData"] == "breaching"
        assert alarm["AlarmActions"] == [{"Ref": "AlarmTopic"}]
        assert alarm["Period"] * alarm["EvaluationPeriods"] <= 180
    assert [one["Endpoint"] for one in of_type(template, "AWS::SNS::Subscription").values()] == ["on-call@example.org"]


def test_machines_take_no_ssh_are_asked_with_sessions_and_have_encrypted_disks() -> None:
    template = cluster("medium", "egress")
    for group in of_type(template, "AWS::EC2::SecurityGroup").values():
        assert sorted(one["FromPort"] for one in group["SecurityGroupIngress"]) == [80, 443]
        assert all(one["CidrIp"] == {"Ref": "NetworkVpcCidr"} for one in group["SecurityGroupIngress"])
    for one in of_type(template, "AWS::EC2::LaunchTemplate").values():
        data = one["LaunchTemplateData"]
        assert data["MetadataOptions"]["HttpTokens"] == "required"
        assert data["MetadataOptions"]["HttpPutResponseHopLimit"] == 1
        assert data["BlockDeviceMappings"][0]["Ebs"]["Encrypted"] is True
        assert "KeyName" not in data
    script = egress.start_script()
    assert "X-aws-ec2-metadata-token" in script
    assert "latest/meta-data/" in script
    assert script.count("169.254.169.254/latest/meta-data") == script.count('-H "X-aws-ec2-metadata-token:')


def test_the_start_script_fits_what_ec2_takes_and_every_shell_script_is_one(tmp_path: Path) -> None:
    assert len(egress.start_script().encode()) < 16_384 - 500
    for name, text in (
        ("whole", egress.start_script()),
        *((name, egress.machine_file(name)) for name in ("boot.sh", "list.sh", "watch.sh")),
    ):
        (tmp_path / name).write_text(text)
        subprocess.run(["bash", "-n", str(tmp_path / name)], check=True)


def test_a_machine_that_boots_again_redirects_again_although_its_program_ran_once() -> None:
    boot = egress.machine_file("boot.sh")
    assert "ExecStartPre=/usr/sbin/nft -f %s" in boot
    assert "/etc/csoc-proxy/redirect.nft > /etc/systemd/system/squid.service.d/csoc.conf" in boot
    assert "cat > /etc/csoc-proxy/redirect.nft" in egress.start_script()
    assert "> /etc/sysctl.d/90-csoc-proxy.conf" in boot


@pytest.mark.squid
def test_the_redirection_is_the_same_however_often_squid_starts(tmp_path: Path) -> None:
    (tmp_path / "redirect.nft").write_text(egress.machine_file("redirect.nft"))
    load = f"nft -f {tmp_path}/redirect.nft"
    ended = subprocess.run(
        ["unshare", "--net", "bash", "-c", f"set -e; {load}; {load}; nft list ruleset"],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode == 0, ended.stderr
    rules = [line.strip() for line in ended.stdout.splitlines() if "redirect" in line]
    assert rules == ["tcp dport 80 redirect to :3129", "tcp dport 443 redirect to :3130"]


def program(folder: Path, name: str, body: str) -> None:
    (folder / name).write_text(f"#!/bin/bash\n{body}\n")
    (folder / name).chmod(0o755)


class Machine:
    """The scripts of a machine with stand-ins for what they call, each of which writes down how it was called."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.programs = folder, folder / "bin"
        self.programs.mkdir()
        self.calls = folder / "calls"
        self.calls.touch()
        (folder / "machine").write_text(
            "GROUP=g\nINTERFACE=eni-1\nINSTANCE=i-1\nLIST=/l\nAWS_DEFAULT_REGION=r\nADDRESS=10.0.0.7\n"
        )
        self.stand_in("systemctl", "exit 0")
        self.stand_in("squid", "exit 0")
        self.stand_in("aws", "exit 0")
        self.stand_in("curl", "exit 0")
        self.stand_in("ip", "echo 'inet 10.0.0.7/24'")

    def stand_in(self, name: str, body: str) -> None:
        program(self.programs, name, f'echo "{name} $*" >> {self.calls}\n{body}')

    def run(self, script: str) -> int:
        environment = {
            "PATH": f"{self.programs}:/usr/bin:/bin",
            "CSOC_MACHINE": str(self.folder / "machine"),
            "CSOC_ALLOWED": str(self.folder / "allowed"),
            "CSOC_COUNT": str(self.folder / "count"),
        }
        file = self.folder / script
        file.write_text(egress.machine_file(script))
        return subprocess.run(["bash", str(file)], check=False, env=environment, capture_output=True).returncode

    @property
    def allowed(self) -> str:
        return (self.folder / "allowed").read_text()


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_a_changed_list_is_taken_in_one_piece_and_squid_reads_it(machine: Machine) -> None:
    machine.stand_in("aws", "printf 'b.example.org a.example.org\\t.c.example.org\\n'")
    assert machine.run("list.sh") == 0
    assert machine.allowed == ".c.example.org\na.example.org\nb.example.org\n"
    assert "squid -k reconfigure" in machine.calls.read_text()


def test_an_unchanged_list_disturbs_nobody(machine: Machine) -> None:
    machine.stand_in("aws", "echo a.example.org")
    machine.run("list.sh")
    machine.calls.write_text("")
    assert machine.run("list.sh") == 0
    assert "squid" not in machine.calls.read_text()


@pytest.mark.parametrize("answer", ["exit 255", "exit 0"])
def test_a_list_that_cannot_be_read_or_is_empty_leaves_the_one_before(machine: Machine, answer: str) -> None:
    (machine.folder / "allowed").write_text("a.example.org\n")
    machine.stand_in("aws", answer)
    assert machine.run("list.sh") != 0
    assert machine.allowed == "a.example.org\n"


def test_a_list_that_squid_refuses_is_put_back(machine: Machine) -> None:
    (machine.folder / "allowed").write_text("a.example.org\n")
    machine.stand_in("aws", "echo b.example.org")
    machine.stand_in("squid", "echo FATAL >&2; exit 1")
    assert machine.run("list.sh") == 1
    assert machine.allowed == "a.example.org\n"
    assert "reconfigure" not in machine.calls.read_text()


def test_a_proxy_that_does_not_answer_three_times_has_itself_replaced(machine: Machine) -> None:
    machine.stand_in("curl", "exit 7")
    for _ in range(2):
        machine.run("watch.sh")
    assert "set-instance-health" not in machine.calls.read_text()
    machine.run("watch.sh")
    told = machine.calls.read_text()
    assert "set-instance-health --instance-id i-1 --health-status Unhealthy" in told
    assert "--metric-name Healthy --value 0 --dimensions Group=g" in told


def test_a_proxy_that_lost_its_interface_is_no_proxy(machine: Machine) -> None:
    machine.stand_in("ip", "echo 'inet 10.0.0.8/24'")
    machine.run("watch.sh")
    assert "--value 0" in machine.calls.read_text()


def test_a_proxy_that_answers_again_is_counted_from_the_beginning(machine: Machine) -> None:
    machine.stand_in("curl", "exit 7")
    machine.run("watch.sh")
    machine.run("watch.sh")
    machine.stand_in("curl", "exit 0")
    machine.run("watch.sh")
    assert (machine.folder / "count").read_text().strip() == "0"
    assert "--value 1" in machine.calls.read_text()


def certificate(folder: Path) -> Path:
    """A certificate with its key, for squid's port and for the server behind it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    path = folder / "both.pem"
    path.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return path


class Squid:
    """squid with the machines' configuration, whose files are in a folder of the test's own."""

    def __init__(self, folder: Path, allowed: Sequence[str]) -> None:
        self.file = folder / "squid.conf"
        (folder / "logs").mkdir()
        (folder / "logs").chmod(0o777)  # squid drops the rights of root
        (folder / "allowed").write_text("\n".join(allowed) + "\n")
        (folder / "hosts").write_text("".join(f"{SERVER} {name}\n" for name in ASKED if name))
        text = egress.machine_file("squid.conf")
        for before, after in (
            ("@ADDRESS@", PROXY),
            ("@NETWORK@", "203.0.113.0/24"),
            ("/etc/squid/csoc.pem", str(certificate(folder))),
            ("/etc/squid/allowed", str(folder / "allowed")),
            ("/var/log/squid/", f"{folder}/logs/"),
            ("/run/squid.pid", str(folder / "logs" / "squid.pid")),
        ):
            assert before in text
            text = text.replace(before, after)
        self.file.write_text(f"{text}\nhosts_file {folder}/hosts\n")

    def parse(self) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(debian.path_of("squid")), "-k", "parse", "-f", str(self.file)],
            check=False,
            capture_output=True,
            text=True,
            timeout=30,
        )


@pytest.mark.squid
def test_squid_takes_the_configuration_without_a_complaint(tmp_path: Path) -> None:
    parsed = Squid(tmp_path, lists.allowed([".docker.io", "quay.io"], "ap-southeast-2", "aws")).parse()
    assert parsed.returncode == 0
    assert "ERROR" not in parsed.stderr
    assert "WARNING" not in parsed.stderr
    assert "FATAL" not in parsed.stderr


@pytest.mark.squid
@given(names=NAMES)
@how(max_examples=8, deadline=None)
def test_squid_has_nothing_to_say_about_any_list_that_a_document_may_hold(
    tmp_path_factory: pytest.TempPathFactory, names: list[str]
) -> None:
    parsed = Squid(tmp_path_factory.mktemp("squid"), lists.allowed(names, "ap-southeast-2", "aws")).parse()
    assert parsed.returncode == 0
    assert "ERROR" not in parsed.stderr


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that squid can read after it dropped its rights."""
    with tempfile.TemporaryDirectory(prefix="csoc-squid-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.mark.squid
def test_listed_names_pass_and_all_others_are_cut_before_a_server_hears_of_them(open_folder: Path) -> None:
    Squid(open_folder, ["quay.io", ".docker.io"])
    (open_folder / "both.pem").chmod(0o644)
    scene = Path(__file__).with_name("squid_scene.py")
    ended = subprocess.run(
        ["unshare", "--net", sys.executable, str(scene), str(open_folder)],
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ended.returncode == 0, ended.stderr
    told = json.loads(ended.stdout)
    passed = {"quay.io": "hello", "cdn.docker.io": "hello", "docker.io": "hello"}
    assert told["tls"] == {**passed, "evil.example.org": "cut", "notdocker.io": "cut", "None": "cut"}
    assert told["http"] == {**passed, "evil.example.org": "403", "notdocker.io": "403"}
    assert sorted(told["met"]) == sorted([*passed, *passed])
    assert told["other port"] == "cut"
    assert told["watched"] == "200"
    log = (open_folder / "logs" / "access.log").read_text()
    assert any("terminate" in line and "evil.example.org" in line for line in log.splitlines())
