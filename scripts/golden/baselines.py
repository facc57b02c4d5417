"""Golden values of the baselines from PyTorch: logits, loss, gradients.

Usage: baselines.py [OUT.safetensors]      (default: tests/model/golden/baselines.safetensors)

Small configurations of fcn_wang, resnet1d_wang, inception1d, xresnet1d101, lstm and lstm_bidir, built here from
torch.nn's layers by the tables of Strodthoff et al. 2021 (github.com/helme/ecg_ptbxl_benchmarking), of s4 (state_space.py),
and of the stand-ins mrf_cnn_standin, cnn_bilstm_standin, resnet34_standin, xecgnet_standin, cnn_entropy_standin and
multibranch_cnn_standin. Everything is computed in double precision
and stored as float32; dropout is 0. For each model the file holds
  <model>.state        the initial state, all tensors of state_dict() but num_batches_tracked, by name, flattened and
                       joined
  <model>.grads        the gradients of the loss, likewise, by the names of the parameters
  <model>.logits, .loss        forward in training mode
  <model>.eval_logits          in evaluation mode after that pass
and x (N, leads, T), y (N, classes); as metadata the sizes. s4_basis (3, 250, 8): the functions that S4's kernels of 250
samples and 8 states are made of, for steps of 0.001, 0.01 and 0.1. The same as features.fcn_wang.* for fcn_wang with hand-crafted
features f (N, features), which the source does not have: HC-CNN-TN's branch reads them, and the head gets what it makes
of them beside the pooled channels; and as features.cnn_entropy_standin.* for that, with a branch of its own.
"""
import argparse
import collections
import json
import pathlib

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from state_space import S4Body, basis
from torch import nn

ROOT = pathlib.Path(__file__).resolve().parents[2]
LEADS, SAMPLES, RECORDS, CLASSES, HEAD = 3, 69, 4, 3, 6
FEATURES, BRANCH = 3, 7
SEED_WITH_FEATURES = 1  # with others a channel of the head is nearly constant, and its batch norm enlarges rounding


def conv(i, o, k=1, s=1):
    return nn.Conv1d(i, o, k, s, (k - 1) // 2, bias=False)


def conv_norm(i, o, k=1, s=1, relu=True):
    return nn.Sequential(conv(i, o, k, s), nn.BatchNorm1d(o), *([nn.ReLU()] if relu else []))


class BasicBlock(nn.Module):
    def __init__(self, c, kernels, stride):
        super().__init__()
        self.conv1, self.bn1 = conv(c, c, kernels[0], stride), nn.BatchNorm1d(c)
        self.conv2, self.bn2 = conv(c, c, kernels[1]), nn.BatchNorm1d(c)
        self.downsample = conv_norm(c, c, 1, stride, False) if stride > 1 else nn.Identity()

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(y + self.downsample(x))


class InceptionModule(nn.Module):
    def __init__(self, i, filters, bottleneck, kernels):
        super().__init__()
        self.bottleneck = conv(i, bottleneck)
        self.convs = nn.ModuleList(conv(bottleneck, filters, k) for k in kernels)
        self.conv_bottle = nn.Sequential(nn.MaxPool1d(3, 1, 1), conv(i, filters))
        self.bn_relu = nn.Sequential(nn.BatchNorm1d(filters * (len(kernels) + 1)), nn.ReLU())

    def forward(self, x):
        narrow = self.bottleneck(x)
        return self.bn_relu(torch.cat([c(narrow) for c in self.convs] + [self.conv_bottle(x)], 1))


class Shortcut(nn.Module):
    def __init__(self, i, o):
        super().__init__()
        self.conv, self.bn = conv(i, o), nn.BatchNorm1d(o)

    def forward(self, x):
        return self.bn(self.conv(x))


class InceptionBody(nn.Module):
    def __init__(self, modules, filters, bottleneck, kernels):
        super().__init__()
        c = filters * (len(kernels) + 1)
        self.im = nn.ModuleList(InceptionModule(c if d else LEADS, filters, bottleneck, kernels)
                                for d in range(modules))
        self.sk = nn.ModuleList(Shortcut(c if d else LEADS, c) for d in range(modules // 3))

    def forward(self, x):
        before = x
        for d, module in enumerate(self.im):
            x = module(x)
            if d % 3 == 2:
                x = F.relu(x + self.sk[d // 3](before))
                before = x
        return x


class BottleneckBlock(nn.Module):
    def __init__(self, i, width, kernel, stride):
        super().__init__()
        o = 4 * width
        self.convs = nn.Sequential(conv_norm(i, width), conv_norm(width, width, kernel, stride),
                                   conv_norm(width, o, relu=False))
        self.pool = nn.AvgPool1d(2, ceil_mode=True) if stride > 1 else nn.Identity()
        self.idpath = nn.Sequential(*([conv_norm(i, o, relu=False)] if i != o else []))

    def forward(self, x):
        return F.relu(self.convs(x) + self.idpath(self.pool(x)))


class Classifier(nn.Module):
    def __init__(self, body, channels, features):
        super().__init__()
        self.body = body
        joined = 2 * channels + (BRANCH if features else 0)
        self.head = nn.Sequential(nn.Identity(), nn.Identity(), nn.BatchNorm1d(joined), nn.Identity(),
                                  nn.Linear(joined, HEAD), nn.ReLU(), nn.BatchNorm1d(HEAD), nn.Identity(),
                                  nn.Linear(HEAD, CLASSES))
        if features:
            self.hc = nn.Sequential(nn.Linear(features, BRANCH), nn.BatchNorm1d(BRANCH), nn.ReLU(),
                                    nn.Linear(BRANCH, BRANCH), nn.BatchNorm1d(BRANCH), nn.ReLU())

    def forward(self, x, f=None):
        y = self.body(x)
        joined = [F.adaptive_max_pool1d(y, 1)[..., 0], y.mean(-1)]
        return self.head(torch.cat(joined if f is None else [*joined, self.hc(f)], 1))


class MrfBlock(nn.Module):
    def __init__(self, i, o, dilations):
        super().__init__()
        each = o // len(dilations)
        self.branches = nn.ModuleList(nn.Conv1d(i, each, 3, padding=d, dilation=d, bias=False) for d in dilations)
        self.rest = nn.Sequential(nn.BatchNorm1d(o), *conv_norm(o, o, relu=False))
        self.shortcut = conv_norm(i, o, relu=False) if i != o else nn.Identity()

    def forward(self, x):
        y = torch.cat([branch(x) for branch in self.branches], 1)
        y = self.rest[2](self.rest[1](F.relu(self.rest[0](y))))
        return F.max_pool1d(F.relu(y + self.shortcut(x)), 2)


class Excitation(nn.Module):
    def __init__(self, c, reduction):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(c, c // reduction), nn.ReLU(), nn.Linear(c // reduction, c))

    def forward(self, x):
        return x * torch.sigmoid(self.layers(x.mean(-1)))[..., None]


class ResidualBlock(nn.Module):
    def __init__(self, i, o, kernel, stride, reduction):
        super().__init__()
        if reduction:
            self.se = Excitation(o, reduction)
        self.conv1, self.bn1 = conv(i, o, kernel, stride), nn.BatchNorm1d(o)
        self.conv2, self.bn2 = conv(o, o, kernel), nn.BatchNorm1d(o)
        self.downsample = conv_norm(i, o, 1, stride, False) if stride > 1 or i != o else nn.Identity()

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        y = self.se(y) if hasattr(self, 'se') else y
        return F.relu(y + self.downsample(x))


class Standin(nn.Module):
    """A body, what `summary` makes of it over time, a head."""
    def __init__(self, body, summary, head):
        super().__init__()
        self.body, self.summary, self.head = body, summary, head

    def forward(self, x, f=None):
        return self.head(self.summary(self.body(x)))


class Bidirectional(nn.Module):
    def __init__(self, convs, inputs, width):
        super().__init__()
        self.convs, self.lstm = convs, nn.LSTM(inputs, width, batch_first=True, bidirectional=True)

    def forward(self, x):
        return self.lstm(self.convs(x).transpose(1, 2))[0].transpose(1, 2)


class EntropyNet(nn.Module):
    """Strided convolutions, all their results sample by sample, and beside them a small network's of the features."""
    def __init__(self, channels, kernels, features):
        super().__init__()
        widths, samples = [LEADS, *channels], SAMPLES
        layers = []
        for i, o, k in zip(widths, channels, kernels):
            layers += [conv_norm(i, o, k, 2, False), nn.LeakyReLU(0.01)]
            samples = (samples + 1) // 2
        self.body = nn.Sequential(*layers)
        if features:
            self.hc = nn.Sequential(nn.BatchNorm1d(features), nn.Linear(features, BRANCH), nn.BatchNorm1d(BRANCH),
                                    nn.LeakyReLU(0.01))
        self.head = nn.Sequential(nn.Identity(), nn.Linear(samples * widths[-1] + (BRANCH if features else 0), CLASSES))

    def forward(self, x, f=None):
        y = self.body(x).transpose(1, 2).flatten(1)
        return self.head(y if f is None else torch.cat([y, self.hc(f)], 1))


class TimeAttention(nn.Module):
    def __init__(self, channels, width):
        super().__init__()
        self.hidden = nn.Linear(channels, width)
        self.score = nn.Parameter(torch.randn(1, width) / width ** 0.5)

    def forward(self, x):
        """x (N, T, channels)"""
        weights = torch.softmax(torch.tanh(self.hidden(x)) @ self.score[0], -1)
        return torch.einsum('nt,ntc->nc', weights, x)


class MapConvolution(nn.Module):
    """3 x 3, batch norm, ReLU; the weight is stored (outputs, rows and inputs, columns)."""
    def __init__(self, i, o):
        super().__init__()
        self.layers = conv_norm(3 * i, o, 3)

    def forward(self, x):
        weight = self.layers[0].weight
        o, _, k = weight.shape
        y = F.conv2d(x, weight.view(o, 3, -1, k).transpose(1, 2), padding=1)
        n = self.layers[1]
        y = F.batch_norm(y, n.running_mean, n.running_var, n.weight, n.bias, self.training, n.momentum, n.eps)
        return F.relu(y)


class Branches(nn.Module):
    def __init__(self, channels, kernels, width, attention_width, map_channels):
        super().__init__()
        layers, i = {}, 1
        for o, k in zip(channels, kernels):
            layers[str(len(layers))] = conv_norm(i, o, k)
            layers[str(len(layers))] = nn.MaxPool1d(2)
            i = o
        layers['lstm'] = nn.LSTM(i, width, batch_first=True, bidirectional=True)
        layers['attention'] = TimeAttention(2 * width, attention_width)
        self.lead = nn.ModuleDict(layers)
        self.maps = nn.ModuleList(MapConvolution(i, o) for i, o in zip([1, *map_channels], map_channels))

    def forward(self, x):
        y = x.flatten(0, 1)[:, None]  # (N * leads, 1, T): one set of weights and of statistics for all leads
        for name, layer in self.lead.items():
            if name == 'lstm':
                y = layer(y.transpose(1, 2))[0]
            else:
                y = layer(y)
        y = y.view(len(x), 1, x.shape[1], -1)  # A map of leads and values
        for i, layer in enumerate(self.maps):
            y = layer(F.max_pool2d(y, 2) if i else y)
        return y.permute(0, 2, 3, 1).flatten(1)


def mean_max(y):
    return torch.cat([y.mean(-1), y.amax(-1)], 1)


class RecurrentClassifier(nn.Module):
    """Behind the LSTM: mean, maximum and last sample of all channels, of the backward direction too."""
    def __init__(self, width, layers, bidirectional):
        super().__init__()
        channels = 3 * (2 if bidirectional else 1) * width
        rows = (nn.Identity(), nn.Identity(),
                nn.LSTM(LEADS, width, layers, batch_first=True, bidirectional=bidirectional))
        self.body = nn.ModuleList(rows)
        self.head = nn.Sequential(nn.Identity(), nn.BatchNorm1d(channels), nn.Identity(), nn.Linear(channels, HEAD),
                                  nn.ReLU(), nn.BatchNorm1d(HEAD), nn.Identity(), nn.Linear(HEAD, CLASSES))

    def forward(self, x, f=None):
        y = self.body[2](x.transpose(1, 2))[0]
        return self.head(torch.cat([y.mean(1), y.amax(1), y[:, -1]], 1))


def fcn_wang(channels, kernels):
    widths = [LEADS, *channels]
    return nn.Sequential(*(nn.Sequential(conv_norm(i, o, k)) for i, o, k in zip(widths, channels, kernels))), widths[-1]


def resnet1d_wang(channels, blocks, stem_kernel, kernels):
    groups = (nn.Sequential(BasicBlock(channels, kernels, 2 if b else 1)) for b in range(blocks))
    return nn.Sequential(conv(LEADS, channels, stem_kernel), nn.BatchNorm1d(channels), nn.ReLU(), *groups), channels


def inception1d(modules, bottleneck, filters, kernels):
    return InceptionBody(modules, filters, bottleneck, kernels), filters * (len(kernels) + 1)


def xresnet1d101(stem, blocks, width, kernel):
    layers, i = [], LEADS
    for o in stem:
        layers.append(conv_norm(i, o, kernel, 1 if layers else 2))
        i = o
    layers.append(nn.MaxPool1d(3, 2, 1))
    for g, count in enumerate(blocks):
        group = []
        for b in range(count):
            group.append(BottleneckBlock(i, width, kernel, 2 if g and not b else 1))
            i = 4 * width
        layers.append(nn.Sequential(*group))
    return nn.Sequential(*layers), i


def lstm(width, layers):
    return RecurrentClassifier(width, layers, False)


def lstm_bidir(width, layers):
    return RecurrentClassifier(width, layers, True)


def s4(width, layers, states):
    head = nn.Sequential(nn.Identity(), nn.Linear(width, CLASSES))
    return Standin(S4Body(LEADS, width, layers, states), lambda y: y.mean(-1), head)


def mrf_cnn_standin(stem, stem_kernel, channels, dilations):
    widths = [stem, *channels]
    blocks = (MrfBlock(i, o, dilations) for i, o in zip(widths, channels))
    body = nn.Sequential(conv_norm(LEADS, stem, stem_kernel), nn.MaxPool1d(2), *blocks)
    return Standin(body, lambda y: y.mean(-1), nn.Sequential(nn.Identity(), nn.Linear(widths[-1], CLASSES)))


def cnn_bilstm_standin(channels, kernels, width):
    widths = [LEADS, *channels]
    convs = [layer for i, o, k in zip(widths, channels, kernels) for layer in (conv_norm(i, o, k), nn.MaxPool1d(2))]
    head = nn.Sequential(nn.Linear(4 * width, HEAD), nn.ReLU(), nn.Identity(), nn.Linear(HEAD, CLASSES))
    return Standin(Bidirectional(nn.Sequential(*convs), widths[-1], width), mean_max, head)


def residual(channels, blocks, stem_kernel, kernel, reduction):
    layers = {'conv1': conv(LEADS, channels[0], stem_kernel, 2), 'bn1': nn.BatchNorm1d(channels[0]), 'relu': nn.ReLU(),
              'maxpool': nn.MaxPool1d(3, 2, 1)}
    i = channels[0]
    for stage, (o, count) in enumerate(zip(channels, blocks)):
        inputs = [i] + [o] * (count - 1)
        layers[f'layer{stage + 1}'] = nn.Sequential(*(ResidualBlock(inputs[b], o, kernel, 2 if stage and not b else 1, reduction)
                                                      for b in range(count)))
        i = o
    return nn.Sequential(collections.OrderedDict(layers)), i


def resnet34_standin(**sizes):
    body, channels = residual(**sizes, reduction=0)
    return Standin(body, mean_max, nn.Sequential(nn.Identity(), nn.Linear(2 * channels, CLASSES)))


def xecgnet_standin(**sizes):
    body, channels = residual(**sizes)
    return Standin(body, lambda y: y.mean(-1), nn.Sequential(nn.Identity(), nn.Linear(channels, CLASSES)))


def cnn_entropy_standin(channels, kernels, features=0):
    return EntropyNet(channels, kernels, features)


def multibranch_cnn_standin(channels, kernels, width, attention_width, map_channels):
    body = Branches(channels, kernels, width, attention_width, map_channels)
    values = LEADS // 2 ** (len(map_channels) - 1) * (2 * width // 2 ** (len(map_channels) - 1)) * map_channels[-1]
    head = nn.Sequential(nn.Linear(values, HEAD), nn.ReLU(), nn.Identity(), nn.Linear(HEAD, CLASSES))
    return Standin(body, lambda y: y, head)


MODELS = {
    fcn_wang: dict(channels=[6, 8, 5], kernels=[8, 5, 3]),
    resnet1d_wang: dict(channels=6, blocks=3, stem_kernel=7, kernels=[5, 3]),
    inception1d: dict(modules=6, bottleneck=4, filters=3, kernels=[39, 19, 9]),
    xresnet1d101: dict(stem=[4, 3, 6], blocks=[2, 1, 2, 1], width=3, kernel=5),
    lstm: dict(width=5, layers=2),
    lstm_bidir: dict(width=4, layers=2),
    mrf_cnn_standin: dict(stem=4, stem_kernel=7, channels=[4, 6], dilations=[1, 3]),
    cnn_bilstm_standin: dict(channels=[4, 6], kernels=[5, 3], width=4),
    resnet34_standin: dict(channels=[4, 6], blocks=[2, 1], stem_kernel=9, kernel=5),
    xecgnet_standin: dict(channels=[4, 6], blocks=[2, 1], stem_kernel=9, kernel=5, reduction=2),
    s4: dict(width=5, layers=2, states=4),
    cnn_entropy_standin: dict(channels=[4, 6, 3], kernels=[7, 5, 3]),
    multibranch_cnn_standin: dict(channels=[3, 4], kernels=[5, 3], width=4, attention_width=3, map_channels=[2, 3]),
}
NO_HEAD_WIDTH = {'s4', 'cnn_entropy_standin', 'mrf_cnn_standin', 'resnet34_standin', 'xecgnet_standin'}


def joined(tensors):
    return torch.cat([tensors[name].detach().flatten() for name in sorted(tensors)]).float()


def make(function, sizes, x, y, f=None):
    net = function(**sizes)
    if isinstance(net, tuple):
        net = Classifier(*net, 0 if f is None else f.shape[1])
    x, f = x.double(), None if f is None else f.double()
    with torch.no_grad():  # initial values that are 0 or 1 would hide mistakes
        for p in net.parameters():
            p += 0.2 * torch.randn_like(p) if p.dim() == 1 else 0.2 * p * torch.randn_like(p)
        for name, b in net.named_buffers():
            if name.endswith('running_mean'):
                b += 0.1 * torch.randn_like(b)
            elif name.endswith('running_var'):
                b *= 0.5 + torch.rand_like(b)
    state = joined({n: t for n, t in net.state_dict().items() if t.is_floating_point()})
    net.double().train()
    logits = net(x, f)
    loss = F.binary_cross_entropy_with_logits(logits, y.double())
    loss.backward()
    grads = joined({n: p.grad for n, p in net.named_parameters()})
    net.eval()
    with torch.no_grad():
        eval_logits = net(x, f)
    golden = dict(state=state, grads=grads, logits=logits, loss=loss.reshape(1), eval_logits=eval_logits)
    name = function.__name__ if f is None else f'features.{function.__name__}'
    return {f'{name}.{k}': v.detach().float().contiguous() for k, v in golden.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('out', nargs='?', default=ROOT / 'tests/model/golden/baselines.safetensors', type=pathlib.Path)
    out = parser.parse_args().out
    torch.set_num_threads(1)
    torch.manual_seed(2026)
    x = torch.randn(RECORDS, LEADS, SAMPLES)
    y = (torch.rand(RECORDS, CLASSES) < 0.4).float()
    tensors = {'x': x, 'y': y}
    for function, sizes in MODELS.items():
        tensors |= make(function, sizes, x, y)
    tensors['s4_basis'] = torch.stack([basis(dt, 8, 250) for dt in (1e-3, 1e-2, 1e-1)]).float().contiguous()
    torch.manual_seed(SEED_WITH_FEATURES)
    tensors['f'] = torch.randn(RECORDS, FEATURES)
    tensors |= make(fcn_wang, MODELS[fcn_wang], x, y, tensors['f'])
    tensors |= make(cnn_entropy_standin, MODELS[cnn_entropy_standin] | {'features': FEATURES}, x, y, tensors['f'])
    assert all(torch.isfinite(t).all() for t in tensors.values())
    sizes = {f.__name__: s | {'feature_width': BRANCH} for f, s in MODELS.items()}
    for name in sizes.keys() - NO_HEAD_WIDTH:
        sizes[name]['head_width'] = HEAD
    save_file(tensors, out, {'sizes': json.dumps(sizes)})
    print(f'{out}: {out.stat().st_size} bytes')


if __name__ == '__main__':
    main()
