"""Buckets that two environments write to, from values."""

from csoc.gen3.rules.bucket_shared import RULE
from tests.unit.gen3.rules.making import fleet_hits, from_values


def manifests(bucket: str, prefix: str = "") -> str:
    block = f"{{bucketName: {bucket}, prefix: '{prefix}'}}"
    return f"manifestservice:\n  enabled: true\n  manifestserviceG3auto: {block}\n"


def users(path: str) -> str:
    return f"fence:\n  enabled: true\n  usersync: {{usersync: true, userYamlS3Path: '{path}'}}\n"


def test_one_place_that_two_write_to_is_found() -> None:
    (hit,) = fleet_hits(RULE, from_values(prod=manifests("alpha", "m"), staging=manifests("alpha", "m")))
    assert (hit.environments, hit.key) == (("prod", "staging"), " alpha/m")


def test_quiet_for_two_prefixes_of_one_bucket() -> None:
    assert not fleet_hits(RULE, from_values(prod=manifests("alpha", "prod"), staging=manifests("alpha", "staging")))


def test_quiet_for_one_list_of_users_that_everybody_reads() -> None:
    path = "s3://users/alpha/user.yaml"
    assert not fleet_hits(RULE, from_values(prod=users(path), staging=users(path)))


def test_survives_other_shapes() -> None:
    assert not fleet_hits(RULE, from_values(prod="manifestservice: text\n", staging="manifestservice: [1]\n"))
