"""Device and precision of a training."""

import logging
import os
from dataclasses import dataclass
from typing import Any

import torch

from atmodist_core.common.cpu import processor_flags, processor_name
from atmodist_core.common.errors import UserError


@dataclass(frozen=True)
class Hardware:
    """A device (``cpu``, ``cuda``, ``mps``) and a precision (``float32`` or ``bfloat16``, with weights in float32)."""

    device: str
    precision: str

    def describe(self) -> str:
        """Return a description for the model card and the first line of a run."""
        if self.device == "cuda":
            name = torch.cuda.get_device_name()
        else:
            name = (
                f"{processor_name()}, {torch.get_num_threads()} thread(s)"
                if self.device == "cpu"
                else "Apple GPU"
            )
        return f"{name}, {self.precision}"


def choose_hardware(
    device: str = "auto", precision: str = "auto", threads: int = 0, deterministic: bool = True
) -> Hardware:
    """Resolve ``auto``, set the CPU threads and how cuDNN chooses algorithms; refuse a device that is not here."""
    if threads < 0:
        raise UserError(f"Expected --threads of 0 or more, found {threads}; 0 leaves the choice to PyTorch.")
    if threads:
        torch.set_num_threads(threads)
    present = {"cpu"} | ({"cuda"} if torch.cuda.is_available() else set())
    present |= {"mps"} if torch.backends.mps.is_available() else set()
    if device == "auto":
        device = next(name for name in ("cuda", "mps", "cpu") if name in present)
    if device not in present:
        raise UserError(
            f"Expected a device that this machine has ({', '.join(sorted(present))}), found --device"
            f" {device}; use --device auto."
        )
    torch.backends.cudnn.deterministic = deterministic
    torch.backends.cudnn.benchmark = not deterministic
    if precision == "auto":
        precision = "bfloat16" if has_bfloat16_units(device) else "float32"
    return Hardware(device, precision)


def has_bfloat16_units(device: str) -> bool:
    """Whether bfloat16 is computed by units made for it (elsewhere it would be slower than float32)."""
    if device == "cuda":
        return torch.cuda.get_device_capability()[0] >= 8
    if device != "cpu":
        return False
    return bool(processor_flags() & {"amx_bf16", "avx512_bf16", "bf16"})


def use_channels_last(*modules: torch.nn.Module) -> None:
    """Lay kernels out with channels last, in place; what the modules compute then has that layout too."""
    for module in modules:
        module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def check_batch_is_shared(batch_size: int, processes: int) -> None:
    """Refuse a batch that the processes cannot share evenly: their gradients would count differently."""
    if batch_size % processes:
        raise UserError(
            f"Expected a --batch-size that {processes} processes share evenly, found {batch_size}; choose"
            f" {max(1, batch_size // processes) * processes}."
        )


def make_fabric(hardware: Hardware) -> Any:
    """Lightning Fabric for this hardware: one process, or those that ``torchrun`` started."""
    from lightning_fabric import Fabric

    # It would log the precision, which the first line of a run states already.
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)
    processes = int(os.environ.get("WORLD_SIZE", "1"))
    nodes = max(1, processes // int(os.environ.get("LOCAL_WORLD_SIZE", str(processes))))
    return Fabric(
        accelerator=hardware.device,
        devices=processes // nodes,
        num_nodes=nodes,
        strategy="ddp" if processes > 1 else "auto",
        precision="bf16-mixed" if hardware.precision == "bfloat16" else "32-true",
    )
