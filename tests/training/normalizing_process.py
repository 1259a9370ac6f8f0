"""One of two processes that normalise half a batch each; test_distributed.py starts them, it is no test.

python tests/training/normalizing_process.py RANK PORT FOLDER
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import torch
from safetensors.torch import load_file, save_file
from torch import distributed

from atmodist_core.training.loop.distributed import any_process, mean_over_processes, same_on_all_processes
from atmodist_core.training.loop.synchronized_batch_norm import synchronize_batch_norm


def main(rank: int, port: str, folder: Path) -> None:
    """Normalise this process's half, differentiate, and write what came out."""
    address = f"tcp://127.0.0.1:{port}"
    distributed.init_process_group("gloo", init_method=address, rank=rank, world_size=2)
    given = load_file(folder / "given.safetensors")
    network = synchronize_batch_norm(torch.nn.Sequential(torch.nn.BatchNorm2d(3)), "cpu")
    network.load_state_dict({k.removeprefix("norm."): v for k, v in given.items() if k.startswith("norm.")})
    x = given["x"][rank::2].requires_grad_()
    y = network(x)
    (y * given["weights"][rank::2]).sum().backward()
    found = {"y": y.detach(), "x": x.grad, "weight": network[0].weight.grad, "bias": network[0].bias.grad}
    found |= {"mean": network[0].running_mean, "variance": network[0].running_var}
    found["eval"] = network.eval()(x).detach()
    found["any"] = torch.tensor([any_process(rank == 1), any_process(False)])
    found["same"] = torch.tensor([same_on_all_processes(7), same_on_all_processes(rank)])
    found["average"] = mean_over_processes({"loss": torch.tensor(float(rank))})["loss"]
    save_file({name: tensor.contiguous() for name, tensor in found.items()}, folder / f"{rank}.safetensors")
    distributed.destroy_process_group()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
