import numpy as np
import pytest
import torch
import xarray as xr

from atmodist_core.common.errors import UserError
from atmodist_core.networks.output_layers import block_means
from atmodist_core.training.data import patches
from atmodist_core.training.data.fields_in_memory import load_fields
from atmodist_core.training.data.training_data import measure_normalization
from atmodist_core.training.data.training_fields import gather_by_index
from tests.training.mock_weather import as_dataset, counting_weather


@pytest.fixture(scope="module")
def fields():
    """Two members of 40 and 30 times whose values tell their places."""
    return load_fields([counting_weather(40), counting_weather(30)], storage="float32")


GOLDEN = {
    "time": [8, 64, 35, 57],
    "label": [4, 4, 2, 3],
    "row": [7, 9, 0, 7],
    "column": [19, 2, 32, 19],
    "mirrored": [False, True, False, True],
}


def sampler(fields, segments=((0, 40), (40, 70)), **options):
    return patches.PatchSampler(fields, segments, **{"patch_size": 6, **options})


def test_places_depend_on_seed_stream_and_step_alone(fields):
    one, two = sampler(fields), sampler(fields)
    two.pairs(3, 8, classes=5, stride=1)  # what was drawn before does not matter
    for a, b in zip(one.pairs(7, 8, classes=5, stride=1), two.pairs(7, 8, classes=5, stride=1), strict=True):
        np.testing.assert_array_equal(a, b)
    others = [
        one.pairs(8, 8, classes=5, stride=1),
        sampler(fields, seed=1).pairs(7, 8, classes=5, stride=1),
        sampler(fields, stream=patches.VALIDATION_STREAM).pairs(7, 8, classes=5, stride=1),
    ]
    for other in others:
        assert not np.array_equal(one.pairs(7, 8, classes=5, stride=1).column, other.column)


def test_places_are_known_numbers(fields):
    """A golden draw: another version of NumPy or of the sampler must not change what a resumed run sees."""
    places = sampler(fields, mirror=True).pairs(2, 4, classes=5, stride=1)
    assert {name: getattr(places, name).tolist() for name in GOLDEN} == GOLDEN


def test_processes_share_the_batch_of_one(fields):
    whole = sampler(fields).pairs(0, 8, classes=5, stride=1)
    parts = [whole.part(rank, 2) for rank in range(2)]
    together = np.stack([p.time for p in parts], axis=1).ravel()
    np.testing.assert_array_equal(together, whole.time)


@pytest.mark.parametrize("stride", [1, 3])
def test_pairs_are_exactly_their_lag_apart_and_stay_in_one_member(fields, stride):
    places = sampler(fields).pairs(0, 4000, classes=5, stride=stride)
    later = places.time + (places.label + 1) * stride
    member = places.time >= 40
    np.testing.assert_array_equal(later >= 40, member)
    assert places.time.min() == 0 and later.max() == 69
    assert set(places.label.tolist()) == set(range(5))
    # uniform labels: 4000 draws of 5 classes give 800 +- 5 standard deviations
    assert np.abs(np.bincount(places.label) - 800).max() < 5 * np.sqrt(800 * 0.8)
    # every start that leaves room for the lag comes up, in both members
    starts = {
        time for time, label in zip(places.time.tolist(), places.label.tolist(), strict=True) if label == 4
    }
    possible = {*range(40 - 5 * stride), *range(40, 70 - 5 * stride)}
    assert starts <= possible and len(starts) > 0.95 * len(possible)


def test_pairs_show_the_same_place_at_their_two_times(fields):
    places = sampler(fields).pairs(1, 16, classes=5, stride=1)
    earlier, later, label = patches.cut_pairs(fields, places, 6, 1)
    # one slice later, the numbers of counting_weather have grown by rows * columns
    torch.testing.assert_close(
        later - earlier,
        ((label + 1) * 18 * 36)[:, None, None, None]
        * torch.tensor([1.0, -0.5])[:, None, None].expand(2, 6, 6),
    )
    expected = counting_weather(70).vorticity.values  # member 1 counts from its own start
    row, column, time = (int(a[0]) for a in (places.row, places.column, places.time))
    time -= 40 * (time >= 40)
    window = np.take(expected[time, row : row + 6], np.arange(column, column + 6), axis=1, mode="wrap")
    np.testing.assert_allclose(earlier[0, 0], window)


def test_centres_keep_the_latitude_limit(fields):
    draw = sampler(fields, latitude_limit=60.0)
    places = draw.patches(0, 2000)
    centres = 0.5 * (fields.latitude[places.row] + fields.latitude[places.row + 5])
    assert np.abs(centres).max() <= 60.0
    assert np.abs(centres).max() == 60.0  # rows at 85, 75 ...: a centre lies exactly on the limit and counts
    assert set(places.column.tolist()) == set(range(36))  # all longitudes, as the globe has no edge


def test_area_honest_centres_are_uniform_in_the_sine_of_latitude():
    """Against the area of the zone of every row; plain sampling takes all rows alike."""
    fine = load_fields([counting_weather(3, rows=180, columns=360)])
    count = 40_000
    drawn = {
        how: patches.PatchSampler(fine, [(0, 3)], patch_size=6, sampling=how).patches(0, count)
        for how in ("area", "latitude")
    }
    centres = {how: 90.0 - (p.row + 3.0) for how, p in drawn.items()}
    assert max(np.abs(c).max() for c in centres.values()) == 60.0
    sine = np.sin(np.deg2rad(60.5))  # rows at 60, 59 ...: the outer zones end half a row beyond
    expected = np.linspace(-sine, sine, 9)
    shares, _ = np.histogram(np.sin(np.deg2rad(centres["area"])), expected)
    # eight zones of equal area: 5000 each, 6 standard deviations and the width of a row (1 degree) more
    width = count * np.deg2rad(1.0) / (2 * sine)
    assert np.abs(shares - count / 8).max() < 6 * np.sqrt(count / 8) + width / 2
    rows = np.bincount(drawn["latitude"].row)[drawn["latitude"].row.min() :]
    assert len(rows) == 121 and np.abs(rows - count / 121).max() < 6 * np.sqrt(count / 121)
    # the plain one is far from uniform in area, so that the test above can fail
    plain, _ = np.histogram(np.sin(np.deg2rad(centres["latitude"])), expected)
    assert np.abs(plain - count / 8).max() > 1000


def test_longitude_wraps(fields):
    places = patches.Places(*(np.array([v]) for v in (3, 0, 2, 33, False)))
    patch = patches.cut(fields, places.time, places, 6)[0, 0]
    row = counting_weather().vorticity.values[3, 2]
    np.testing.assert_allclose(patch[0], [row[33], row[34], row[35], row[0], row[1], row[2]])


def test_limited_areas_do_not_wrap():
    area = load_fields([counting_weather().isel(longitude=slice(0, 10))])
    assert not area.wraps
    places = patches.PatchSampler(area, [(0, 40)], patch_size=6).patches(0, 500)
    assert set(places.column.tolist()) == set(range(5))


def test_the_mirror_flips_rows_and_the_sign_of_vorticity_only(fields):
    plain = patches.Places(*(np.array([v]) for v in (3, 0, 2, 5, False)))
    mirror = plain._replace(mirrored=np.array([True]))
    a, b = (patches.cut(fields, plain.time, p, 6)[0] for p in (plain, mirror))
    torch.testing.assert_close(b[0], -a[0].flip(0))
    torch.testing.assert_close(b[1], a[1].flip(0))


def test_a_gather_on_a_gpu_cuts_the_same_patches(fields):
    places = sampler(fields, mirror=True).patches(0, 16)
    where = (places.time, places.row, places.column, 6, places.mirrored)
    assert places.mirrored.any() and not places.mirrored.all()
    torch.testing.assert_close(gather_by_index(fields.values, *where), fields.gather(*where), rtol=0, atol=0)


def test_patches_are_channels_last(fields):
    places = sampler(fields).patches(0, 4)
    assert patches.cut(fields, places.time, places, 6).is_contiguous(memory_format=torch.channels_last)


def test_block_mean_agrees_with_coarsening_the_globe():
    """A patch on the blocks of the whole grid gives the same coarse cells as coarsening the globe."""
    import atmodist_core as ad

    random = np.random.default_rng(0)
    weather = as_dataset(*random.standard_normal((2, 2, 16, 32)).astype(np.float32))
    fields = load_fields([weather], storage="float32")
    places = patches.Places(*(np.array([v]) for v in (1, 0, 4, 8, False)))
    patch = patches.cut(fields, places.time, places, 8)
    mean = block_means(patch, patches.patch_row_areas(fields, places, 8), 4)
    coarse = ad.coarsen(weather, factor=4)
    np.testing.assert_allclose(mean[0, 0], coarse.vorticity.values[1, 1:3, 2:4], rtol=2e-5, atol=2e-6)


def test_mirrored_patches_are_coarsened_with_mirrored_weights(fields):
    plain = patches.Places(*(np.array([v]) for v in (3, 0, 10, 5, False)))
    mirror = plain._replace(mirrored=np.array([True]))
    coarse = [
        block_means(patches.cut(fields, p.time, p, 4), patches.patch_row_areas(fields, p, 4), 2)[0, 1]
        for p in (plain, mirror)
    ]
    torch.testing.assert_close(coarse[1], coarse[0].flip(0))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"patch_size": 20}, "no larger than the grid of 18 x 36"),
        ({"patch_size": 16, "latitude_limit": 0.0}, None),
        ({"patch_size": 17, "latitude_limit": 1.0}, "raise --latitude-limit"),
    ],
)
def test_impossible_patches_are_refused(fields, options, words):
    if words is None:
        sampler(fields, **options)
        return
    with pytest.raises(UserError, match=words):
        sampler(fields, **options)


def test_too_short_a_series_is_refused(fields):
    with pytest.raises(UserError, match="longer than 46 time steps for 23 classes, found 40"):
        sampler(fields).pairs(0, 4, classes=23, stride=2)
    with pytest.raises(UserError, match="at least one time"):
        sampler(fields, segments=()).patches(0, 4)


def test_members_are_split_in_time_with_a_gap(fields):
    training, held_out = patches.split_members(fields.members, 0.25, 9.0)
    # 40 times: 10 held out, 9 h are 3 slices; 30 times: round(7.5) = 8 held out
    assert training == [(0, 27), (40, 59)]
    assert held_out == [(30, 40), (62, 70)]


def test_lead_steps_follow_the_time_spacing():
    hourly = load_fields([counting_weather(10, step_hours=1)])
    assert patches.lag_stride(hourly.members, 3) == 3
    six_hourly = load_fields([counting_weather(10, step_hours=6)])
    with pytest.raises(UserError, match="divides the lag step of 3 h, found 6 h"):
        patches.lag_stride(six_hourly.members, 3)
    with pytest.raises(UserError, match="one time spacing"):
        patches.lag_stride((*hourly.members, *load_fields([counting_weather(10)]).members), 3)
    with pytest.raises(UserError, match="holds a single time"):
        patches.lag_stride(load_fields([counting_weather(1)]).members, 3)


@pytest.mark.parametrize("how", ["latitude", "area"])
def test_patches_lie_where_all_points_are_valid(how):
    """Gaps that stay where they are: no patch touches one, every other place is drawn, moments are of the rest."""
    weather = counting_weather(40)
    mask = np.ones((weather.sizes["latitude"], weather.sizes["longitude"]), bool)
    mask[:5, :7] = mask[-3:] = False
    gappy = load_fields([weather.where(mask_of(weather, mask))], storage="float32")
    np.testing.assert_array_equal(gappy.valid, mask)
    places = patches.PatchSampler(gappy, [(0, 40)], patch_size=6, sampling=how).patches(0, 20_000)
    assert torch.isfinite(patches.cut(gappy, places.time, places, 6)).all()
    allowed = {
        (row, column)
        for row in patches.rows_within(gappy.latitude, 6)[0].tolist()
        for column in range(mask.shape[1] if gappy.wraps else mask.shape[1] - 5)
        if np.roll(mask, -column, axis=1)[row : row + 6, :6].all()
    }
    assert set(zip(places.row.tolist(), places.column.tolist(), strict=True)) == allowed

    normalization = measure_normalization(gappy, [(0, 40)])
    inside = weather.vorticity.values[:, mask].astype(np.float64)
    np.testing.assert_allclose(normalization.mean[0], inside.mean(), rtol=1e-5)
    np.testing.assert_allclose(normalization.std[0], inside.std(), rtol=1e-5)


def test_patches_larger_than_the_valid_part_are_refused():
    weather = counting_weather(4)
    mask = np.zeros((weather.sizes["latitude"], weather.sizes["longitude"]), bool)
    mask[4:9, 4:9] = True
    gappy = load_fields([weather.where(mask_of(weather, mask))])
    with pytest.raises(UserError, match="patches of 6 x 6 points with values"):
        patches.PatchSampler(gappy, [(0, 4)], patch_size=6)


def mask_of(weather, mask):
    return xr.DataArray(mask, dims=("latitude", "longitude"))


def test_pairs_never_reach_across_missing_times(weather):
    """A series with a gap is two of its spacing; irregular times are still refused."""
    with_gap = weather.isel(time=[*range(20), *range(24, 60)])
    fields = load_fields([with_gap])
    (member,) = fields.members
    assert (member.spacing_hours, member.breaks) == (3.0, (20,))
    assert patches.lag_stride(fields.members, 6.0) == 2
    training, held_out = patches.split_members(fields.members, 0.25, 6.0)
    assert training == [(0, 20), (20, 40)] and held_out == [(42, 56)]
    sampler = patches.PatchSampler(fields, training, patch_size=16)
    for step in range(50):
        places = sampler.pairs(step, 8, classes=4, stride=2)
        hours = with_gap.time.values[places.time + 2 * (places.label + 1)] - with_gap.time.values[places.time]
        np.testing.assert_array_equal(hours / np.timedelta64(1, "h"), 6 * (places.label + 1))
    uneven = weather.isel(time=slice(0, 9))
    uneven = uneven.assign_coords(
        time=uneven.time.values + np.array([0, 0, 0, 1, 0, 0, 0, 0, 0], "timedelta64[h]")
    )
    with pytest.raises(UserError, match=r"regular spacing, found that in member 0 the step after"):
        patches.lag_stride(load_fields([uneven]).members, 3.0)
