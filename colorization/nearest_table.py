"""The nearest palette colour of 8-bit pixels: by cells of the RGB cube, or by a table of the whole cube."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import cv2
import numpy as np

BLOCK = 1 << 16  # pixels processed at once, to fit the processor's cache


class NearestCells:
    """The colours that can be nearest in each of 32^3 cells of 8^3 pixels.

    For x in a cell with centre m, the squared distances to the colours c_j and c_k differ by
    d_j(x) - d_k(x) = d_j(m) - d_k(m) - 2 (c_j - c_k)(x - m), and |x - m| is at most 3.5 along each axis. So with j
    nearest to m, k is ruled out if d_k(m) - d_j(m) > 7 |c_j - c_k|_1. Three of four cells are left with one colour; in
    the others, a pixel is compared to the remaining colours, the rivals of its cell.

    Attributes:
        only: ``(32^3,)`` the colour of each cell that has just one, elsewhere ``unknown``.
    """

    def __init__(self, levels: np.ndarray) -> None:
        """Take the colours ``(K, 3)`` in pixel units."""
        self.colours = len(levels)
        self.squares = [((np.arange(256)[:, None] - axis) ** 2).reshape(-1) for axis in levels.T]  # at value * K + k
        slack = 1e-9 * max(255.0, levels.max()) ** 2  # far above the rounding of a squared distance in float64
        reach = 7 * np.abs(levels[:, None] - levels).sum(-1) + slack  # (K, K)
        middle = np.arange(32) * 8 + 3.5
        middles = np.stack(np.meshgrid(middle, middle, middle, indexing="ij"), -1).reshape(32, -1, 3)
        counts, rivals = [], []
        for part in middles:
            squares = (levels**2).sum(1) - 2 * (part @ levels.T)  # (1024, K), without |m|^2, which is the same for all
            first = squares.argmin(1)
            left = squares - squares[np.arange(len(part)), first, None] <= reach[first]
            counts.append(left.sum(1))
            rivals.append(left.nonzero()[1])
        self.counts, self.rivals = np.concatenate(counts), np.concatenate(rivals)  # by cell
        self.starts = np.cumsum(self.counts) - self.counts
        dtype = np.uint8 if len(levels) < 256 else np.uint16
        self.unknown = np.iinfo(dtype).max
        self.only = np.where(self.counts == 1, self.rivals[self.starts], self.unknown).astype(dtype)

    def look_up(self, pixels: np.ndarray) -> np.ndarray:
        """Return the indices ``(N,)`` of the uint8 ``pixels`` ``(N, 3)``."""
        indices = np.empty(len(pixels), self.only.dtype)
        for some, codes in blocks(pixels):
            cells = (codes >> 9 & 0x7C00) | (codes >> 6 & 0x3E0) | (codes >> 3 & 0x1F)
            found = self.only.take(cells)
            shared = np.flatnonzero(found == self.unknown)
            if len(shared):
                found[shared] = self._among_rivals(pixels[some].take(shared, 0), cells.take(shared))
            indices[some] = found
        return indices

    def _among_rivals(self, pixels: np.ndarray, cells: np.ndarray) -> np.ndarray:
        """Return the indices ``(n,)`` of ``pixels`` ``(n, 3)``, by float64 distances to the rivals in their cells."""
        rows = pixels.T.astype(np.intp, order="C") * self.colours  # (3, n)
        starts, counts = self.starts.take(cells), self.counts.take(cells)
        index = self.rivals.take(starts)
        best = self._distances(rows, index)
        for rank in range(1, counts.max()):
            there = np.flatnonzero(counts > rank)
            rival = self.rivals.take(starts.take(there) + rank)
            squares = self._distances((row.take(there) for row in rows), rival)
            closer = np.flatnonzero(squares < best.take(there))  # on ties, the lower index stays
            there = there.take(closer)
            index[there], best[there] = rival.take(closer), squares.take(closer)
        return index

    def _distances(self, rows: Iterable[np.ndarray], index: np.ndarray) -> np.ndarray:
        """Return the squared distances ``(n,)`` of pixels, given as offsets ``rows`` into the three `squares`."""
        red, green, blue = (axis.take(row + index) for axis, row in zip(self.squares, rows, strict=True))
        return red + green + blue


class NearestTable:
    """The nearest colour of all 2^24 8-bit pixels; pixels in cells with rivals are computed when first seen."""

    def __init__(self, cells: NearestCells) -> None:
        """Fill the table with the cells that have one colour."""
        self.cells = cells
        table = np.empty((32, 8, 32, 8, 256), cells.only.dtype)
        table[:] = cells.only.reshape(32, 1, 32, 1, 32).repeat(8, axis=4)
        self.table = table.reshape(-1)  # the index is red << 16 | green << 8 | blue

    def look_up(self, pixels: np.ndarray) -> np.ndarray:
        """Return the indices ``(N,)`` of the uint8 ``pixels`` ``(N, 3)``.

        Two threads may compute the same pixel at once; both write the same number.
        """
        indices = np.empty(len(pixels), self.table.dtype)
        for some, codes in blocks(pixels):
            found = self.table.take(codes)
            missed = np.flatnonzero(found == self.cells.unknown)
            if len(missed):
                found[missed] = self.cells.look_up(pixels[some].take(missed, 0))
                self.table[codes.take(missed)] = found.take(missed)
            indices[some] = found
        return indices


def blocks(pixels: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
    """Yield slices of ``pixels`` ``(N, 3)``, uint8, each with its pixels as red << 16 | green << 8 | blue (n,)."""
    for start in range(0, len(pixels), BLOCK):
        some = slice(start, start + BLOCK)
        part = np.ascontiguousarray(pixels[some])
        codes = cv2.cvtColor(part[None], cv2.COLOR_RGB2BGRA).view("<i4").reshape(-1)
        yield some, codes & 0xFFFFFF  # without the alpha
