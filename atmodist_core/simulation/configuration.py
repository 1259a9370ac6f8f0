"""Every parameter of the simulated atmosphere, in one frozen place."""

from __future__ import annotations

import dataclasses
import datetime as dt
import itertools
import math

from atmodist_core.common.errors import UserError
from atmodist_core.common.settings_values import check_settings_values
from atmodist_core.fields.canonical.channels import Channel

HALF_LEVELS = (0.0, 0.1, 0.22, 0.35, 0.5, 0.66, 0.81, 0.956, 1.0)
"""Half levels of sigma; the seventh full level, 0.883, is the one that is kept (ERA5's level 120 lies at
about 883 hPa).
"""


_LARGEST_TRUNCATION = 2047
_FIRST_YEAR, _LAST_YEAR = 1680, 2260
"""Times are stored with nanoseconds, which reach from 1678 to 2262."""


@dataclasses.dataclass(frozen=True)
class StochasticHeating:
    """Random diabatic heating that stands for moist convection and keeps the mesoscale alive.

    An Ornstein-Uhlenbeck process in spectral space, turned into intermittent bursts on the grid.
    """

    amplitude_kelvin_per_day: float = 8.0
    """Heating rate of one unit of the burst field [K d-1]; 0 switches the process off."""
    correlation_degree: float = 24.0
    """Total wavenumber at which the spectrum of the process falls to half."""
    memory_hours: float = 30.0
    """Memory of the process at total wavenumber 10 [h]; it falls as wavenumber to the power -2/3."""


@dataclasses.dataclass(frozen=True)
class AtmosphereConfig:
    """A dry atmosphere: resolution, forcing and dissipation.

    The forcing is that of Held & Suarez (1994), with additions that each default to the demo's value and
    vanish at 0: seasons, a diurnal cycle over land, mountains, a sponge at the top, stochastic heating.
    """

    truncation: int = 199
    """Triangular truncation of the dynamics."""
    latitude_count: int = 300
    """Gaussian latitudes; (3 truncation + 1) / 2 and more is free of aliasing in quadratic terms."""
    step_minutes: float = 5.625
    """Length of a semi-implicit leapfrog step [min]; must divide 3 hours."""
    half_levels: tuple[float, ...] = HALF_LEVELS
    """Half levels of sigma from the top (0) to the ground (1)."""
    reference_temperature_kelvin: float = 300.0
    """Temperature about which the gravity waves are linearised [K]."""

    friction_per_day: float = 1.0
    """Rayleigh friction at the ground [d-1] (Held & Suarez)."""
    sponge_per_day: float = 0.5
    """Rayleigh friction at the top of the model [d-1]."""
    warming_kelvin: float = 0.0
    """Added to the equilibrium temperature at the ground everywhere [K]: a warmer climate."""
    pole_equator_contrast_kelvin: float = 60.0
    """Equator-to-pole difference of the equilibrium temperature [K] (Held & Suarez)."""
    static_stability_kelvin: float = 10.0
    """Vertical change of the equilibrium potential temperature in the tropics [K] (Held & Suarez)."""
    season_kelvin: float = 14.0
    """Amplitude of the annual march of the equilibrium temperature [K]."""
    diurnal_kelvin: float = 25.0
    """Amplitude of the diurnal cycle of the equilibrium temperature over land, at the ground [K]."""
    land_season_kelvin: float = 20.0
    """Additional annual amplitude of the equilibrium temperature over land, at the ground [K]."""
    mountain_height: float = 1.0
    """Factor on the height of the idealised mountains; 0 makes the ground flat."""
    heating: StochasticHeating = StochasticHeating()

    hyperdiffusion_hours: float = 1.5
    """e-folding time of the shortest wave under hyperdiffusion [h]."""
    hyperdiffusion_order: int = 4
    """Power of the Laplacian in the hyperdiffusion."""
    divergence_damping_hours: float = 1.0
    """e-folding time of the shortest wave of divergence under additional biharmonic damping [h]; 0 for
    none.
    """
    filter_strength: float = 0.08
    """nu of the Robert-Asselin-Williams time filter (Williams, 2009)."""
    filter_alpha: float = 0.53
    """alpha of the Robert-Asselin-Williams time filter (Williams, 2009)."""

    def __post_init__(self) -> None:
        check_settings_values(self)
        if not 5 <= self.truncation <= _LARGEST_TRUNCATION:
            raise UserError(
                f"Expected a truncation from 5 to {_LARGEST_TRUNCATION}, found {self.truncation}; choose 21 or more."
            )
        least = math.ceil((2 * self.truncation + 1) / 2)
        if not least <= self.latitude_count <= 4 * _LARGEST_TRUNCATION:
            raise UserError(
                f"Expected at least {least} latitudes for truncation {self.truncation}, found "
                f"{self.latitude_count}; (3 x truncation + 1) / 2 is free of aliasing."
            )
        if not self.step_minutes > 0 or not math.isclose(
            180 / self.step_minutes, round(180 / self.step_minutes)
        ):
            raise UserError(
                f"Expected a step that divides 180 minutes, found {self.step_minutes} minutes; "
                "take for example 5, 5.625, 6, 7.5, 10, 15 or 20."
            )
        half = self.half_levels
        if len(half) < 3 or half[0] != 0 or half[-1] != 1 or any(b <= a for a, b in itertools.pairwise(half)):
            raise UserError(
                f"Expected half levels of sigma that rise from 0 to 1, found {half}; "
                "see atmodist_core.simulation.HALF_LEVELS for an example."
            )

    @property
    def longitude_count(self) -> int:
        """Longitudes of the Gaussian grid, twice the latitudes."""
        return 2 * self.latitude_count

    @property
    def full_levels(self) -> tuple[float, ...]:
        """Sigma of the full levels, the means of their half levels."""
        return tuple(0.5 * (a + b) for a, b in zip(self.half_levels, self.half_levels[1:], strict=False))

    @classmethod
    def held_suarez(
        cls, truncation: int = 42, latitude_count: int = 64, step_minutes: float = 20.0
    ) -> AtmosphereConfig:
        """The benchmark of Held & Suarez (1994, Bull. Amer. Meteor. Soc. 75, 1825): flat, without seasons and noise."""
        return cls(
            truncation=truncation,
            latitude_count=latitude_count,
            step_minutes=step_minutes,
            hyperdiffusion_hours=2.4,
            divergence_damping_hours=0.0,
            sponge_per_day=0.0,
            season_kelvin=0.0,
            diurnal_kelvin=0.0,
            land_season_kelvin=0.0,
            mountain_height=0.0,
            heating=StochasticHeating(amplitude_kelvin_per_day=0.0),
        )

    def at(self, truncation: int, latitude_count: int, step_minutes: float) -> AtmosphereConfig:
        """The same physics at another resolution."""
        return dataclasses.replace(
            self, truncation=truncation, latitude_count=latitude_count, step_minutes=step_minutes
        )


SpinUpStage = tuple[int, int, float, float]
"""One rung of the ladder from rest to the full resolution: truncation, latitudes, step [min], length
[days].
"""

DEMO_LADDER: tuple[SpinUpStage, ...] = ((42, 64, 15.0, 30.0), (85, 128, 10.0, 20.0))
"""Thirty days at T42 and twenty at T85 give the large scales their climate before the expensive rung
begins.
"""


@dataclasses.dataclass(frozen=True)
class SimulationConfig:
    """One simulated member: atmosphere, period, stored fields."""

    atmosphere: AtmosphereConfig = AtmosphereConfig()
    ladder: tuple[SpinUpStage, ...] = DEMO_LADDER
    """Spin-up at lower resolutions: truncation, latitudes, step [min] and days of each rung in turn."""
    settle_days: float = 2.0
    """Days at full resolution before the first slice is kept."""
    start: str = "2001-01-01"
    """Date of the first kept slice; it sets the season and labels the time axis, nothing more."""
    days: float = 30.0
    """Days that are kept."""
    seed: int = 1
    """Seed of the initial noise and of the stochastic heating; another seed is another member."""
    kept_truncation: int = 179
    """Truncation of the stored fields; below that of the dynamics, so that they have realistic power up to it."""
    kept_sigma: float = 0.883
    """The full level nearest to this is stored."""
    more_fields: tuple[str, ...] = ()
    """Stored besides: vorticity, divergence or temperature at the full level nearest to a sigma, such as temperature@0.883."""
    output_hours: float = 3.0
    """Interval between stored slices [h]."""
    checkpoint_slices: int = 8
    """Slices between two checkpoints; a kill loses at most these."""

    def __post_init__(self) -> None:
        try:
            begin = dt.datetime.fromisoformat(self.start).year
        except ValueError:
            raise UserError(
                f"Expected a start date like 2001-01-01, found {self.start!r}; write it as YYYY-MM-DD."
            ) from None
        check_settings_values(self)
        spun_up = self.settle_days + sum(s[3] for s in self.ladder)
        if self.days <= 0 or spun_up < 0:
            raise UserError(f"Expected a positive number of days, found {self.days}; a demo takes 30.")
        if not begin >= _FIRST_YEAR or begin + (self.days + spun_up) / 365 > _LAST_YEAR:
            raise UserError(
                f"Expected a simulation within the years {_FIRST_YEAR} to {_LAST_YEAR}, found {self.days:g} days from"
                f" {self.start}; choose another --start or fewer --days."
            )
        if self.kept_truncation > self.atmosphere.truncation:
            raise UserError(
                f"Expected to keep at most truncation {self.atmosphere.truncation} of the dynamics, found "
                f"{self.kept_truncation}; lower kept_truncation or raise atmosphere.truncation."
            )
        per_slice = self.output_hours * 60 / self.atmosphere.step_minutes
        if self.output_hours <= 0 or not math.isclose(per_slice, round(per_slice)):
            raise UserError(
                "Expected an output interval that is a multiple of the step of "
                f"{self.atmosphere.step_minutes} minutes, found {self.output_hours} hours; 3 hours is what the distance network is trained on."
            )
        object.__setattr__(self, "more_fields", tuple(dict.fromkeys(map(self._named, self.more_fields))))
        if self.checkpoint_slices < 1:
            raise UserError(
                f"Expected at least 1 slice between checkpoints, found {self.checkpoint_slices}; 8 is a day."
            )

    def _named(self, text: str) -> str:
        """Name of a field to store, with the sigma of the full level nearest to the one asked for."""
        channel = Channel.of(text)
        try:
            sigma = float(channel.level or self.kept_sigma)
        except ValueError:
            sigma = -1.0
        if channel.field not in ("vorticity", "divergence", "temperature") or not 0.0 <= sigma <= 1.0:
            raise UserError(
                f"Expected --more-fields such as temperature@0.883 (or vorticity, divergence, at a sigma from 0 to 1), found {text!r}."
            )
        nearest = min(self.atmosphere.full_levels, key=lambda level: abs(level - sigma))
        return f"{channel.field}@{nearest:.4g}"

    @property
    def steps_per_slice(self) -> int:
        """Steps of the full resolution between two slices."""
        return round(self.output_hours * 60 / self.atmosphere.step_minutes)
