"""OpenVINO behind the same calls: the numbers of torch, tiles, halo and wrap included, and clear refusals."""

import subprocess
import sys
import threading

import numpy as np
import pytest
import torch

from atmodist_core.common.errors import Cancelled, UserError
from atmodist_core.fields.grid.boundaries import Boundaries
from atmodist_core.inference import openvino_engine
from atmodist_core.inference.atmodist import load_distance
from atmodist_core.inference.downscaler import load_downscaler
from atmodist_core.inference.generator_inference import GeneratorInference
from atmodist_core.inference.openvino_engine import openvino_core
from atmodist_core.networks import DistanceNetwork, Encoder, Generator, GeneratorConfig, LagClassifier
from tests.networks.mock_models import (
    CHANNELS,
    NORMALIZATION,
    TINY_GENERATOR,
    area,
    fields,
    globe,
    saved_distance,
    saved_downscaler,
)


@pytest.fixture
def openvino():
    return pytest.importorskip("openvino", reason="needs the extra openvino")


@pytest.fixture
def bfloat16(openvino):
    if "BF16" not in openvino_core().get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
        pytest.skip("needs a processor with units for bfloat16")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return saved_downscaler(tmp_path_factory.mktemp("models") / "tiny")


def assert_rounding(found, wanted):
    """float32 sums in another order: 1e-5 of the standard deviation is a hundred roundings."""
    assert found.sizes == wanted.sizes
    for name in CHANNELS:
        error = np.abs(found[name].values - wanted[name].values).max()
        assert error < 1e-5 * float(wanted[name].std())


def high_to_low(field):
    """Power of the finest third of the zonal wavenumbers over that of the coarsest."""
    power = (np.abs(np.fft.rfft(field, axis=-1)) ** 2).mean(axis=tuple(range(field.ndim - 1)))[1:]
    third = len(power) // 3
    return power[-third:].sum() / power[:third].sum()


@pytest.mark.parametrize(
    "config",
    [
        TINY_GENERATOR,
        GeneratorConfig(factor=2, filters=4, blocks=3),
        GeneratorConfig(factor=8, filters=4, blocks=1),
        GeneratorConfig(filters=4, blocks=2, upsampling="resize", residual=True),
        GeneratorConfig(filters=4, blocks=2, noise_channels=1, conserve_block_mean=True),
        GeneratorConfig(filters=4, blocks=1, output_filter="low-pass"),
        GeneratorConfig(filters=4, blocks=1, fine_noise_channels=2),
        GeneratorConfig(filters=4, blocks=1, noise_channels=1, fine_noise_channels=1, upsampling="resize"),
    ],
    ids=[
        *("published", "factor 2", "factor 8", "resize and residual", "noise and block means", "filter"),
        *("fine noise", "all noise"),
    ],
)
@pytest.mark.parametrize("make", [globe, area])
def test_a_downscaler_is_that_of_torch(openvino, tmp_path, config, make):
    folder = saved_downscaler(tmp_path / "m", config, grid_spacing_deg=10 / config.factor)
    ours, theirs = load_downscaler(folder), load_downscaler(folder, engine="openvino")
    assert_rounding(theirs(make()), ours(make()))
    assert theirs.engine == "openvino" and ours.engine == "torch"


def test_tiles_strips_regions_and_turns_change_nothing(openvino, folder, monkeypatch):
    downscaler, coarse = load_downscaler(folder, engine="openvino"), globe()
    whole = downscaler(coarse)
    assert whole.attrs["downscaling_engine"] == "openvino"
    assert_rounding(downscaler(coarse, tile=5), whole)
    assert_rounding(downscaler(coarse.roll(longitude=17)), whole.roll(longitude=4 * 17))
    part = downscaler(coarse, region="South-East Asia")
    same = whole.sel(latitude=part.latitude, longitude=part.longitude % 360, method="nearest")
    assert_rounding(part, same.assign_coords(longitude=part.longitude))
    monkeypatch.setattr("atmodist_core.inference.generator_inference.WORKING_MEMORY", 38 * 38 * 6 * 4 * 4)
    assert_rounding(downscaler(coarse), whole)


def test_bfloat16_is_close_in_fields_and_spectra(bfloat16, folder):
    """torch's bfloat16 is as far off on these fields; both round to 8 bits, in another order."""
    coarse = globe()
    exact = load_downscaler(folder)(coarse)
    for engine in ("torch", "openvino"):
        fast = load_downscaler(folder, engine=engine, precision="bfloat16")(coarse)
        assert fast.attrs["downscaling_precision"] == "bfloat16"
        for name in CHANNELS:
            error = float((fast[name] - exact[name]).std() / exact[name].std())
            assert 1e-5 < error < 0.03, engine
            assert high_to_low(fast[name].values) == pytest.approx(high_to_low(exact[name].values), rel=0.05)


def test_a_distance_is_that_of_torch(openvino, tmp_path):
    folder = saved_distance(tmp_path / "d", grid_spacing_deg=5.0)
    ours, theirs = load_distance(folder), load_distance(folder, engine="openvino")
    for layer in ("stage1", "stage4"):
        for states in (globe(36, 72, times=2), fields(80.0 - 5.0 * np.arange(33), 5.0 * np.arange(50))):
            wanted = ours.embed(states, layer=layer).values
            found = theirs.embed(states, layer=layer).values
            np.testing.assert_allclose(found, wanted, rtol=0, atol=5e-5 * wanted.std())


def test_batches_and_the_classifier_go_through_the_graph(openvino):
    from atmodist_core.inference.embedding import EncoderInference

    torch.manual_seed(0)
    network = DistanceNetwork(Encoder(), LagClassifier()).train()
    with torch.no_grad():
        network(torch.randn(4, 2, 160, 160), torch.randn(4, 2, 160, 160))  # running statistics unlike 0 and 1
    random = np.random.default_rng(0)
    std = np.array(NORMALIZATION.std, dtype=np.float32).reshape(-1, 1, 1)
    earlier, later = (std * random.standard_normal((3, 2, 160, 160), dtype=np.float32) for _ in range(2))
    device = torch.device("cpu")
    ours = EncoderInference(network, NORMALIZATION, device, "float32")
    theirs = EncoderInference(network, NORMALIZATION, device, "float32", "openvino")
    wanted = ours.lag_probabilities(earlier, later)
    np.testing.assert_allclose(theirs.lag_probabilities(earlier, later), wanted, rtol=1e-3, atol=1e-6)
    encoded = ours.encode_patches(earlier).numpy()
    # Rounding grows over the 50 layers.
    np.testing.assert_allclose(
        theirs.encode_patches(earlier).numpy(), encoded, rtol=0, atol=5e-5 * encoded.std()
    )


def test_the_published_generator(openvino):
    """Its 40 coarse points of margin, and a wanted part that lies off the middle."""
    torch.manual_seed(0)
    generator, device = Generator(), torch.device("cpu")
    window = 5e-5 * np.random.default_rng(0).standard_normal((2, 50, 60)).astype(np.float32)
    inner, weights = (slice(5, 17), slice(40, 60)), np.ones(200, dtype=np.float32)
    results = [
        GeneratorInference(generator, NORMALIZATION, device, "float32", engine)(
            window, inner, lambda: None, weights
        )
        for engine in ("torch", "openvino")
    ]
    assert results[0].shape == (2, 48, 80)
    np.testing.assert_allclose(results[1], results[0], rtol=0, atol=1e-5 * results[0].std())


def test_threads_share_a_downscaler(openvino, folder):
    downscaler = load_downscaler(folder, engine="openvino")
    inputs = [globe(seed=number) for number in range(4)]
    wanted = [downscaler(coarse) for coarse in inputs]
    found: dict[int, list] = {}

    def work(number):
        found[number] = [downscaler(inputs[number]) for _ in range(5)]

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number in range(4):
        for result in found[number]:
            assert_rounding(result, wanted[number])


def test_a_running_graph_can_be_stopped(openvino):
    inference = GeneratorInference(Generator(), NORMALIZATION, torch.device("cpu"), "float32", "openvino")
    window, asked = np.zeros((2, 250, 250), dtype=np.float32), []

    def check():
        asked.append(True)
        if len(asked) == 3:
            raise Cancelled

    everything, weights = (slice(0, 250), slice(0, 250)), np.ones(1000, dtype=np.float32)
    with pytest.raises(Cancelled):
        inference(window, everything, check, weights)
    assert len(asked) == 3
    small = inference(window[:, :8, :8], (slice(0, 8), slice(0, 8)), lambda: None, weights[:32])
    assert np.isfinite(small).all()  # and goes on working


def test_boundaries_wrap_for_the_encoder(openvino, tmp_path):
    folder = saved_distance(tmp_path / "d", grid_spacing_deg=180 / 32)
    theirs, coarse = load_distance(folder, engine="openvino"), globe(32, 64)
    assert Boundaries.of(coarse.latitude.values, coarse.longitude.values).wraps
    turned = theirs.embed(coarse.roll(longitude=32), layer="stage4").values
    wanted = np.roll(theirs.embed(coarse, layer="stage4").values, 1, axis=-1)
    np.testing.assert_allclose(turned, wanted, rtol=0, atol=1e-5 * wanted.std())


def test_refusals(folder, monkeypatch):
    with pytest.raises(UserError, match="Expected the engine torch or openvino, found 'onnx'"):
        load_downscaler(folder, engine="onnx")
    with pytest.raises(UserError, match="Expected device 'cpu' for the engine openvino, found 'meta'"):
        load_downscaler(folder, engine="openvino", device="meta")
    monkeypatch.setitem(sys.modules, "openvino", None)
    monkeypatch.setattr(
        openvino_engine, "openvino_core", openvino_core.__wrapped__
    )  # a process that has none yet
    for load in (load_downscaler, load_distance):
        if load is load_distance:
            folder = saved_distance(folder.parent / "distance")
        with pytest.raises(UserError, match=r"pip install 'atmodist-studio\[openvino\]'") as refusal:
            load(folder, engine="openvino")
        assert "\n" not in str(refusal.value)


def test_the_environment_names_an_engine(folder, monkeypatch):
    monkeypatch.setenv("ATMODIST_ENGINE", "onnx")
    with pytest.raises(UserError, match="found 'onnx'"):
        load_downscaler(folder)
    assert load_downscaler(folder, engine="torch").engine == "torch"


def test_no_bfloat16_without_units_for_it(openvino, folder, monkeypatch):
    class Old:
        def get_property(self, *_):
            return ["FP32"]

    monkeypatch.setattr(openvino_engine, "openvino_core", Old)
    with pytest.raises(UserError, match="no units for bfloat16"):
        load_downscaler(folder, engine="openvino", precision="bfloat16")


def test_interpolation_needs_no_engine(monkeypatch):
    monkeypatch.setitem(sys.modules, "openvino", None)
    assert load_downscaler("bicubic", engine="openvino").engine == "numpy"


SIGNALLED = """
import faulthandler, gc, os, signal, sys
from atmodist_core.inference.downscaler import load_downscaler
from tests.networks.mock_models import globe

faulthandler.enable()
signal.signal(signal.SIGTERM, lambda *_: print("stopped as asked", flush=True))
kept = load_downscaler(sys.argv[1], engine="openvino")
kept(globe())
for _ in range(3):
    kept, former = load_downscaler(sys.argv[1], engine="openvino"), kept
    kept(globe())
    del former
    gc.collect()
del kept
gc.collect()
os.kill(os.getpid(), signal.SIGTERM)
"""


def test_a_signal_is_heard_after_downscalers_have_come_and_gone(openvino, folder, repository):
    """Every core of OpenVINO leaves a stack for signals that may be gone with it; see openvino_core."""
    ended = subprocess.run(
        [sys.executable, "-c", SIGNALLED, str(folder)],
        capture_output=True,
        text=True,
        timeout=300,
        cwd=repository,
    )
    assert (ended.returncode, ended.stdout) == (0, "stopped as asked\n"), ended.stderr
