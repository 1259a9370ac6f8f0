"""Truncation of fields on the globe."""

import numpy as np
import pytest

from atmodist_core.common.errors import UserError
from atmodist_core.evaluation.diagnostics.spectra import energy_spectrum
from atmodist_core.harmonics.global_transform import truncated
from tests.evaluation.mock_fields import globe


@pytest.mark.parametrize(
    ("rows", "grid"),
    [(48, "cell-centred"), (49, "equiangular-with-poles"), (48, "driscoll-healy")],
)
@pytest.mark.parametrize("southwards", [True, False])
def test_truncation_keeps_every_degree_up_to_it_and_none_beyond(rows, grid, southwards):
    ds = globe(rows, grid, truncation=22, slope=-1.0)
    if not southwards:
        ds = ds.isel(latitude=slice(None, None, -1))
    cut = truncated(ds, 15)
    before, after = (energy_spectrum(x).vorticity[0].values for x in (ds, cut))
    np.testing.assert_allclose(after[1:16], before[1:16], rtol=1e-4)
    assert after[16:].max() < 1e-9 * before[16:23].min()
    assert cut.attrs["truncation"] == 15 and cut.vorticity.attrs == ds.vorticity.attrs
    assert cut.vorticity.dtype == ds.vorticity.dtype
    again = truncated(cut, 15)
    np.testing.assert_allclose(again.vorticity, cut.vorticity, atol=2e-6 * float(abs(cut.vorticity).max()))


def test_a_field_within_the_truncation_stays_as_it_is():
    ds = globe(48, "cell-centred", truncation=12)
    cut = truncated(ds, 12)
    np.testing.assert_allclose(cut.vorticity, ds.vorticity, atol=2e-6 * float(abs(ds.vorticity).max()))


def test_what_cannot_be_truncated_is_said():
    ds = globe(48, "cell-centred")
    with pytest.raises(UserError, match="whole globe"):
        truncated(ds.isel(longitude=slice(0, 20)), 10)
    with pytest.raises(UserError, match="truncation from 1 to"):
        truncated(ds, 100)
