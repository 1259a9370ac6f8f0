import numpy as np
import pytest
import torch

from atmodist_core.common.errors import UserError
from atmodist_core.networks.normalization import SignedLogNormalization
from atmodist_core.training.configuration import DataConfig
from atmodist_core.training.data import fields_in_memory, patches, training_data
from atmodist_core.training.data.fields_in_memory import load_fields
from tests.training.mock_weather import counting_weather

CHANNELS = ("vorticity", "divergence")


@pytest.mark.parametrize(("storage", "tolerance"), [("float32", 1e-6), ("float16", 6e-4), ("bfloat16", 5e-3)])
def test_stored_fields_keep_their_digits(weather, storage, tolerance):
    fields = load_fields([weather], storage=storage)
    for index, name in enumerate(CHANNELS):
        stored = fields.physical(slice(None))[:, index].numpy()
        # relative to each value, down to a thousandth of the spread: tails are not clipped
        scale = np.abs(weather[name].values) + 1e-3 * float(weather[name].std())
        assert np.abs((stored - weather[name].values) / scale).max() < tolerance
    assert fields.gigabytes == pytest.approx(60 * 48 * 96 * 2 * (4 if storage == "float32" else 2) / 1e9)


def test_members_follow_each_other(weather):
    fields = load_fields([weather, weather.isel(time=slice(0, 10))])
    assert [(m.start, m.stop) for m in fields.members] == [(0, 60), (60, 70)]
    assert fields.members[0].spacing_hours == 3.0
    assert fields.members[0].period == "2000-01-01T00 to 2000-01-08T09"
    torch.testing.assert_close(fields.values[60:], fields.values[:10])
    assert fields.wraps and fields.spacing_deg == pytest.approx(3.75)


def test_normalising_in_place_equals_the_model_s_normalisation(weather):
    fields = load_fields([weather], storage="float32")
    normalization = SignedLogNormalization.from_fields(weather, channels=CHANNELS)
    expected = normalization.normalize(fields.physical(slice(None)))
    normal = fields.normalize_in_place(normalization)
    torch.testing.assert_close(normal.values.permute(0, 3, 1, 2), expected, rtol=1e-5, atol=1e-5)
    assert normal.normalized and normal.values is fields.values  # no second copy in memory
    with pytest.raises(ValueError, match="Expected physical fields"):
        normal.physical(slice(None))


def test_moments_equal_those_measured_from_the_dataset(weather):
    fields = load_fields([weather], storage="float32")
    measured = training_data.measure_normalization(fields, [(0, 20), (20, 60)])
    expected = SignedLogNormalization.from_fields(weather, channels=CHANNELS)
    for name in ("std", "mean_y", "std_y"):
        np.testing.assert_allclose(getattr(measured, name), getattr(expected, name), rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(measured.mean, expected.mean, atol=1e-6 * max(expected.std))


def test_moments_of_mirrored_training_make_the_mirror_exact(weather):
    """They are the moments of the fields and their mirrors together; vorticity's means vanish."""
    fields = load_fields([weather], storage="float32")
    measured = training_data.measure_normalization(fields, [(0, 60)], mirrored=True)
    both = np.concatenate([weather.vorticity.values, -weather.vorticity.values])
    assert measured.mean[0] == measured.mean_y[0] == 0.0
    assert measured.std[0] == pytest.approx(both.std(dtype=np.float64), rel=1e-6)
    plain = training_data.measure_normalization(fields, [(0, 60)])
    assert measured.mean[1] == plain.mean[1]  # divergence keeps its own
    x = torch.tensor([2e-5, -1e-4])[:, None, None]
    up, down = (measured.normalize(sign * x)[0] for sign in (1, -1))
    torch.testing.assert_close(up, -down, rtol=0, atol=0)


def test_only_training_times_are_measured(weather):
    loud = weather.copy(deep=True)
    loud["vorticity"][40:] *= 100.0  # held out: 20 of 60 times
    config = DataConfig(validation_fraction=1 / 3, gap_hours=0.0)
    data = training_data.load_training_data(config, sources=[loud])
    quiet = weather.vorticity.values[:40].std(dtype=np.float64)
    assert data.normalization.std[0] == pytest.approx(quiet, rel=1e-3)
    assert (data.training, data.held_out) == ([(0, 40)], [(40, 60)])


def test_validation_members_are_not_trained_on(weather, tmp_path, monkeypatch):
    other = weather.isel(time=slice(0, 7))
    monkeypatch.setattr("atmodist_core.fields.open_fields", lambda path: other)
    config = DataConfig(validation=(tmp_path,))
    data = training_data.load_training_data(config, sources=[weather])
    assert (data.training, data.held_out) == ([(0, 60)], [(0, 7)])
    assert data.held_out_fields is not data.training_fields
    normal = data.normalized()
    assert normal.held_out_fields.normalized and normal.training_fields.normalized


def test_mistakes_in_the_data_are_named(weather, tmp_path, monkeypatch):
    holes = weather.copy(deep=True)
    holes["divergence"][3, 4, 5] = np.nan
    cases = [
        ([], {}, "at least one folder of fields after --data"),
        ([weather], {"channels": ()}, "at least one name after --channels"),
        ([tmp_path / "none"], {}, "found nothing at"),
        (
            [weather],
            {"channels": ("vorticity", "temperature")},
            "found vorticity, divergence; change --channels",
        ),
        ([holes], {}, "missing or infinite values in member 0 at 2000-01-01T09:00"),
        ([weather, counting_weather()], {}, "48 x 96 in member 0 and 18 x 36"),
        (
            [weather, weather.assign_coords(longitude=weather.longitude + 1)],
            {},
            "or other places in member 1",
        ),
    ]
    for sources, options, words in cases:
        with pytest.raises(UserError, match=words):
            load_fields(sources, **options)
    monkeypatch.setattr(fields_in_memory, "available_memory_bytes", lambda: 1e5)
    with pytest.raises(UserError, match=r"60 times of 48 x 96 that need 0.0 GB with 0.0 GB free"):
        load_fields([weather])


def test_mistakes_in_the_split_are_named(weather):
    cases = [
        ({"validation_fraction": 0.0}, "between 0 and 1, found 0"),
        ({"validation_fraction": 1.0}, "between 0 and 1, found 1"),
        ({"gap_hours": -1.0}, "--gap-hours of 0 or more, found -1"),
        ({"gap_hours": 1000.0}, "found 60 time"),
    ]
    for changes, words in cases:
        with pytest.raises(UserError, match=words):
            training_data.load_training_data(DataConfig(**changes), sources=[weather])


def test_a_constant_field_is_refused(weather):
    flat = weather.copy(deep=True)
    flat["divergence"][:] = 0.0
    with pytest.raises(UserError, match="Expected a divergence that varies"):
        training_data.load_training_data(DataConfig(gap_hours=0.0), sources=[flat])


def warm_weather():
    """Vorticity at a level, and a temperature of 250 to 310 K with small differences."""
    weather = counting_weather()
    waves = np.sin(np.arange(weather.vorticity.size)).reshape(weather.vorticity.shape)
    return weather.assign(
        {
            "temperature@850": (weather.vorticity.dims, (280.0 + 15.0 * waves).astype(np.float32)),
            "vorticity@850": (weather.vorticity.dims, (3e-5 * waves).astype(np.float32)),
        }
    )


def test_sixteen_bits_of_a_temperature_are_a_hundredth_of_a_kelvin():
    """Stored as it is, 310 K would be rounded to steps of a quarter of a kelvin."""
    weather = warm_weather()
    fields = load_fields([weather], channels=("temperature@850", "vorticity@850"))
    error = fields.physical(slice(None))[:, 0].numpy() - weather["temperature@850"].values
    assert np.abs(error).max() < 0.01
    assert fields.offsets is not None and float(fields.offsets[1]) == 0.0
    assert load_fields([weather], channels=CHANNELS).offsets is None


def test_moments_and_patches_of_a_temperature_know_its_offset():
    weather = warm_weather()
    channels = ("temperature@850", "vorticity@850")
    fields = load_fields([weather], channels=channels, storage="float32")
    measured = training_data.measure_normalization(fields, [(0, 40)], mirrored=True)
    expected = SignedLogNormalization.from_fields(weather, channels=channels)
    assert measured.linear == ("temperature@850",)
    assert measured.mean[0] == pytest.approx(expected.mean[0], rel=1e-6)
    assert measured.std == pytest.approx(expected.std, rel=1e-5)
    places = patches.Places(*(np.array([n]) for n in (3, 0, 2, 5)), np.array([True]))
    raw = patches.cut(fields, places.time, places, 4)[0]
    window = weather.isel(time=3, latitude=slice(2, 6), longitude=slice(5, 9))
    np.testing.assert_allclose(raw[0], window["temperature@850"].values[::-1], rtol=1e-6)
    np.testing.assert_allclose(raw[1], -window["vorticity@850"].values[::-1], rtol=1e-5)
    normal = fields.normalize_in_place(measured)
    np.testing.assert_allclose(
        patches.cut(normal, places.time, places, 4)[0], measured.normalize(raw), rtol=1e-4, atol=1e-4
    )
