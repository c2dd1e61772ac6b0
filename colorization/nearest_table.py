"""The nearest palette colour of every 8-bit pixel, by a look-up table that is filled where pictures touch it."""

from __future__ import annotations

import cv2
import numpy as np

BLOCK = 1 << 20  # numbers held at once by the loops below, which bounds their memory


class NearestTable:
    """The nearest colour of all 2^24 8-bit pixels, computed for the parts of the RGB cube that pictures touch.

    The cube is cut into 32^3 cells of 8^3 pixels. For x in a cell with centre m, the squared distances to the colours
    c_j and c_k differ by d_j(x) - d_k(x) = d_j(m) - d_k(m) - 2 (c_j - c_k)(x - m), and |x - m| is at most 3.5 along
    each axis. So k is out where d_k(m) - d_j(m) > 7 |c_j - c_k|_1, with j the nearest to m. Three cells of four keep
    one colour and are filled at once; the pixels of the others are compared to the colours left when first seen.
    """

    def __init__(self, levels: np.ndarray) -> None:
        """Take the colours ``(K, 3)`` in pixel units."""
        self.levels = levels
        values = np.arange(256)[:, None]
        self.squares = [(values - axis) ** 2 for axis in levels.T]  # three of (256, K)
        slack = 1e-9 * max(255.0, levels.max()) ** 2  # far above the rounding of a squared distance in float64
        self.reach = 7 * np.abs(levels[:, None] - levels).sum(-1) + slack  # (K, K)
        dtype = np.uint8 if len(levels) < 256 else np.uint16
        self.unknown = np.iinfo(dtype).max
        cells = np.empty(1 << 15, dtype)
        for start in range(0, len(cells), step := max(1, BLOCK // 16 // len(levels))):
            left = self._contenders(np.arange(start, min(start + step, len(cells))))
            cells[start : start + step] = np.where(left.sum(1) == 1, left.argmax(1), self.unknown)
        self.table = np.empty((32, 8, 32, 8, 256), dtype)
        self.table[:] = cells.reshape(32, 1, 32, 1, 32).repeat(8, axis=4)
        self.flat = self.table.reshape(-1)  # a view: the index is red << 16 | green << 8 | blue

    def look_up(self, pixels: np.ndarray) -> np.ndarray:
        """Return the indices ``(N,)`` of the uint8 ``pixels`` ``(N, 3)``."""
        indices = np.empty(len(pixels), self.table.dtype)
        for start in range(0, len(pixels), BLOCK):
            part = np.ascontiguousarray(pixels[start : start + BLOCK])
            codes = cv2.cvtColor(part[None], cv2.COLOR_RGB2BGRA).view("<i4").reshape(-1)
            found = self.flat.take(codes)  # the alpha of 255 makes each code negative: 2^24 below its index
            missed = np.flatnonzero(found == self.unknown)
            if len(missed):
                codes = codes[missed]
                touched = np.zeros(1 << 15, bool)
                touched[(codes >> 9 & 0x7C00) | (codes >> 6 & 0x3E0) | (codes >> 3 & 0x1F)] = True
                self._fill(np.flatnonzero(touched))
                found[missed] = self.flat.take(codes)
            indices[start : start + BLOCK] = found
        return indices

    def _contenders(self, cells: np.ndarray) -> np.ndarray:
        """Return which of the K colours can be nearest somewhere in each of the n ``cells``: ``(n, K)`` bool."""
        red, green, blue = self.levels.T
        mid = np.stack((cells >> 10, cells >> 5 & 31, cells & 31))[..., None] * 8 + 3.5  # (3, n, 1)
        squares = (mid[0] - red) ** 2 + (mid[1] - green) ** 2 + (mid[2] - blue) ** 2
        first = squares.argmin(1)
        return squares - squares[np.arange(len(cells)), first, None] <= self.reach[first]

    def _fill(self, cells: np.ndarray) -> None:
        """Compute the pixels of ``cells``, by float64 distances to the colours that are left there.

        Two threads may fill a cell at the same time: both write the same numbers.
        """
        for start in range(0, len(cells), step := max(1, BLOCK // len(self.levels))):
            part = cells[start : start + step]
            left = self._contenders(part)
            count = left.sum(1)
            order = np.argsort(-count, kind="stable")  # cells with an n-th contender come first, for every n
            ranked = (
                left[order].nonzero()[1].astype(self.table.dtype)
            )  # the contenders of the first cell, the second...
            first = np.cumsum(count[order]) - count[order]
            for block in range(0, len(part), 128):  # small enough for the cache
                some = slice(block, block + 128)
                self._fill_block(part[order[some]], count[order[some]], ranked[first[some][0] :])

    def _fill_block(self, cells: np.ndarray, count: np.ndarray, ranked: np.ndarray) -> None:
        """Compute the n ``cells``, each from its ``count`` contenders, which follow one another in ``ranked``."""
        first = np.cumsum(count) - count
        corner = np.stack((cells >> 10, cells >> 5 & 31, cells & 31))
        sides = corner[:, None] * 8 + np.arange(8)[:, None]  # (3, 8, n): the red, green and blue values of a cell
        for rank in range(count[0]):
            n = np.count_nonzero(count > rank)
            colour = ranked[first[:n] + rank]
            red, green, blue = (axis[side[:, :n], colour] for axis, side in zip(self.squares, sides, strict=True))
            squares = (red[:, None] + green)[:, :, None] + blue  # (8, 8, 8, n)
            if rank == 0:
                best, index = squares, np.broadcast_to(colour, squares.shape).copy()
                continue
            closer = squares < best[..., :n]
            index[..., :n] += closer * (colour - index[..., :n])  # unsigned: wraps round to colour where closer
            if rank + 1 < count[0]:
                np.minimum(best[..., :n], squares, out=best[..., :n])
        rows = np.dtype(("V", 8 * self.table.itemsize))  # eight pixels at a time: an eighth of the copies
        cube = self.table.view(rows).reshape(32, 8, 32, 8, 32).transpose(0, 2, 4, 1, 3)
        cube[tuple(corner)] = cv2.transpose(index.reshape(512, -1)).view(rows).reshape(-1, 8, 8)
