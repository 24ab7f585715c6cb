"""Where the demo and many tests play, twice in one process, as suites do."""

from __future__ import annotations

from pathlib import Path

from csoc.cli.demo.scene import RESEARCH, scene


def test_a_scene_has_a_hosted_zone_of_its_own_in_which_nobody_has_a_record_yet(tmp_path: Path) -> None:
    zones = []
    for name in ("first", "second"):
        folder = tmp_path / name
        folder.mkdir()
        with scene(folder) as stage:
            route53 = stage.owners[RESEARCH].client("route53")
            records = route53.list_resource_record_sets(HostedZoneId=stage.zone_id)["ResourceRecordSets"]
            assert {one["Type"] for one in records} == {"NS", "SOA"}
            change = {"Name": f"reef.{records[0]['Name']}", "Type": "A", "TTL": 60}
            change["ResourceRecords"] = [{"Value": "192.0.2.1"}]
            batch = {"Changes": [{"Action": "CREATE", "ResourceRecordSet": change}]}
            route53.change_resource_record_sets(HostedZoneId=stage.zone_id, ChangeBatch=batch)
            zones.append(stage.zone_id)
    assert zones[0] != zones[1]
