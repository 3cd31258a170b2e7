"""Storage for steps: device tensors to which blocks of rows are appended, repacked when they are full."""

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

_HEADROOM = 1.5


class StepStorage:
    """Columns of equal length, addressed by row; row 0 holds what padded positions hold.

    Blocks that their owner no longer knows are garbage, which `repack` drops.

    Args:
        padding: The value of each column at padded positions; its shape is that of the column's rows.
        device: Where the columns live.
    """

    PADDING_ROW = 0

    def __init__(self, padding: Mapping[str, NDArray[np.float32]], device: torch.device) -> None:
        self._columns = {name: torch.from_numpy(value[None]).to(device) for name, value in padding.items()}
        self._used = 1

    @property
    def device(self) -> torch.device:
        """Where the columns live."""
        return next(iter(self._columns.values())).device

    @property
    def nbytes(self) -> int:
        """Bytes allocated."""
        return sum(column.nbytes for column in self._columns.values())

    def fits(self, rows: int) -> bool:
        """Whether ``rows`` rows can be appended without repacking."""
        return self._used + rows <= self._capacity

    @property
    def _capacity(self) -> int:
        return len(next(iter(self._columns.values())))

    def append(self, values: Mapping[str, NDArray[np.float32]]) -> int:
        """Appends a block, which must fit; the row at which it begins."""
        start = self._used
        for name, column in self._columns.items():
            block = torch.from_numpy(np.require(values[name], requirements=["C", "W"]))
            column[start : start + len(block)].copy_(block)
        self._used = start + len(next(iter(values.values())))
        return start

    def repack(self, blocks: NDArray[np.int64], lengths: NDArray[np.int64], extra: int) -> NDArray[np.int64]:
        """Drops all rows but the given blocks, which then lie one after the other, and makes room for more.

        Args:
            blocks: Rows at which the blocks begin.
            lengths: Rows of each block.
            extra: Rows for which room is needed. Some headroom comes on top, except the first time.

        Returns:
            Rows at which the blocks begin now.
        """
        live = int(lengths.sum())
        grown = live + extra if self._capacity == 1 else int(_HEADROOM * (live + extra))
        starts = 1 + np.cumsum(lengths) - lengths
        kept = np.arange(live) + np.repeat(blocks + 1 - starts, lengths)
        rows = torch.from_numpy(np.concatenate([[self.PADDING_ROW], kept])).to(self.device)
        for name, column in self._columns.items():
            packed = column.new_empty((1 + grown, *column.shape[1:]))
            torch.index_select(column, 0, rows, out=packed[: 1 + live])
            self._columns[name] = packed
        self._used = 1 + live
        return starts

    def take(self, rows: Tensor, *names: str) -> dict[str, Tensor]:
        """The columns ``names``, or all, at ``rows``, an index tensor of any shape: (...) -> (..., width)."""
        flat = rows.reshape(-1)
        return {
            name: self._columns[name].index_select(0, flat).view(*rows.shape, *self._columns[name].shape[1:])
            for name in names or self._columns
        }
