"""What External Secrets reads in clusters of EKS: Secrets Manager and the parameters of the cluster's own account.

Nothing is read behind the account's back: the operator shows the cluster's token to STS, or has a role by pod identity,
and asks as that role, so that a trust policy, a permission or a planned fault acts as it would on a real one.
Source: External Secrets 1.3.2, providers/v1/aws/{auth,secretsmanager,parameterstore}; amazon-eks-pod-identity-webhook,
pkg/handler (pod identity comes before a role in an annotation); "Pod identity session tags", Amazon EKS User Guide.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from csoc.emulator.cloud import moto_accounts
from csoc.emulator.cloud.calls import ANONYMOUS, Identity, Session
from csoc.emulator.cloud.credentials import Credentials
from csoc.emulator.cloud.eks.records import ClusterRecord
from csoc.emulator.cloud.inside import InsideClients
from csoc.emulator.cloud.principals import GLOBAL_KEYS
from csoc.emulator.iam.documents import PolicyError, parse_policy
from csoc.emulator.iam.evaluation import Question, Rights, decide
from csoc.emulator.kubernetes.clusters import SimulatedCluster
from csoc.emulator.kubernetes.controllers.settings import SecretError, SecretRequest
from csoc.emulator.kubernetes.objects.parts import annotations_of, labels_of
from csoc.emulator.kubernetes.store import Key, Object

_ROLE, _AUDIENCE = "eks.amazonaws.com/role-arn", "eks.amazonaws.com/audience"
_OPERATOR = ("app.kubernetes.io/name", "external-secrets")
_AGENT = "eks-pod-identity-agent"
_SESSION = "external-secrets-provider-aws"
_TOKEN_SECONDS = 600
_POD_HOURS = 6
_MANAGED = {"Key": "managed-by", "Value": "external-secrets"}
_NAMES = {"secretsmanager": "Secrets Manager", "ssm": "SSM", "sts": "STS"}

Where = Callable[[str], tuple[str, str, ClusterRecord] | None]
"""Account, region and record of a cluster by its id; None if EKS has none such."""


class AccountSecrets:
    """A SecretReader. where: what EKS knows of a cluster; clusters: the cluster itself by its id."""

    def __init__(
        self,
        inside: InsideClients,
        credentials: Credentials,
        where: Where,
        clusters: Callable[[str], SimulatedCluster | None],
        now: Callable[[], datetime],
    ) -> None:
        self._inside = inside
        self._credentials = credentials
        self._where = where
        self._clusters = clusters
        self._now = now

    def check(self, cluster: str, request: SecretRequest) -> None:
        """See SecretReader."""
        self._service(request)
        self._identity(cluster, request)

    def read(self, cluster: str, request: SecretRequest) -> str:
        """See SecretReader."""
        service, who = self._service(request), self._identity(cluster, request)
        if service == "ssm":
            name = f"{request.key}:{request.version}" if request.version else request.key
            answer = self._call(service, request, who, "GetParameter", Name=name, WithDecryption=True)
            return str(answer["Parameter"]["Value"])
        asked = {"VersionStage": request.version or "AWSCURRENT"}
        if request.version.startswith("uuid/"):
            asked = {"VersionId": request.version.removeprefix("uuid/")}
        return _text(self._call(service, request, who, "GetSecretValue", SecretId=request.key, **asked))

    def write(self, cluster: str, request: SecretRequest, value: str) -> None:
        """See SecretReader. As the operator does, it leaves alone what it did not make."""
        service, who = self._service(request), self._identity(cluster, request)
        if service == "ssm":
            raise SecretError("the emulator pushes secrets to Secrets Manager only, not to ParameterStore")
        token = str(uuid.uuid4())
        try:
            kept = self._call(service, request, who, "GetSecretValue", SecretId=request.key)
        except SecretError as error:
            if not error.missing:
                raise
            made = {"Name": request.key, "SecretString": value, "Tags": [_MANAGED], "ClientRequestToken": token}
            self._call(service, request, who, "CreateSecret", **made)
            return
        about = self._call(service, request, who, "DescribeSecret", SecretId=request.key)
        if _MANAGED not in about.get("Tags", ()):
            raise SecretError("secret not managed by external-secrets")
        if _text(kept) != value:
            changed = {"SecretId": request.key, "SecretString": value, "ClientRequestToken": token}
            self._call(service, request, who, "PutSecretValue", **changed)

    # Who asks

    @staticmethod
    def _service(request: SecretRequest) -> str:
        if request.provider != "aws":
            raise SecretError(f"the emulator has secrets for the provider aws, not for {request.provider or 'none'}")
        name = str(request.options.get("service") or "")
        if name not in ("SecretsManager", "ParameterStore"):
            raise SecretError(f"unknown AWS Provider Service: {name}")
        return "secretsmanager" if name == "SecretsManager" else "ssm"

    def _identity(self, cluster_id: str, request: SecretRequest) -> Identity:
        found, cluster = self._where(cluster_id), self._clusters(cluster_id)
        if found is None or cluster is None:
            raise SecretError("the cluster is gone")
        account, _, record = found
        if request.service_account:
            namespace, _, name = request.service_account.partition("/")
            more = ((request.options.get("auth") or {}).get("jwt") or {}).get("serviceAccountRef") or {}
            who = self._by_token(cluster, request, namespace, name, [str(one) for one in more.get("audiences") or ()])
        elif request.access_key is not None:
            user = moto_accounts.user_of_key(request.access_key[0])
            if user is None or user[1] != request.access_key[1]:
                told = "api error UnrecognizedClientException: The security token included in the request is invalid."
                raise SecretError(f"https response error StatusCode: 400, {told}")
            who = user[0]
        else:
            who = self._of_operator(account, record, cluster, request)
        for role in request.options.get("additionalRoles") or ():
            who = self._assumed(request, who, {"RoleArn": str(role)})
        if request.options.get("role"):
            who = self._assumed(request, who, _narrowed(request.options))
        return who

    def _by_token(
        self, cluster: SimulatedCluster, request: SecretRequest, namespace: str, name: str, more: list[str]
    ) -> Identity:
        """The role of a service account, by a token that the cluster signs and STS checks."""
        account = cluster.store.get(Key("", "serviceaccounts", namespace, name))
        if account is None:
            raise SecretError(f'ServiceAccount "{name}" not found')
        audiences = [annotations_of(account).get(_AUDIENCE, "sts.amazonaws.com"), *more]
        token, _ = cluster.access.signer.token(account, audiences, _TOKEN_SECONDS, self._now())
        role = annotations_of(account).get(_ROLE, "")
        asked = {"RoleArn": role, "RoleSessionName": _SESSION, "WebIdentityToken": token}
        return self._session("AssumeRoleWithWebIdentity", request, ANONYMOUS, asked)

    def _of_operator(
        self, account: str, record: ClusterRecord, cluster: SimulatedCluster, request: SecretRequest
    ) -> Identity:
        """The operator's own role, as the AWS SDK in its pod finds it."""
        namespace, name = _operator(cluster)
        for one in record.associations.values():
            if (one["namespace"], one["serviceAccount"]) == (namespace, name):
                return self._by_association(account, record, one)
        body = cluster.store.get(Key("", "serviceaccounts", namespace, name))
        if body is not None and annotations_of(body).get(_ROLE):
            return self._by_token(cluster, request, namespace, name, [])
        # A pod of a real cluster may have the node's role, if the instance's metadata lets it ask.
        raise SecretError("failed to refresh cached credentials, no EC2 IMDS role found, operation error ec2imds: "
                          "GetMetadata, canceled, context deadline exceeded")  # fmt: skip

    def _by_association(self, account: str, record: ClusterRecord, association: Mapping[str, Any]) -> Identity:
        if record.addons.get(_AGENT, {}).get("status") != "ACTIVE":
            raise SecretError("failed to refresh cached credentials, failed to load credentials, dial tcp "
                              "169.254.170.23:80: connect: connection refused")  # fmt: skip
        arn = str(association["roleArn"])
        role = moto_accounts.role(account, arn)
        tags = {} if association.get("disableSessionTags") else {
            "eks-cluster-arn": str(record.body["arn"]), "eks-cluster-name": record.name,
            "kubernetes-namespace": str(association["namespace"]),
            "kubernetes-service-account": str(association["serviceAccount"]),
        }  # fmt: skip
        actions = ("sts:AssumeRole", *(("sts:TagSession",) if tags else ()))
        if role is None or not all(_trusts_pods(role, account, action, tags) for action in actions):
            told = "api error AccessDeniedException: Unauthorized Exception! EKS does not have permissions to assume "
            raise SecretError(f"failed to refresh cached credentials, failed to load credentials, {told}"
                              "the associated role.")  # fmt: skip
        now, name = self._now(), f"eks-{record.name}-external-s-{uuid.uuid4()}"[:64]
        session = Session(
            role.arn, role.id, name, now + timedelta(hours=_POD_HOURS), (), "", tags, frozenset(tags), issued_at=now
        )
        who = f"arn:aws:sts::{account}:assumed-role/{role.name}/{name}"
        return Identity(account, who, role.arn, f"{role.id}:{name}", session)

    def _assumed(self, request: SecretRequest, who: Identity, asked: Mapping[str, Any]) -> Identity:
        name = f"aws-go-sdk-{int(self._now().timestamp() * 1e9)}"
        return self._session("AssumeRole", request, who, {**asked, "RoleSessionName": name})

    def _session(self, operation: str, request: SecretRequest, who: Identity, asked: Mapping[str, Any]) -> Identity:
        try:
            answer = self._call("sts", request, who, operation, **asked)
        except SecretError as error:
            why = f"failed to refresh cached credentials, failed to retrieve credentials, {error.message}"
            if operation == "AssumeRole":
                why = f"failed to refresh cached credentials, {error.message}"
            raise SecretError(why) from error
        return self._credentials.redeem(str(answer["Credentials"]["AccessKeyId"]))

    def _call(
        self, service: str, request: SecretRequest, who: Identity, operation: str, **asked: Any
    ) -> Mapping[str, Any]:
        """One call in somebody's name. Raises SecretError in the words of the AWS SDK for Go, without request ids,
        which the operator takes out as well."""
        region = str(request.options.get("region") or "")
        if not region:
            raise SecretError("region is required: the store names none")
        client = self._inside.client(service, region)
        self._inside.act_as(who, "")
        prefix = f"operation error {_NAMES[service]}: {operation}"
        try:
            # boto3 names methods in its own way; the mapping is the client's.
            names = {name: method for method, name in client.meta.method_to_api_mapping.items()}
            answer: Mapping[str, Any] = getattr(client, names[operation])(**asked)
        except ClientError as error:
            code, text = str(error.response["Error"]["Code"]), str(error.response["Error"].get("Message", ""))
            if code in ("ResourceNotFoundException", "ParameterNotFound"):
                raise SecretError("Secret does not exist", missing=True) from error
            status = error.response["ResponseMetadata"].get("HTTPStatusCode", 0)
            modelled = client.meta.service_model.shape_for_error_code(code) is not None
            told = f"{code}: {text}" if modelled else f"api error {code}: {text}"
            raise SecretError(f"{prefix}, https response error StatusCode: {status}, {told}") from error
        except BotoCoreError as error:
            raise SecretError(f"{prefix}, {error}") from error
        return answer


def _text(answer: Mapping[str, Any]) -> str:
    if "SecretString" in answer:
        return str(answer["SecretString"])
    return bytes(answer["SecretBinary"]).decode("utf-8", "replace")


def _narrowed(options: Mapping[str, Any]) -> dict[str, Any]:
    """How a store asks for the role that it names."""
    asked: dict[str, Any] = {"RoleArn": str(options["role"])}
    if options.get("externalID"):
        asked["ExternalId"] = str(options["externalID"])
    if options.get("sessionTags"):
        asked["Tags"] = [{"Key": str(one["key"]), "Value": str(one["value"])} for one in options["sessionTags"]]
    if options.get("transitiveTagKeys"):
        asked["TransitiveTagKeys"] = [str(one) for one in options["transitiveTagKeys"]]
    return asked


def _operator(cluster: SimulatedCluster) -> tuple[str, str]:
    """Namespace and name of the service account that the operator runs as."""
    for body in cluster.store.objects("apps", "deployments"):
        if labels_of(body).get(_OPERATOR[0]) == _OPERATOR[1]:
            spec: Object = body["spec"]["template"]["spec"]
            return str(body["metadata"]["namespace"]), str(spec.get("serviceAccountName") or "default")
    raise SecretError("no deployment of External Secrets is in the cluster")


def _trusts_pods(role: moto_accounts.Principal, account: str, action: str, tags: Mapping[str, str]) -> bool:
    try:
        trust = parse_policy(role.trust or {})
    except PolicyError:
        return False
    context: dict[str, Any] = {f"aws:requesttag/{name}": value for name, value in tags.items()}
    context |= {"aws:tagkeys": list(tags), "aws:sourceaccount": account,
                "aws:sourcearn": tags.get("eks-cluster-arn", "")}  # fmt: skip
    principal = {"Service": frozenset({"pods.eks.amazonaws.com"})}
    question = Question("", action, (role.arn,), account, principal, context, GLOBAL_KEYS)
    return decide(question, Rights(), {role.arn: trust}).allowed
