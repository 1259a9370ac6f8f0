"""Members of ensemble models: reproducible, seamless, conserving, and refused where there are none."""

import dataclasses
import warnings

import numpy as np
import pytest
import torch

from atmodist_core.common.errors import AtmodistWarning, UserError
from atmodist_core.fields import coarsen
from atmodist_core.inference.downscaler import load_downscaler
from atmodist_core.models.store import load_network
from atmodist_core.networks import Generator
from tests.networks.mock_models import CHANNELS, TINY_GENERATOR, globe, saved_downscaler

ENSEMBLE = dataclasses.replace(
    TINY_GENERATOR,
    **{"residual": True, "noise_channels": 2, "fine_noise_channels": 1},
    **{"output_filter": "low-pass", "filter_cutoff": 0.5, "conserve_block_mean": True},
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return saved_downscaler(tmp_path_factory.mktemp("models") / "ensemble", ENSEMBLE, name="ensemble")


@pytest.fixture(scope="module")
def downscaler(folder):
    return load_downscaler(folder)


def same(found, wanted, rounding=2e-6):
    for name in CHANNELS:
        bound = rounding * float(wanted[name].std())
        np.testing.assert_allclose(found[name].values, wanted[name].values, rtol=0, atol=bound)


def test_members_are_an_axis_and_the_first_is_the_default(downscaler):
    coarse = globe(times=2)
    fine = downscaler(coarse, members=3, seed=5)
    assert fine.vorticity.dims == ("member", "time", "latitude", "longitude")
    assert list(fine.member.values) == [0, 1, 2] and fine.attrs["downscaling_seed"] == 5
    assert downscaler.is_ensemble
    one = downscaler(coarse, seed=5)
    assert one.vorticity.dims == ("time", "latitude", "longitude") and "member" not in one.coords
    same(one, fine.isel(member=0), 0.0)
    same(downscaler(coarse, members=1, seed=5).isel(member=0), one, 0.0)
    assert downscaler(coarse.isel(time=0), members=2).vorticity.dims == ("member", "latitude", "longitude")


def test_members_differ_by_all_of_the_noise(folder, downscaler, tmp_path):
    """Each source of noise alone makes members different."""
    fine = downscaler(globe(), members=2)["divergence"]
    assert float(fine.std("member").mean()) > 0.01 * float(fine.std())
    for number, changes in enumerate(({"noise_channels": 0}, {"fine_noise_channels": 0})):
        part = saved_downscaler(tmp_path / str(number), dataclasses.replace(ENSEMBLE, **changes), name="part")
        fine = load_downscaler(part)(globe(), members=2)["divergence"]
        assert float(fine.std("member").mean()) > 1e-3 * float(fine.std())


def test_a_seed_gives_the_same_members_however_they_are_computed(downscaler, monkeypatch):
    coarse = globe(times=2)
    whole = downscaler(coarse, members=2, seed=3)
    same(downscaler(coarse, members=2, seed=3, tile=7), whole)
    same(downscaler(coarse, members=4, seed=3).isel(member=[0, 1]), whole, 0.0)
    same(downscaler(coarse.isel(time=[1]), members=2, seed=3), whole.isel(time=[1]), 0.0)
    part = downscaler(coarse, region="South-East Asia", members=2, seed=3)
    inside = whole.sel(latitude=part.latitude, longitude=part.longitude % 360, method="nearest")
    same(part, inside)
    west = coarse.assign_coords(longitude=(coarse.longitude + 180) % 360 - 180).sortby("longitude")
    again = downscaler(west, members=2, seed=3)
    same(again, whole)  # a full circle is given within [0, 360)
    other = downscaler(coarse, members=2, seed=4)
    assert float(np.abs(other.vorticity - whole.vorticity).max()) > 0.01 * float(whole.vorticity.std())
    monkeypatch.setattr("atmodist_core.inference.generator_inference.WORKING_MEMORY", 60 * 60 * 6 * 4 * 4)
    same(downscaler(coarse, members=2, seed=3), whole)


def test_members_can_be_drawn_from_any_number_on(downscaler):
    """Each member is the same whether it is drawn alone or among others."""
    whole = downscaler(globe(), members=4, seed=2)
    same(downscaler(globe(), members=2, seed=2, first_member=2), whole.isel(member=[2, 3]), 0.0)
    same(downscaler(globe(), seed=2, first_member=3), whole.isel(member=3, drop=True), 0.0)
    with pytest.raises(UserError, match="a first member of 0 or more, found -1"):
        downscaler(globe(), first_member=-1)


def test_every_member_conserves_the_coarse_field_and_so_does_their_mean(downscaler):
    coarse = globe()
    fine = downscaler(coarse, members=4)
    for field in (*(fine.isel(member=m) for m in range(4)), fine.mean("member", keep_attrs=True)):
        back = coarsen(field.assign_attrs(fine.attrs), 4)
        for name in CHANNELS:
            bound = 1e-5 * float(coarse[name].std())
            np.testing.assert_allclose(back[name].values, coarse[name].values, rtol=0, atol=bound)


def test_progress_counts_members(downscaler):
    seen = []
    downscaler(globe(times=2), members=3, progress=lambda share, text: seen.append((share, text)))
    shares = [share for share, _ in seen]
    assert shares == sorted(shares) and shares[-1] == pytest.approx(1.0)
    assert seen[-1][1] == "ensemble: time 2 of 2, member 3 of 3"


def test_members_are_refused_where_there_are_none(downscaler, tmp_path):
    plain = load_downscaler(saved_downscaler(tmp_path / "plain", name="plain"))
    for model in (plain, load_downscaler("bicubic")):
        assert not model.is_ensemble
        with pytest.raises(UserError, match=f"an ensemble model for members, found '{model.name}'"):
            model(globe(), members=4)
    for wrong in (0, -1, 2.5):
        with pytest.raises(UserError, match="members of 1 or more, found"):
            downscaler(globe(), members=wrong)


def test_the_noise_of_a_card_comes_back(folder):
    card, network = load_network(folder)
    assert card.architecture["generator"]["fine_noise_channels"] == 1
    assert network.config == ENSEMBLE and len(network.fine_noise) == 2


def test_a_generator_without_weights_for_noise_is_the_one_without_noise():
    torch.manual_seed(0)
    plain = Generator(TINY_GENERATOR)
    noisy = Generator(dataclasses.replace(TINY_GENERATOR, fine_noise_channels=3))
    missing = noisy.load_state_dict(plain.state_dict(), strict=False).missing_keys
    assert missing == ["fine_noise.0.weight", "fine_noise.1.weight"]
    coarse, noise = torch.randn(1, 2, 6, 7), [torch.randn(1, 3, n * 6, n * 7) for n in (2, 4)]
    assert not torch.allclose(noisy(coarse, *noise), plain(coarse))
    for layer in noisy.fine_noise:
        layer.weight.data.zero_()
    torch.testing.assert_close(noisy(coarse, *noise), plain(coarse))
    with pytest.raises(ValueError, match="Expected noise for 2 doublings"):
        noisy(coarse)


def test_bfloat16_members_are_close(folder):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AtmodistWarning)
        exact, fast = (
            load_downscaler(folder, precision=p)(globe(), members=2) for p in ("float32", "bfloat16")
        )
    for name in CHANNELS:
        assert 0 < float((fast[name] - exact[name]).std() / exact[name].std()) < 0.03
