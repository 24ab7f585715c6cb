"""Files that a person names and csoc reads whole: regular ones only, up to a size.

A device never ends and a pipe may never begin, so a wrong name would keep csoc busy or fill the memory. A link is
followed: whoever named it may read what it leads to anyway. No error shows what is in a file.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from csoc.errors import NotFoundError, RejectedError, UnavailableError


def read_whole(path: Path, largest_bytes: int, *, what: str = "The file", fix: str = "", follow: bool = True) -> bytes:
    """What is in a file. what: it, as errors call it. fix: of each error. follow: False where it must be no link.

    Raises NotFoundError, RejectedError (no regular file, or larger), UnavailableError (it cannot be read).
    """
    place = str(path)
    # A pipe that nobody writes to would be waited for when it is opened.
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | (0 if follow else os.O_NOFOLLOW)
    try:
        with os.fdopen(os.open(path, flags), "rb") as file:
            is_regular = stat.S_ISREG(os.fstat(file.fileno()).st_mode)
            content = file.read(largest_bytes + 1) if is_regular else b""
    except FileNotFoundError:
        raise NotFoundError(f"{what} does not exist", place=place, fix=fix) from None
    except IsADirectoryError:
        is_regular, content = False, b""
    except OSError as error:
        raise UnavailableError(f"{what} cannot be read: {error.strerror}", place=place, fix=fix) from error
    if not is_regular:
        raise RejectedError("It is no file, but a folder, a pipe or a device", place=place, fix=fix)
    if len(content) > largest_bytes:
        raise RejectedError(f"{what} is larger than {largest_bytes:,} bytes", place=place, fix=fix)
    return content
