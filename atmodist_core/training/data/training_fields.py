"""Fields of several members, from which patches are cut."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from atmodist_core.common.errors import UserError
from atmodist_core.fields.grid.cell_areas import cell_areas
from atmodist_core.networks.normalization import SignedLogNormalization

_CPU = torch.device("cpu")
FieldsT = TypeVar("FieldsT", bound="TrainingFields")


@dataclass(frozen=True)
class Member:
    """One series inside :class:`TrainingFields`: its times ``start`` to ``stop`` (exclusive)."""

    name: str  # where it came from, for messages
    start: int
    stop: int
    spacing_hours: float | None  # None where irregular, or for a single time
    period: str  # first and last time as text
    irregularity: str = ""  # description of an irregular spacing
    typical_hours: float | None = None  # median spacing; None for a single time
    breaks: tuple[int, ...] = ()  # positions along time where a series begins again after missing times


@dataclass(frozen=True, kw_only=True)
class TrainingFields(ABC):
    """Fields of several members, one after the other along time."""

    units: Tensor  # (channel,): physical value = stored value * units (keeps 16 bits in range)
    channels: tuple[str, ...]
    latitude: NDArray[np.float64]  # degrees, north to south
    longitude: NDArray[np.float64]
    wraps: bool  # the last longitude neighbours the first
    members: tuple[Member, ...]
    normalized: bool = False  # the stored values are normalised (else physical)
    # of physical values: applied to every patch that is cut
    normalization: SignedLogNormalization | None = None
    level: str = ""
    source: str = ""
    # (latitude, longitude): points with values at all times; None: all have
    valid: NDArray[np.bool_] | None = None
    device: torch.device = _CPU  # where patches are wanted
    # (time, channel): what patches are divided by, where the scale follows the data
    amplitudes: Tensor | None = None
    # (channel,): added to stored value * units, of fields far from zero such as temperatures; None: nothing
    offsets: Tensor | None = None

    @property
    def spacing_deg(self) -> float:
        """Mean grid spacing in latitude [degrees]."""
        return float(np.abs(np.diff(self.latitude)).mean())

    @property
    def spacings_deg(self) -> tuple[float, ...]:
        """Grid spacings in latitude [degrees], each once."""
        return (round(self.spacing_deg, 6),)

    @property
    def times(self) -> int:
        """Number of slices of all members."""
        return self.members[-1].stop if self.members else 0

    @property
    @abstractmethod
    def gigabytes(self) -> float:
        """Memory taken by the values [1e9 bytes]."""

    @property
    @abstractmethod
    def residence(self) -> str:
        """Where the values are stored, for messages."""

    @abstractmethod
    def gather(
        self,
        times: NDArray[np.int64],
        rows: NDArray[np.int64],
        columns: NDArray[np.int64],
        size: int,
        mirrored: NDArray[np.bool_] | None = None,
    ) -> Tensor:
        """Windows as they are stored: ``(batch, size, size, channel)``, on the device that holds the values.

        ``times``, ``rows`` and ``columns`` (of the north-west corner) are ``(batch,)``; windows that cross
        the last longitude continue at the first. Those that are ``mirrored`` are turned north-south; signs
        are left as they are.
        """

    def row_areas(self, times: NDArray[np.int64], rows: NDArray[np.int64], size: int) -> NDArray[np.float64]:
        """Relative areas of the cells in the rows of windows from ``rows`` on, ``(batch, size)``."""
        return cell_areas(self.latitude)[rows[:, None] + np.arange(size)]

    def stretch(self, times: NDArray[np.int64], rows: NDArray[np.int64], size: int) -> NDArray[np.float64]:
        """Spacing of latitudes over that of longitudes, as lengths in the middle of windows from ``rows`` on, ``(batch,)``."""
        middle = np.deg2rad(self.latitude[rows + size // 2])
        across = float(np.abs(np.diff(self.longitude)).mean()) * np.maximum(np.cos(middle), 0.05)
        return np.asarray(self.spacing_deg / across)

    def with_amplitudes(self: FieldsT, amplitudes: Tensor) -> FieldsT:
        """The same, of which patches are divided by amplitudes ``(time, channel)``."""
        return replace(self, amplitudes=amplitudes)

    @abstractmethod
    def normalize_in_place(self: FieldsT, normalization: SignedLogNormalization) -> FieldsT:
        """The same fields, of which patches come out normalised."""

    @abstractmethod
    def to(self: FieldsT, device: torch.device, *, resident: bool | None = None) -> FieldsT:
        """The same fields for a device where patches are wanted.

        ``resident`` True: the values move there, or a UserError says that they do not fit. False: they stay.
        None: they move if they take at most half its free memory.
        """


def gather_windows(
    values: NDArray[np.generic],
    times: NDArray[np.int64],
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
    windows: NDArray[np.generic],
    mirrored: NDArray[np.bool_] | None = None,
) -> None:
    """Fill ``windows`` (batch, size, size, channel) from ``values`` (time, latitude, longitude, channel).

    One strided copy a window: faster on a CPU than gathering every value by its index, and in the type of
    storage: a whole batch is then converted at once, or sent to a GPU in 16 bits.
    """
    size, width = windows.shape[1], values.shape[2]
    turned = [False] * len(times) if mirrored is None else mirrored.tolist()
    for window, time, row, column, turn in zip(
        windows, times.tolist(), rows.tolist(), columns.tolist(), turned, strict=True
    ):
        target = window[::-1] if turn else window
        inside = width - column
        if inside >= size:
            target[...] = values[time, row : row + size, column : column + size]
        else:  # beyond the last longitude comes the first
            target[:, :inside] = values[time, row : row + size, column:]
            target[:, inside:] = values[time, row : row + size, : size - inside]


def gather_by_index(
    values: Tensor,
    times: NDArray[np.int64],
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
    size: int,
    mirrored: NDArray[np.bool_] | None = None,
) -> Tensor:
    """The same by one gather of the whole batch: one small upload, then one large kernel on a GPU."""
    device = values.device
    turned = np.zeros_like(times) if mirrored is None else mirrored
    numbers = torch.from_numpy(np.stack([times, rows, columns, turned]).astype(np.int64))
    time, row, column, turn = upload(numbers, device)[:, :, None]
    offset = torch.arange(size, device=device)
    from_top = torch.where(turn.bool(), size - 1 - offset, offset)
    row_index = (row + from_top)[:, :, None]
    column_index = ((column + offset) % values.shape[2])[:, None, :]
    return values[time[:, :, None], row_index, column_index]


def upload(values: Tensor, device: torch.device) -> Tensor:
    """Copy to a device; to a GPU from page-locked memory, so that the processor need not wait."""
    if device.type == "cuda" and values.device.type == "cpu":
        return (values if values.is_pinned() else values.pin_memory()).to(device, non_blocking=True)
    return values.to(device)


def move_to(values: Tensor, device: torch.device) -> Tensor:
    """Move fields to a device, or raise a UserError that says what does not fit."""
    try:
        return values.to(device)
    except torch.OutOfMemoryError as error:
        raise UserError(
            f"Expected fields that fit into the memory of {device}, found {values.nbytes / 1e9:.1f} GB with"
            f" {torch.cuda.mem_get_info(device)[0] / 1e9:.1f} GB free; choose --residence memory or store."
        ) from error


def empty_windows(batch: int, size: int, channels: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Memory for windows in the processor's memory, page-locked where a GPU will copy them."""
    shape = (batch, size, size, channels)
    return torch.empty(shape, dtype=dtype, pin_memory=device.type == "cuda")


def as_bits(values: Tensor) -> NDArray[np.generic]:
    """The numbers as integers of the same size: NumPy knows no bfloat16, and copies bits fastest."""
    return values.view(torch.int16 if values.element_size() == 2 else torch.int32).numpy()
