"""What is wrong with a document, where, and what to do; the one error that csoc_infra raises on purpose."""

from __future__ import annotations


class MistakeError(Exception):
    """A document that cannot be accepted. path: dotted, from the document's top. None of the three holds a value of
    the document that is longer than a word, since values may be secrets that were put in the wrong place."""

    def __init__(self, path: str, cause: str, fix: str = "") -> None:
        super().__init__(f"{path}: {cause}")
        self.path = path
        self.cause = cause
        self.fix = fix

    def below(self, path: str) -> MistakeError:
        """The same, for a part that stands at `path`."""
        return MistakeError(join(path, self.path), self.cause, self.fix)


def join(path: str, key: str) -> str:
    """The path of a key below a path; either may be empty."""
    return f"{path}.{key}" if path and key else path or key


def shown(text: str, limit: int = 60) -> str:
    """A hostile text as a part of a message: printable, on one line, cut."""
    clean = "".join(char if char.isprintable() else "?" for char in text)
    return f'"{clean}"' if len(clean) <= limit else f'"{clean[:limit]}…"'
