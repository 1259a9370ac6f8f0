"""Training fields on several grids: each keeps its own, and a batch may hold patches of all."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from atmodist_core.common.errors import UserError
from atmodist_core.networks.normalization import SignedLogNormalization
from atmodist_core.training.data.fields_in_memory import FieldsInMemory
from atmodist_core.training.data.patches import PatchSampler, Places, Segment
from atmodist_core.training.data.training_fields import TrainingFields, empty_windows


@dataclass(frozen=True, kw_only=True)
class FieldsOfGrids(TrainingFields):
    """Fields in memory of which each part has a grid of its own; their times follow each other.

    Latitudes, longitudes and wrapping are those of the first part: what depends on the grid asks :attr:`parts`.
    """

    parts: tuple[FieldsInMemory, ...]

    @classmethod
    def of(cls, parts: Sequence[FieldsInMemory]) -> "FieldsOfGrids":
        """Join parts that are stored in the same units."""
        first = parts[0]
        starts = _starts(parts)
        members = [
            replace(
                member,
                start=member.start + start,
                stop=member.stop + start,
                breaks=tuple(position + start for position in member.breaks),
            )
            for part, start in zip(parts, starts, strict=False)
            for member in part.members
        ]
        return cls(
            parts=tuple(parts),
            units=first.units,
            offsets=first.offsets,
            channels=first.channels,
            latitude=first.latitude,
            longitude=first.longitude,
            wraps=first.wraps,
            members=tuple(members),
            level="; ".join(dict.fromkeys(part.level for part in parts if part.level)),
            source="; ".join(dict.fromkeys(part.source for part in parts if part.source)),
        )

    @property
    def gigabytes(self) -> float:
        """Memory taken by the values [1e9 bytes]."""
        return sum(part.gigabytes for part in self.parts)

    @property
    def residence(self) -> str:
        """Where the values are stored, for messages."""
        return self.parts[0].residence

    @property
    def spacings_deg(self) -> tuple[float, ...]:
        """Grid spacings of the parts in latitude [degrees], each once."""
        return tuple(sorted({round(part.spacing_deg, 6) for part in self.parts}))

    def stored(self, times: slice) -> Tensor:
        """Stored values of times of one part; see :meth:`FieldsInMemory.stored`."""
        starts = _starts(self.parts)
        number = int(np.searchsorted(starts, times.start, side="right")) - 1
        own = slice(times.start - starts[number], times.stop - starts[number])
        return self.parts[number].stored(own)

    def with_amplitudes(self, amplitudes: Tensor) -> "FieldsOfGrids":
        """The same, of which patches are divided by amplitudes ``(time, channel)``."""
        starts = _starts(self.parts)
        parts = tuple(
            part.with_amplitudes(amplitudes[start : start + part.times])
            for part, start in zip(self.parts, starts, strict=False)
        )
        return replace(self, parts=parts, amplitudes=amplitudes)

    def gather(
        self,
        times: NDArray[np.int64],
        rows: NDArray[np.int64],
        columns: NDArray[np.int64],
        size: int,
        mirrored: NDArray[np.bool_] | None = None,
    ) -> Tensor:
        """Windows as they are stored, each from the part that holds its time."""
        values = self.parts[0].values
        windows = empty_windows(len(times), size, len(self.channels), values.dtype, self.device)
        windows = windows.to(values.device)
        for part, own, mine in self._shares(times):
            turned = None if mirrored is None else mirrored[mine]
            windows[torch.from_numpy(mine)] = part.gather(own, rows[mine], columns[mine], size, turned)
        return windows

    def row_areas(self, times: NDArray[np.int64], rows: NDArray[np.int64], size: int) -> NDArray[np.float64]:
        """Relative areas of the cells in the rows of windows, ``(batch, size)``."""
        areas = np.empty((len(times), size))
        for part, own, mine in self._shares(times):
            areas[mine] = part.row_areas(own, rows[mine], size)
        return areas

    def stretch(self, times: NDArray[np.int64], rows: NDArray[np.int64], size: int) -> NDArray[np.float64]:
        """Spacing of latitudes over that of longitudes in the middle of windows; see :meth:`TrainingFields.stretch`."""
        found = np.empty(len(times))
        for part, own, mine in self._shares(times):
            found[mine] = part.stretch(own, rows[mine], size)
        return found

    def _shares(
        self, times: NDArray[np.int64]
    ) -> list[tuple[FieldsInMemory, NDArray[np.int64], NDArray[np.bool_]]]:
        """The parts that hold some of the times, with these counted from their start, and which they are."""
        starts = np.asarray(_starts(self.parts))
        number = np.searchsorted(starts, times, side="right") - 1
        return [
            (part, times[number == n] - starts[n], number == n)
            for n, part in enumerate(self.parts)
            if (number == n).any()
        ]

    def normalize_in_place(self, normalization: SignedLogNormalization) -> "FieldsOfGrids":
        """The same fields, of which patches are normalised when they are cut."""
        return replace(self, normalization=normalization)

    def to(self, device: torch.device, *, resident: bool | None = None) -> "FieldsOfGrids":
        """The same fields for another device, see :meth:`TrainingFields.to`."""
        if resident is None:
            resident = device.type != "cuda" or self.gigabytes <= 0.5e-9 * torch.cuda.mem_get_info(device)[0]
        parts = tuple(part.to(device, resident=resident) for part in self.parts)
        amplitudes, offsets = (
            None if each is None else each.to(device) for each in (self.amplitudes, self.offsets)
        )
        units = self.units.to(device)
        return replace(self, parts=parts, units=units, offsets=offsets, amplitudes=amplitudes, device=device)


def _starts(parts: Sequence[TrainingFields]) -> list[int]:
    """First time of every part, and the end."""
    return list(accumulate((part.times for part in parts), initial=0))[:-1]


Span = tuple[int, TrainingFields, int, int]
"""Where fields begin among all times, the fields, and first time and end of a series of theirs among all times."""


class SeriesSampler(PatchSampler):
    """Base of those that draw among several series, each with the root of its number of values.

    The many values of a fine grid resemble each other, and a handful of fields should not be seen as often as a month.
    """

    def __init__(self, spans: Iterable[Span], segments: Sequence[Segment], **settings: Any) -> None:
        self.seed, self.stream = settings["seed"], settings["stream"]
        self.samplers: list[tuple[int, PatchSampler]] = []
        volumes = []
        for start, part, first, last in spans:
            own = [(a - start, b - start) for a, b in segments if first <= a < last]
            if own:
                self.samplers.append((start, PatchSampler(part, own, **settings)))
                points = len(part.latitude) * len(part.longitude)
                cells = points if part.valid is None else int(part.valid.sum())
                volumes.append(float(cells) * sum(b - a for a, b in own))
        roots = np.sqrt(volumes)
        self.shares = roots / roots.sum()

    def pairs(self, step: int, batch: int, *, classes: int, stride: int, label: int | None = None) -> Places:
        """Refused: lags are counted in the steps of one series."""
        raise UserError(
            "Expected members of one grid for pairs of times, found several; give each grid a training of its own."
        )


class OneMemberSampler(SeriesSampler):
    """Draws places of patches as :class:`PatchSampler` does, those of a step from one member alone.

    Losses that compare the statistics of a batch then see one archive and level, not a mixture in which the strongest decides.
    """

    def __init__(self, fields: TrainingFields, segments: Sequence[Segment], **settings: Any) -> None:
        parts = fields.parts if isinstance(fields, FieldsOfGrids) else (fields,)
        spans = [
            (start, part, member.start + start, member.stop + start)
            for part, start in zip(parts, _starts(parts), strict=False)
            for member in part.members
        ]
        super().__init__(spans, segments, **settings)

    def drawn(self, random: np.random.Generator, batch: int) -> Places:
        """Places of single patches of one member from a generator of random numbers."""
        start, sampler = self.samplers[random.choice(len(self.samplers), p=self.shares)]
        places = sampler.drawn(random, batch)
        return places._replace(time=places.time + start)


class GridsSampler(SeriesSampler):
    """Draws places of patches as :class:`PatchSampler` does, each on one of several grids."""

    def __init__(self, fields: FieldsOfGrids, segments: Sequence[Segment], **settings: Any) -> None:
        spans = [
            (start, part, start, start + part.times)
            for part, start in zip(fields.parts, _starts(fields.parts), strict=False)
        ]
        super().__init__(spans, segments, **settings)

    def drawn(self, random: np.random.Generator, batch: int) -> Places:
        """Places of single patches from a generator of random numbers."""
        grid = random.choice(len(self.samplers), batch, p=self.shares)
        time, label, row, column = np.zeros((4, batch), dtype=np.int64)
        places = Places(time, label, row, column, np.zeros(batch, dtype=bool))
        for number, (start, sampler) in enumerate(self.samplers):
            mine = grid == number
            if not mine.any():
                continue
            drawn = sampler.drawn(random, int(mine.sum()))
            for target, values in zip(places, drawn, strict=True):
                target[mine] = values
            places.time[mine] += start
        return places
