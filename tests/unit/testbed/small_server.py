"""A part of the testbed that starts in no time, for the tests of sharing: a server that says who it is."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from testbed.servers import process

SERVER = """
import http.server, os, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(str(os.getpid()).encode())
    def log_message(self, *_):
        pass
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


def start(stack: contextlib.ExitStack, folder: Path, settings: Mapping[str, Any]) -> dict[str, Any]:
    """settings: ports to try one after the other (a free one if none is given); fail: a program to run instead."""
    (port,) = process.free_ports(1)
    tried = settings.get("ports", [])
    attempt = int(folder.name)
    if attempt <= len(tried):
        port = tried[attempt - 1]
    command = [sys.executable, "-c", settings.get("fail") or SERVER, str(port)]
    server = process.start("small", command, folder)
    stack.callback(server.stop)
    url = f"http://127.0.0.1:{port}"
    server.wait_until(lambda: process.answers(url), settings.get("seconds", 60))
    return {"url": url, "server": server.process.pid, "keeper": os.getpid(), "data": str(folder.parent)}
