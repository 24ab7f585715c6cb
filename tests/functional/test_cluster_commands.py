"""`csoc cluster`: a cluster that somebody brings along is shown with the rights that csoc uses, written down, and
left exactly as it was."""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from csoc.clusters.bootstrap.objects import INSTALLATION, PIN
from csoc.clusters.connecting import LOOK, USE, roles
from csoc.clusters.entering import kubeconfig_commands
from csoc.clusters.platform import ARGO_CD, COMPONENTS
from csoc.emulator.kubernetes.api.serving import serving
from csoc.emulator.kubernetes.controllers.nodes import Node, set_nodes
from csoc.emulator.kubernetes.living import LivingClusters, install_argocd
from csoc.emulator.kubernetes.users import MASTERS, User
from csoc.emulator.timeline import RunningTimeline
from tests.contract.cluster_worlds import AS_KWOK, SimulatedWorld
from tests.contract.test_bootstrap import fingerprint
from tests.functional.accounts.conftest import World as Accounts
from tests.functional.command import Command, Ran

_RBAC = "rbac.authorization.k8s.io"


class World:
    """A fleet, and a cluster with an Argo CD in it that somebody else installed."""

    def __init__(self, folder: Path, timeline: RunningTimeline, clusters: LivingClusters, certificate: str) -> None:
        made = clusters.all.create("harbor")
        install_argocd(made, timeline.now)
        set_nodes(clusters.living("harbor"), [Node("node-1")])
        self._cluster, self._certificate, self._folder = made, certificate, folder
        self.admin = SimulatedWorld(made, certificate).admin
        self.csoc = Command(folder / "home", folder / "fleet")
        self.csoc.variables["CSOC_DATA_DIR"] = str(folder / "data")
        Accounts.done(self.csoc("fleet", "init", ".", "--name", "tide"))
        Accounts.commit(self)  # type: ignore[arg-type]

    def kubeconfig(self, user: User | None = None, **changed: Any) -> Path:
        """A file by which somebody enters: by default one who may do everything."""
        token = f"token-{len(list(self._folder.iterdir()))}"
        self._cluster.access.admit(token, user or User("admin", (MASTERS,)))
        authority = base64.b64encode(self._certificate.encode()).decode()
        body = {
            "apiVersion": "v1", "kind": "Config", "current-context": "c",
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
            "clusters": [{"name": "c", "cluster": {
                "server": self._cluster.endpoint, "certificate-authority-data": authority}}],
            "users": [{"name": "u", "user": changed or {"token": token}}],
        }  # fmt: skip
        path = self._folder / f"{token}.yaml"
        path.write_text(json.dumps(body), encoding="utf-8")
        return path

    def connect(self, path: Path, *more: str) -> Ran:
        return self.csoc("cluster", "connect", "harbor", "--kubeconfig", str(path), "--json", *more)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    timeline = RunningTimeline(speed=100)
    clusters = LivingClusters(timeline, AS_KWOK)
    with serving(clusters.all) as served:
        yield World(tmp_path, timeline, clusters, served.certificate)
    clusters.close()
    timeline.stop()


def test_a_cluster_is_connected_written_down_and_left_exactly_as_it_was(world: World) -> None:
    before = fingerprint(world.admin)
    found = Accounts.done(world.connect(world.kubeconfig())).data
    assert fingerprint(world.admin) == before
    assert (found["argoCd"]["presence"], found["argoCd"]["action"]) == ("somebody else's", "use as it is")
    assert found["path"] == "clusters/harbor/cluster.yaml"
    assert not [one for one in found["rights"] if one["lacking"]]
    document = yaml.safe_load((world.csoc.folder / found["path"]).read_text("utf-8"))
    assert document["spec"]["provider"] == "existing"
    assert "token-" not in (world.csoc.folder / found["path"]).read_text("utf-8")
    again = Accounts.done(world.connect(world.kubeconfig())).data
    assert again["path"] == found["path"]
    listed = Accounts.done(world.csoc("cluster", "list", "--json")).data
    assert [(one["name"], one["how"], one["version"]) for one in listed] == [("harbor", "kubeconfig", "1.34")]
    shown = Accounts.done(world.csoc("cluster", "show", "harbor", "--json")).data
    assert shown["components"]["external-secrets"].startswith("absent: csoc brings")


def test_rights_alone_are_shown_and_nothing_is_written(world: World) -> None:
    found = Accounts.done(world.connect(world.kubeconfig(), "--rights")).data
    assert found["path"] is None
    assert not (world.csoc.folder / "clusters/harbor").exists()
    assert not (Path(world.csoc.variables["CSOC_DATA_DIR"]) / "kubeconfigs").exists()


def test_somebody_who_may_only_look_is_told_which_roles_are_missing_and_with_them_it_works(world: World) -> None:
    user = User("csoc", ("system:authenticated",))
    bind(world, roles(LOOK))
    refused = world.connect(world.kubeconfig(user))
    assert refused.code == 3
    said = refused.err + refused.out
    assert "The cluster does not let csoc do what it needs" in said
    assert "kind: Role" in said.replace("\\n", "\n")
    text = world.csoc("cluster", "connect", "harbor", "--kubeconfig", str(world.kubeconfig(user)))
    first = next(iter(yaml.safe_load_all(text.err.partition("identity there:\n")[2])))
    assert first["kind"] == "ClusterRole", text.err
    bind(world, roles(USE, "csoc-use"))
    assert Accounts.done(world.connect(world.kubeconfig(user))).data["path"]


def bind(world: World, made: list[dict[str, Any]]) -> None:
    for body in made:
        about = dict(body["metadata"])
        world.admin.create(body)
        reference = {"apiGroup": _RBAC, "kind": body["kind"], "name": about["name"]}
        subject = {"apiGroup": _RBAC, "kind": "User", "name": "csoc"}
        binding = {"apiVersion": f"{_RBAC}/v1", "kind": f"{body['kind']}Binding", "metadata": about}
        world.admin.create({**binding, "roleRef": reference, "subjects": [subject]})


@pytest.mark.parametrize("reaching", [{"exec": {"command": "steal"}}, {"tokenFile": "/etc/hostname"}])
def test_a_kubeconfig_that_runs_or_reads_something_is_refused_with_the_commands_that_make_one_with_a_token(
    world: World, reaching: dict[str, Any]
) -> None:
    refused = world.connect(world.kubeconfig(**reaching))
    assert refused.code == 3
    fix = json.loads(refused.err)["error"]["fix"]
    assert fix.startswith("Give one with a token and certificates inside")
    lines = fix.splitlines()
    assert "kubectl apply --filename csoc-rights.yaml" in lines
    assert any('--token "$(kubectl create token csoc --namespace csoc --duration 720h)"' in line for line in lines)
    assert lines[-1] == "csoc cluster connect harbor --kubeconfig harbor.yaml"
    # In text the same lines stand by themselves, so that a shell takes what is copied from there.
    path = world.kubeconfig(**reaching)
    shown = world.csoc("cluster", "connect", "harbor", "--kubeconfig", str(path), "--rights").err.splitlines()
    assert shown[shown.index(lines[1]) :] == lines[1:]
    assert "\\n" not in "".join(shown)
    # What the commands apply lets csoc look, and then say what else it needs.
    for body in pasted(fix):
        world.admin.create(body)
    user = User("system:serviceaccount:csoc:csoc", ("system:serviceaccounts", "system:authenticated"))
    looking = world.connect(world.kubeconfig(user), "--rights")
    assert Accounts.done(looking).data["path"] is None
    refused = world.connect(world.kubeconfig(user))
    assert (refused.code, "create applications" in refused.err) == (3, True)


def test_a_kubeconfig_that_is_no_file_is_refused(world: World) -> None:
    refused = world.connect(Path("/dev/zero"))
    assert refused.code == 1
    assert json.loads(refused.err)["error"]["place"] == "/dev/zero"
    assert "It is no file" in refused.err


def pasted(fix: str) -> list[dict[str, Any]]:
    """The objects that a person would apply."""
    return list(yaml.safe_load_all(fix.partition("<<'EOF'\n")[2].partition("\nEOF\n")[0]))


def test_the_commands_are_a_script_and_give_nothing_that_csoc_does_not_use() -> None:
    found = kubeconfig_commands("harbor", [*LOOK, *USE])
    assert "aws " not in found
    assert {one["kind"] for one in pasted(found)} == {
        "Namespace", "ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding",
    }  # fmt: skip
    assert subprocess.run(["bash", "-n", "-c", found], check=False).returncode == 0
    rules = [rule for one in pasted(found) for rule in one.get("rules", [])]
    assert not [rule for rule in rules if "*" in rule["verbs"] or "*" in rule["resources"]]


def test_one_way_in_is_wanted_and_no_more(world: World) -> None:
    both = world.connect(world.kubeconfig(), "--eks", "tide", "--account", "research")
    assert both.code == 2
    unknown = world.csoc("cluster", "connect", "harbor", "--eks", "tide", "--account", "nobody")
    assert unknown.code == 1
    assert "which this fleet does not have" in unknown.err


def test_a_cluster_of_eks_is_looked_for_in_no_region_that_nobody_named(world: World) -> None:
    account = world.csoc.folder / "accounts" / "research.yaml"
    account.parent.mkdir(exist_ok=True)
    account.write_text(
        "apiVersion: csoc.gen3.org/v1alpha1\nkind: Account\nmetadata: {name: research, uid: a1b2c3d4e5}\n"
        "spec: {provider: aws, id: '222222222222', purpose: workload}\n",
        encoding="utf-8",
    )
    Accounts.commit(world)  # type: ignore[arg-type]
    refused = world.csoc("cluster", "connect", "harbor", "--eks", "tide", "--account", "research")
    assert refused.code == 1
    assert "Nobody says in which region" in refused.err
    assert "Add regions to the Account research" in refused.err


def test_what_csoc_and_its_applications_brought_is_shown_as_csocs_and_the_rest_as_somebody_elses(world: World) -> None:
    Accounts.done(world.connect(world.kubeconfig()))
    uid = yaml.safe_load((world.csoc.folder / "fleet.yaml").read_text("utf-8"))["metadata"]["uid"]
    pin = f"{COMPONENTS[ARGO_CD].version} 0123abcd"
    ours = {"metadata": {"labels": {INSTALLATION: uid}, "annotations": {PIN: pin}}}
    world.admin.merge("v1", "Namespace", "argocd", ours)
    for name, tracked in (
        ("metrics-server", "platform-metrics-server:apps/Deployment:kube-system/x"),
        ("external-dns", ""),
    ):
        marks = {"argocd.argoproj.io/tracking-id": tracked} if tracked else {}
        labels = dict(COMPONENTS[name].labels)
        container = {"name": "one", "image": f"example.org/{name}:v0.19.0"}
        world.admin.create(
            {
                "apiVersion": "apps/v1",
                "kind": "Deployment",
                "metadata": {"name": name, "namespace": "default", "labels": labels, "annotations": marks},
                "spec": {
                    "selector": {"matchLabels": labels},
                    "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
                },
            }
        )
    shown = Accounts.done(world.csoc("cluster", "show", "harbor", "--json")).data
    assert shown["components"]["metrics-server"].startswith("csoc's, 0.19.0: the Application platform-metrics-server")
    assert "somebody else's" in shown["components"]["external-dns"]
    assert shown["argoCd"]["presence"] == "ours"
    assert shown["argoCd"]["said"] == [f"Argo CD is csoc's and at its pin, {COMPONENTS[ARGO_CD].version}"]
    world.admin.merge("v1", "Namespace", "argocd", {"metadata": {"annotations": {PIN: "8.0.0 0123abcd"}}})
    shown = Accounts.done(world.csoc("cluster", "show", "harbor", "--json")).data
    assert shown["argoCd"]["said"] == [f"Argo CD is csoc's at 8.0.0: csoc brings it to {COMPONENTS[ARGO_CD].version}"]
