"""What people do by hand in accounts of the emulated cloud, for tests and the demo: make csoc's role, make stacks.

csoc refuses to run as an account's owner, who is an IAM user here as in many real accounts. So there is a hub account
with a role for csoc, which its owner takes in the name of a person.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import boto3
from botocore.config import Config

from csoc.emulator.cloud.accounts import Accounts

REGION = "ap-southeast-2"
WORKER = "csoc-worker"
_CONFIG = Config(retries={"max_attempts": 0}, s3={"addressing_style": "path"})


class OwnerOf:
    """The owner of an account. endpoint: of the cloud."""

    def __init__(self, endpoint: str, accounts: Accounts, account: str) -> None:
        self.account = account
        self._endpoint = endpoint
        self._key = accounts.owner(account)

    def client(self, service: str, region: str = REGION) -> Any:
        """A client of a service with the owner's key."""
        return boto3.client(
            service,
            region_name=region,
            endpoint_url=self._endpoint,
            aws_access_key_id=self._key.access_key,
            aws_secret_access_key=self._key.secret,
            config=_CONFIG,
        )

    def variables(self) -> dict[str, str]:
        """What programs need to act as the owner."""
        return self._shown(self._key.access_key, self._key.secret, "")

    def signed_in(self, person: str, permissions: str = "Engineers") -> dict[str, str]:
        """Signs a person in with single sign-on, which takes its role of a set of permissions for them."""
        name = f"AWSReservedSSO_{permissions}_0123456789abcdef"
        return self.hub(person, name, f"/aws-reserved/sso.amazonaws.com/{REGION}/")

    def hub(self, person: str, name: str = WORKER, path: str = "/") -> dict[str, str]:
        """Makes the role that csoc runs as, if it is not there, and takes it for a person. Returns the variables that
        csoc needs to be it."""
        iam = self.client("iam")
        trust = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{self.account}:root"}}
        trusted = _policy({**trust, "Action": "sts:AssumeRole"})
        try:
            arn = iam.create_role(RoleName=name, Path=path, AssumeRolePolicyDocument=trusted)["Role"]["Arn"]
        except iam.exceptions.EntityAlreadyExistsException:
            arn = iam.get_role(RoleName=name)["Role"]["Arn"]
        links = {"Action": ["sts:AssumeRole", "sts:SetSourceIdentity"], "Resource": "arn:aws:iam::*:role/csoc-link/*"}
        itself = {"Action": "iam:GetRole", "Resource": arn}
        templates = {
            "Action": ["s3:GetBucketLocation", "s3:GetObject", "s3:PutObject"],
            "Resource": ["arn:aws:s3:::csoc-templates-*"],
        }
        allowed = [{"Effect": "Allow", **one} for one in (links, itself, templates)]
        iam.put_role_policy(RoleName=name, PolicyName="links", PolicyDocument=_policy(*allowed))
        key = self.client("sts").assume_role(RoleArn=arn, RoleSessionName=person)["Credentials"]
        return self._shown(key["AccessKeyId"], key["SecretAccessKey"], key["SessionToken"])

    def make_stack(
        self, name: str, template: str, parameters: Mapping[str, str], wait: Callable[[], None], region: str = REGION
    ) -> str:
        """Makes or updates a stack and waits for it, calling `wait` between two looks. Returns its status."""
        client = self.client("cloudformation", region)
        asked = {
            "StackName": name,
            "TemplateBody": template,
            "Parameters": [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
            "Capabilities": ["CAPABILITY_NAMED_IAM"],
        }
        try:
            client.create_stack(**asked)
        except client.exceptions.AlreadyExistsException:
            client.update_stack(**asked)
        while (status := str(client.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"])).endswith(
            "_IN_PROGRESS"
        ):
            wait()
        return status

    def _shown(self, access_key: str, secret: str, token: str) -> dict[str, str]:
        found = {
            "AWS_ENDPOINT_URL": self._endpoint,
            "AWS_ACCESS_KEY_ID": access_key,
            "AWS_SECRET_ACCESS_KEY": secret,
            "AWS_DEFAULT_REGION": REGION,
        }
        return found | ({"AWS_SESSION_TOKEN": token} if token else {})


def _policy(*statements: Mapping[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
