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
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from csoc.accounts import names
from csoc.accounts.roles import LONGEST_SESSION_SECONDS, RoleDocuments, boundary_document, roles
from csoc.accounts.terms import MARK, Terms
from csoc.errors import RejectedError

EXTERNAL_ID_PATTERN = "csoc-[a-z0-9]{10}-[a-z0-9]{30}"
CAPABILITY = "CAPABILITY_NAMED_IAM"
LARGEST_INLINE_BYTES = 51_200
"""Of a template that is given in a call; a larger one has to come from a bucket. Source: CloudFormation quotas."""
LONGEST_ADDRESS = 1_024
"""Of a quick-create address. Source: "Quick-create links for stacks", AWS CloudFormation User Guide."""


@dataclass(frozen=True, slots=True)
class LinkTemplate:
    """body: JSON text, as it goes to CloudFormation."""

    body: str
    stack: str

    @property
    def digest(self) -> str:
        """sha256 of the body, in hexadecimal."""
        return hashlib.sha256(self.body.encode()).hexdigest()

    @property
    def key(self) -> str:
        """Its name in a bucket."""
        return f"link/{self.digest}.json"


def link_template(terms: Terms) -> LinkTemplate:
    """The template of an installation. terms: those of the template, with references for what each account has."""
    resources: dict[str, Any] = {
        "Boundary": _managed(terms, "boundary", boundary_document(terms)),
        "ArtifactBucket": _bucket(terms),
        "ArtifactBucketPolicy": _bucket_policy(),
    }
    outputs: dict[str, Any] = {"ArtifactBucket": {"Value": {"Ref": "ArtifactBucket"}}}
    for made in roles(terms):
        logical = f"{made.role.capitalize()}Role"
        for name, document in made.managed.items():
            resources[_logical(name)] = _managed(terms, name, document)
        resources[logical] = _role(terms, made)
        outputs[f"{logical}Arn"] = {"Value": {"Fn::GetAtt": [logical, "Arn"]}}
    body = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": f"Lets the csoc of installation {terms.installation} act in this account. Delete to unlink.",
        "Parameters": {
            "ExternalId": {
                "Type": "String",
                "AllowedPattern": EXTERNAL_ID_PATTERN,
                "ConstraintDescription": "must be the one that `csoc account link` printed for this account",
                "Description": "Made by csoc for this account alone. Do not change it.",
            }
        },
        "Resources": resources,
        "Outputs": outputs,
    }
    return LinkTemplate(json.dumps(_substituted(body), separators=(",", ":")), names.link_stack(terms.installation))


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
        "--template-file", file, "--capabilities", CAPABILITY, "--parameter-overrides", f"ExternalId={external_id}",
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
    )
    if len(address) > LONGEST_ADDRESS:
        raise RejectedError(
            f"The quick-create address would have {len(address)} characters; AWS takes {LONGEST_ADDRESS}",
            fix="Set aws.template_bucket to a bucket with a shorter name, or use --format command",
        )
    return address


def terraform(template: LinkTemplate, external_id: str, region: str, file: str) -> str:
    """Terraform that makes the same stack, from the same template."""
    return f"""\
# Template sha256 {template.digest}
resource "aws_cloudformation_stack" "csoc_link" {{
  name          = {json.dumps(template.stack)} # in the region {region} of your provider
  template_body = file({json.dumps(file)})
  capabilities  = ["{CAPABILITY}"]
  parameters    = {{ ExternalId = {json.dumps(external_id)} }}
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
        "--parameter-overrides", f"ParameterKey=ExternalId,ParameterValue={external_id}",
    ]  # fmt: skip
    return f"# Once for the organization:\n{shlex.join(make)}\n# Once for this account:\n{shlex.join(add)}\n"
