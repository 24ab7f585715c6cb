"""Git through libgit2, and nothing else that imports it."""

from csoc.adapters.git.identity import author_of
from csoc.adapters.git.repositories import GitRepositories, system_resolve

__all__ = ["GitRepositories", "author_of", "system_resolve"]
