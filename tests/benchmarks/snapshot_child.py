"""Reads a fleet once in a process of its own, as a command does, and prints what it took as JSON.

Arguments: repository, folder of the cache, "values" to parse every values file as well, and the rest: nothing.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path

from csoc.adapters.git import GitRepositories
from csoc.adapters.store.cache import SQLiteCache
from csoc.config import Settings
from csoc.fleet.documents.reading import read_documents
from csoc.fleet.parsing import ParsedStore
from csoc.fleet.repositories import SourceAddress
from csoc.fleet.snapshot import ParsedFiles


def main() -> None:
    repository, cache_folder, extent = sys.argv[1:4]
    started, processor = time.perf_counter(), time.process_time()
    repositories = GitRepositories(Settings(cache_dir=Path(cache_folder)))
    cache = SQLiteCache(Path(cache_folder))
    tree = repositories.open(SourceAddress(repository, trusted=True), "main")
    tree.entries()
    opened = time.perf_counter()
    store = ParsedStore(cache)
    files = ParsedFiles(tree, store)
    files.load(files.mentioning("argoproj.io"))
    applications = time.perf_counter()
    documents = read_documents(tree, store)
    read = time.perf_counter()
    if extent == "values":
        files.load()
    done = time.perf_counter()
    cache.close()
    print(
        json.dumps(
            {
                "environments": len(documents.environments),
                "faults": [str(fault) for fault in documents.faults[:5]],
                "files": len(tree.entries()),
                "open": opened - started,
                "applications": applications - opened,
                "documents": read - applications,
                "values": done - read,
                "total": done - started,
                "processor": time.process_time() - processor,
                "memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            }
        )
    )


if __name__ == "__main__":
    main()
