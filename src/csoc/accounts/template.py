"""The link template: one stack that makes an account's link, and nothing else.

It is the same for every account of an installation, so that its digest says which version a stack runs with and one
StackSet can make many links. What differs, the ExternalId, is a parameter. It is not NoEcho: AWS counts it as no
secret, quick-create addresses ignore such parameters, and csoc compares what came back.
"""

from __future__ import annotations

import hashlib
import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote

from csoc.accounts import names
from csoc.accounts.links import Role
from csoc.accounts.roles import (
    LONGEST_SESSION_SECONDS,
    PARAMETERS,
    STACKS,
    RoleDocuments,
    boundary_document,
    read_existing,
    roles,
)
from csoc.accounts.terms import MARK, Reads, Terms
from csoc.errors import RejectedError

EXTERNAL_ID_PATTERN = "csoc-[a-z0-9]{10}-[a-z0-9]{30}"
READ_PARAMETERS: Mapping[str, tuple[str, str]] = {
    "ExistingParameters": (PARAMETERS, "ARNs of SSM parameters from which csoc reads layers that exist already."),
    "ExistingStacks": (STACKS, "ARNs of stacks from which csoc reads layers that exist already."),
}
"""Parameters of the template with the policy that each fills."""
CAPABILITY = "CAPABILITY_NAMED_IAM"
LARGEST_INLINE_BYTES = 51_200
"""Of a template that is given in a call; a larger one has to come from a bucket. Source: CloudFormation quotas."""
LONGEST_ADDRESS = 1_024
"""Of a quick-create address. Source: "Quick-create links for stacks", AWS CloudFormation User Guide."""


@dataclass(frozen=True, slots=True)
class LinkTemplate:
    """body: JSON text, as it goes to CloudFormation. reads: values of its parameters for what exists already."""

    body: str
    stack: str
    reads: Mapping[str, str] = field(default_factory=dict)

    def given(self, external_id: str) -> dict[str, str]:
        """Its parameters for one account."""
        return {"ExternalId": external_id, **self.reads}

    @property
    def digest(self) -> str:
        """sha256 of the body, in hexadecimal."""
        return hashlib.sha256(self.body.encode()).hexdigest()

    @property
    def key(self) -> str:
        """Its name in a bucket."""
        return f"link/{self.digest}.json"


def link_template(terms: Terms) -> LinkTemplate:
    """The template of an installation. terms: those of the template, with references for what each account has; what
    their account lets csoc read besides is not in the body, but in the parameters."""
    resources: dict[str, Any] = {
        "Boundary": _managed(terms, "boundary", boundary_document(terms)),
        "ArtifactBucket": _bucket(terms),
        "ArtifactBucketPolicy": _bucket_policy(),
    }
    outputs: dict[str, Any] = {"ArtifactBucket": {"Value": {"Ref": "ArtifactBucket"}}}
    for made in roles(replace(terms, reads=Reads())):
        logical = f"{made.role.capitalize()}Role"
        for name, document in made.managed.items():
            resources[_logical(name)] = _managed(terms, name, document)
        resources[logical] = _role(terms, made)
        outputs[f"{logical}Arn"] = {"Value": {"Fn::GetAtt": [logical, "Arn"]}}
    for parameter, (policy_name, _) in READ_PARAMETERS.items():
        resources[_logical(policy_name)] = _read_existing(terms, parameter, policy_name)
    body = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": f"Lets the csoc of installation {terms.installation} act in this account. Delete to unlink.",
        "Parameters": {
            "ExternalId": {
                "Type": "String",
                "AllowedPattern": EXTERNAL_ID_PATTERN,
                "ConstraintDescription": "must be the one that `csoc account link` printed for this account",
                "Description": "Made by csoc for this account alone. Do not change it.",
            },
            **{
                name: {"Type": "CommaDelimitedList", "Default": "", "Description": what}
                for name, (_, what) in READ_PARAMETERS.items()
            },
        },
        "Conditions": {
            f"Has{name}": {"Fn::Not": [{"Fn::Equals": [{"Fn::Join": ["", {"Ref": name}]}, ""]}]}
            for name in READ_PARAMETERS
        },
        "Resources": resources,
        "Outputs": outputs,
    }
    reads = terms.reads
    values = {"ExistingParameters": ",".join(reads.parameters), "ExistingStacks": ",".join(reads.stacks)}
    return LinkTemplate(
        json.dumps(_substituted(body), separators=(",", ":")),
        names.link_stack(terms.installation),
        {name: value for name, value in values.items() if value},
    )


def reads_of_stack(parameters: Mapping[str, str]) -> Reads:
    """What a link's stack was given to read besides csoc's own, as far as it is what csoc would ask for."""
    given = {name: tuple(filter(None, parameters.get(name, "").split(","))) for name in READ_PARAMETERS}
    return Reads(given["ExistingParameters"], given["ExistingStacks"]).checked()


def _read_existing(terms: Terms, parameter: str, name: str) -> dict[str, Any]:
    """A policy beside the provisioner's, where there is anything to read."""
    made = _managed(terms, name, read_existing(name, {"Ref": parameter}))
    made["Properties"]["Roles"] = [{"Ref": f"{Role.PROVISIONER.capitalize()}Role"}]
    return {**made, "Condition": f"Has{parameter}"}


def _logical(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("-")) + "Policy"


def _managed(terms: Terms, name: str, document: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "Type": "AWS::IAM::ManagedPolicy",
        "Properties": {
            "ManagedPolicyName": names.link_role(terms.installation, name),
            "Path": names.LINK_PATH,
            "PolicyDocument": document,
        },
    }


def _role(terms: Terms, made: RoleDocuments) -> dict[str, Any]:
    properties: dict[str, Any] = {
        "RoleName": names.link_role(terms.installation, made.role),
        "Path": names.LINK_PATH,
        "MaxSessionDuration": LONGEST_SESSION_SECONDS,
        "AssumeRolePolicyDocument": made.trust,
    }
    if made.inline:
        properties["Policies"] = [
            {"PolicyName": name, "PolicyDocument": document} for name, document in made.inline.items()
        ]
    if made.managed:
        properties["ManagedPolicyArns"] = [{"Ref": _logical(name)} for name in made.managed]
    return {"Type": "AWS::IAM::Role", "Properties": properties}


def _bucket(terms: Terms) -> dict[str, Any]:
    return {
        "Type": "AWS::S3::Bucket",
        "DeletionPolicy": "RetainExceptOnCreate",
        "UpdateReplacePolicy": "Retain",
        "Properties": {
            "BucketName": terms.artifact_bucket,
            "BucketEncryption": {
                "ServerSideEncryptionConfiguration": [{"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
            },
            "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
            "PublicAccessBlockConfiguration": {
                "BlockPublicAcls": True,
                "BlockPublicPolicy": True,
                "IgnorePublicAcls": True,
                "RestrictPublicBuckets": True,
            },
            "VersioningConfiguration": {"Status": "Enabled"},
        },
    }


def _bucket_policy() -> dict[str, Any]:
    bucket = {"Fn::GetAtt": ["ArtifactBucket", "Arn"]}
    return {
        "Type": "AWS::S3::BucketPolicy",
        "DeletionPolicy": "RetainExceptOnCreate",
        "UpdateReplacePolicy": "Retain",
        "Properties": {
            "Bucket": {"Ref": "ArtifactBucket"},
            "PolicyDocument": {
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Sid": "OnlyWithTls",
                        "Effect": "Deny",
                        "Principal": "*",
                        "Action": "s3:*",
                        "Resource": [bucket, {"Fn::Join": ["/", [bucket, "*"]]}],
                        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                    }
                ],
            },
        },
    }


def _substituted(value: Any) -> Any:
    """With Fn::Sub around every text that has a reference."""
    if isinstance(value, Mapping):
        return {key: _substituted(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_substituted(one) for one in value]
    if not isinstance(value, str) or "${" not in value:
        return value
    if MARK in value:
        return {"Fn::Sub": [value, {MARK[2:-1]: {"Fn::Select": [1, {"Fn::Split": ["-", {"Ref": "ExternalId"}]}]}}]}
    return {"Ref": value[2:-1]} if value.count("${") == 1 and value[:2] + value[-1] == "${}" else {"Fn::Sub": value}


def command(template: LinkTemplate, external_id: str, region: str, file: str) -> str:
    """The one command that makes the stack from a file."""
    words = [
        "aws", "cloudformation", "deploy", "--region", region, "--stack-name", template.stack,
        "--template-file", file, "--capabilities", CAPABILITY, "--parameter-overrides",
        *(f"{name}={value}" for name, value in template.given(external_id).items()),
    ]  # fmt: skip
    return shlex.join(words)


def quick_create(template: LinkTemplate, external_id: str, region: str, template_url: str, partition: str) -> str:
    """An address that opens the console with everything filled in. Raises RejectedError if it would be too long, or
    the partition has another console."""
    if partition != "aws":
        raise RejectedError(
            f"The partition {partition} has no quick-create addresses that csoc knows",
            fix="Use --format command or --format cloudformation",
        )
    address = (
        f"https://{region}.console.aws.amazon.com/cloudformation/home?region={region}#/stacks/create/review"
        f"?templateURL={quote(template_url, safe='')}&stackName={quote(template.stack)}"
        f"&param_ExternalId={quote(external_id)}"
    ) + "".join(f"&param_{name}={quote(value, safe='')}" for name, value in template.reads.items())
    if len(address) > LONGEST_ADDRESS:
        raise RejectedError(
            f"The quick-create address would have {len(address)} characters; AWS takes {LONGEST_ADDRESS}",
            fix="Use --format command; or set aws.template_bucket to a bucket with a shorter name",
        )
    return address


def terraform(template: LinkTemplate, external_id: str, region: str, file: str) -> str:
    """Terraform that makes the same stack, from the same template."""
    parameters = ", ".join(f"{name} = {json.dumps(value)}" for name, value in template.given(external_id).items())
    return f"""\
# Template sha256 {template.digest}
resource "aws_cloudformation_stack" "csoc_link" {{
  name          = {json.dumps(template.stack)} # in the region {region} of your provider
  template_body = file({json.dumps(file)})
  capabilities  = ["{CAPABILITY}"]
  parameters    = {{ {parameters} }}
}}
"""


def stack_set(template: LinkTemplate, external_id: str, region: str, account_id: str, file: str) -> str:
    """Commands of an organization's administrator: one StackSet for all accounts, one instance an account, each with
    its own ExternalId."""
    make = [
        "aws", "cloudformation", "create-stack-set", "--region", region, "--stack-set-name", template.stack,
        "--template-body", f"file://{file}", "--capabilities", CAPABILITY,
        "--parameters", f"ParameterKey=ExternalId,ParameterValue=csoc-{'0' * 10}-{'0' * 30}",
    ]  # fmt: skip
    add = [
        "aws", "cloudformation", "create-stack-instances", "--region", region, "--stack-set-name", template.stack,
        "--accounts", account_id, "--regions", region,
        "--parameter-overrides",
        # Commas would end the value.
        *(f'ParameterKey={name},ParameterValue="{value}"' if "," in value else
          f"ParameterKey={name},ParameterValue={value}" for name, value in template.given(external_id).items()),
    ]  # fmt: skip
    return f"# Once for the organization:\n{shlex.join(make)}\n# Once for this account:\n{shlex.join(add)}\n"
