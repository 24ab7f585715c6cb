"""Who may do what in a simulated cluster."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import jwt
import pytest

from csoc.emulator.kubernetes.access.access_policies import Association, arn
from csoc.emulator.kubernetes.access.requests import Asked, Query, asked
from csoc.emulator.kubernetes.api import reviews
from csoc.emulator.kubernetes.clusters import SimulatedCluster
from csoc.emulator.kubernetes.errors import ApiError
from csoc.emulator.kubernetes.objects.options import Options
from csoc.emulator.kubernetes.store import Key
from csoc.emulator.kubernetes.users import AUTHENTICATED, User
from tests.unit.emulator.kubernetes import made

RBAC = "rbac.authorization.k8s.io/v1"
JOE = User("joe", ("devs", AUTHENTICATED))


@pytest.fixture
def simulated() -> SimulatedCluster:
    return made.cluster()


def ask(method: str, path: str, query: str = "") -> Asked:
    return asked(method, path, Query.of(query))


def bind(simulated: SimulatedCluster, role: str, user: User = JOE, namespace: str = "") -> None:
    kind = "RoleBinding" if namespace else "ClusterRoleBinding"
    body = {
        "metadata": {"name": f"{user.name}-{role}"},
        "roleRef": {"kind": "ClusterRole", "name": role},
        "subjects": [{"kind": "User", "name": user.name}],
    }
    simulated.objects.create(made.type_of(simulated, kind, RBAC), namespace, body)


PODS, SECRETS = "/api/v1/namespaces/default/pods", "/api/v1/namespaces/default/secrets"


@pytest.mark.parametrize(
    ("role", "may", "may_not"),
    [
        ("view", [ask("GET", PODS)], [ask("GET", SECRETS), ask("POST", PODS), ask("GET", "/api/v1/nodes")]),
        (
            "edit",
            [ask("GET", SECRETS), ask("POST", f"{PODS}/p/exec")],
            [ask("POST", f"/apis/{RBAC}/namespaces/default/roles")],
        ),
        ("admin", [ask("POST", f"/apis/{RBAC}/namespaces/default/roles")], [ask("POST", f"/apis/{RBAC}/clusterroles")]),
        ("cluster-admin", [ask("DELETE", "/api/v1/nodes/n"), ask("GET", "/metrics")], []),
    ],
)
def test_the_built_in_roles_give_what_they_do_in_a_real_cluster(
    simulated: SimulatedCluster, role: str, may: list[Asked], may_not: list[Asked]
) -> None:
    assert not any(simulated.access.allows(JOE, one) for one in may)
    bind(simulated, role)
    assert all(simulated.access.allows(JOE, one) for one in may)
    assert not any(simulated.access.allows(JOE, one) for one in may_not)


def test_a_role_bound_in_a_namespace_counts_there_only(simulated: SimulatedCluster) -> None:
    bind(simulated, "view", namespace="default")
    assert simulated.access.allows(JOE, ask("GET", PODS))
    assert not simulated.access.allows(JOE, ask("GET", "/api/v1/namespaces/kube-system/pods"))
    assert not simulated.access.allows(JOE, ask("GET", "/api/v1/pods"))


def test_what_is_denied_is_said_as_the_real_server_says_it(simulated: SimulatedCluster) -> None:
    with pytest.raises(ApiError) as caught:
        simulated.access.require(JOE, ask("GET", SECRETS))
    assert caught.value.status() == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": 'secrets is forbidden: User "joe" cannot list resource "secrets" in API group "" in the namespace '
        '"default"',
        "reason": "Forbidden",
        "details": {"kind": "secrets"},
        "code": 403,
    }
    with pytest.raises(
        ApiError,
        match=r'^deployments.apps "d" is forbidden: User "joe" cannot patch resource "deployments/scale" in API group',
    ):
        simulated.access.require(JOE, ask("PATCH", "/apis/apps/v1/namespaces/default/deployments/d/scale"))
    with pytest.raises(ApiError, match='forbidden: User "joe" cannot get path "/metrics"'):
        simulated.access.require(JOE, ask("GET", "/metrics"))


def test_roles_join_an_aggregated_one_by_their_labels(simulated: SimulatedCluster) -> None:
    bind(simulated, "view")
    widgets = ask("GET", "/apis/example.org/v1/namespaces/default/widgets")
    assert not simulated.access.allows(JOE, widgets)
    role = {
        "metadata": {"name": "w", "labels": {"rbac.authorization.k8s.io/aggregate-to-view": "true"}},
        "rules": [{"apiGroups": ["example.org"], "resources": ["widgets"], "verbs": ["list"]}],
    }
    simulated.objects.create(made.type_of(simulated, "ClusterRole", RBAC), "", role)
    assert simulated.access.allows(JOE, widgets)


def test_nobody_gives_what_they_do_not_have(simulated: SimulatedCluster) -> None:
    bind(simulated, "admin", namespace="default")
    roles, bindings = made.type_of(simulated, "Role", RBAC), made.type_of(simulated, "RoleBinding", RBAC)
    options = Options(user=JOE)
    fine = {"metadata": {"name": "ok"}, "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]}
    simulated.objects.create(roles, "default", fine, options)
    more = {
        "metadata": {"name": "more"},
        "rules": [{"apiGroups": [""], "resources": ["nodes"], "verbs": ["get", "list"]}],
    }
    with pytest.raises(ApiError) as caught:
        simulated.objects.create(roles, "default", more, options)
    assert caught.value.message == (
        'roles.rbac.authorization.k8s.io "more" is forbidden: user "joe" (groups=["devs" "system:authenticated"]) is '
        "attempting to grant RBAC permissions not currently held:\n"
        '{APIGroups:[""], Resources:["nodes"], Verbs:["get" "list"]}'
    )
    grant = {
        "metadata": {"name": "b"},
        "roleRef": {"kind": "ClusterRole", "name": "cluster-admin"},
        "subjects": [{"kind": "User", "name": "joe"}],
    }
    with pytest.raises(ApiError, match="not currently held"):
        simulated.objects.create(bindings, "default", grant, options)
    simulated.objects.create(
        bindings, "default", {**grant, "roleRef": {"kind": "ClusterRole", "name": "view"}}, options
    )


def test_who_may_bind_a_role_needs_none_of_its_rights(simulated: SimulatedCluster) -> None:
    rules = [
        {"apiGroups": ["rbac.authorization.k8s.io"], "resources": ["rolebindings"], "verbs": ["create"]},
        {
            "apiGroups": ["rbac.authorization.k8s.io"],
            "resources": ["clusterroles"],
            "resourceNames": ["edit"],
            "verbs": ["bind"],
        },
    ]
    simulated.objects.create(
        made.type_of(simulated, "ClusterRole", RBAC), "", {"metadata": {"name": "binder"}, "rules": rules}
    )
    bind(simulated, "binder")
    bindings = made.type_of(simulated, "RoleBinding", RBAC)
    body = {"metadata": {"name": "b"}, "roleRef": {"kind": "ClusterRole", "name": "edit"}, "subjects": []}
    simulated.objects.create(bindings, "default", body, Options(user=JOE))
    with pytest.raises(ApiError, match="not currently held"):
        simulated.objects.create(
            bindings,
            "default",
            {**body, "metadata": {"name": "c"}, "roleRef": {"kind": "ClusterRole", "name": "admin"}},
            Options(user=JOE),
        )


def test_impersonation_needs_a_right_for_each_part(simulated: SimulatedCluster) -> None:
    headers = {"impersonate-user": "ann"}
    with pytest.raises(ApiError, match='users "ann" is forbidden: User "joe" cannot impersonate resource "users"'):
        simulated.access.impersonated(JOE, headers, [])
    rules = [{"apiGroups": [""], "resources": ["users"], "resourceNames": ["ann"], "verbs": ["impersonate"]}]
    simulated.objects.create(
        made.type_of(simulated, "ClusterRole", RBAC), "", {"metadata": {"name": "i"}, "rules": rules}
    )
    bind(simulated, "i")
    assert simulated.access.impersonated(JOE, headers, []) == User("ann", (AUTHENTICATED,))
    with pytest.raises(ApiError, match='cannot impersonate resource "groups"'):
        simulated.access.impersonated(JOE, headers, ["system:masters"])
    with pytest.raises(ApiError, match="without impersonating a user"):
        simulated.access.impersonated(JOE, {}, ["devs"])


def token_of(simulated: SimulatedCluster, **spec: Any) -> str:
    answer = reviews.token_request(simulated.objects, simulated.access, "default", "default", {"spec": spec})
    return str(answer["status"]["token"])


def test_tokens_of_service_accounts_can_be_checked_by_others() -> None:
    simulated = made.cluster()
    token = token_of(simulated, audiences=["sts.amazonaws.com"])
    keys = jwt.PyJWKSet.from_dict(simulated.access.signer.key_set())
    header = jwt.get_unverified_header(token)
    key = next(one for one in keys.keys if one.key_id == header["kid"])
    issuer = simulated.access.signer.configuration()["issuer"]
    claims = jwt.decode(
        token, key.key, ["RS256"], audience="sts.amazonaws.com", issuer=issuer, options={"verify_exp": False}
    )
    assert claims["sub"] == "system:serviceaccount:default:default"
    assert simulated.access.user_of(token) is None  # it is for another audience


def test_a_token_ends_with_its_time_its_account_and_its_cluster() -> None:
    time = made.Time()
    simulated = made.cluster(time)
    token = token_of(simulated, expirationSeconds=600)
    user = simulated.access.user_of(token)
    assert user is not None
    assert user.name == "system:serviceaccount:default:default"
    assert made.cluster(time).access.user_of(token) is None
    time.passed = timedelta(minutes=10).total_seconds()
    assert simulated.access.user_of(token) is None
    time.passed = 0
    simulated.store.remove(Key("", "serviceaccounts", "default", "default"))
    assert simulated.access.user_of(token) is None


def test_an_unknown_token_is_refused_and_none_at_all_is_nobody(simulated: SimulatedCluster) -> None:
    with pytest.raises(ApiError) as caught:
        simulated.access.authenticate({"authorization": "Bearer nonsense"})
    assert (caught.value.code, caught.value.reason) == (401, "Unauthorized")
    nobody = simulated.access.authenticate({})
    assert nobody.name == "system:anonymous"
    simulated.access.require(nobody, ask("GET", "/healthz"))
    with pytest.raises(ApiError, match='User "system:anonymous" cannot list resource "pods"'):
        simulated.access.require(nobody, ask("GET", PODS))


def test_access_policies_count_in_their_scope() -> None:
    given = {
        "joe": [Association(arn("AmazonEKSViewPolicy"), ("team-*",))],
        "ann": [Association(arn("AmazonEKSAdminViewPolicy"))],
    }
    simulated = made.cluster(associations=lambda _: lambda user: given.get(user.name, []))
    ann = User("ann", (AUTHENTICATED,))
    assert simulated.access.allows(JOE, ask("GET", "/api/v1/namespaces/team-a/pods"))
    assert not simulated.access.allows(JOE, ask("GET", "/api/v1/namespaces/other/pods"))
    assert not simulated.access.allows(JOE, ask("GET", "/api/v1/pods"))
    assert simulated.access.allows(ann, ask("GET", "/api/v1/secrets"))
    assert not simulated.access.allows(ann, ask("DELETE", "/api/v1/namespaces/x/secrets/s"))


def test_tokens_from_outside_are_asked_for() -> None:
    seen = []

    def outside(token: str) -> User | None:
        seen.append(token)
        return User("arn:aws:sts::1:assumed-role/r/s", ("ops",)) if token == "k8s-aws-v1.x" else None

    simulated = made.cluster(outside=lambda _: outside)
    found = simulated.access.authenticate({"authorization": "Bearer k8s-aws-v1.x"})
    assert (found.name, found.groups) == ("arn:aws:sts::1:assumed-role/r/s", ("ops", AUTHENTICATED))
    assert seen == ["k8s-aws-v1.x"]


def test_reviews_answer_for_oneself_and_for_others(simulated: SimulatedCluster) -> None:
    bind(simulated, "view", namespace="default")
    attributes = {"namespace": "default", "verb": "list", "resource": "pods"}
    review = reviews.review_of("authorization.k8s.io", "selfsubjectaccessreviews")
    other = reviews.review_of("authorization.k8s.io", "subjectaccessreviews")
    assert review is not None
    assert other is not None
    mine = {"spec": {"resourceAttributes": attributes}}
    assert review(simulated.objects, simulated.access, JOE, "", mine)["status"] == {"allowed": True}
    assert review(simulated.objects, simulated.access, User("ann"), "", mine)["status"] == {"allowed": False}
    theirs = {"spec": {"user": "ann", "resourceAttributes": attributes}}
    assert other(simulated.objects, simulated.access, JOE, "", theirs)["status"] == {"allowed": False}
    with pytest.raises(ApiError, match="exactly one of nonResourceAttributes or resourceAttributes"):
        review(simulated.objects, simulated.access, JOE, "", {"spec": {}})


def rules_of(simulated: SimulatedCluster, name: str) -> list[dict[str, Any]]:
    found = simulated.objects.get(made.type_of(simulated, "ClusterRole", RBAC), "", name).get("rules") or []
    return list(found)


def test_the_built_in_roles_say_what_they_are_made_of() -> None:
    simulated = made.cluster()
    view, edit, admin = (rules_of(simulated, name) for name in ("view", "edit", "admin"))
    part = {name: rules_of(simulated, f"system:aggregate-to-{name}") for name in ("view", "edit", "admin")}
    assert view == part["view"]
    assert all(rule in edit for rule in [*view, *part["edit"]])
    assert all(rule in admin for rule in [*edit, *part["admin"]])
    assert len(edit) < len(admin)
    fields = simulated.objects.get(made.type_of(simulated, "ClusterRole", RBAC), "", "admin")["metadata"][
        "managedFields"
    ]
    assert ("clusterrole-aggregation-controller", "Apply") in [(one["manager"], one["operation"]) for one in fields]


def test_roles_that_are_all_made_of_each_other_are_judged_at_once_and_as_one() -> None:
    simulated = made.cluster()
    roles = made.type_of(simulated, "ClusterRole", RBAC)
    everything = {"clusterRoleSelectors": [{"matchLabels": {"all": "yes"}}, {"matchExpressions": []}]}
    for number in range(40):
        body = {"metadata": {"name": f"r{number}", "labels": {"all": "yes"}}, "aggregationRule": everything}
        simulated.objects.create(roles, "", body)
    bind(simulated, "r7")
    assert simulated.access.allows(JOE, ask("DELETE", "/api/v1/nodes/n"))
