"""HC-CNN-TN in PyTorch: the same network as model/hc_cnn_tn.h, as yardstick and as source of golden values.

Layout is PyTorch's: signals (N, leads, T), features (N, F), logits (N, classes). Names in state_dict() are those of the
project's model files: cnn.<i>, encoder.layers.<i>, hc.<i>, head.<i>.
"""
import math

import torch
from torch import nn


class SinusoidalPositions(nn.Module):
    """Adds sin and cos of the position at wavelengths from 2 pi to 10000 * 2 pi to (N, T, D), D even. No parameters."""

    def forward(self, x):
        time, width = x.shape[1], x.shape[2]
        position = torch.arange(time, device=x.device, dtype=x.dtype)[:, None]
        rate = torch.exp(torch.arange(0, width, 2, device=x.device, dtype=x.dtype) * (-math.log(10000.0) / width))
        angle = position * rate
        return x + torch.stack([angle.sin(), angle.cos()], 2).reshape(time, width)


class HcCnnTn(nn.Module):
    """CNN and Transformer over the signal, a small network over the hand-crafted features, one head over both.

    `channels` and `kernels` (odd) give one block Conv1d, BatchNorm1d, ReLU, MaxPool1d(2) each; then sinusoidal
    positions, `layers` post-norm encoder layers of `heads` heads and feed-forward width `ff`, the mean over time;
    features -> 64 -> 64, each with BatchNorm1d and ReLU; head (channels[-1] + 64) -> 128 -> `classes`. With features=0
    there is no feature branch and the head takes the signal alone. The defaults have 1,248,261 parameters for 5 classes
    and 29 features. `positions=False` leaves the positions out; with `pool='mean_max'` the head gets the maximum over
    time beside the mean.
    """

    def __init__(self, classes, features, leads=12, channels=(64, 128, 256), kernels=(7, 5, 3), layers=2, heads=8,
                 ff=512, dropout=0.1, head_dropout=0.1, positions=True, pool='mean', feature_width=64, head_width=128):
        super().__init__()
        blocks, width = [], leads
        for c, k in zip(channels, kernels, strict=True):
            blocks += [nn.Conv1d(width, c, k, padding=k // 2), nn.BatchNorm1d(c), nn.ReLU(), nn.MaxPool1d(2)]
            width = c
        self.cnn = nn.Sequential(*blocks)
        self.positions = SinusoidalPositions() if positions else nn.Identity()
        self.pool = pool
        self.encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(width, heads, ff, dropout, batch_first=True),
                                             layers, enable_nested_tensor=False)
        self.hc = None
        if features:
            fw = feature_width
            self.hc = nn.Sequential(nn.Linear(features, fw), nn.BatchNorm1d(fw), nn.ReLU(),
                                    nn.Linear(fw, fw), nn.BatchNorm1d(fw), nn.ReLU())
        joined = width * (2 if pool == 'mean_max' else 1) + (feature_width if features else 0)
        self.head = nn.Sequential(nn.Linear(joined, head_width), nn.ReLU(), nn.Dropout(head_dropout),
                                  nn.Linear(head_width, classes))

    def forward(self, x, f):
        y = self.encoder(self.positions(self.cnn(x).transpose(1, 2)))
        h = torch.cat([y.mean(1), y.amax(1)], 1) if self.pool == 'mean_max' else y.mean(1)
        if self.hc is not None:
            h = torch.cat([h, self.hc(f)], 1)
        return self.head(h)
