"""Products of tables with rows and coefficients, in every memory order that a processor may prefer."""

import pytest
import torch

from atmodist_core.harmonics import blocks
from tests.harmonics.random_coefficients import relative_error

ORDERS, DEGREES, ROWS = 5, 11, 7


@pytest.fixture
def table():
    return torch.randn(ORDERS, DEGREES, ROWS, dtype=torch.float64)


@pytest.mark.parametrize("made_by_amd", [False, True])
@pytest.mark.parametrize("columns", [1, 2, 4, 5, 8, 9, 16])
def test_project_is_the_sum_over_rows(table, columns, made_by_amd, monkeypatch):
    monkeypatch.setattr(blocks, "is_made_by_amd", lambda: made_by_amd)
    rows = torch.randn(ORDERS, ROWS + 2, columns, dtype=torch.float64)[:, 2:]
    expected = torch.einsum("odr,orc->odc", table, rows)
    assert relative_error(blocks.project(table, rows), expected) < 1e-14


@pytest.mark.parametrize("columns", [1, 2, 4, 5, 8, 9, 16])
def test_spread_is_the_sum_over_degrees_and_terms(table, columns):
    first, second = torch.randn(2, ORDERS, DEGREES, columns, dtype=torch.float64)
    other = torch.randn_like(table)
    expected = torch.einsum("odr,odc->orc", table, first) + torch.einsum("odr,odc->orc", other, second)
    terms = [(table, first), (other, second)]
    assert relative_error(blocks.spread(terms), expected) < 1e-14
    out = torch.empty(ORDERS, ROWS, columns, dtype=torch.float64)
    assert blocks.spread(terms, out) is out
    assert relative_error(out, expected) < 1e-14
