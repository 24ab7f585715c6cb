"""Which keys a chart reads, construct by construct."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from csoc.fleet.values import walk
from csoc.fleet.yaml import yamltext
from csoc.gen3 import chart_keys
from csoc.gen3.chart_keys import ChartKeys, read_keys, unread


def chart(template: str, values: str = "", about: str = "name: top", **others: str) -> dict[str, str]:
    """A chart with one template; others: path (with __ for /) to text."""
    files = {"Chart.yaml": about, "values.yaml": values, "templates/all.yaml": template}
    return files | {path.replace("__", "/"): text for path, text in others.items()}


def ignored(files: dict[str, str], values: str) -> set[str]:
    """The keys of the values that the chart does not read."""
    data = yamltext.parse(values.encode())[0].data
    return {".".join(map(str, path)) for path in unread(walk(data), read_keys(files).keys)}


@pytest.mark.parametrize(
    ("template", "read"),
    [
        ("{{ .Values.a.b }}", "a.b"),
        ("{{ $.Values.a.b }}", "a.b"),
        ("{{- .Values.a.b -}}", "a.b"),
        ("{{ (.Values.a).b }}", "a.b"),
        ("{{ ((.Values).a).b | quote }}", "a.b"),
        ('{{ index .Values "a-b" "c" }}', "a-b.c"),
        ('{{ (index .Values "a").b }}', "a.b"),
        ('{{ get .Values.a "b" }}', "a.b"),
        ('{{ .Values | dig "a" "b" "default" }}', "a.b"),
        ('{{ if hasKey .Values.a "b" }}x{{ end }}', "a.b"),
        ("{{ with .Values.a }}{{ .b }}{{ end }}", "a.b"),
        ("{{ with .Values.a }}{{ with .b }}{{ .c }}{{ end }}{{ end }}", "a.b.c"),
        ("{{ with .Values.a }}{{ $.Values.b }}{{ end }}", "b"),
        ("{{ with .Values.x }}{{ else }}{{ .Values.a }}{{ end }}", "a"),
        ("{{ with .Values.x }}{{ else with .Values.a }}{{ .b }}{{ end }}", "a.b"),
        ("{{ if .Values.x }}{{ else if .Values.y }}{{ else if .Values.a }}{{ else }}{{ .Values.b }}{{ end }}", "b"),
        ("{{ $x := .Values.a }}{{ $x.b }}", "a.b"),
        ('{{ $x := "" }}{{ if .Values.x }}{{ $x = .Values.a }}{{ end }}{{ $x.b }}', "a.b"),
        ("{{ with $x := .Values.a }}{{ $x.b }}{{ end }}", "a.b"),
        ('{{ range $k, $v := (dict "x" .Values.a) }}{{ $v.b }}{{ end }}', "a.b"),
        ("{{ range (list .Values.a .Values.c) }}{{ .b }}{{ end }}", "a.b"),
        ("{{ (first (list .Values.a)).b }}", "a.b"),
        ("{{ (.Values.a | default dict).b }}", "a.b"),
        ('{{ default "x" .Values.a.b }}', "a.b"),
        ("{{ (merge .Values.x .Values.a).b }}", "a.b"),
        ("{{ (mustMergeOverwrite (deepCopy .Values.x) .Values.a).b }}", "a.b"),
        ("{{ (.Values.a | toYaml | fromYaml).b }}", "a.b"),
        ("{{ (ternary .Values.a .Values.c true).b }}", "a.b"),
        ("{{ (coalesce .Values.x .Values.a).b }}", "a.b"),
        ("{{ (and .Values.x .Values.a).b }}", "a.b"),
        ('{{ (pick .Values.a "b").b }}', "a.b"),
        ('{{ pluck "b" .Values.x .Values.a | first }}', "a.b"),
        ('{{ eq .Values.a.b "x" }}', "a.b"),
        ("{{ .Files.Get .Values.a.b }}", "a.b"),
        ('{{ define "h" }}{{ .Values.a.b }}{{ end }}{{ include "h" . }}', "a.b"),
        ('{{ define "h" }}{{ .ctx.Values.a.b }}{{ end }}{{ include "h" (dict "ctx" $ "k" "v") }}', "a.b"),
        ('{{ define "h" }}{{ $.a.b }}{{ end }}{{ template "h" (dict "a" .Values.a) }}', "a.b"),
        ('{{ define "h" }}{{ .b }}{{ end }}{{ include "h" .Values.a }}', "a.b"),
        ('{{ block "h" .Values.a }}{{ .b }}{{ end }}', "a.b"),
        ('{{ define "t.h" }}{{ .b }}{{ end }}{{ include (printf "%s.h" .Chart.Name) .Values.a }}', "a.b"),
        ('{{ define "t.h" }}{{ .b }}{{ end }}{{ include (print .Chart.Name ".h") .Values.a }}', "a.b"),
        ('{{ $_ := set .Values.x "k" .Values.a }}', "a.b"),
        ('{{ $c := dict }}{{ $_ := set $c "k" .Values.a }}{{ $c.k.b }}', "a.b"),
        ('{{ tpl "{{ .Values.a.b }}" . }}', "a.b"),
        ('{{ $n := "a" }}{{ index .Values $n }}', "a.b"),
        ("{{ .Capabilities.APIVersions.Has .Values.a.b }}", "a.b"),
        ("{{ ($p := .Values.a).b }}", "a.b"),
        ("{{ unknownFunction .Values.a }}", "a.b"),
        ('{{ lookup "v1" "Secret" .Values.a.b "x" }}', "a.b"),
        ("{{/* a comment */}}{{ .Values.a.b }}", "a.b"),
        ('{{ "}}" }}{{ .Values.a.b }}{{ `}}` }}', "a.b"),
    ],
)
def test_a_template_reads(template: str, read: str) -> None:
    assert unread([(tuple(read.split(".")), "v")], read_keys(chart(template)).keys) == []


@pytest.mark.parametrize(
    ("template", "not_read"),
    [
        ("{{ .Values.a.b }}", "a.c"),
        ("{{ with .Values.a }}{{ .b }}{{ end }}", "a.c"),
        ("{{ if .Values.a }}{{ .Values.a.b }}{{ end }}", "a.c"),
        ("{{ $x := .Values.a }}{{ $x.b }}", "a.c"),
        ('{{ define "h" }}{{ .ctx.Values.a }}{{ end }}{{ include "h" (dict "ctx" $) }}', "b"),
        ('{{ define "h" }}{{ .Values.a }}{{ end }}', "a"),
        ("{{/* .Values.a */}}", "a"),
        ("{{ . | quote }}", "a"),
        ("{{ toYaml .Values | sha256sum }}", "a"),
        ('{{ include "missing" . }}', "a"),
        ("# .Values.a is not read here", "a"),
        ('{{ "{{ .Values.a }}" }}', "a"),
        ('{{ (pick .Values.a "b") | toYaml }}', "a.c"),
    ],
)
def test_a_template_does_not_read(template: str, not_read: str) -> None:
    assert unread([(tuple(not_read.split(".")), "v")], read_keys(chart(template)).keys) != []


@pytest.mark.parametrize(
    "template",
    [
        "{{ toYaml .Values.a }}",
        "{{ .Values.a }}",
        "{{ range .Values.a }}{{ .x }}{{ end }}",
        "{{ range $k, $v := .Values.a }}{{ $k }}{{ end }}",
        "{{ with .Values.a }}{{ toYaml . }}{{ end }}",
        "{{ with .Values.a }}{{ range . }}{{ end }}{{ end }}",
        '{{ define "h" }}{{ toYaml .x }}{{ end }}{{ include "h" (dict "x" .Values.a) }}',
        "{{ include .Values.name .Values.a }}",
        '{{ toJson (dict "x" .Values.a) }}',
        "{{ keys .Values.a }}",
        "{{ index .Values.a .Values.name }}",
    ],
)
def test_what_is_used_whole_is_read_with_everything_below(template: str) -> None:
    keys = read_keys(chart(template)).keys
    assert "a.*" in keys
    assert unread([(("a", "anything", "at all"), 1)], keys) == []


def test_a_list_is_read_with_its_items() -> None:
    assert ignored(chart("{{ if .Values.hosts }}{{ end }}"), "hosts: [{name: x}]") == set()


def test_a_variable_that_a_loop_sets_is_followed_into_the_next_round() -> None:
    template = "{{ $x := dict }}{{ range list 1 2 }}{{ $x.b }}{{ $x = $.Values.a }}{{ end }}"
    assert ignored(chart(template), "a: {b: 1, c: 2}") == {"a.c"}


def test_an_ignored_key_is_shortened_to_where_the_chart_stops_knowing_it() -> None:
    files = chart("{{ .Values.a.b }}")
    assert ignored(files, "a: {b: 1, x: {y: {z: 1}}}\nq: {r: 1, s: 2}") == {"a.x", "q"}


def test_subcharts_read_below_their_name_or_alias_and_globals_everywhere() -> None:
    files = {
        "Chart.yaml": "name: top\ndependencies:\n"
        "- {name: one, condition: 'one.active,global.one', tags: [extra]}\n"
        "- {name: two, alias: second}\n"
        "- {name: gone}\n",
        "charts/one/Chart.yaml": "name: one",
        "charts/one/templates/x.yaml": "{{ .Values.a }}{{ .Values.global.g }}",
        "charts/two/Chart.yaml": "name: two",
        "charts/two/templates/x.yaml": "{{ .Values.a }}",
        "charts/three/Chart.yaml": "name: three",
        "charts/three/templates/x.yaml": "{{ .Values.a }}",
    }
    values = (
        "one: {a: 1, active: true, b: 1, global: {g: 1, h: 1}}\nsecond: {a: 1}\ntwo: {a: 1}\nthree: {a: 1}\n"
        "gone: {whatever: 1}\nglobal: {g: 1, one: true, h: 1}\ntags: {extra: true, other: true}\n"
    )
    assert ignored(files, values) == {"one.b", "one.global.h", "two", "global.h", "tags.other"}
    assert read_keys(files).notes == ("gone is not in the archive",)


def test_the_keys_of_a_wrapped_chart_are_seen_from_its_own_top() -> None:
    files = {
        "Chart.yaml": "name: our\ndependencies: [{name: gen3, alias: commons}]",
        "charts/gen3/Chart.yaml": "name: gen3\ndependencies: [{name: fence}]",
        "charts/gen3/charts/fence/Chart.yaml": "name: fence",
        "charts/gen3/charts/fence/templates/x.yaml": "{{ .Values.a }}{{ .Values.global.g }}",
    }
    inside = chart_keys.below(read_keys(files).keys, "commons")
    walked = [
        (("fence", "a"), 1),
        (("fence", "b"), 1),
        (("global", "g"), 1),
        (("global", "h"), 1),
        (("elasticsearch",), 1),
    ]
    assert unread(walked, inside) == [("fence", "b"), ("global", "h")]
    assert chart_keys.below(frozenset({"a"}), "") == {"a"}
    assert chart_keys.below(frozenset({"*"}), "commons") == {"*"}
    assert chart_keys.below(frozenset({"commons", "commons.*"}), "commons") == {"*"}


def test_a_librarys_helpers_read_for_the_chart_that_includes_them() -> None:
    files = {
        "app/Chart.yaml": "name: app\ndependencies: [{name: lib}]",
        "app/templates/x.yaml": '{{ include "lib.h" . }}',
        "app/charts/lib/Chart.yaml": "name: lib\ntype: library",
        "app/charts/lib/templates/_h.tpl": '{{ define "lib.h" }}{{ .Values.a }}{{ end }}',
        "app/charts/lib/templates/never.yaml": "{{ .Values.b }}",
    }
    assert ignored(files, "a: 1\nb: 1\nlib: {a: 1}") == {"b", "lib"}


def test_a_parent_can_read_a_subcharts_values_and_import_them() -> None:
    files = {
        "Chart.yaml": "name: top\ndependencies:\n- name: one\n  import-values: [data, {child: c.d, parent: p}]\n",
        "templates/x.yaml": "{{ .Values.one.z }}",
        "charts/one/Chart.yaml": "name: one",
    }
    assert ignored(files, "one: {z: 1, w: 1, exports: {data: {k: 1}}, c: {d: {e: 1}}}\np: {e: 1}") == {"one.w"}


def test_files_are_templates_where_the_chart_uses_tpl() -> None:
    used = chart('{{ tpl (.Files.Get "files/x.conf") . }}', files__x_conf="{{ .Values.a }}")
    assert ignored(used | {"files/x.conf": "{{ .Values.a }}"}, "a: 1\nb: 1") == {"b"}
    unused = chart('{{ .Files.Get "files/x.conf" }}')
    assert ignored(unused | {"files/x.conf": "{{ .Values.a }}"}, "a: 1") == {"a"}


def test_values_that_are_templates_read_what_they_name() -> None:
    files = chart("{{ tpl (toYaml .Values.env) . }}{{ .Values.sub.x }}")
    values = "env: {HOST: '{{ .Values.custom.host }}'}\ncustom: {host: h, other: o}\nhost: h"
    assert ignored(files, values) == {"custom.other", "host"}


def test_keys_for_anchors_are_left_alone() -> None:
    assert ignored(chart(""), "x-common: {a: 1}\n.shared: {b: 1}\nother: 1") == {"other"}


def test_a_template_that_does_not_parse_reads_whatever_it_names() -> None:
    assert ignored(chart("{{ if }}}} .Values.a.b {{ .Values.c "), "a: {b: {x: 1}, z: 1}\nc: 1") == {"a.z"}


def test_defaults_that_no_template_reads_are_listed() -> None:
    files = chart("{{ .Values.a }}{{ toYaml .Values.map }}", values="a: 1\nmap: {inside: 1}\ndead: {x: 1, y: 2}\n")
    found = read_keys(files)
    assert found.never_read == ("dead",)
    assert "map.inside" in found.keys
    assert chart_keys.defined_but_never_read(files) == ("dead",)


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"README.md": "no chart"},
        chart('{{ define "h" }}{{ include "h" (dict "x" .) }}{{ end }}{{ include "h" . }}'),
        chart("{{ $x := .Values }}" + "{{ range list 1 }}" * 50 + "{{ end }}" * 50 + "{{ toYaml .Values }}"),
    ],
)
def test_what_cannot_be_followed_may_read_everything(files: dict[str, str]) -> None:
    keys = read_keys(files).keys
    assert unread([(("a", "b"), 1)], keys) == []


def test_a_chart_that_never_ends_is_given_up_in_time() -> None:
    doubling = "".join(
        f'{{{{ define "h{i}" }}}}{{{{ include "h{i + 1}" (dict "a" . "b" {i}) }}}}'
        f'{{{{ include "h{i + 1}" (dict "b" . ) }}}}{{{{ end }}}}'
        for i in range(60)
    )
    began = time.monotonic()
    assert read_keys(chart(doubling + '{{ include "h0" . }}')).keys == {"*"}
    assert time.monotonic() - began < 60


@pytest.mark.parametrize(
    "text", ["{{" * 200_000, "{{ (" * 5_000, "{{ if x }}" * 5_000, '{{ "' + "\\" * 100_000, "{{/*" * 99_999]
)
def test_hostile_text_costs_little(text: str) -> None:
    began = time.monotonic()
    read_keys(chart(text))
    assert time.monotonic() - began < 5


def test_keys_survive_the_cache() -> None:
    found = read_keys(chart("{{ .Values.a.b }}{{ toYaml .Values.c }}{{ if .Values.d }}{{ end }}", values="e: 1"))
    assert ChartKeys.from_json(found.to_json()) == found
    everything = read_keys({})
    assert ChartKeys.from_json(everything.to_json()) == everything


@given(st.text(alphabet="{}.$()|\"`' \nValuesabifendwithrange:=-/*", max_size=60))
def test_any_text_for_a_template_is_survived(text: str) -> None:
    assert isinstance(read_keys(chart(text)).keys, frozenset)


@given(
    st.recursive(
        st.integers(),
        lambda inner: st.dictionaries(st.sampled_from("abcd"), inner, min_size=1, max_size=3),
        max_leaves=8,
    ),
    st.sets(st.lists(st.sampled_from("abcd"), min_size=1, max_size=3).map(".".join), max_size=4),
)
def test_a_path_that_a_template_prints_is_never_reported(values: Any, paths: set[str]) -> None:
    keys = read_keys(chart("".join(f"{{{{ .Values.{path} }}}}" for path in paths))).keys
    for path in unread(walk({"top": values} if isinstance(values, int) else values), keys):
        dotted = ".".join(map(str, path))
        assert not any(
            dotted == known or dotted.startswith(f"{known}.") or known.startswith(f"{dotted}.") for known in paths
        )
