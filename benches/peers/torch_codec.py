"""The codec in PyTorch, E8 only: what a batch codec of a Python system does."""

import torch

from codec import Codec, run

torch.set_num_threads(1)
torch.set_grad_enabled(False)


def make(lattice):
    return Codec(
        lattice,
        torch,
        array=torch.from_numpy,
        cast=lambda a, dtype: a.to(dtype),
        take=lambda table, index: torch.index_select(table, 0, index),
    )


run("torch", f"torch {torch.__version__}", make, ("e8",), torch.from_numpy, lambda a: a.numpy())
