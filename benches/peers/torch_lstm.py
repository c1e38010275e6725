"""PyTorch on one thread: a step of Adam and an epoch of an LSTM network, as we train one."""

import numpy as np
import torch

from protocol import report, require

D, H, LAYERS, LAG, WINDOWS = 20, 64, 2, 5, 10_000
SIZE = f"d{D}-h{H}-l{LAYERS}-lag{LAG}"


class Net(torch.nn.Module):
    """Two layers, layer normalisation of the last hidden state, and a head."""

    def __init__(self):
        super().__init__()
        self.lstm = torch.nn.LSTM(D, H, LAYERS, batch_first=True)
        self.norm = torch.nn.LayerNorm(H)
        self.out = torch.nn.Linear(H, D)

    def forward(self, x):
        return self.out(self.norm(self.lstm(x)[1][0][-1]))


class Training:
    """A network with its optimiser, and normalised windows with the states after them."""

    def __init__(self):
        torch.manual_seed(1)
        self.net = Net()
        self.optimiser = torch.optim.Adam(self.net.parameters(), lr=1e-3, weight_decay=1e-5, fused=True)
        states = np.random.default_rng(1).standard_normal((WINDOWS + LAG, D), np.float32)
        self.x = torch.from_numpy(np.stack([states[k : k + WINDOWS] for k in range(LAG)], 1))
        self.y = torch.from_numpy(states[LAG:])

    def loss(self, x, y):
        return torch.nn.functional.mse_loss(self.net(x), y)

    def step(self, x, y):
        self.optimiser.zero_grad()
        self.loss(x, y).backward()
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), 5.0)
        self.optimiser.step()

    def epoch(self, n):
        """A pass over 80 % of the windows in random order, and the loss of the others."""
        order = torch.randperm(WINDOWS * 4 // 5)
        for batch in order.split(n):
            self.step(self.x[batch], self.y[batch])
        with torch.no_grad():
            self.loss(self.x[len(order) :], self.y[len(order) :])

    def is_right(self):
        """Whether a derivative is that of central differences in f64."""
        net = Net().double()
        x, y = self.x[:16].double(), self.y[:16].double()
        loss = lambda: torch.nn.functional.mse_loss(net(x), y)
        loss().backward()
        weight = net.lstm.weight_hh_l0
        with torch.no_grad():
            weight[3, 5] += 1e-5
            above = loss().item()
            weight[3, 5] -= 2e-5
            below = loss().item()
        return abs((above - below) / 2e-5 - weight.grad[3, 5].item()) < 1e-8


def main():
    torch.set_num_threads(1)
    version = f"torch {torch.__version__}"
    require(Training().is_right(), "the gradient is wrong")
    for n in (512, 32):
        training = Training()
        x, y = training.x[:n].clone(), training.y[:n].clone()
        report(f"lstm/train-step-{SIZE}/n{n}", "torch", version, n, lambda: training.step(x, y))
        training = Training()
        before = training.loss(training.x, training.y).item()
        training.epoch(n)
        require(training.loss(training.x, training.y).item() < before, "an epoch gains nothing")
        report(f"lstm/train-epoch-{SIZE}/n{n}", "torch", version, WINDOWS, lambda: training.epoch(n))


main()
