"""Links inside a chart, followed on paper: nothing here touches a file system.

Helm follows links of chart folders wherever they lead, which is how a chart gets at files that are none of its
business. Here a link may lead to a file or folder of the same chart and nowhere else.
"""

from __future__ import annotations

import posixpath
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence

from csoc.errors import RejectedError

_IN_A_ROW = 40


def target(path: str, written: str, *, hard: bool = False) -> str:
    """Where the link at a path leads, as a path inside the chart; hard links are written from the chart's folder.

    Raises RejectedError if it leaves the chart.
    """
    base = "" if hard else posixpath.dirname(path)
    joined = posixpath.normpath(posixpath.join(base, written))
    if not written or "\0" in written or written.startswith("/") or joined == ".." or joined.startswith("../"):
        raise RejectedError(
            f"A {'hard' if hard else 'symbolic'} link leads out of the chart",
            place=path,
            fix="Put a copy of the file into the chart; csoc never follows links to elsewhere",
        )
    return joined


def resolved(files: Iterable[str], targets: Mapping[str, str], most: int) -> dict[str, str]:
    """Every path under which a file can be reached, to the file's own path. targets: where each link leads.

    Raises RejectedError for links in a circle, links to nothing, and more than `most` paths.
    """
    found = {path: path for path in files}
    if targets:
        reach = _Reach(sorted(found), targets, most)
        for link in targets:
            for path, source in reach.behind(link, link, 0):
                found[path] = source
                if len(found) > most:
                    raise RejectedError(f"Links make more than {most:,} files of the chart", place=link)
    return found


class _Reach:
    def __init__(self, files: Sequence[str], targets: Mapping[str, str], most: int) -> None:
        self._files = files
        self._known = frozenset(files)
        self._targets = targets
        self._links = sorted(targets)
        self._left = most

    def behind(self, link: str, shown: str, depth: int) -> Iterator[tuple[str, str]]:
        """(path, file) of what a link leads to, as if the link stood at `shown`."""
        end = self._follow(self._targets[link], link)
        if end in self._known:
            yield shown, end
            return
        if depth >= _IN_A_ROW or end == "." or f"{link}/".startswith(f"{end}/"):
            raise RejectedError("Links of the chart lead in a circle", place=link)
        empty = True
        for path in _below(self._files, end):
            empty = False
            self._count(link)
            yield shown + path[len(end) :], path
        for inner in _below(self._links, end):
            empty = False
            self._count(link)
            yield from self.behind(inner, shown + inner[len(end) :], depth + 1)
        if empty:
            raise RejectedError("A link of the chart leads to nothing", place=link)

    def _count(self, link: str) -> None:
        self._left -= 1
        if self._left < 0:
            raise RejectedError("Links make too many files of the chart", place=link)

    def _follow(self, path: str, link: str) -> str:
        """The path with every link on the way replaced by where it leads."""
        for _ in range(_IN_A_ROW):
            parts = path.split("/")
            heads = ("/".join(parts[:count]) for count in range(1, len(parts) + 1))
            head = next((head for head in heads if head in self._targets), None)
            if head is None:
                return path
            path = posixpath.normpath(self._targets[head] + path[len(head) :])
        raise RejectedError("Links of the chart lead in a circle", place=link)


def _below(paths: Sequence[str], folder: str) -> Iterator[str]:
    """Those of the sorted paths that stand below a folder."""
    prefix = f"{folder}/"
    for index in range(bisect_left(paths, prefix), len(paths)):
        if not paths[index].startswith(prefix):
            return
        yield paths[index]
