"""exec, attach and port-forward over WebSockets, as kubectl 1.34 and the Python client speak them.

Sources: apimachinery, pkg/util/remotecommand (v4 and v5.channel.k8s.io); apiserver, pkg/util/proxy; client-go,
tools/portforward (SPDY inside of a WebSocket); kubelet, pkg/cri/streaming.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import struct
from collections.abc import Awaitable, Callable, Iterator, MutableMapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from csoc.emulator.kubernetes import errors, shell
from csoc.emulator.kubernetes.access.requests import Asked, Query, asked
from csoc.emulator.kubernetes.api import answers, pod_requests, spdy
from csoc.emulator.kubernetes.clusters import SimulatedCluster
from csoc.emulator.kubernetes.pod_runtime import Output

Object = dict[str, Any]
Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_STDIN, _STDOUT, _STDERR, _ERROR, _RESIZE, _CLOSE = 0, 1, 2, 3, 4, 255
_V5, _V4 = "v5.channel.k8s.io", "v4.channel.k8s.io"
_COMMANDS = (_V5, _V4)
TUNNEL = "SPDY/3.1+portforward.k8s.io"
TUNNEL_AS_TOKEN = "SPDY-3.1+portforward.k8s.io"  # noqa: S105 - a word of HTTP, no secret
_PIECE_BYTES = 32 * 1024
_MOST_STDIN_BYTES = 16 * 1024 * 1024
_FOLLOW_SECONDS = 0.1
_MOST_STREAMS = 200


@dataclass(frozen=True, slots=True)
class _Stream:
    """One connection after its doors."""

    cluster: SimulatedCluster
    asked: Asked
    query: Query
    pod: Object
    receive: Receive
    send: Send
    threads: ThreadPoolExecutor

    async def write(self, channel: int, content: bytes) -> None:
        """Sends content on a channel, in pieces."""
        for at in range(0, max(len(content), 1), _PIECE_BYTES):
            await self.send({"type": "websocket.send", "bytes": bytes([channel]) + content[at : at + _PIECE_BYTES]})

    async def messages(self) -> Any:
        """Binary messages until the client goes."""
        while True:
            message = await self.receive()
            if message["type"] == "websocket.disconnect":
                return
            content = message.get("bytes")
            if content is None:
                content = (message.get("text") or "").encode()
            yield content

    async def run(self, container: str, command: Sequence[str], stdin: bytes) -> Output:
        """Raises LookupError if the container does not run."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(
            self.threads, lambda: self.cluster.runtime.run(self.pod, container, command, stdin)
        )


async def serve_stream(
    cluster: SimulatedCluster, path: str, scope: Scope, receive: Receive, send: Send, threads: ThreadPoolExecutor
) -> None:
    """Answers one WebSocket."""
    await receive()  # websocket.connect
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
    query = Query.of(scope.get("query_string", b"").decode("latin-1"))
    try:
        request = _asked(path, query)
        pod = await asyncio.get_running_loop().run_in_executor(threads, _admitted, cluster, request, headers)
        protocol = _protocol(request.subresource, scope.get("subprotocols") or ())
        container = (
            pod_requests.container_of(pod, query.text("container")) if request.subresource != "portforward" else ""
        )
        _check_running(pod, container)
    except errors.ApiError as error:
        await _refuse(scope, send, error)
        return
    await send({"type": "websocket.accept", "subprotocol": protocol})
    stream = _Stream(cluster, request, query, pod, receive, send, threads)
    with contextlib.suppress(ConnectionError, RuntimeError):  # the client went away while something was sent
        if request.subresource == "portforward":
            await (_tunnel(stream) if protocol == TUNNEL else _forward(stream))
        elif request.subresource == "attach":
            await _attach(stream, container)
        else:
            await _exec(stream, container, protocol)
        await send({"type": "websocket.close", "code": 1000})


def _asked(path: str, query: Query) -> Asked:
    found = asked("GET", path, query)
    if found.resource != "pods" or found.subresource not in ("exec", "attach", "portforward"):
        raise errors.bad_request("the emulator speaks WebSockets for exec, attach and portforward of pods only")
    return found


def _admitted(cluster: SimulatedCluster, request: Asked, headers: dict[str, str]) -> Object:
    """The pod, if the client may. Raises ApiError."""
    access = cluster.access
    user = access.impersonated(access.authenticate(headers), headers, [])
    access.require(user, request)
    type_ = cluster.objects.types.resource("", "v1", "pods")
    if type_ is None or (request.group, request.version) != ("", "v1"):
        raise errors.ApiError(404, "NotFound", "the server could not find the requested resource")
    return cluster.objects.get(type_, request.namespace, request.name)


def _protocol(subresource: str, offered: Sequence[str]) -> str:
    if TUNNEL_AS_TOKEN in offered:
        offered = [TUNNEL]
    wanted = (TUNNEL, _V4) if subresource == "portforward" else _COMMANDS
    found = next((one for one in wanted if one in offered), None)
    if found is None:
        raise errors.bad_request(
            f"unable to upgrade: the emulator speaks {', '.join(wanted)}, not {', '.join(offered)}"
        )
    return found


def _check_running(pod: Object, container: str) -> None:
    name = pod["metadata"]["name"]
    phase = pod.get("status", {}).get("phase")
    if phase in ("Succeeded", "Failed"):
        raise errors.bad_request(f"cannot exec into a container in a completed pod; current phase is {phase}")
    if not pod["spec"].get("nodeName"):
        raise errors.bad_request(f"pod {name} does not have a host assigned")
    if container and "running" not in (pod_requests.status_of(pod, container).get("state") or {}):
        why = f'unable to upgrade connection: container not found ("{container}")'
        raise errors.ApiError(500, "InternalError", why)


async def _refuse(scope: Scope, send: Send, error: errors.ApiError) -> None:
    """An HTTP answer instead of a WebSocket."""
    if "websocket.http.response" not in (scope.get("extensions") or {}):
        await send({"type": "websocket.close", "code": 1008, "reason": error.message[:120]})
        return
    answer = answers.of_error(error)
    assert isinstance(answer.body, bytes)  # noqa: S101 - errors come whole
    head = [(b"content-type", answer.content_type.encode()), (b"content-length", str(len(answer.body)).encode())]
    await send({"type": "websocket.http.response.start", "status": answer.status, "headers": head})
    await send({"type": "websocket.http.response.body", "body": answer.body})


def _status(code: int) -> bytes:
    """What the error channel ends with."""
    if code == 0:
        return json.dumps({"metadata": {}, "status": "Success"}).encode()
    status = {
        "metadata": {},
        "status": "Failure",
        "message": f"command terminated with non-zero exit code: exit status {code}",
        "reason": "NonZeroExitCode",
        "details": {"causes": [{"reason": "ExitCode", "message": str(code)}]},
    }
    return json.dumps(status).encode()


def _failed(why: str) -> bytes:
    return json.dumps(
        {"metadata": {}, "status": "Failure", "message": why, "reason": "InternalError", "code": 500}
    ).encode()


# exec


async def _exec(stream: _Stream, container: str, protocol: str) -> None:
    command = stream.query.every("command")
    wants_stdin = stream.query.flag("stdin")
    try:
        if wants_stdin and shell.is_shell(command):
            code = await _interactive(stream, container, protocol)
        else:
            stdin = await _whole_stdin(stream, protocol) if wants_stdin else b""
            done = await stream.run(container, command, stdin)
            await _show(stream, done)
            code = done.code
    except LookupError as error:
        await stream.write(_ERROR, _failed(str(error.args[0])))
        return
    await stream.write(_ERROR, _status(code))


async def _show(stream: _Stream, done: Output) -> None:
    terminal = stream.query.flag("tty")
    for channel, content in ((_STDOUT, done.out), (_STDERR, done.err)):
        if content:
            shown = content.replace(b"\n", b"\r\n") if terminal else content
            await stream.write(_STDOUT if terminal else channel, shown)


async def _whole_stdin(stream: _Stream, protocol: str) -> bytes:
    """What the client sends until it closes stdin (v5) or goes."""
    found = bytearray()
    async for content in stream.messages():
        if protocol == _V5 and content[:2] == bytes([_CLOSE, _STDIN]):
            break
        if content[:1] == bytes([_STDIN]):
            if protocol == _V4 and len(content) == 1:
                break  # older clients cannot say more than that nothing comes
            found += content[1:]
        if len(found) > _MOST_STDIN_BYTES:
            raise LookupError(f"the emulator takes {_MOST_STDIN_BYTES >> 20} MB of stdin at most")
    return bytes(found)


async def _interactive(stream: _Stream, container: str, protocol: str) -> int:
    """A shell that somebody types into: every line is run as it comes. Lines know nothing of each other."""
    terminal = stream.query.flag("tty")
    prompt = b"# " if terminal else b""
    code, typed = 0, b""
    if prompt:
        await stream.write(_STDOUT, prompt)
    async for content in stream.messages():
        if protocol == _V5 and content[:2] == bytes([_CLOSE, _STDIN]):
            typed += b"\n" if typed else b""
        elif content[:1] != bytes([_STDIN]):
            continue
        ended = content[:1] == bytes([_CLOSE]) or b"\x04" in content[1:]
        if not ended or b"\x04" in content[1:]:
            piece = content[1:].replace(b"\r", b"\n").partition(b"\x04")[0]
            if terminal and piece:
                await stream.write(_STDOUT, piece.replace(b"\n", b"\r\n"))
            typed += piece
        for line in _lines(typed):
            words = line.decode("utf-8", "replace").split()
            if words[:1] == ["exit"]:
                return int(words[1]) & 255 if len(words) > 1 and words[1].isdigit() else code
            if words:
                done = await stream.run(container, ["sh", "-c", line.decode("utf-8", "replace")], b"")
                await _show(stream, done)
                code = done.code
            if prompt:
                await stream.write(_STDOUT, prompt)
        typed = typed.rpartition(b"\n")[2]
        if ended:
            return code
    return code


def _lines(typed: bytes) -> Iterator[bytes]:
    yield from typed.split(b"\n")[:-1]


# attach


async def _attach(stream: _Stream, container: str) -> None:
    """What the container writes from now on. Its process reads nothing, so stdin is taken and dropped."""
    leaving = asyncio.ensure_future(_until_gone(stream))
    loop = asyncio.get_running_loop()
    key = stream.cluster.objects.key
    type_ = stream.cluster.objects.types.resource("", "v1", "pods")
    assert type_ is not None  # noqa: S101 - every cluster has pods
    place = key(type_, stream.asked.namespace, stream.asked.name)
    seen: int | None = None
    try:
        while not leaving.done():
            pod = stream.cluster.store.get(place)
            if pod is None:
                break
            lines = await loop.run_in_executor(stream.threads, stream.cluster.runtime.logs, pod, container)
            for line in lines[len(lines) if seen is None else seen :]:
                await stream.write(_STDOUT, line.text.encode() + b"\n")
            seen = len(lines)
            stopped = (pod_requests.status_of(pod, container).get("state") or {}).get("terminated")
            if stopped is not None:
                await stream.write(_ERROR, _status(stopped.get("exitCode", 0)))
                break
            await asyncio.wait([leaving], timeout=_FOLLOW_SECONDS)
    except LookupError as error:
        await stream.write(_ERROR, _failed(str(error.args[0])))
    finally:
        leaving.cancel()


async def _until_gone(stream: _Stream) -> None:
    async for _ in stream.messages():
        pass


# port-forward


async def _answered(stream: _Stream, port: int, request: bytes) -> bytes:
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(stream.threads, lambda: stream.cluster.runtime.answer(stream.pod, port, request))


def _refused(stream: _Stream, port: int) -> str:
    """As a client reads it from a kubelet with containerd: the pod is its sandbox there, and the uid is left empty.

    Source: Kubernetes 1.34, staging/src/k8s.io/kubelet/pkg/cri/streaming/portforward/httpstream.go; containerd,
    internal/cri/server/sandbox_portforward_linux.go.
    """
    uid = str(stream.pod["metadata"]["uid"])
    sandbox = hashlib.sha256(uid.encode()).hexdigest()
    return (
        f"error forwarding port {port} to pod {sandbox}, uid : failed to execute portforward in network namespace "
        f'"/var/run/netns/cni-{uid}": failed to connect to localhost:{port} inside namespace "{sandbox}", IPv4: dial '
        f"tcp4 127.0.0.1:{port}: connect: connection refused IPv6 dial tcp6: address localhost: no suitable address "
        "found "
    )


async def _forward(stream: _Stream) -> None:
    """Two channels a port, data and errors, as the Python client uses them."""
    ports = [int(port) for port in stream.query.every("ports") if port.isdigit()]
    for index, port in enumerate(ports):
        for channel in (2 * index, 2 * index + 1):
            await stream.write(channel, struct.pack("<H", port))
    waiting: dict[int, bytes] = {}
    async for content in stream.messages():
        channel = content[0] if content else 1
        if channel % 2 or channel // 2 >= len(ports):
            continue
        port = ports[channel // 2]
        try:
            reply = await _answered(stream, port, waiting.get(channel, b"") + content[1:])
        except ConnectionRefusedError:
            await stream.write(channel + 1, _refused(stream, port).encode())
            return
        waiting[channel] = b"" if reply else waiting.get(channel, b"") + content[1:]
        if reply:
            await stream.write(channel, reply)


async def _tunnel(stream: _Stream) -> None:
    """SPDY inside of the WebSocket: two streams a connection, which name their port."""
    tunnel = _Tunnel(stream)
    reader = spdy.Reader()
    async for content in stream.messages():
        try:
            frames = list(reader.read(content))
        except spdy.SpdyError:
            await tunnel.put(spdy.control(spdy.GOAWAY, 0, 1))
            return
        for frame in frames:
            await tunnel.take(frame)


class _Tunnel:
    """The connections of one port-forwarding. opened: by the id of the stream, its kind ("data" or "error"), port and
    connection."""

    def __init__(self, stream: _Stream) -> None:
        self._stream = stream
        self._writer = spdy.Writer()
        self._opened: dict[int, tuple[str, int, str]] = {}
        self._waiting: dict[int, bytes] = {}

    async def put(self, content: bytes) -> None:
        await self._stream.send({"type": "websocket.send", "bytes": content})

    async def take(self, frame: spdy.Frame) -> None:
        """Does what a frame asks for."""
        if frame.kind == spdy.SYN_STREAM:
            await self._open(frame)
        elif frame.kind == spdy.PING:
            await self.put(spdy.control(spdy.PING, frame.stream))
        elif frame.kind == spdy.RST_STREAM:
            self._opened.pop(frame.stream, None)
        elif frame.kind == spdy.DATA and self._opened.get(frame.stream, ("",))[0] == "data":
            await self._data(frame)

    async def _open(self, frame: spdy.Frame) -> None:
        port, kind = frame.headers.get("port", ""), frame.headers.get("streamtype", "")
        if not port.isdigit() or kind not in ("data", "error") or len(self._opened) >= _MOST_STREAMS:
            await self.put(spdy.control(spdy.RST_STREAM, frame.stream, 1))
            return
        self._opened[frame.stream] = (kind, int(port), frame.headers.get("requestid", ""))
        await self.put(self._writer.headers(spdy.SYN_REPLY, frame.stream, {}))

    async def _data(self, frame: spdy.Frame) -> None:
        port = self._opened[frame.stream][1]
        sent = self._waiting.get(frame.stream, b"") + frame.data
        try:
            reply = await _answered(self._stream, port, sent) if sent else b""
        except ConnectionRefusedError:
            await self._end(frame.stream, _refused(self._stream, port))
            return
        self._waiting[frame.stream] = b"" if reply else sent
        if reply:
            await self.put(spdy.data(frame.stream, reply))
        if frame.ends:
            await self._end(frame.stream, "")

    async def _end(self, number: int, why: str) -> None:
        """Closes both streams of a connection. why: "" if all went well."""
        request = self._opened[number][2]
        for other, (kind, _, same) in list(self._opened.items()):
            if same == request:
                del self._opened[other]
                self._waiting.pop(other, None)
                if kind == "error":
                    await self.put(spdy.data(other, why.encode(), ends=True))
        await self.put(spdy.data(number, b"", ends=True))
