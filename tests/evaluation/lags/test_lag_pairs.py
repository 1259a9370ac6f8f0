"""Pairs of one time: draws, answers of the network and plain differences, each against another way."""

import numpy as np
import pytest
import xarray as xr

from atmodist_core.common.errors import AtmodistWarning, UserError
from atmodist_core.evaluation import structural_similarity
from atmodist_core.evaluation.geometry import area_weights
from atmodist_core.evaluation.lags import lag_pairs
from atmodist_core.evaluation.lags.lag_curves import lag_curve
from atmodist_core.evaluation.lags.lag_pairs import LagPairs, _Draw
from atmodist_core.evaluation.store.statistics_store import StatisticsStore
from atmodist_core.fields.canonical.field_arrays import FieldArrays
from atmodist_core.fields.grid.cell_areas import cell_areas
from atmodist_core.inference.atmodist import load_distance
from tests.evaluation.lags.known_distance import ANSWERS, SIZE, clockwork, known_distance
from tests.networks.mock_models import CHANNELS, NORMALIZATION, globe, saved_distance


@pytest.fixture(scope="module")
def known():
    return LagPairs(known_distance(ANSWERS), clockwork(), pairs=50, seed=3)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """A network of random weights with patches of 32 x 32 on a globe of 36 x 72."""
    folder = saved_distance(tmp_path_factory.mktemp("models") / "tiny", grid_spacing_deg=5.0)
    fields = globe(36, 72, times=8, seed=4)
    return LagPairs(load_distance(folder), fields, pairs=6, seed=1), fields


def same(a, b):
    return a.keys() == b.keys() and all(np.array_equal(a[name], b[name]) for name in a)


def test_a_time_is_used_when_all_lags_follow_it(known):
    times = clockwork().time.values
    np.testing.assert_array_equal(known.times_with_pairs(times), times[:-5])
    np.testing.assert_array_equal(known.times_with_pairs(times[::-7]), times[:-5][np.arange(52, 0, -7)])
    # A gap takes away the times within 15 h before it, and the gap itself.
    gap = LagPairs(known.distance, clockwork().isel(time=np.delete(np.arange(60), 20)), pairs=1)
    used = gap.times_with_pairs(times)
    np.testing.assert_array_equal(used, np.concatenate([times[:15], times[21:-5]]))
    other = times + np.timedelta64(1, "h")
    assert known.times_with_pairs(other).size == 0
    with pytest.raises(UserError, match="Expected a time with all lags up to 15 h after it in the data"):
        known(times[-1])


def test_a_time_gives_the_same_bits_in_any_order_and_company(known):
    times = known.times_with_pairs(clockwork().time.values)
    forward = {moment: known(moment) for moment in times}
    fresh = LagPairs(known.distance, clockwork(), pairs=50, seed=3)
    for moment in times[[40, 3, 17, 3]]:
        assert same(fresh(moment), forward[moment])
    # Another part of the period, kept lazily, and times of another resolution.
    later = LagPairs(
        known.distance, clockwork().isel(time=slice(10, 40)).chunk({"time": 1}), pairs=50, seed=3
    )
    assert same(later(times[12].astype("datetime64[s]")), forward[times[12]])
    assert not np.array_equal(forward[times[0]]["longitude"], forward[times[1]]["longitude"])
    other = LagPairs(known.distance, clockwork(), pairs=50, seed=4)
    assert not np.array_equal(other(times[0])["longitude"], forward[times[0]]["longitude"])


def test_times_before_1970_are_drawn_too():
    early = LagPairs(known_distance(ANSWERS), clockwork(times=8, first="1950-06-01"), pairs=9)
    a, b = (early(moment) for moment in early.times_with_pairs(clockwork(8, "1950-06-01").time.values)[:2])
    assert not np.array_equal(a["longitude"], b["longitude"])


def test_every_field_is_read_once(known, monkeypatch):
    fresh = LagPairs(known.distance, clockwork(), pairs=50, seed=3)
    read, really_read = [], FieldArrays.read

    def noted(arrays, time, *valid):
        read.append(time)
        return really_read(arrays, time, *valid)

    monkeypatch.setattr(FieldArrays, "read", noted)
    times = clockwork().time.values[:12]
    fresh.table(times)
    assert len(read) == len(set(read)) <= 17
    # Without room for them fields are read again, and nothing changes.
    read.clear()
    monkeypatch.setattr(lag_pairs, "CACHE_BYTES", 3 * 36 * 72 * 2 * 4)
    small = LagPairs(known.distance, clockwork(), pairs=50, seed=3)
    xr.testing.assert_identical(small.table(times), fresh.table(times))
    assert len(read) > 30 and len(small._cache) == 3


def test_answers_are_those_of_the_network(known):
    table = known.table(known.times_with_pairs(clockwork().time.values))
    label = (table.lag.values / 3).astype(int) - 1
    np.testing.assert_allclose(table.log_loss, -np.log(ANSWERS)[label, label], rtol=1e-12)
    np.testing.assert_array_equal(table.predicted_lag, np.array([3.0, 6.0, 6.0, 12.0, 3.0])[label])
    np.testing.assert_array_equal(table.median_lag, np.array([3.0, 6.0, 9.0, 12.0, 6.0])[label])
    np.testing.assert_array_equal(table.true_rank, np.array([0, 0, 1, 0, 4])[label])
    # 2750 pairs, 550 of a lag: 4 standard deviations are 84.
    assert np.abs(np.bincount(label.ravel()) - 550).max() < 84


def test_a_network_that_is_sure_and_wrong_has_a_finite_loss():
    sure = np.full((5, 5), 1e-320)
    sure[:, 0] = 1.0
    found = LagPairs(known_distance(sure), clockwork(8), pairs=40)(np.datetime64("2001-01-01"))
    assert np.isfinite(found["log_loss"]).all() and found["log_loss"].max() > 700


def test_places_are_uniform_in_latitude_and_longitude(known):
    table = known.table(known.times_with_pairs(clockwork().time.values))
    latitude, longitude = table.latitude.values.ravel(), table.longitude.values.ravel()
    # Grid points are 87.5, 82.5 ...; those within 60 degrees are 24, every column 72.
    np.testing.assert_array_equal(np.unique(latitude), np.arange(-57.5, 60, 5))
    np.testing.assert_allclose(np.unique(longitude), np.arange(2.5, 360, 5))
    count = np.histogram(latitude, np.arange(-60, 61, 20))[0]
    assert np.abs(count - 2750 / 6).max() < 4 * np.sqrt(2750 * 5 / 36)
    by_area = LagPairs(known.distance, clockwork(), pairs=2750, sampling="area")(np.datetime64("2001-01-01"))
    expected = 2750 * np.diff(np.sin(np.deg2rad(np.arange(-60, 61, 20)))) / (2 * np.sin(np.pi / 3))
    assert (
        np.abs(np.histogram(by_area["latitude"], np.arange(-60, 61, 20))[0] - expected).max()
        < 4 * expected.max() ** 0.5
    )


def cut(fields, latitude, longitude, size):
    """Patch centred on a point, longitudes continued over the seam."""
    turned = xr.concat([fields, fields.assign_coords(longitude=fields.longitude + 360)], "longitude")
    centre = longitude if longitude > 2.5 * size else longitude + 360
    reach = 2.5 * size
    rows = np.abs(turned.latitude - latitude) < reach
    columns = np.abs(turned.longitude - centre) < reach
    return turned.isel(latitude=np.flatnonzero(rows), longitude=np.flatnonzero(columns))


def test_network_and_distance_agree_with_the_objects_of_users(tiny):
    """Each pair cut out of the fields and given to predict_lag and distance."""
    pairs, fields = tiny
    moment = fields.time.values[1]
    found = pairs(moment)
    assert len(set(found["lag"])) > 1
    for n in range(6):
        later = moment + np.timedelta64(int(found["lag"][n]), "h")
        a, b = (
            cut(fields.sel(time=[time]), found["latitude"][n], found["longitude"][n], 32)
            for time in (moment, later)
        )
        assert a.sizes["latitude"] == a.sizes["longitude"] == 32
        guess = pairs.distance.predict_lag(a, b)
        assert float(guess.most_likely[0]) == found["predicted_lag"][n]
        assert -np.log(float(guess.probability.sel(lag=found["lag"][n])[0])) == pytest.approx(
            found["log_loss"][n], rel=1e-4
        )
        assert float(pairs.distance.distance(a, b)[0]) == pytest.approx(found["atmodist"][n], rel=1e-4)


def test_plain_differences_agree_with_numpy(known):
    fields, moment = clockwork(), np.datetime64("2001-01-02T06:00", "ns")
    random = np.random.default_rng(0)
    noise = random.standard_normal(fields.vorticity.shape).astype(np.float32) * NORMALIZATION.std[1]
    fields = fields.assign(divergence=fields.divergence * 0 + noise)
    found = LagPairs(known.distance, fields, pairs=8)(moment)
    whole = fields.sel(time=moment)
    for n in range(8):
        later = moment + np.timedelta64(int(found["lag"][n]), "h")
        a, b = (
            cut(fields.sel(time=time), found["latitude"][n], found["longitude"][n], SIZE)
            for time in (moment, later)
        )
        areas = cell_areas(a.latitude.values)[:, None]
        areas = areas / areas.mean()
        square, absolute, similarity, learned = [], [], [], []
        for name, std, mean_y, std_y, mean in zip(
            CHANNELS, NORMALIZATION.std, NORMALIZATION.mean_y, NORMALIZATION.std_y, NORMALIZATION.mean, strict=True
        ):  # fmt: skip
            x, y = (ds[name].values.astype(float) for ds in (a, b))
            square.append(np.mean(areas * (x - y) ** 2) / std**2)
            absolute.append(np.mean(areas * np.abs(x - y)) / std)
            span = float(whole[name].max()) - float(whole[name].min())
            similarity.append(structural_similarity(x, y, value_range=span))
            z = [(f - mean) / std for f in (x, y)]
            u, v = ((np.sign(f) * np.log1p(0.2 * np.abs(f)) - mean_y) / std_y for f in z)
            learned.append(np.mean(areas * (u - v) ** 2))
        assert found["l2"][n] == pytest.approx(np.mean(square), rel=1e-9)
        assert found["l1"][n] == pytest.approx(np.mean(absolute), rel=1e-9)
        assert found["one_minus_ssim"][n] == pytest.approx(1 - np.mean(similarity), rel=1e-9)
        # The encoder of the known network hands on the normalised fields; its scale is 0.5.
        assert found["atmodist"][n] == pytest.approx(0.5 * np.mean(learned), rel=1e-4)


def test_plain_differences_are_those_of_the_lag_curve(known):
    """Where the card's standard deviations are those of the series and there is room for one patch alone."""
    fields = clockwork(8).isel(latitude=slice(12, 12 + SIZE), longitude=slice(5, 5 + SIZE))
    wanted = np.array(NORMALIZATION.std)
    scaled = fields.copy()
    for name, std in zip(CHANNELS, wanted, strict=True):
        values = fields[name].values.astype(float)
        weights = area_weights(fields)
        mean = (values * weights).sum(axis=(1, 2)).mean()
        deviation = np.sqrt(((values - mean) ** 2 * weights).sum(axis=(1, 2)).mean())
        scaled[name] = fields[name].copy(data=values * (std / deviation))
    # Stretching changes what the clock tells, so only the plain differences are asked for.
    pairs = LagPairs(known.distance, clockwork(8), pairs=1)
    curve = lag_curve(scaled, ("l1", "l2"), maximum_lag_h=15)["mean"].sel(lag=6.0)
    values = np.stack([scaled[name].values for name in CHANNELS], axis=1)
    row = int(np.flatnonzero(pairs._arrays.latitude == fields.latitude.values[0])[0])
    draw = _Draw(*np.full((3, len(values) - 2), row))
    found = pairs._plain_differences(values[:-2], values[2:], values[0], draw)
    for name in ("l1", "l2"):
        assert found[name].mean() == pytest.approx(float(curve.sel(measure=name)), rel=1e-6)


def test_what_is_computed_is_labelled_and_can_be_stored(known, tmp_path):
    times = known.times_with_pairs(clockwork().time.values)[:20]
    table = known.table(times)
    assert set(table.data_vars) == set(known.variables) == set(known(times[0]))
    for name, (dimensions, attributes) in known.variables.items():
        assert table[name].dims == dimensions == ("time", "pair")
        assert attributes["units"] and attributes["long_name"] and table[name].attrs == attributes
    assert known.identity["pairs"] == 50 and known.identity["layer"] == "stage4"
    store = StatisticsStore(tmp_path / "pairs", known.identity)
    for start in (7, 0, 14):
        store.add(table.isel(time=slice(start, start + 7)))
    xr.testing.assert_identical(store.load(times), table)


def test_fields_unlike_those_of_training_are_remarked(known):
    with pytest.warns(AtmodistWarning, match="differ from those that known was trained on"):
        LagPairs(known.distance, clockwork() * 30)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda ds: ds.drop_vars("divergence"), "Expected for known the fields vorticity, divergence, found vorticity"),
        (lambda ds: ds.isel(longitude=slice(10)), "Expected fields of at least 11 x 11 points, .* found 36 x 10"),
        (lambda ds: ds.isel(latitude=slice(11)), "Expected room for patches centred within 60 degrees"),
        (lambda ds: ds.isel(time=slice(5)), "Expected data with times 3 to 15 h apart .* found none of 5 times"),
        (lambda ds: ds.isel(time=slice(0, None, 2)), "Expected data with times 3 to 15 h apart .* found none of 30 times"),
        (lambda ds: ds.drop_vars("time"), "Expected dated times for pairs"),
    ],
)  # fmt: skip
def test_data_that_cannot_serve_are_refused_in_one_sentence(known, change, message):
    with pytest.raises(UserError, match=message) as raised:
        LagPairs(known.distance, change(clockwork()))
    assert ". " not in str(raised.value)


def test_bad_numbers_and_values_are_refused(known):
    for settings in ({"pairs": 0}, {"seed": -1}):
        with pytest.raises(
            UserError, match="Expected at least one pair at each time and a seed of 0 or more"
        ):
            LagPairs(known.distance, clockwork(), **settings)
    fields = clockwork(8)
    gap = fields.where((fields.time != fields.time[3]) | (fields.latitude > 0))
    holed = LagPairs(known.distance, gap.isel(time=[0, 1, 2, 3, 4, 5, 6, 7]), pairs=40)
    with pytest.raises(UserError, match="Expected fields without missing values"):
        holed(fields.time.values[1])
    still = fields.assign(divergence=fields.divergence.where(fields.time != fields.time[1], 0.0))
    with pytest.raises(UserError, match="Expected fields that vary, found divergence constant"):
        LagPairs(known.distance, still, pairs=4)(fields.time.values[1])
