"""Record batches that do not fit in memory, in one Arrow file without a name.

The system removes the file when it is closed, also if the process is killed.
"""

from __future__ import annotations

import tempfile
import weakref
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa


class Spool:
    """Batches of one schema: first all are added, then any is read again."""

    def __init__(self, schema: pa.Schema, folder: str | None = None) -> None:
        """Open the file.

        Parameters
        ----------
        schema : of the batches
        folder : for the file; None is the system's temporary folder
        """
        import pyarrow as pa

        if folder is not None:
            Path(folder).mkdir(parents=True, exist_ok=True)
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115  # closed with this object
        self._close = weakref.finalize(self, self._file.close)
        self._writer = pa.ipc.new_file(self._file, schema)
        self._reader: pa.RecordBatchFileReader | None = None
        self._count = 0

    def add(self, batch: pa.RecordBatch) -> int:
        """Write a batch; its number, from 0, is the one to read it by."""
        self._writer.write_batch(batch)
        self._count += 1
        return self._count - 1

    def batch(self, number: int) -> pa.RecordBatch:
        """A batch; after the first call none can be added."""
        import pyarrow as pa

        if self._reader is None:
            self._writer.close()
            self._reader = pa.ipc.open_file(self._file)
        return self._reader.get_batch(number)
