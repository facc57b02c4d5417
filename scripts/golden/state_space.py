"""S4 in PyTorch, for baselines.py: kernels from their values in the frequency domain, as github.com/tmehari/ssm_ecg has them (Gu, Goel
and Re, ICLR 2022, algorithm 1: Cauchy kernel, Woodbury's identity for the part of rank one, inverse transform), convolutions by
transforms twice as long. Nothing here is computed as the engine computes it.
"""
import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn


def diagonal_plus_low_rank(states):
    """HiPPO-LegS as V (diag(lambda) - p p*) V*: (lambda, p, V* b, V), all states, those with positive imaginary part first."""
    n = np.arange(states)
    r = np.sqrt(2 * n + 1)
    a = -np.tril(np.outer(r, r), -1) - np.diag(n + 1.0)
    p = np.sqrt(n + 0.5)
    normal = a + np.outer(p, p)
    w, v = np.linalg.eigh((normal + 0.5 * np.eye(states)) * -1j)  # Hermitian; ascending
    keep = np.argsort(-w)[:states // 2]
    v, w = v[:, keep], w[keep]
    v = v * np.exp(-1j * np.angle(v[0]))  # The first component real and positive
    v, lam = np.concatenate([v, v.conj()], 1), -0.5 + 1j * np.concatenate([w, -w])
    assert np.allclose(v @ np.diag(lam) @ v.conj().T, normal)
    return [torch.tensor(t) for t in (lam, v.conj().T @ p, v.conj().T @ r, v)]


def kernel(coefficients, dt, length):
    """coefficients (..., states, channels): real, then imaginary parts of c (I - Ad^L) V; dt (channels) -> (..., channels, length)."""
    states = coefficients.shape[-2]
    lam, p, b, _ = diagonal_plus_low_rank(states)
    half = torch.complex(coefficients[..., :states // 2, :], coefficients[..., states // 2:, :]).transpose(-1, -2)
    c = torch.cat([half, half.conj()], -1)[..., None, :]  # (..., channels, 1, states)
    omega = torch.exp(-2j * torch.pi * torch.arange(length // 2 + 1) / length)
    z = 2 * (1 - omega) / (1 + omega)
    cauchy = dt[:, None, None] / (z[:, None] - dt[:, None, None] * lam)  # (channels, frequencies, states)

    def total(left, right):
        return (left * right * cauchy).sum(-1)

    values = total(c, b) - total(c, p) * total(p.conj(), b) / (1 + total(p.conj(), p))
    return torch.fft.irfft(values * 2 / (1 + omega), n=length)


def basis(dt, states, length):
    """(length, states): the kernels of the unit coefficients."""
    return kernel(torch.eye(states, dtype=torch.float64)[..., None], torch.tensor([dt], dtype=torch.float64), length)[:, 0].T


class StateSpace(nn.Module):
    def __init__(self, width, states):
        super().__init__()
        self.C = nn.Parameter(torch.randn(2, states, width))
        self.D = nn.Parameter(torch.randn(width))
        self.register_buffer('log_dt', torch.rand(width) * math.log(100) + math.log(1e-3))

    def forward(self, u):
        """u (N, width, T)"""
        length = u.shape[-1]
        past, future = kernel(self.C, self.log_dt.exp(), length)
        size = 2 * length
        k = F.pad(past, (0, length)) + F.pad(future.flip(-1), (length, 0))
        y = torch.fft.irfft(torch.fft.rfft(u, size) * torch.fft.rfft(k, size), size)[..., :length]
        return y + self.D[:, None] * u


class S4Layer(nn.Module):
    def __init__(self, width, states):
        super().__init__()
        self.s4 = StateSpace(width, states)
        self.value, self.gate = nn.Linear(width, width), nn.Linear(width, width)
        self.norm = nn.LayerNorm(width)

    def forward(self, x):
        y = F.gelu(self.s4(x)).transpose(1, 2)
        y = F.glu(torch.cat([self.value(y), self.gate(y)], -1))
        return self.norm(x.transpose(1, 2) + y).transpose(1, 2)


class S4Body(nn.Module):
    def __init__(self, leads, width, layers, states):
        super().__init__()
        self.encoder = nn.Conv1d(leads, width, 1)
        self.layers = nn.Sequential(*(S4Layer(width, states) for _ in range(layers)))

    def forward(self, x):
        return self.layers(self.encoder(x))
