"""The filter program, checked by running it on paper: which calls it refuses on which machine."""

from __future__ import annotations

import errno
import struct

import pytest

from csoc.adapters.helm.render import sandbox

REFUSE = 0x00050000 | errno.EACCES
ABSENT = 0x00050000 | errno.ENOSYS
ALLOW, KILL = 0x7FFF0000, 0x80000000


def run(program: bytes, architecture: int, number: int, first: int = 0) -> int:
    """The verdict on one call. data: as the kernel hands it to a filter (seccomp_data)."""
    data = struct.pack("=IIQ6Q", number, architecture, 0, first, 0, 0, 0, 0, 0)
    instructions = [struct.unpack("=HBBI", program[at : at + 8]) for at in range(0, len(program), 8)]
    value = position = 0
    for _ in range(len(instructions)):
        code, if_true, if_false, operand = instructions[position]
        position += 1
        if code == 0x20:
            value = struct.unpack_from("=I", data, operand)[0]
        elif code == 0x06:
            return int(operand)
        else:
            hit = {0x15: value == operand, 0x35: value >= operand, 0x45: bool(value & operand)}[code]
            position += if_true if hit else if_false
    raise AssertionError("the program does not end")


X86, ARM = 0xC000003E, 0xC00000B7


@pytest.mark.parametrize(
    ("machine", "architecture", "calls"),
    [
        (
            "x86_64",
            X86,
            {"socket": 41, "connect": 42, "execve": 59, "ptrace": 101, "open": 2, "openat": 257, "fork": 57},
        ),
        ("aarch64", ARM, {"socket": 198, "connect": 203, "execve": 221, "ptrace": 117, "openat": 56, "unlinkat": 35}),
    ],
)
def test_files_network_and_processes_are_refused(machine: str, architecture: int, calls: dict[str, int]) -> None:
    program = sandbox.filter_program(machine)
    assert {name: run(program, architecture, number) for name, number in calls.items()} == dict.fromkeys(calls, REFUSE)
    assert run(program, architecture, 435) == ABSENT


@pytest.mark.parametrize(
    ("machine", "architecture", "clone", "write"), [("x86_64", X86, 56, 1), ("aarch64", ARM, 220, 64)]
)
def test_threads_may_start_and_answers_be_written(machine: str, architecture: int, clone: int, write: int) -> None:
    program = sandbox.filter_program(machine)
    assert run(program, architecture, clone, 0x3D0F00) == ALLOW  # as the C library starts threads
    assert run(program, architecture, clone, 17) == REFUSE  # SIGCHLD alone: a process
    assert run(program, architecture, write) == ALLOW


def test_calls_of_another_architecture_end_the_process() -> None:
    assert run(sandbox.filter_program("x86_64"), 0x40000003, 41) == KILL
    assert run(sandbox.filter_program("x86_64"), X86, 0x40000000 + 41) == KILL
    assert run(sandbox.filter_program("aarch64"), X86, 41) == KILL
