"""A fleet with one linked account of an emulated cloud: what plans are tried on by the command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from csoc.emulator.owners import OwnerOf
from csoc.emulator.running import Emulator
from tests.functional.accounts.conftest import World
from tests.functional.command import Command

CLUSTER = """apiVersion: csoc.gen3.org/v1alpha1
kind: Cluster
metadata: {name: NAME, uid: UID}
spec:
  account: research
  region: ap-southeast-2
"""
MADE = CLUSTER + "  provider: aws\n  size: small\n"
THERE = CLUSTER + (
    "  layers:\n"
    "    - name: cluster\n"
    "      source: {values: {OidcProviderArn: 'arn:aws:iam::500000000001:oidc-provider/here', OidcIssuer: 'https://here'}}\n"
)
ENVIRONMENT = """apiVersion: csoc.gen3.org/v1alpha1
kind: Environment
metadata: {name: NAME, uid: UID}
spec:
  commons: reef
  cluster: CLUSTER
  stage: STAGE
  hostname: NAME.example.org
  size: small
  services: [standard]
  retain: [buckets, keys, secrets]
  layers:
    - {name: LAYER, provider: aws}
"""
GIVEN = """    - name: database
      source: {values: {DatabaseSecretArn: 'arn:aws:secretsmanager:ap-southeast-2:500000000001:secret:d-abcdef'}}
    - name: credentials
      source: {values: {SecretsKeyArn: 'arn:aws:kms:ap-southeast-2:500000000001:key/11111111-2222-3333-4444-5555'}}
"""
COMMONS = """apiVersion: csoc.gen3.org/v1alpha1
kind: Commons
metadata: {name: reef, uid: d1b2c3d4e5}
spec: {}
"""


class Fleet:
    """A fleet with a linked account: its documents, and csoc as several people. owner: of the account."""

    def __init__(self, emulator: Emulator, folder: Path) -> None:
        self.world = World(emulator, folder)
        self.owner: OwnerOf = self.world.linked("research")
        self.csoc = self.world.csoc
        self.folder = self.csoc.folder
        self.write("commons/reef/commons.yaml", COMMONS)

    def person(self, name: str) -> Command:
        """csoc as somebody else, on the same machine."""
        made = Command(self.csoc.home, self.folder, variables=dict(self.csoc.variables))
        made.variables.update(self.world.hub.signed_in(name))
        return made

    def somebody(self, variables: Mapping[str, str]) -> Command:
        """csoc with the credentials of somebody, on the same machine."""
        kept = {key: value for key, value in self.csoc.variables.items() if not key.startswith("AWS_")}
        return Command(self.csoc.home, self.folder, variables={**kept, **variables})

    def nobody(self) -> Command:
        """csoc without any sign-in."""
        kept = {key: value for key, value in self.csoc.variables.items() if not key.startswith("AWS_")}
        away = {"AWS_EC2_METADATA_DISABLED": "true", "AWS_DEFAULT_REGION": "ap-southeast-2"}
        return Command(self.csoc.home, self.folder, variables=kept | away)

    def write(self, path: str, text: str, by: str = "fleet@example.org") -> Path:
        """A commit of one file."""
        return self.world.write(path, text, by)

    def change(self, path: str, before: str, after: str, by: str = "fleet@example.org") -> None:
        text = (self.folder / path).read_text()
        assert before in text
        self.write(path, text.replace(before, after), by)

    def remove(self, path: str) -> None:
        (self.folder / path).unlink()
        self.world.commit()

    def cluster(self, name: str, uid: str, text: str = MADE, by: str = "fleet@example.org") -> str:
        self.write(f"clusters/{name}/cluster.yaml", text.replace("NAME", name).replace("UID", uid), by)
        return f"clusters/{name}/cluster.yaml"

    def environment(self, name: str, uid: str, cluster: str, *, stage: str = "dev", layer: str = "credentials") -> str:
        words = {"NAME": name, "UID": uid, "CLUSTER": cluster, "STAGE": stage, "LAYER": layer}
        text = ENVIRONMENT
        for word, value in words.items():
            text = text.replace(word, value)
        self.write(f"commons/reef/{name}/environment.yaml", text)
        return f"commons/reef/{name}/environment.yaml"

    def plan(self, owner: str, *more: str, code: int = 0) -> dict[str, Any]:
        """A plan as JSON."""
        ran = self.csoc("plan", owner, *more, "--json")
        assert ran.code == code, ran.err
        found: dict[str, Any] = ran.data
        return found

    def apply(self, plan: Mapping[str, Any]) -> None:
        """Approves a plan and applies it to its end."""
        self.world.done(self.csoc("approve", plan["id"]))
        self.world.done(self.csoc("apply", plan["id"]))

    def change_outside(self, stack: str, change: Callable[[dict[str, Any]], None]) -> None:
        """What the account's owner does to a stack by hand."""
        client = self.owner.client("cloudformation")
        body = client.get_template(StackName=stack)["TemplateBody"]
        template = json.loads(body) if isinstance(body, str) else json.loads(json.dumps(body))
        change(template)
        everything = {"Effect": "Allow", "Action": "Update:*", "Principal": "*", "Resource": "*"}
        client.set_stack_policy(StackName=stack, StackPolicyBody=json.dumps({"Statement": [everything]}))
        assert self.owner.make_stack(stack, json.dumps(template), {}, lambda: time.sleep(0.05)) == "UPDATE_COMPLETE"

    def elsewhere(self, *words: str) -> subprocess.Popen[str]:
        """csoc in another terminal."""
        return subprocess.Popen(
            [str(Path(sys.executable).with_name("csoc")), *words],
            env={**os.environ, **self.csoc.environment},
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
