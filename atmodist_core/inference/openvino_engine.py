"""OpenVINO as an engine for networks on the CPU: a graph, compiled once, for inputs of any size.

OpenVINO is an optional package (the extra ``openvino``). Its convolutions are those of the same library that torch
uses, with everything between two of them fused into one pass over the data.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from atmodist_core.common.errors import UserError

_PRECISIONS = {"float32": "f32", "bfloat16": "bf16"}
_POLL_MILLISECONDS = 20
"""How often cancelling is checked while a graph runs."""


def openvino() -> Any:
    """Return the package; without it raise a UserError."""
    try:
        import openvino as package
    except ImportError:
        raise UserError(
            "The engine openvino needs the package openvino, which is not installed; install it with: pip install "
            "'atmodist-studio[openvino]', or leave the engine out to compute with torch."
        ) from None
    return package


@functools.cache
def openvino_core() -> Any:
    """Return the one core of this process, which lives as long as the process.

    With more than one, the processor plugin leaves a stack for signal handlers behind that is no longer
    there: every new core gives the thread that loads the plugin such a stack and, when it goes, puts the one
    before it back, be that one gone or not. The next signal, a Ctrl-C, then ends the process.
    """
    return openvino().Core()


def check_openvino(precision: str) -> None:
    """Refuse a machine without OpenVINO, or without units for the precision, by a UserError."""
    abilities = openvino_core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    if precision == "bfloat16" and "BF16" not in abilities:
        raise UserError(
            "Expected precision float32 for the engine openvino, since this processor has no units for bfloat16, "
            "found bfloat16: leave the precision out."
        )


class OpenvinoGraph:
    """A graph of OpenVINO operations, compiled for the CPU; several threads may call it at once.

    The precision is that of the convolutions; input and output are float32 in either.
    """

    def __init__(self, inputs: Sequence[Any], output: Any, precision: Literal["float32", "bfloat16"]) -> None:
        package = openvino()
        model = package.Model([output], list(inputs), "network")
        self._compiled = openvino_core().compile_model(
            model,
            "CPU",
            {
                "INFERENCE_PRECISION_HINT": _PRECISIONS[precision],
                "INFERENCE_NUM_THREADS": torch.get_num_threads(),
                "NUM_STREAMS": 1,
                # Threads tied to a core wait for it where others, such as torch's, use it too.
                "ENABLE_CPU_PINNING": False,
            },
        )

    def __call__(
        self, *arrays: NDArray[Any], check: Callable[[], None] = lambda: None
    ) -> NDArray[np.float32]:
        """Compute the output from one C-contiguous array for each input.

        ``check`` is called every few hundredths of a second while the graph runs and raises to stop it.
        """
        # A request of its own for every call: they are cheap, and one must not be used from two threads.
        request = self._compiled.create_infer_request()
        request.start_async(list(arrays), share_inputs=True)
        try:
            while not request.wait_for(_POLL_MILLISECONDS):
                check()
        except BaseException:
            request.cancel()
            # The arrays are shared with the request, which must have let go of them before they go; waiting for a
            # request that was stopped is an error by its book.
            with contextlib.suppress(RuntimeError):
                request.wait()
            raise
        return np.array(request.get_output_tensor(0).data)
