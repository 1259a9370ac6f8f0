"""A small globe, small models and a session without a browser."""

import asyncio
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import atmodist_core as ad
from app.compute.engine import Engine
from app.server.local_server import SEEN_SCRIPT
from app.session.session import Session
from app.state.state import StudioState
from tests.app.browsing import PATIENCE_MS

TIMES = np.arange("2001-01-05T00", "2001-01-06T12", 3, dtype="datetime64[h]").astype("datetime64[ns]")


def small_globe(seed: int = 0) -> xr.Dataset:
    """Smooth random fields on a 2.5-degree globe: 72 x 144 points, 12 times, 18 x 36 coarse cells."""
    random = np.random.default_rng(seed)
    latitude, longitude = 88.75 - 2.5 * np.arange(72), 2.5 * np.arange(144)
    phi, lam = np.deg2rad(latitude)[:, None], np.deg2rad(longitude)[None, :]
    values = np.zeros((2, len(TIMES), 72, 144))
    for k in range(1, 24):
        phase, amplitude = random.uniform(0, 2 * np.pi, 2), random.normal(size=2) / k
        for time in range(len(TIMES)):
            wave = np.cos(phi) ** min(k, 4) * np.cos(k * lam + phase[0] + 0.2 * time)
            wave = wave * np.cos(3 * k * phi + phase[1])
            values[0, time] += amplitude[0] * wave
            values[1, time] += amplitude[1] * np.roll(wave, 7, axis=-1)
    scale = np.array([5e-5, 1e-5]).reshape(2, 1, 1, 1) / values.std(axis=(1, 2, 3), keepdims=True)
    fields = (values * scale).astype(np.float32)
    dims = ("time", "latitude", "longitude")
    return xr.Dataset(
        {
            name: (dims, field, {"units": "s-1"})
            for name, field in zip(("vorticity", "divergence"), fields, strict=True)
        },
        {"time": TIMES, "latitude": latitude, "longitude": longitude},
        {
            "source": "made for a test",
            "simulated": 1,
            "level": "sigma 0.883",
            "grid": "cell-centred",
            "notes": "",
        },
    )


@pytest.fixture
def globe(monkeypatch: pytest.MonkeyPatch) -> xr.Dataset:
    """Fields that take the place of the demo."""
    fields = small_globe()
    monkeypatch.setattr(ad, "open_demo", lambda: fields)
    monkeypatch.delenv("ATMODIST_DATA", raising=False)
    return fields


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two generators and a distance network, untrained and small, as model folders."""
    import torch

    from atmodist_core.models.card import ModelCard
    from atmodist_core.models.store import save_distance, save_downscaler
    from atmodist_core.networks import DistanceNetwork, Encoder, EncoderConfig, Generator, LagClassifier
    from atmodist_core.networks.distance_network import LagClassifierConfig
    from atmodist_core.networks.generator import GeneratorConfig
    from atmodist_core.networks.normalization import SignedLogNormalization

    folder = tmp_path_factory.mktemp("models")
    torch.manual_seed(0)
    common = {
        "architecture": {},
        "channels": ("vorticity", "divergence"),
        "normalization": SignedLogNormalization.from_fields(small_globe()),
        "grid_spacing_deg": 2.5,
        "level": "sigma 0.883",
    }
    for name in ("srgan-4x-mse", "srgan-4x-atmodist"):
        card = ModelCard(name=name, kind="downscaler", factor=4, **common)
        save_downscaler(folder / name, Generator(GeneratorConfig(filters=4, blocks=1)), card)
    encoder = Encoder(EncoderConfig(stem_filters=4, stage_filters=(4, 4, 4, 4), blocks_per_stage=1))
    classifier = LagClassifier(LagClassifierConfig(classes=3, patch_size=64, encoder_channels=4, filters=4))
    card = ModelCard(name="atmodist-23", kind="distance", **common)
    save_distance(folder / "atmodist-23", DistanceNetwork(encoder, classifier), card)
    return folder


@pytest.fixture(scope="session")
def assets_without_models(tmp_path_factory: pytest.TempPathFactory, repository: Path) -> Path:
    """The shipped assets without the models."""
    folder = tmp_path_factory.mktemp("assets")
    (folder / "geography").symlink_to(repository / "assets" / "geography")
    return folder


@pytest.fixture
def models(model_folder: Path, assets_without_models: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The small models, and no others."""
    monkeypatch.setenv("ATMODIST_MODELS", str(model_folder))
    monkeypatch.setenv("ATMODIST_ASSETS", str(assets_without_models))
    return model_folder


@pytest.fixture
def no_models(assets_without_models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No trained model anywhere."""
    monkeypatch.delenv("ATMODIST_MODELS", raising=False)
    monkeypatch.setenv("ATMODIST_ASSETS", str(assets_without_models))


@pytest.fixture
def engine() -> Engine:
    """An engine with empty caches."""
    return Engine()


def run(session: Session, *, problems: list[str] | None = None) -> Session:
    """Start a session and wait until it has computed everything."""

    async def start() -> None:
        session.start(problems or [])
        await session.settled()

    asyncio.run(start())
    return session


def settled_session(engine: Engine, **choices: object) -> Session:
    """Session of some choices after it has computed everything."""
    state = StudioState()
    state.param.update(**choices)
    return run(Session(state, engine))


@pytest.fixture(scope="session")
def profile(browser, browser_context_args):
    """One browser profile for all tests: what a page has loaded is there for the next, as it is for a user."""
    context = browser.new_context(**browser_context_args)
    yield context
    context.close()


@pytest.fixture
def watched(profile):
    """A page of which every foreign request, failed request and error in the console is kept."""
    page = watched_page(profile)
    yield page
    page.close()


def watched_page(profile, *, tour_seen=True):
    """A new page of a browser profile whose ``faults`` are kept."""
    page = profile.new_page()
    page.set_default_timeout(PATIENCE_MS)
    if tour_seen:
        page.add_init_script(SEEN_SCRIPT)
    faults = []
    page.on("console", lambda m: faults.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda e: faults.append(str(e)))
    page.on("response", lambda r: faults.append(f"{r.status} {r.url}") if r.status >= 400 else None)

    def local(url):
        return url.startswith(("http://127.0.0.1", "data:", "blob:"))

    page.on("request", lambda r: None if local(r.url) else faults.append(f"asked {r.url}"))
    # A page that is left or closed gives up what it still waits for: that is no fault.
    page.on("requestfailed", lambda r: None if r.failure == "net::ERR_ABORTED" else faults.append(r.url))
    page.faults = faults
    return page
