"""A proxy in a network of its own: a server behind it, the machines' redirection, real clients. Run by test_egress.

`unshare --net python squid_scene.py FOLDER` as root. FOLDER has squid.conf with the addresses below. Prints what each
client met as JSON: the text that it got, or how it was cut off.
"""

from __future__ import annotations

import http.client
import http.server
import json
import socket
import ssl
import subprocess
import sys
import threading
import time
from pathlib import Path

SERVER, PROXY = "203.0.113.10", "10.1.1.7"
SQUID = "/usr/sbin/squid"
# As machines have it, for what this machine itself sends; what squid sends is known by its address.
RULES = f"""
table ip csoc {{
  chain out {{
    type nat hook output priority -100;
    ip saddr != {PROXY} ip daddr {SERVER} tcp dport 80 redirect to :3129
    ip saddr != {PROXY} ip daddr {SERVER} tcp dport 443 redirect to :3130
  }}
}}
"""


class Answer(http.server.BaseHTTPRequestHandler):
    """Says which host it was asked for, and remembers whom it met."""

    met: list[str] = []  # noqa: RUF012 - one server

    def do_GET(self) -> None:
        self.met.append(self.headers["Host"])
        self.send_response(200)
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"hello")

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the base class's name
        pass


def serve(folder: Path) -> None:
    plain = http.server.ThreadingHTTPServer((SERVER, 80), Answer)
    tls = http.server.ThreadingHTTPServer((SERVER, 443), Answer)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "both.pem")
    tls.socket = context.wrap_socket(tls.socket, server_side=True)
    for server in (plain, tls):
        threading.Thread(target=server.serve_forever, daemon=True).start()


def by_tls(name: str | None) -> str:
    """What a client that asks for a name gets over TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with (
            socket.create_connection((SERVER, 443), timeout=10) as raw,
            context.wrap_socket(raw, server_hostname=name) as secure,
        ):
            secure.sendall(f"GET / HTTP/1.0\r\nHost: {name}\r\n\r\n".encode())
            answer = b""
            while part := secure.recv(4096):
                answer += part
            return answer.rpartition(b"\r\n")[2].decode()
    except OSError:
        return "cut"


def by_http(host: str) -> str:
    """What a client gets without TLS."""
    connection = http.client.HTTPConnection(SERVER, 80, timeout=10)
    try:
        connection.request("GET", "/", headers={"Host": host})
        answer = connection.getresponse()
        return answer.read().decode() if answer.status == 200 else str(answer.status)
    except OSError:
        return "cut"


def by_other_port() -> str:
    """The watchdog's port is the machine's own."""
    try:
        socket.create_connection((SERVER, 3128), timeout=5).close()
    except OSError:
        return "cut"
    return "open"


def watched() -> str:
    """What the watchdog asks."""
    connection = http.client.HTTPConnection("127.0.0.1", 3128, timeout=10)
    connection.request("GET", "/squid-internal-mgr/info")
    return str(connection.getresponse().status)


def main(folder: Path) -> None:
    for command in (
        "ip link set lo up",
        f"ip addr add {SERVER}/32 dev lo",
        f"ip addr add {PROXY}/32 dev lo",
    ):
        subprocess.run(command.split(), check=True)
    subprocess.run(["nft", "-f", "-"], input=RULES, text=True, check=True)
    serve(folder)
    squid = subprocess.Popen([SQUID, "-N", "-f", str(folder / "squid.conf")], stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 30
        while socket.socket().connect_ex(("127.0.0.1", 3128)):
            if time.monotonic() > deadline or squid.poll() is not None:
                raise SystemExit((folder / "logs" / "cache.log").read_text())
            threading.Event().wait(0.05)
        told = {
            "tls": {str(name): by_tls(name) for name in NAMES},
            "http": {host: by_http(host) for host in NAMES if host},
            "other port": by_other_port(),
            "watched": watched(),
            "met": Answer.met,
        }
        print(json.dumps(told))
    finally:
        squid.terminate()
        squid.wait(timeout=20)


NAMES = ("quay.io", "cdn.docker.io", "docker.io", "evil.example.org", "notdocker.io", None)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
