"""A convolution to a few fields, computed for neighbouring points at once, is the plain one."""

import pytest
import torch
from torch.nn import functional

from atmodist_core.networks.few_filters import FewFiltersConv2d, neighbouring_kernels, neighbours
from atmodist_core.networks.layers import SameConv2d, SameMaxPool2d, same_padding


@pytest.mark.parametrize("filters", [1, 2, 3, 7, 9])
@pytest.mark.parametrize("kernel", [3, 9])
@pytest.mark.parametrize("size", [(8, 8), (7, 9), (1, 1), (13, 4)])
def test_values_and_gradients_are_those_of_the_plain_convolution(filters, kernel, size):
    torch.manual_seed(0)
    fast = FewFiltersConv2d(5, filters, kernel).double()
    plain = SameConv2d(5, filters, kernel).double()
    plain.load_state_dict(fast.state_dict())  # the names of the parameters are the same
    x = torch.randn(2, 5, *size, dtype=torch.float64, requires_grad=True)
    weights = torch.randn(2, filters, *size, dtype=torch.float64)
    results, gradients = [], []
    for layer in (fast, plain):
        results.append(layer(x))
        learned = [x, layer.weight, layer.bias]
        gradients.append(torch.autograd.grad((results[-1] * weights).sum(), learned))
    torch.testing.assert_close(*results, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(*gradients, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_layout_and_precision_of_the_input_are_kept(layout, dtype):
    torch.manual_seed(0)
    layer = FewFiltersConv2d(16, 2, 9).requires_grad_(False).to(dtype)
    x = torch.randn(1, 16, 24, 20).to(dtype=dtype, memory_format=layout)
    expected = functional.conv2d(x.double(), layer.weight.double(), layer.bias.double(), padding=4)
    found = layer(x)
    assert found.dtype == dtype
    tolerance = 1e-5 if dtype == torch.float32 else 2e-2
    torch.testing.assert_close(found.double(), expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("filters", range(1, 40))
def test_a_group_fills_a_vector_and_no_more(filters):
    rows, columns = neighbours(filters)
    assert rows in (1, 2, 4) and columns in (1, 2, 4)
    assert rows * columns == 1 or filters * rows * columns <= 16
    assert filters > 8 or filters * rows * columns > 8
    assert neighbours(filters, 2, 1) in ((2, 1), (1, 1))


def test_every_kernel_of_a_group_is_the_same_one_moved():
    kernel = torch.randn(3, 2, 5, 5)
    group = neighbouring_kernels(kernel, 4, 2).unflatten(0, (3, 4, 2))
    assert group.shape == (3, 4, 2, 2, 8, 6)
    for row in range(4):
        for column in range(2):
            moved = group[:, row, column]
            assert torch.equal(moved[..., row : row + 5, column : column + 5], kernel)
            assert moved.count_nonzero() == kernel.count_nonzero()


@pytest.mark.parametrize("size", [(1, 1), (2, 2), (2, 7), (80, 80), (9, 12), (11, 11)])
def test_pooling_of_rectified_fields_follows_the_rule_for_any_size(size):
    x = torch.randn(2, 3, *size).relu_()
    pads = [max((-(-n // 2) - 1) * 2 + 3 - n, 0) for n in size]
    around = [side for pad in reversed(pads) for side in (pad // 2, pad - pad // 2)]
    expected = functional.max_pool2d(functional.pad(x, around), 3, 2)
    assert torch.equal(SameMaxPool2d(3, 2)(x), expected)


@pytest.mark.parametrize(("kernel", "stride"), [(2, 2), (3, 1), (4, 2), (5, 3), (2, 3)])
def test_pooling_follows_the_rule_for_other_windows(kernel, stride):
    for size in range(1, 14):
        x = torch.randn(1, 2, size, size).relu_()
        before, after = same_padding(size, kernel, stride)
        expected = functional.max_pool2d(functional.pad(x, (before, after) * 2), kernel, stride)
        assert torch.equal(SameMaxPool2d(kernel, stride)(x), expected)


def test_pooling_refuses_what_would_lose_a_window():
    with pytest.raises(ValueError, match="odd kernel"):
        SameMaxPool2d(2, 1)
