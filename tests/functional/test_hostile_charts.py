"""Charts and values that mean harm: each is refused in bounded time and memory, and the next rendering works."""

from __future__ import annotations

import gzip
import io
import os
import resource
import signal
import struct
import tarfile
import time
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from csoc.adapters.helm.fetch.archive import read_archive
from csoc.adapters.helm.fetch.sources import HelmChartSources
from csoc.adapters.helm.fetch.tar import Limits as ArchiveLimits
from csoc.adapters.helm.render.process import Limits
from csoc.adapters.helm.render.renderer import ChildRenderer
from csoc.config import Settings
from csoc.errors import CsocError, DeniedError, RejectedError, UnavailableError
from csoc.fleet.charts import ChartRef, Rendering, RenderRequest
from csoc.testing.charts import chart
from csoc.testing.fleets import CHARTS, REVISION, World, environment
from csoc.testing.repositories import MemoryRepositories
from csoc.usecases.checking.checker import CheckOutcome, FleetChecker
from csoc.usecases.render_budget import RenderBudget
from tests.contract.chart_server import serving

LIMITS = Limits(
    wall_seconds=20, cpu_seconds=2, memory_bytes=600_000_000, output_bytes=5_000_000, values_bytes=1_000_000
)
FINE = {"templates/a.yaml": "kind: Fine\nmetadata:\n  name: fine\n"}


@pytest.fixture(scope="module")
def renderer() -> Iterator[ChildRenderer]:
    with ChildRenderer(workers=1, limits=LIMITS) as made:
        yield made


def render(renderer: ChildRenderer, files: Mapping[str, str], values: Mapping[str, Any] | None = None) -> Rendering:
    return renderer.render(RenderRequest(chart(dict(files)), values or {}, "one", "place"))


def still_works(renderer: ChildRenderer) -> bool:
    return len(render(renderer, FINE).objects) == 1


ENDLESS = {
    "a loop": "{{ range $i := until 100000 }}{{ range $j := until 100000 }}{{ end }}{{ end }}",
    "a loop without output": "{{ range $i, $_ := untilStep 0 2000000000 1 }}{{ end }}",
    "a template that calls itself": '{{ define "a" }}{{ template "a" . }}{{ end }}{{ template "a" . }}',
    "a text doubled again and again": '{{ $t := "0123" }}{{ range until 60 }}{{ $t = print $t $t }}{{ end }}{{ $t }}',
    "repeat": '{{ repeat 2000000000 "x" }}',
    "much output": '{{ range until 2000 }}{{ repeat 10000 "x" }}{{ end }}',
    "a list of lists": "{{ $l := list 1 }}{{ range until 60 }}{{ $l = concat $l $l }}{{ end }}{{ len $l }}",
    "many keys in a loop": '{{ range until 100000 }}{{ genPrivateKey "rsa" }}{{ end }}',
    "a pattern on a long text": '{{ range until 100000 }}{{ regexMatch "(a|aa)+$" (repeat 10000 "ab") }}{{ end }}',
}


@pytest.mark.parametrize("kind", ENDLESS)
def test_a_template_without_end_is_ended(renderer: ChildRenderer, kind: str) -> None:
    began = time.monotonic()
    failure = render(renderer, {"templates/a.yaml": f"a: |\n  {ENDLESS[kind]}\n"}).failure
    assert failure is not None
    assert failure.kind in ("limit", "template")
    assert time.monotonic() - began < LIMITS.wall_seconds + 5
    assert still_works(renderer)


def test_endless_includes_end_as_helm_ends_them(renderer: ChildRenderer) -> None:
    files = {
        "templates/_a.tpl": '{{ define "a" }}{{ include "a" . }}{{ end }}',
        "templates/a.yaml": 'a: {{ include "a" . }}',
    }
    failure = render(renderer, files).failure
    assert failure is not None
    assert still_works(renderer)


def test_a_child_that_does_not_answer_is_killed_at_its_time() -> None:
    limits = Limits(wall_seconds=2, cpu_seconds=1_000)
    with ChildRenderer(workers=1, limits=limits) as renderer:
        assert still_works(renderer)
        began = time.monotonic()
        failure = render(renderer, {"templates/a.yaml": ENDLESS["a loop"]}).failure
        assert failure is not None
        assert (failure.kind, failure.message) == ("limit", "Rendering took too long and was ended.")
        assert time.monotonic() - began < 6
        assert still_works(renderer)


def test_processor_time_and_memory_are_named_as_the_reason(renderer: ChildRenderer) -> None:
    slow = render(renderer, {"templates/a.yaml": ENDLESS["a loop"]}).failure
    large = render(renderer, {"templates/a.yaml": ENDLESS["repeat"]}).failure
    assert slow is not None
    assert large is not None
    assert "processor time" in slow.message
    assert "600 MB of memory" in large.message


def endless_fleet(count: int) -> World:
    """A fleet whose environments all have a chart that never ends, each with values of its own."""
    world = World()
    for number in range(count):
        world.write(environment("east", f"e{number}.example.org", f"fence: {{replicaCount: {number}}}\n"))
    endless = chart({"templates/a.yaml": ENDLESS["a loop"], "values.yaml": "fence: {enabled: true}\n"}, name="gen3")
    world.charts.add(ChartRef(CHARTS, path="helm/gen3", revision=REVISION), endless)
    return world


def children_seconds() -> float:
    """Processor time of all children that have ended; unlike time on the wall it is the same on a busy machine."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def checked(world: World, seconds: float) -> tuple[CheckOutcome, float]:
    """What a check finds with so much time for rendering, and how much the children took."""
    before = children_seconds()
    with ChildRenderer(
        workers=2, limits=replace(LIMITS, wall_seconds=60), gate=RenderBudget(seconds, world.cache)
    ) as one:
        outcome = FleetChecker(replace(world.ports(), renderer=one)).check(world.load())
    return outcome, children_seconds() - before


def test_twenty_environments_of_an_endless_chart_cost_four_times_the_limit_and_the_rest_is_said() -> None:
    world = endless_fleet(20)
    outcome, seconds = checked(world, 600)
    # Each try is counted in whole seconds and needs a child of its own, which takes a moment to start.
    assert seconds < 4 * (LIMITS.cpu_seconds + 2)
    assert outcome.checked == 20
    assert len(outcome.not_tried) in (16, 17)  # one may be on its way while another is the third
    (problem,) = outcome.problems
    assert f"{len(outcome.not_tried)} environments were checked by values only" in problem.cause
    assert "processor time" in problem.cause


def test_a_fleet_of_endless_charts_costs_the_time_that_a_run_may_spend_and_one_limit_more() -> None:
    world = endless_fleet(6)
    outcome, seconds = checked(world, 0.5)
    assert seconds < 3 * (LIMITS.cpu_seconds + 2)
    assert len(outcome.not_tried) in (4, 5)
    assert "render.total_seconds" in outcome.problems[0].cause
    again, _ = checked(world, 0.5)
    assert len(again.not_tried) < len(outcome.not_tried)  # what reached its limit is known, and others have their turn


BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join(['*' + before] * 9)}]\n"
    for before, name in zip("abcdefghij", "bcdefghijk", strict=True)
)


@pytest.mark.parametrize(
    "printed",
    [
        BOMB,
        "a: &a\n" + "  x: 1\n" * 1_000 + "".join(f"k{n}: *a\n" for n in range(20_000)),
        "a: " + "[" * 100_000,
        "a: " + "{a: " * 5_000 + "1" + "}" * 5_000,
        "a: &t " + "x" * 400_000 + "\n" + "".join(f"k{n}: *t\n" for n in range(1_000)),
        "- " * 200_000,
        "\n" * 2_000_000,
        "---\n" * 200_000,
        "a: *a\n",
        "<<: *a\n",
        "a: \0b\n",
        "? " * 50_000,
    ],
    ids=lambda text: repr(text[:20]),
)
def test_output_that_is_a_bomb_is_refused_or_harmless(renderer: ChildRenderer, printed: str) -> None:
    began = time.monotonic()
    rendering = render(renderer, {"templates/a.yaml": '{{ .Files.Get "bomb" }}', "bomb": printed})
    assert rendering.failure is not None or rendering.unparsed or not rendering.objects
    assert time.monotonic() - began < LIMITS.wall_seconds + 5
    assert still_works(renderer)


def test_tags_that_name_code_are_data(renderer: ChildRenderer) -> None:
    rendering = render(renderer, {"templates/a.yaml": "a: !!python/object/apply:os.system [id]\n"})
    assert [dict(item.body) for item in rendering.objects] == [{"a": ["id"]}]


def test_values_beyond_the_limit_are_refused_before_anything_starts(renderer: ChildRenderer) -> None:
    shared: Any = ["x" * 100]
    for _ in range(40):
        shared = [shared, shared]
    circle: dict[str, Any] = {}
    circle["circle"] = circle
    deep: dict[str, Any] = {}
    for _ in range(50_000):
        deep = {"a": deep}
    for values in ({"a": "x" * 2_000_000}, {"a": shared}, circle, deep, {str(n): "xxxxxxxxxx" for n in range(100_000)}):
        failure = render(renderer, FINE, values).failure
        assert failure is not None
        assert failure.kind == "limit"
    assert still_works(renderer)


def test_templates_reach_no_file_network_cluster_or_environment(
    renderer: ChildRenderer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "sesame")
    template = (
        "kind: Probe\n"
        'host: "{{ getHostByName "localhost" }}"\n'
        'lookup: {{ lookup "v1" "Secret" "kube-system" "x" | toJson }}\n'
        'file: "{{ .Files.Get "/etc/passwd" }}{{ .Files.Get "../../../../etc/passwd" }}"\n'
        'glob: "{{ range $path, $_ := .Files.Glob "/etc/**" }}{{ $path }}{{ end }}"\n'
    )
    rendering = render(renderer, {"templates/a.yaml": template})
    assert rendering.failure is None
    assert dict(rendering.objects[0].body) == {"kind": "Probe", "host": "", "lookup": {}, "file": "", "glob": ""}
    for function in ('{{ env "AWS_SECRET_ACCESS_KEY" }}', '{{ expandenv "$AWS_SECRET_ACCESS_KEY" }}'):
        failure = render(renderer, {"templates/a.yaml": f"a: {function}"}).failure
        assert failure is not None
        assert "sesame" not in failure.message


def test_the_child_has_nothing_of_its_parent(renderer: ChildRenderer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "sesame")
    assert still_works(renderer)
    with ChildRenderer(workers=1) as fresh:
        assert still_works(fresh)
        (child,) = fresh._living
        process = Path(f"/proc/{child.pid}")
        assert b"sesame" not in process.joinpath("environ").read_bytes()
        names = {line.split(b"=")[0] for line in process.joinpath("environ").read_bytes().split(b"\0") if line}
        assert names <= {b"HOME", b"TMPDIR", b"LANG", b"TZ", b"GOMEMLIMIT", b"LC_CTYPE"}
        assert list((process / "cwd").readlink().iterdir()) == []
        opened = [str(entry.readlink()) for entry in process.joinpath("fd").iterdir()]
        assert not [name for name in opened if name.startswith("/") and "/dev/null" not in name]


def test_what_surrounds_the_child_is_reported_as_it_is(renderer: ChildRenderer) -> None:
    report = renderer.sandbox_report()
    expected = {"no new privileges", "network namespace", "landlock for loading", "landlock", "seccomp"}
    assert set(report) == expected | {"files", "network", "programs"}
    for layer in ("files", "network", "programs"):
        if report["seccomp"] == "on":
            assert report[layer] == "on", report


def test_a_child_that_was_killed_is_replaced(renderer: ChildRenderer) -> None:
    assert still_works(renderer)
    (child,) = renderer._living
    os.kill(child.pid, signal.SIGKILL)
    assert child._process.ended() == -signal.SIGKILL
    assert still_works(renderer)


def test_closing_ends_every_child() -> None:
    renderer = ChildRenderer(workers=2)
    assert still_works(renderer)
    (child,) = renderer._living
    renderer.close()
    assert not child.alive
    assert still_works(renderer)
    renderer.close()


def test_an_engine_that_cannot_start_is_unavailable_and_no_failure_of_the_chart(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for program in ("/bin/false", "/no such program"):
        monkeypatch.setattr("sys.executable", program)
        with ChildRenderer(workers=1) as renderer, pytest.raises(UnavailableError):
            render(renderer, FINE)


# Archives and folders


def packed(*entries: tuple[tarfile.TarInfo, bytes], chart_yaml: bool = True) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        if chart_yaml:
            data = b"name: demo\nversion: 1.0.0\n"
            info = tarfile.TarInfo("demo/Chart.yaml")
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
        for info, data in entries:
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return content.getvalue()


def entry(
    name: str, kind: bytes = tarfile.REGTYPE, target: str = "", data: bytes = b""
) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info, data


LEAVES, LINK, CIRCLE, KIND = "leads out of it", "leads out of the chart", "in a circle", "must not hold"


@pytest.mark.parametrize(
    ("bad", "named", "cause"),
    [
        (entry("demo/x", tarfile.SYMTYPE, "/etc/passwd"), "x", LINK),
        (entry("demo/x", tarfile.SYMTYPE, "../../etc/passwd"), "x", LINK),
        (entry("demo/x", tarfile.SYMTYPE, ".."), "x", LINK),
        (entry("demo/x", tarfile.SYMTYPE, ""), "x", LINK),
        (entry("demo/a/b/x", tarfile.SYMTYPE, "../../../y"), "a/b/x", LINK),
        (entry("demo/x", tarfile.SYMTYPE, "x"), "x", CIRCLE),
        (entry("demo/x", tarfile.SYMTYPE, "."), "x", CIRCLE),
        (entry("demo/x", tarfile.SYMTYPE, "gone"), "x", "leads to nothing"),
        (entry("demo/x", tarfile.LNKTYPE, "/etc/passwd"), "/etc/passwd", LEAVES),
        (entry("demo/x", tarfile.LNKTYPE, "demo/../../etc/passwd"), "demo/../../etc/passwd", LEAVES),
        (entry("demo/x", tarfile.CHRTYPE), "demo/x", KIND),
        (entry("demo/x", tarfile.BLKTYPE), "demo/x", KIND),
        (entry("demo/x", tarfile.FIFOTYPE), "demo/x", KIND),
        (entry("/etc/passwd"), "/etc/passwd", LEAVES),
        (entry("demo/../../x"), "demo/../../x", LEAVES),
        (entry("demo\\..\\x"), "demo\\..\\x", LEAVES),
        (entry("C:/x/y"), "C:/x/y", LEAVES),
        (entry("demo/a\nb"), "demo/a", "control characters"),
        (entry("outside"), "outside", "outside the chart"),
        (entry("demo/" + "a/" * 600 + "x"), "demo/a", LEAVES),
    ],
    ids=lambda value: repr(value)[:40] if isinstance(value, str) else "",
)
def test_an_entry_that_leaves_the_chart_or_is_no_file_is_refused_by_name(
    bad: tuple[tarfile.TarInfo, bytes], named: str, cause: str
) -> None:
    with pytest.raises(RejectedError, match=cause) as caught:
        read_archive(packed(bad))
    assert named in caught.value.place.replace("\\\\", "\\")


def test_a_chart_with_a_link_to_a_secret_file_is_refused_from_a_folder(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("sesame")
    folder = tmp_path / "demo"
    folder.mkdir()
    (folder / "Chart.yaml").write_text("name: demo\nversion: 1.0.0\n")
    sources = HelmChartSources.from_settings(Settings(cache_dir=tmp_path / "cache"), MemoryRepositories())
    sources.load(str(folder))
    for target in ("../secret", str(tmp_path / "secret"), "/dev/zero", "../demo/../secret"):
        (folder / "values.yaml").unlink(missing_ok=True)
        (folder / "values.yaml").symlink_to(target)
        with pytest.raises(RejectedError) as caught:
            sources.load(str(folder))
        assert "values.yaml" in str(caught.value)
        assert "sesame" not in str(caught.value)
    (folder / "values.yaml").unlink()
    os.mkfifo(folder / "pipe")
    with pytest.raises(RejectedError, match="pipe"):
        sources.load(str(folder))


def bomb(size: int) -> bytes:
    """A gzip of that many zero bytes inside one tar entry; made without holding them."""
    info = tarfile.TarInfo("demo/zeros")
    info.size = size
    squeeze = zlib.compressobj(9, zlib.DEFLATED, 31)
    parts = [squeeze.compress(info.tobuf())]
    block = bytes(1 << 20)
    parts += [squeeze.compress(block) for _ in range(size >> 20)]
    return b"".join(parts) + squeeze.flush()


@pytest.mark.parametrize(
    ("archive", "cause"),
    [
        (bomb(1 << 27), "a file of the archive has"),
        (packed(*(entry(f"demo/{n}", data=bytes(4 << 20)) for n in range(8))), "times its size"),
        (bytes(60_000_001), "larger than 60,000,000 bytes"),
        (gzip.compress(bytes(1 << 28)), "no Chart.yaml"),
        (packed(*(entry(f"demo/f{n}") for n in range(25_000))), "more than 20,000 entries"),
        (packed(entry("demo/charts/x.tgz", data=bomb(64 << 20))), "a file of the archive has"),
        (packed(*(entry(f"demo/{n}", tarfile.SYMTYPE, f"{n + 1}") for n in range(200))), "circle|nothing"),
        (b"", "no Chart.yaml"),
        (b"not gzip", "not a whole gzip file"),
        (gzip.compress(b"not tar" * 200), "not a tar file"),
        (packed()[:60], "not a whole gzip file"),
        (packed(chart_yaml=False), "no Chart.yaml"),
        (gzip.compress(struct.pack("100s", b"demo/x") + b"9" * 412), "not a tar file"),
    ],
    ids=["128 MB", "zeros", "large", "no entries", "many files", "nested", "links", "empty", "text", "no tar", "cut",
         "no chart", "nonsense"],
)  # fmt: skip
def test_archives_that_are_bombs_or_broken_are_refused_in_little_time_and_memory(archive: bytes, cause: str) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.monotonic()
    with pytest.raises(RejectedError, match=f"(?i:{cause})"):
        read_archive(archive)
    assert time.monotonic() - began < 5
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 250_000  # kB; a chart may have 100 MB


def test_links_that_multiply_are_counted() -> None:
    links = [entry("demo/d0/f", data=b"x")]
    for level in range(1, 30):
        links += [entry(f"demo/d{level}/{name}", tarfile.SYMTYPE, f"../d{level - 1}") for name in ("l", "r")]
    began = time.monotonic()
    with pytest.raises(RejectedError, match=r"too many|circle"):
        read_archive(packed(*links))
    assert time.monotonic() - began < 5


def test_limits_hold_for_everything_in_a_chart_together() -> None:
    limits = ArchiveLimits(total_bytes=1_000_000, file_bytes=300_000)
    half = os.urandom(250_000)
    inner = packed(*(entry(f"demo/f{n}", data=half) for n in range(3)))
    with pytest.raises(RejectedError, match="more than"):
        read_archive(packed(entry("demo/a", data=half), entry("demo/b", data=half)), ArchiveLimits(total_bytes=400_000))
    assert len(read_archive(packed(entry("demo/a", data=half)), limits)) == 2
    with pytest.raises(RejectedError):
        read_archive(packed(entry("demo/a", data=os.urandom(400_000))), limits)
    with pytest.raises(CsocError):
        read_archive(packed(entry("demo/charts/x.tgz", data=inner)), ArchiveLimits(total_bytes=900_000))


def test_the_gen3_chart_comes_from_a_registry_and_renders_as_from_disk(real: Path, tmp_path: Path) -> None:
    with serving() as registry:
        settings = Settings(cache_dir=tmp_path / "cache", extra_allowed_hosts=(registry.origin,))
        sources = HelmChartSources.from_settings(settings, MemoryRepositories())
        loaded = sources.load(str(real / "gen3-chart-0.3.90.tgz"))
        content = (real / "gen3-chart-0.3.90.tgz").read_bytes()
        registry.push("gen3", replace(loaded, content=content, version="0.3.90"))
        fetched = sources.fetch(ChartRef(f"oci://{registry.origin}/gen3", "gen3", revision="~0.3"))
        assert (fetched.resolved, fetched.digest) == ("0.3.90", loaded.digest)
        strict = HelmChartSources.from_settings(Settings(cache_dir=tmp_path / "other"), MemoryRepositories())
        with pytest.raises(DeniedError):
            strict.fetch(ChartRef(f"oci://{registry.origin}/gen3", "gen3"))
    values = {"global": {"hostname": "a.example.org"}}
    with ChildRenderer(workers=1) as plain:
        made = [plain.render(RenderRequest(one, values, "gen3", "gen3")) for one in (loaded, fetched)]
    assert made[0].failure is None
    assert len(made[0].objects) > 100
    assert len(made[1].objects) == len(made[0].objects)
