"""What a layer's build is given besides its settings: values of other layers, names, and where it is built."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_iam as iam

from csoc_infra import names
from csoc_infra.document import Document, LayerRequest

NOTHING = "-"
"""What an output says that has nothing to name: an SSM parameter cannot be empty."""


class Given:
    """See the module. Values are tokens of the template's parameters: unknown until CloudFormation resolves them."""

    def __init__(self, stack: cdk.Stack, document: Document, layer: LayerRequest) -> None:
        """Each input becomes a parameter of the template when it is first asked for."""
        self._stack = stack
        self.layer = layer.name
        self.uid = document.uid
        self.installation = document.installation
        self.owner = document.name
        self.account = document.account
        self.region = document.region
        self.partition = document.partition
        self.boundary = document.boundary
        self._inputs = layer.inputs
        self._parameters: dict[str, cdk.CfnParameter] = {}

    def __contains__(self, name: str) -> bool:
        """True if an optional input was given."""
        return name in self._inputs

    def __getitem__(self, name: str) -> str:
        """A value, as a token. Raises KeyError for an optional one that was not given."""
        if name not in self._parameters:
            one = self._inputs[name]
            self._parameters[name] = cdk.CfnParameter(
                self._stack,
                name,
                type="AWS::SSM::Parameter::Value<String>" if one.parameter else "String",
                default=one.parameter or one.value,
            )
        return self._parameters[name].value_as_string

    def list(self, name: str) -> Sequence[str]:
        """All items of a list, as one token for a property that takes a list."""
        return cdk.Fn.split(",", self[name])

    def items(self, name: str, count: int) -> Sequence[str]:
        """The first items of a list, a token each. CloudFormation refuses the stack if there are fewer."""
        return [cdk.Fn.select(number, cdk.Fn.split(",", self[name])) for number in range(count)]

    def name(self, purpose: str) -> str:
        """The name of a queue, topic, database, domain, role or the like."""
        return names.thing(self.uid, purpose)

    def bucket(self, purpose: str) -> str:
        """The name of a bucket."""
        return names.bucket(self.uid, purpose, self.account)

    def secret(self, name: str) -> str:
        """The name of a secret."""
        return names.secret(self.uid, name)

    def parameter(self, layer: str, output: str) -> str:
        """The path of an SSM parameter of this owner."""
        return names.parameter(self.uid, layer, output)

    def arn(self, service: str, resource: str, *, region: str | None = None, account: str | None = None) -> str:
        """An ARN in this account and region; empty text where the service has no region or account in it."""
        region = self.region if region is None else region
        account = self.account if account is None else account
        return f"arn:{self.partition}:{service}:{region}:{account}:{resource}"

    def role(
        self,
        logical_id: str,
        purpose: str,
        *,
        trust: Sequence[Mapping[str, Any]] | str,
        statements: Sequence[Mapping[str, Any]] = (),
        managed: Sequence[str] = (),
        description: str = "",
    ) -> iam.CfnRole:
        """A role at the owner's path with the boundary attached: the only way in which layers make roles.

        trust: statements, or what pod_trust gives. statements: of its own policy. managed: names of AWS's managed
        policies, with their path (service-role/X).
        """
        return iam.CfnRole(
            self._stack,
            logical_id,
            role_name=self.name(purpose),
            path=names.role_path(self.uid),
            permissions_boundary=self.boundary,
            description=description or None,
            assume_role_policy_document=trust if isinstance(trust, str) else policy(*trust),
            managed_policy_arns=[f"arn:{self.partition}:iam::aws:policy/{name}" for name in managed] or None,
            policies=[iam.CfnRole.PolicyProperty(policy_name="own", policy_document=policy(*statements))]
            if statements
            else None,
        )

    def service_trust(self, service: str, *, says_for_whom: bool = False) -> Mapping[str, Any]:
        """Trust in a service of AWS. says_for_whom: it names the account that it acts for, so no other may use it."""
        suffix = "amazonaws.com.cn" if self.partition == "aws-cn" and service == "ec2" else "amazonaws.com"
        trust = {"Effect": "Allow", "Principal": {"Service": f"{service}.{suffix}"}, "Action": "sts:AssumeRole"}
        return trust | {"Condition": {"StringEquals": {"aws:SourceAccount": self.account}}} if says_for_whom else trust

    def pod_trust(self, *service_accounts: str, itself: str = "") -> str:
        """The trust policy of a role for service accounts ("namespace:name") of the cluster, and for no others. itself:
        the role's own ARN, if it may assume itself.

        Its conditions have keys with the issuer in them, and only in a text can CloudFormation put that in. Needs the
        inputs ClusterOidcProviderArn and ClusterOidcIssuer.
        """
        subjects = [f"system:serviceaccount:{account}" for account in service_accounts]
        pods = {
            "Effect": "Allow",
            "Principal": {"Federated": "${Provider}"},
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {"StringEquals": {"${Issuer}:aud": "sts.amazonaws.com", "${Issuer}:sub": subjects}},
        }
        # A principal has to exist when a role is made, so the role itself can only stand in a condition.
        own = {
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:{self.partition}:iam::{self.account}:root"},
            "Action": "sts:AssumeRole",
            "Condition": {"ArnEquals": {"aws:PrincipalArn": itself}},
        }
        document = policy(pods, own) if itself else policy(pods)
        return cdk.Fn.sub(
            json.dumps(document, sort_keys=True, separators=(",", ":")),
            {"Provider": self["ClusterOidcProviderArn"], "Issuer": self["ClusterOidcIssuer"]},
        )


def policy(*statements: Mapping[str, Any]) -> dict[str, Any]:
    """A policy document."""
    return {"Version": "2012-10-17", "Statement": [dict(one) for one in statements]}
