"""Tables of text for as many columns of characters as there are.

Names are never cut: two that differ at the end would look the same. Where there is too little room, long cells go on in
the next line; where that would leave columns of a few characters, each row becomes a block with a line for each column.

Lists that grow are another matter: a row of one is a line, whose last columns are left out where there is no room for
them, and one column, of sentences, is cut.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from rich.cells import cell_len
from rich.text import Text

from csoc.cli.escaping import clean

# A cell, or the lines of one. Text may be coloured; line breaks in it are shown as any other control character.
Cell = str | Text | Sequence[str | Text]
_Row = Sequence[Sequence[Text]]

_GAP = 2
_NARROWEST = 8
_WIDEST_PIECE = 24
# Where text may go on in the next line: after spaces, and in names after what joins their parts.
_BREAK = re.compile(r"\s+|(?<=[/,;:=@_.-])(?=[^\s])")


def table_lines(
    columns: Sequence[Cell], rows: Sequence[Sequence[Cell]], *, room: int | None = None, rule: str = "─"
) -> list[Text]:
    """The lines of a table with a head; none is wider than room (None: as wide as it takes), but for single characters
    in a room of next to none."""
    cells: list[_Row] = [[cell_texts(cell) for cell in row] for row in [columns, *rows]]
    if room is not None:  # a person sees as well that nothing is there, a program counts columns
        cells = _filled(cells)
    natural = [max(line.cell_len for row in cells for line in row[number]) for number in range(len(cells[0]))]
    widths = natural if room is None else _widths(cells, natural, room)
    if widths is None:
        return list(_blocks(cells, max(room or 0, _NARROWEST)))
    head = [[_bold(line) for line in cell] for cell in cells[0]]
    under = Text(rule * (sum(widths) + _GAP * (len(widths) - 1)))
    return [*_row_lines([head], widths), under, *_row_lines(cells[1:], widths)]


def list_lines(
    columns: Sequence[Cell],
    rows: Sequence[Sequence[Cell]],
    *,
    cut: int,
    least: int,
    room: int | None = None,
    rule: str = "─",
) -> tuple[list[Text], bool]:
    """The lines of a table with one line a row, and whether anything was left out. cut: the number of the column that
    may be cut, to at least so many characters. Columns behind it are left out, from the last, until the rest fits.
    Where not even those before it do, it is a table as any other."""
    whole = table_lines(columns, rows, rule=rule)
    if room is None:
        return whole, False
    cells: list[_Row] = [[cell_texts(cell) for cell in row] for row in [columns, *rows]]
    said = [number for number in range(len(columns)) if _says(cells, number)]
    natural = {number: max(line.cell_len for row in cells for line in row[number]) for number in said}
    kept = list(said)
    while _taken(natural, kept, cut, least) > room and kept[-1] > cut:
        kept.pop()
    if _taken(natural, kept, cut, least) > room:
        return table_lines(columns, rows, room=room, rule=rule), False
    spare = room - sum(natural[number] for number in kept if number != cut) - _GAP * (len(kept) - 1)
    shown = [[_shortened(row[number], spare) if number == cut else row[number] for number in kept] for row in cells]
    is_short = len(kept) < len(said) or (cut in kept and natural[cut] > spare)
    return table_lines(shown[0], shown[1:], room=room, rule=rule), is_short


def _taken(natural: Mapping[int, int], kept: Sequence[int], cut: int, least: int) -> int:
    widths = (min(natural[number], least) if number == cut else natural[number] for number in kept)
    return sum(widths) + _GAP * (len(kept) - 1)


def _shortened(cell: Sequence[Text], width: int) -> list[Text]:
    made = []
    for line in cell:
        short = line.copy()
        short.truncate(width, overflow="ellipsis")
        made.append(short)
    return made


def _says(cells: Sequence[_Row], number: int) -> bool:
    """True if a column says something below its head; the first one is always kept."""
    return number == 0 or any(line.plain.strip() for row in cells[1:] for line in row[number])


def _bold(text: Text) -> Text:
    made = text.copy()
    made.stylize_before("bold")
    return made


def _row_lines(cells: Sequence[_Row], widths: Sequence[int]) -> Iterator[Text]:
    for row in cells:
        wrapped = [
            [part for line in cell for part in wrap(line, width)] for cell, width in zip(row, widths, strict=True)
        ]
        for number in range(max(map(len, wrapped))):
            parts = [lines_of[number] if number < len(lines_of) else Text() for lines_of in wrapped]
            yield _joined(parts, widths)


def _filled(cells: Sequence[_Row]) -> list[_Row]:
    """The columns that say something below their head."""
    kept = [number for number in range(len(cells[0])) if _says(cells, number)]
    return [[row[number] for number in kept] for row in cells]


def cell_texts(cell: Cell) -> list[Text]:
    """The lines of a cell, without control characters. Coloured cells hold names from outside too."""
    if isinstance(cell, str):
        return [Text(clean(cell))]
    if isinstance(cell, Text):
        return [clean_text(cell)]
    return [clean_text(item) if isinstance(item, Text) else Text(clean(item)) for item in cell] or [Text()]


def clean_text(text: Text) -> Text:
    """Text that keeps its colours if it needs no escapes, and else its main one."""
    return text if clean(text.plain) == text.plain else Text(clean(text.plain), style=text.style)


def wrap(text: Text, width: int, *, hanging: int | None = None) -> list[Text]:
    """Text in lines of at most that many columns, broken at spaces and joints of names where that is possible.

    hanging: for sentences: the lines after the first are indented by it, and a name is broken only if it is longer than
    a line, so that it can be copied.
    """
    lines: list[Text] = []
    while text.cell_len > width:
        end, after = _break(text.plain, width, joints=hanging is None)
        first, *_, rest = text.divide([end, after] if after > end else [end])
        lines.append(first)
        if not rest.plain.strip():
            return lines
        text = Text(" " * (hanging or 0)).append_text(rest)
    return [*lines, text]


def _break(text: str, width: int, *, joints: bool) -> tuple[int, int]:
    """Where a line of that width ends and where the next one begins; spaces between them go away."""
    lead = len(text) - len(text.lstrip())
    space = joint = None
    for found in _BREAK.finditer(text, lead + 1):
        taken = cell_len(text[: found.start()])
        if taken > width:
            break
        if found[0]:
            space = found.span()
        elif taken * 3 > width:  # one close to the beginning would make many short lines out of one name
            joint = found.span()
    if space is not None and (joint is None or not joints or space > joint):
        return space
    if joint is not None:
        return joint
    end = len(text)
    while end > 1 and cell_len(text[:end]) > width:
        end -= 1
    return end, end


def _widths(cells: Sequence[_Row], natural: Sequence[int], room: int) -> list[int] | None:
    """Widths that fit: as asked for, or with the widest columns narrower; None if a column would be too narrow."""
    left = room - _GAP * (len(natural) - 1)
    if sum(natural) <= left:
        return list(natural)
    least = [
        min(
            wide,
            max(_NARROWEST, *(_longest_piece(line.plain, whole=not number) for row in cells for line in row[number])),
        )
        for number, wide in enumerate(natural)
    ]
    if sum(least) > left:
        return None
    level = min(max(natural), left)
    while sum(_at_level(natural, least, level)) > left:
        level -= 1
    widths = _at_level(natural, least, level)
    spare = left - sum(widths)
    for number, width in enumerate(widths):
        if spare > 0 and width < natural[number]:
            widths[number] += 1
            spare -= 1
    return widths


def _at_level(natural: Sequence[int], least: Sequence[int], level: int) -> list[int]:
    return [min(wide, max(narrow, level)) for wide, narrow in zip(natural, least, strict=True)]


def _longest_piece(text: str, *, whole: bool) -> int:
    """The longest part that should stay in one line; the first column holds what people copy, so its names stay whole
    unless they are very long."""
    pieces = text.split() if whole else _BREAK.split(text)
    return min(max(map(cell_len, pieces), default=0), _WIDEST_PIECE * 2 if whole else _WIDEST_PIECE)


def _joined(parts: Sequence[Text], widths: Sequence[int]) -> Text:
    line = Text()
    for number, (part, width) in enumerate(zip(parts, widths, strict=True)):
        line.append_text(part)
        if number < len(widths) - 1:
            line.append(" " * (width - part.cell_len + _GAP))
    line.rstrip()
    return line


def _blocks(cells: Sequence[_Row], room: int) -> Iterator[Text]:
    """Each row as a block: the first cell as its head, below it each column with its name."""
    names = [" ".join(line.plain for line in cell) for cell in cells[0][1:]]
    wide = max(map(cell_len, names), default=0)
    narrow = room < wide + 2 + _GAP + _NARROWEST * 2
    for number, row in enumerate(cells[1:]):
        if number:
            yield Text()
        yield from (_bold(part) for line in row[0] for part in wrap(line, room))
        for name, cell in zip(names, row[1:], strict=True):
            lines = [line for line in cell if line.plain.strip()]
            if narrow and lines:
                yield from (_indented(part, 2) for part in wrap(Text(name, style="dim"), room - 2))
                yield from (_indented(part, 4) for line in lines for part in wrap(line, room - 4))
                continue
            for at, part in enumerate(part for line in lines for part in wrap(line, room - wide - 2 - _GAP)):
                label = Text(name if at == 0 else "", style="dim")
                label.pad_right(wide - label.cell_len + _GAP)
                yield _indented(label.append_text(part), 2)


def _indented(text: Text, by: int) -> Text:
    return Text(" " * by).append_text(text)


def side_by_side(widths: Mapping[str, int], room: int | None) -> list[list[str]]:
    """Columns in groups that fit beside each other in a room of that many characters (None: in any), in order; none is
    empty."""
    groups: list[list[str]] = []
    left = 0
    for name, width in widths.items():
        taken = width + _GAP
        if not groups or (room is not None and taken > left):
            groups.append([])
            left = room or 0
        groups[-1].append(name)
        left -= taken
    return groups
