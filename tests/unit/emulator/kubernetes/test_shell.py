"""A line for a shell that nobody runs: one plain command is read, and everything else is refused by name."""

from __future__ import annotations

import pytest

from csoc.emulator.kubernetes import shell
from csoc.emulator.kubernetes.controllers.runtime import SimulatedPods
from tests.unit.emulator.kubernetes.controllers.living import Living, pod


@pytest.mark.parametrize(
    ("line", "mark"),
    [
        ("echo a; id", "`;`"),
        ("cat /x | head", "`|`"),
        ("true && id", "`&&`"),
        ("false || id", "`||`"),
        ("sleep 1 &", "`&`"),
        ("echo $(id)", "`$(`"),
        ("echo ${HOME}", "`${`"),
        ("echo $HOME", "`$`"),
        ('echo "a $HOME"', "`$`"),
        (r'echo "\$HOME"', r"`\$`"),
        ("echo `id`", "```"),
        ("echo a > /x", "`>`"),
        ("cat < /x", "`<`"),
        ("(id)", "`(`"),
        ("echo *", "`*`"),
        ("echo ~", "`~`"),
        ("echo a # b", "`#`"),
        ("echo a\nid", "a second line"),
        ("exit 3", "`exit`"),
        ("if true", "`if`"),
        ("A=b env", "`A`"),
    ],
)
def test_what_only_a_shell_can_do_is_refused_by_name(line: str, mark: str) -> None:
    for command, stdin in ((["sh", "-c", line], b""), (["/bin/bash", "-lc", line], b""), (["sh"], line.encode())):
        with pytest.raises(shell.ShellError) as refused:
            shell.words_of(command, stdin)
        assert str(refused.value) == f"the emulator runs one plain command and knows no {mark}"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("echo 'a; id | $(b) `c`'", ["echo", "a; id | $(b) `c`"]),
        ('echo "a; b & c"', ["echo", "a; b & c"]),
        (r"echo a\;b \$HOME", ["echo", "a;b", "$HOME"]),
        (r'echo "a \" ;"', ["echo", 'a " ;']),
        ("  cat /etc/a#b \n", ["cat", "/etc/a#b"]),
        ("", []),
    ],
)
def test_what_is_quoted_is_no_more_than_its_letters(line: str, words: list[str]) -> None:
    assert shell.words_of(["sh", "-c", line], b"") == words
    assert shell.words_of(["sh", "-i"], line.encode()) == words


@pytest.mark.parametrize(
    "command", [["sh", "script.sh"], ["sh", "-x"], ["bash", "--login"], ["sh", "-c", "echo", "a"], ["sh", "a", "-c"]]
)
def test_a_shell_is_given_a_text_or_stdin_and_nothing_else(command: list[str]) -> None:
    with pytest.raises(shell.ShellError, match="sh -c TEXT"):
        shell.words_of(command, b"")


def test_quotes_that_do_not_end_are_a_syntax_error() -> None:
    with pytest.raises(shell.ShellError, match="syntax error: No closing quotation"):
        shell.words_of(["sh", "-c", "echo 'a"], b"")


@pytest.mark.parametrize(
    ("command", "why"),
    [
        (["sh", "-c", "echo a; id"], "sh: the emulator runs one plain command and knows no `;`\n"),
        (["date", "+%s"], "date: the emulator knows no arguments of it\n"),
        (["env", "id"], "env: the emulator knows no arguments of it\n"),
    ],
)
def test_a_pod_refuses_in_words_and_with_a_code_what_it_cannot_do(command: list[str], why: str) -> None:
    living = Living()
    living.add(pod("web"))
    living.wait()
    done = SimulatedPods(living.cluster).run(living.pod(), "main", command, b"")
    assert (done.code, done.out, done.err.decode()) == (2, b"", why)


def test_words_of_no_shell_are_left_alone() -> None:
    living = Living()
    living.add(pod("web"))
    living.wait()
    assert SimulatedPods(living.cluster).run(living.pod(), "main", ["echo", "a; id"], b"").out == b"a; id\n"
