"""Flow matching: the integration against a case with a known answer, and members of a saved flow."""

import dataclasses

import numpy as np
import pytest
import torch

from atmodist_core.common.errors import UserError
from atmodist_core.fields import coarsen
from atmodist_core.inference import flow_inference
from atmodist_core.inference.downscaler import load_downscaler
from atmodist_core.models.card import read_card
from atmodist_core.models.store import save_flow
from atmodist_core.networks import Generator
from atmodist_core.networks.flow_network import (
    FlowConfig,
    FlowNetwork,
    flow_input,
    integrate,
    state_channels,
)
from tests.networks.mock_models import CHANNELS, TINY_GENERATOR, card, globe

MEAN, SPREAD = 1.5, 0.4
OUTPUT = {"residual": True, "output_filter": "low-pass", "filter_cutoff": 0.5, "conserve_block_mean": True}


def exact_estimate(state, time):
    """E[r | x] of r ~ N(MEAN, SPREAD**2), x = (1 - t) e + t r, by the regression of jointly normal numbers."""
    variance = (1 - time) ** 2 + (time * SPREAD) ** 2
    return MEAN + time * SPREAD**2 / variance * (state - time * MEAN)


@pytest.mark.parametrize(("solver", "steps", "tolerance"), [("euler", 400, 0.01), ("heun", 24, 0.01)])
def test_draws_have_the_distribution_of_the_residual(solver, steps, tolerance):
    noise = torch.randn(20000, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    noise = (noise - noise.mean()) / noise.std()
    drawn = integrate(exact_estimate, noise, steps, solver)
    assert float(drawn.mean()) == pytest.approx(MEAN, abs=tolerance)
    assert float(drawn.std()) == pytest.approx(SPREAD, rel=2 * tolerance)


def test_one_step_is_the_mean_and_heun_converges_faster():
    noise = torch.linspace(-2, 2, 5, dtype=torch.float64)
    torch.testing.assert_close(integrate(exact_estimate, noise, 1), torch.full_like(noise, MEAN))
    right = MEAN + SPREAD * noise
    error = {
        (solver, steps): float((integrate(exact_estimate, noise, steps, solver) - right).abs().max())
        for solver in ("euler", "heun")
        for steps in (8, 16)
    }
    assert error["heun", 8] < 0.7 * error["euler", 8] and error["heun", 16] < 0.6 * error["heun", 8]


def test_the_input_holds_all_points_of_the_state():
    state = torch.arange(2 * 2 * 8 * 12.0).reshape(2, 2, 8, 12)
    given = flow_input(torch.zeros(2, 2, 2, 3), state, torch.tensor([0.25, 0.5]))
    assert given.shape == (2, 2 + state_channels(2, 4), 2, 3)
    assert given[1, 2:34, 1, 2].sort().values.tolist() == state[1, :, 4:, 8:].flatten().sort().values.tolist()
    assert given[:, -1].flatten(1).unique(dim=1).flatten().tolist() == [0.25, 0.5]


def flow_network(**config):
    torch.manual_seed(0)
    mean = dataclasses.replace(TINY_GENERATOR, **OUTPUT)
    generator = dataclasses.replace(mean, noise_channels=state_channels(2, 4))
    network = FlowNetwork(Generator(mean), Generator(generator), FlowConfig(**config))
    network.generator.tail.weight.data.mul_(10.0)  # so that untrained weights hear the state
    return network


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("models") / "flow-4x"
    save_flow(place, flow_network(steps=3, residual_std=(0.5, 0.7)), card("flow-4x", "flow", factor=4))
    return place


@pytest.fixture(scope="module")
def downscaler(folder):
    return load_downscaler(folder)


def test_a_saved_flow_draws_members_that_conserve_the_coarse_field(downscaler, folder):
    coarse = globe(times=1)
    fine = downscaler(coarse, members=2, seed=3)
    assert downscaler.is_ensemble and read_card(folder).downscales
    assert fine.vorticity.dims == ("member", "time", "latitude", "longitude")
    assert float(fine.std("member").vorticity.mean()) > 0.01 * float(fine.vorticity.std())
    for member in range(2):
        back = coarsen(fine.isel(member=member), 4)
        for name in CHANNELS:
            np.testing.assert_allclose(
                back[name].values, coarse[name].values, rtol=0, atol=1e-4 * float(coarse[name].std())
            )
    again = downscaler(coarse, members=1, seed=3)
    np.testing.assert_array_equal(again.divergence.values, fine.isel(member=[0]).divergence.values)
    west = coarse.assign_coords(longitude=(coarse.longitude + 180) % 360 - 180).sortby("longitude")
    turned = downscaler(west, members=2, seed=3)
    for name in CHANNELS:
        bound = 1e-4 * float(fine[name].std())
        np.testing.assert_allclose(turned[name].values, fine[name].values, rtol=0, atol=bound)


def test_tiles_differ_by_less_than_a_hundredth_and_less_with_a_wider_halo(tmp_path, monkeypatch):
    network = flow_network(steps=3, residual_std=(0.5, 0.7))
    save_flow(tmp_path / "fine", network, card("fine", "flow", factor=4, grid_spacing_deg=1.25))
    downscaler, coarse = load_downscaler(tmp_path / "fine"), globe(rows=36, columns=72)
    whole = downscaler(coarse, members=1)

    def error():
        tiles = downscaler(coarse, members=1, tile=12)
        return max(float((tiles[n] - whole[n]).std() / whole[n].std()) for n in CHANNELS)

    narrow = error()
    monkeypatch.setattr(flow_inference, "FLOW_HALO", 30)
    assert error() <= narrow < 0.01


def test_networks_that_do_not_fit_are_refused():
    good = flow_network()
    noisy = Generator(dataclasses.replace(TINY_GENERATOR, noise_channels=3))
    with pytest.raises(UserError, match="a generator with noise_channels 33"):
        FlowNetwork(good.mean, noisy)
    with pytest.raises(UserError, match="a mean network without noise"):
        FlowNetwork(noisy, good.generator)
    with pytest.raises(UserError, match="Expected a solver of FlowConfig, euler or heun, found 'rk4'"):
        FlowConfig(solver="rk4")
    with pytest.raises(UserError, match="positive numbers as residual_std"):
        FlowConfig(residual_std=(0.0, 1.0))
