"""Which values keys a chart reads, found without rendering it, and the key that was meant by one that it does not.

`reading` is what others use; the rest is how it is done: Go templates (`fleet.gotemplate`) evaluated on what values
could be (`evaluation`, `functions`, `places`), and likely keys (`nearest`).
"""

from csoc.gen3.chart_keys.nearest import nearest
from csoc.gen3.chart_keys.reading import (
    EVERYTHING,
    ChartKeys,
    below,
    defined_but_never_read,
    read_keys,
    unread,
)

__all__ = ["EVERYTHING", "ChartKeys", "below", "defined_but_never_read", "nearest", "read_keys", "unread"]
