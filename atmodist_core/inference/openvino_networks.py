"""The encoder and the generator as OpenVINO graphs, with the weights of trained networks and the same interface.

The graphs are written out operation by operation instead of being converted: they take inputs of any size,
and nothing of torch has to be traced.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from atmodist_core.inference.openvino_engine import OpenvinoGraph, openvino
from atmodist_core.networks.encoder import Encoder, ResidualBlock
from atmodist_core.networks.few_filters import FewFiltersConv2d, neighbouring_kernels
from atmodist_core.networks.generator import (
    BLOCKS_PER_CUT,
    Generator,
    GeneratorBlock,
    ResizeStep,
    UpsamplingStep,
)
from atmodist_core.networks.layers import LEAK
from atmodist_core.networks.window_part import WindowPart, relative

Precision = Literal["float32", "bfloat16"]

_BICUBIC_COEFFICIENT = -0.75
"""Of torch's bicubic interpolation (OpenCV's); OpenVINO has the same by default, but may not always."""


def _operations() -> Any:
    openvino()  # a clear sentence where it is missing
    from openvino import opset13

    return opset13


def _weights(tensor: Tensor) -> Any:
    return _operations().constant(np.ascontiguousarray(tensor.detach().cpu().float().numpy()))


def _input(channels: int, name: str, batch: int = 1) -> Any:
    return _operations().parameter([batch, channels, -1, -1], np.float32, name=name)


def _convolution(x: Any, kernel: Tensor, bias: Tensor | None, stride: int = 1) -> Any:
    """Convolve with zero padding; ``same_upper`` is TensorFlow's SAME rule, as in ``layers.same_padding``."""
    ops = _operations()
    y = ops.convolution(x, _weights(kernel), [stride, stride], [0, 0], [0, 0], [1, 1], auto_pad="same_upper")
    return y if bias is None else ops.add(y, _weights(bias.reshape(1, -1, 1, 1)))


def _plain(x: Any, layer: nn.Conv2d) -> Any:
    return _convolution(x, layer.weight, layer.bias, layer.stride[0])


def _to_few_filters(x: Any, layer: FewFiltersConv2d) -> Any:
    """Convolve one field, whose size is a multiple of the layer's groups; see :class:`FewFiltersConv2d`."""
    ops, group = _operations(), layer.neighbours
    kernels, half = neighbouring_kernels(layer.weight, *group), layer.kernel_size[0] // 2
    y = ops.convolution(x, _weights(kernels), list(group), [half, half], [half, half], [1, 1])

    def whole(*numbers: int) -> Any:
        return ops.constant(np.array(numbers, dtype=np.int64))

    size = ops.gather(ops.shape_of(y), whole(2, 3), whole(0))
    y = ops.reshape(y, ops.concat([whole(layer.out_channels, *group), size], 0), False)
    y = ops.transpose(y, whole(0, 3, 1, 4, 2))
    fine = ops.concat([whole(1, layer.out_channels), ops.multiply(size, whole(*group))], 0)
    assert layer.bias is not None
    return ops.add(ops.reshape(y, fine, False), _weights(layer.bias.reshape(1, -1, 1, 1)))


def _normalized(x: Any, layer: nn.Conv2d, norm: nn.BatchNorm2d) -> Any:
    """Convolution and the batch normalisation after it, whose scale goes into the kernel."""
    assert norm.running_var is not None and norm.running_mean is not None
    scale = norm.weight.double() / torch.sqrt(norm.running_var.double() + norm.eps)
    shift = norm.bias.double() - norm.running_mean.double() * scale
    bias = shift if layer.bias is None else shift + layer.bias.double() * scale
    return _convolution(x, layer.weight.double() * scale.reshape(-1, 1, 1, 1), bias, layer.stride[0])


def _leaky(x: Any) -> Any:
    ops = _operations()
    return ops.prelu(x, ops.constant(np.array([LEAK], dtype=np.float32)))


def _enlarged(x: Any, factor: int, mode: str) -> Any:
    """Interpolate along both axes, cell centres kept."""
    ops = _operations()
    return ops.interpolate(
        x,
        ops.constant(np.array([factor, factor], dtype=np.float32)),
        mode,
        "scales",
        coordinate_transformation_mode="half_pixel",
        cube_coeff=_BICUBIC_COEFFICIENT,
        axes=ops.constant(np.array([2, 3])),
    )


def _cut(x: Any, bounds: Any, number: int) -> Any:
    """Cut out a row of ``bounds``: first row, first column, end of rows, end of columns."""
    ops = _operations()
    axis = ops.constant(np.int64(0))
    row = ops.gather(bounds, ops.constant(np.int64(number)), axis)
    first, end = (ops.gather(row, ops.constant(np.array(part)), axis) for part in ((0, 1), (2, 3)))
    return ops.slice(x, first, end, ops.constant(np.array([1, 1])), ops.constant(np.array([2, 3])))


class OpenvinoGenerator:
    """A generator whose two parts, coarse and refining, are OpenVINO graphs."""

    def __init__(self, generator: Generator, precision: Precision) -> None:
        self.config = generator.config
        self._coarse = self._coarse_graph(generator, precision)
        self._refine = self._refining_graph(generator, precision)

    @staticmethod
    def _coarse_graph(generator: Generator, precision: Precision) -> OpenvinoGraph:
        ops, config = _operations(), generator.config
        coarse = _input(config.input_channels, "coarse")
        bounds = ops.parameter([-1, 4], np.int64, name="bounds")
        x = _leaky(_plain(_cut(coarse, bounds, 0), generator.head))
        x = _cut(x, bounds, 1)
        shallow, cuts = _cut(x, bounds, len(config.coarse_margins)), 2
        for number, block in enumerate(generator.blocks, start=1):
            assert isinstance(block, GeneratorBlock)
            x = ops.add(x, _plain(_leaky(_plain(x, block.conv1)), block.conv2))
            if number % BLOCKS_PER_CUT == 0:
                x, cuts = _cut(x, bounds, cuts), cuts + 1
        deep = _cut(_plain(x, generator.trunk), bounds, len(config.coarse_margins) + 1)
        return OpenvinoGraph([coarse, bounds], ops.add(shallow, deep), precision)

    @staticmethod
    def _refining_graph(generator: Generator, precision: Precision) -> OpenvinoGraph:
        ops, config = _operations(), generator.config
        inputs = [_input(config.filters, "features")]
        noise = [_input(config.fine_noise_channels, f"noise{n}") for n in range(len(generator.fine_noise))]
        x = inputs[0]
        for number, step in enumerate(generator.upsampling):
            if isinstance(step, UpsamplingStep):
                x = ops.depth_to_space(_plain(x, step.conv), "depth_first", 2)
            else:
                assert isinstance(step, ResizeStep)
                x = _plain(_enlarged(x, 2, "linear_onnx"), step.conv)
            if noise:
                layer = generator.fine_noise[number]
                assert isinstance(layer, nn.Conv2d)
                x = ops.add(x, _plain(noise[number], layer))
            x = _leaky(x)
        x = _to_few_filters(x, generator.tail)
        if config.residual:
            inputs.append(_input(config.channels, "fields"))
            x = ops.add(x, _enlarged(inputs[1], config.factor, "cubic"))
        return OpenvinoGraph([*inputs, *noise], x, precision)

    def coarse_features(
        self,
        coarse: Tensor,
        between_blocks: Callable[[], None] | None = None,
        wanted: tuple[slice, slice] | None = None,
    ) -> Tensor:
        """Run the coarse part; see :meth:`atmodist_core.networks.Generator.coarse_features`.

        ``between_blocks`` is called while the graph runs, whatever block that is at.
        """
        part = WindowPart(coarse.shape[-2:], wanted)
        kept = [part.bounds(margin) for margin in self.config.coarse_margins]
        whole, target = [(0, size) for size in coarse.shape[-2:]], part.bounds(0)
        # One for every margin, then what is wanted of the head's output and of the last layer's.
        cuts = [relative(now, last) for last, now in itertools.pairwise([whole, *kept])]
        cuts += [relative(target, kept[1]), relative(target, kept[-1])]
        bounds = np.array([[rows[0], columns[0], rows[1], columns[1]] for rows, columns in cuts])
        check = between_blocks or (lambda: None)
        return torch.from_numpy(self._coarse(coarse.contiguous().numpy(), bounds, check=check))

    def refine(self, features: Tensor, coarse: Tensor, *fine_noise: Tensor) -> Tensor:
        """Run the part that raises the resolution; see :meth:`atmodist_core.networks.Generator.refine`."""
        inputs = [features.contiguous().numpy()]
        if self.config.residual:
            inputs.append(coarse[:, : self.config.channels].contiguous().numpy())
        return torch.from_numpy(self._refine(*inputs, *(noise.contiguous().numpy() for noise in fine_noise)))


class OpenvinoEncoder(nn.Module):
    """A trained, frozen encoder as an OpenVINO graph for each layer, compiled when it is first asked for."""

    def __init__(self, encoder: Encoder, precision: Precision) -> None:
        super().__init__()
        self.config = encoder.config
        self._encoder, self._precision = encoder, precision
        self._graphs: dict[str, OpenvinoGraph] = {}

    def forward(self, x: Tensor) -> Tensor:
        """Encode normalised fields; see :class:`atmodist_core.networks.Encoder`."""
        last = self.config.layers[-1]
        return self.features(x, (last,))[last]

    def features(self, x: Tensor, layers: Sequence[str]) -> dict[str, Tensor]:
        """Return the activations at the ends of stages; see :meth:`atmodist_core.networks.Encoder.features`."""
        fields = x.contiguous().numpy()
        return {layer: torch.from_numpy(self._graph(layer)(fields)) for layer in layers}

    def _graph(self, layer: str) -> OpenvinoGraph:
        if self.config.check_layer(layer) not in self._graphs:
            self._graphs[layer] = self._compiled(layer)
        return self._graphs[layer]

    def _compiled(self, layer: str) -> OpenvinoGraph:
        ops, encoder = _operations(), self._encoder
        fields = _input(self.config.channels, "fields", batch=-1)
        x = ops.relu(_normalized(fields, encoder.stem, encoder.stem_norm))
        size, stride = encoder.pool.kernel_size, encoder.pool.stride
        x = ops.max_pool(
            x, [stride, stride], [1, 1], [0, 0], [0, 0], [size, size], auto_pad="same_upper"
        ).output(0)
        for name, stage in encoder.stages.items():
            assert isinstance(stage, nn.Sequential)
            for block in stage:
                assert isinstance(block, ResidualBlock)
                x = _residual(x, block)
            if name == layer:
                break
        return OpenvinoGraph([fields], x, self._precision)


def _residual(x: Any, block: ResidualBlock) -> Any:
    ops = _operations()
    projection = block.projection
    shortcut = _plain(x, projection) if isinstance(projection, nn.Conv2d) else x
    y = ops.relu(_normalized(x, block.conv1, block.norm1))
    return ops.relu(ops.add(_normalized(y, block.conv2, block.norm2), shortcut))
