"""Takes everything away from the rendering child that it does not need: memory, time, files, network, processes.

Templates are programs that strangers wrote, and the engine that runs them is native code. So the child is shut in
layer by layer, each of which holds if another cannot be had on a machine: resource limits, no new privileges, an own
network namespace, Landlock (file rules of the kernel) and a seccomp filter over all threads. What could not be had is
reported rather than hidden. Everything here is Linux; elsewhere only the resource limits apply.

Numbers are those of the kernel's headers (linux/seccomp.h, linux/landlock.h, linux/audit.h, asm/unistd.h).
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import resource
import socket
import struct
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

_PR_SET_NO_NEW_PRIVS = 38
_CLONE_NEWNET, _CLONE_NEWUSER, _CLONE_THREAD = 0x40000000, 0x10000000, 0x00010000

_LANDLOCK_CREATE, _LANDLOCK_ADD, _LANDLOCK_RESTRICT = 444, 445, 446
_LANDLOCK_READ = 0b1101  # execute, read a file, read a directory
_LANDLOCK_FS = {1: 0x1FFF, 2: 0x3FFF, 3: 0x7FFF, 5: 0xFFFF}

_LOAD, _JUMP_EQUAL, _JUMP_FROM, _JUMP_SET, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _KILL, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000

# audit architecture, seccomp(2), clone(2), then what is refused
_DENIED = {
    "socket": (41, 198), "socketpair": (53, 199), "connect": (42, 203), "bind": (49, 200), "listen": (50, 201),
    "accept": (43, 202), "accept4": (288, 242), "sendto": (44, 206), "sendmsg": (46, 211), "sendmmsg": (307, 269),
    "execve": (59, 221), "execveat": (322, 281), "fork": (57, None), "vfork": (58, None),
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271),
    "kill": (62, 129), "pidfd_open": (434, 434), "pidfd_send_signal": (424, 424), "pidfd_getfd": (438, 438),
    "open": (2, None), "openat": (257, 56), "openat2": (437, 437), "creat": (85, None),
    "open_by_handle_at": (304, 265), "name_to_handle_at": (303, 264), "memfd_create": (319, 279),
    "readlink": (89, None), "readlinkat": (267, 78), "link": (86, None), "linkat": (265, 37),
    "symlink": (88, None), "symlinkat": (266, 36), "unlink": (87, None), "unlinkat": (263, 35),
    "rename": (82, None), "renameat": (264, 38), "renameat2": (316, 276), "mkdir": (83, None), "mkdirat": (258, 34),
    "rmdir": (84, None), "mknod": (133, None), "mknodat": (259, 33), "truncate": (76, 45), "chdir": (80, 49),
    "chmod": (90, None), "fchmodat": (268, 53), "chown": (92, None), "lchown": (94, None), "fchownat": (260, 54),
    "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41), "chroot": (161, 51),
    "unshare": (272, 97), "setns": (308, 268), "bpf": (321, 280), "perf_event_open": (298, 241),
    "keyctl": (250, 219), "add_key": (248, 217), "request_key": (249, 218), "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425), "io_uring_enter": (426, 426), "io_uring_register": (427, 427),
    "init_module": (175, 105), "finit_module": (313, 273), "delete_module": (176, 106),
    "kexec_load": (246, 104), "reboot": (169, 142), "setuid": (105, 146), "setgid": (106, 144),
    "setresuid": (117, 147), "setresgid": (119, 149), "setgroups": (116, 159),
}  # fmt: skip
_CLONE3 = 435
_ARCHITECTURES = {"x86_64": (0xC000003E, 317, 56, 0), "aarch64": (0xC00000B7, 277, 220, 1)}


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _syscall(number: int, *arguments: object) -> int:
    """The call's result; raises OSError where it fails."""
    result = int(_libc().syscall(ctypes.c_long(number), *arguments))
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result


def limit_resources(memory_bytes: int) -> None:
    """Memory of this process, no files written, no core dump. Go reserves address space that it never uses, so the
    limit is on data (RLIMIT_DATA), which counts what may be written to."""
    resource.setrlimit(resource.RLIMIT_DATA, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def limit_cpu(seconds: int) -> None:
    """From now on the process may use so many seconds of processor time; then the kernel ends it."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    spent = int(used.ru_utime + used.ru_stime)
    resource.setrlimit(resource.RLIMIT_CPU, (spent + seconds + 1, resource.RLIM_INFINITY))


def no_new_privileges() -> None:
    """Nothing that this process starts may gain rights (set-user-ID programs); a filter needs this too."""
    if _libc().prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def own_network() -> None:
    """An empty network namespace: no interface but a loopback that is down."""
    libc = _libc()
    if libc.unshare(_CLONE_NEWNET) == 0 or libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET) == 0:
        return
    code = ctypes.get_errno()
    raise OSError(code, os.strerror(code))


def restrict_files(readable: Sequence[Path]) -> None:
    """From now on this thread, and threads that it starts, read below these paths and touch no other file."""
    abi = _syscall(_LANDLOCK_CREATE, None, ctypes.c_size_t(0), ctypes.c_uint32(1))
    handled = _LANDLOCK_FS[max(known for known in _LANDLOCK_FS if known <= abi)]
    fields = [handled]
    if abi >= 4:
        fields.append(0b11)  # bind and connect of TCP
    if abi >= 6:
        fields.append(0b11)  # abstract sockets and signals to outside
    attributes = struct.pack(f"={len(fields)}Q", *fields)
    ruleset = _syscall(_LANDLOCK_CREATE, attributes, ctypes.c_size_t(len(attributes)), ctypes.c_uint32(0))
    try:
        for path in readable:
            _allow_reading(ruleset, path)
        _syscall(_LANDLOCK_RESTRICT, ctypes.c_int(ruleset), ctypes.c_uint32(0))
    finally:
        os.close(ruleset)


def _allow_reading(ruleset: int, path: Path) -> None:
    try:
        folder = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return  # what is not there needs no rule
    try:
        access = _LANDLOCK_READ if path.is_dir() else _LANDLOCK_READ & 0b0101
        rule = struct.pack("=Qi", access, folder)
        _syscall(_LANDLOCK_ADD, ctypes.c_int(ruleset), ctypes.c_int(1), rule, ctypes.c_uint32(0))
    finally:
        os.close(folder)


def code_paths() -> list[Path]:
    """What a Python with a native library reads while it starts: its code, the system's libraries, little else."""
    paths = [*sys.path, sys.prefix, sys.base_prefix, sys.exec_prefix]
    paths += ["/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/etc/ld.so.cache", "/etc/ld.so.preload"]
    paths += ["/etc/localtime", "/usr/share/zoneinfo", "/dev/null", "/dev/urandom", "/sys/kernel/mm", "/proc/self"]
    return [Path(path) for path in dict.fromkeys(paths) if path and path != "/"]


def _instruction(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)


def filter_program(machine: str) -> bytes:
    """The seccomp filter for a machine ("x86_64", "aarch64"): refuses files, network, processes, allows the rest.

    Threads may start (Go's runtime needs them), processes may not: clone needs its thread flag, and clone3, whose
    flags a filter cannot see, "does not exist", after which the C library falls back to clone.
    """
    architecture, _, clone, column = _ARCHITECTURES[machine]
    refuse = _instruction(_RETURN, _ERRNO | errno.EACCES)
    program = [
        _instruction(_LOAD, 4),
        _instruction(_JUMP_EQUAL, architecture, 1, 0),
        _instruction(_RETURN, _KILL),
        _instruction(_LOAD, 0),
    ]
    if machine == "x86_64":  # the x32 calls would pass under other numbers
        program += [_instruction(_JUMP_FROM, 0x40000000, 0, 1), _instruction(_RETURN, _KILL)]
    for numbers in _DENIED.values():
        number = numbers[column]
        if number is not None:
            program += [_instruction(_JUMP_EQUAL, number, 0, 1), refuse]
    program += [_instruction(_JUMP_EQUAL, _CLONE3, 0, 1), _instruction(_RETURN, _ERRNO | errno.ENOSYS)]
    program += [
        _instruction(_JUMP_EQUAL, clone, 0, 3),
        _instruction(_LOAD, 16),  # the low half of the first argument
        _instruction(_JUMP_SET, _CLONE_THREAD, 1, 0),
        refuse,
        _instruction(_RETURN, _ALLOW),
    ]
    return b"".join(program)


def filter_calls() -> None:
    """Puts the filter over every thread of this process, for good. Needs `no_new_privileges` before."""
    machine = platform.machine()
    if machine not in _ARCHITECTURES or sys.platform != "linux":
        raise OSError(errno.ENOSYS, f"there is no filter for {machine}")
    program = filter_program(machine)
    instructions = ctypes.create_string_buffer(program, len(program))
    header = struct.pack("@HP", len(program) // 8, ctypes.addressof(instructions))
    thread = _syscall(_ARCHITECTURES[machine][1], ctypes.c_uint(1), ctypes.c_uint(1), header)
    if thread:
        raise OSError(errno.EBUSY, f"thread {thread} could not be filtered")


def before_loading() -> dict[str, str]:
    """The first half, before native code is loaded. Returns layer to "on" or the reason why not."""
    return {
        "no new privileges": _attempt(no_new_privileges),
        "network namespace": _attempt(own_network),
        "landlock for loading": _attempt(lambda: restrict_files(code_paths())),
    }


def after_loading() -> dict[str, str]:
    """The second half, when everything is loaded; then it is tried out, since a claim is not a fact.

    "files", "network" and "programs" say whether opening, connecting and executing really are refused now.
    """
    report = {
        "landlock": _attempt(lambda: restrict_files([])),
        "seccomp": _attempt(filter_calls),
    }
    report["files"] = _refused(lambda: os.close(os.open("/", os.O_RDONLY)))
    report["network"] = _refused(lambda: socket.socket().close())
    report["programs"] = _refused(lambda: os.execv("/no such program", ["no such program"]))  # noqa: S606
    return report


def _attempt(layer: Callable[[], None]) -> str:
    try:
        layer()
    except (OSError, AttributeError, KeyError, ValueError) as error:
        return f"not on this machine: {error}"
    return "on"


def _refused(action: Callable[[], None]) -> str:
    try:
        action()
    except PermissionError:
        return "on"
    except FileNotFoundError:
        return "not on this machine: it is still possible"
    except OSError as error:
        return f"unclear: {error}"
    return "not on this machine: it is still possible"
