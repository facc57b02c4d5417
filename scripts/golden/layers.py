"""Golden values of single layers from PyTorch, computed in double precision.

Usage: layers.py [OUT.json]      (default: tests/engine/golden/layers.json)

A list of cases {op, name, params, inputs, outputs, gradients}. Each tensor is {shape, data}, row-major, in PyTorch's
layout: signals (N, C, T), convolution weights (C_out, C_in / groups, K), linear weights (out, in). inputs.dy is the
cotangent: gradients are those of sum(y * dy), with PyTorch's names (x, weight, bias, ...). Inputs are multiples of
1/64, which float32 holds exactly; results carry nine digits.
"""
import argparse
import json
import math
import pathlib

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

ROOT = pathlib.Path(__file__).resolve().parents[2]
RNG = np.random.default_rng(17)


def grid(*shape, scale=1.0):
    return torch.tensor(np.round(RNG.normal(size=shape) * scale * 64) / 64)


def distinct(*shape):
    """No two values are equal: where a maximum lies is no matter of taste."""
    return torch.tensor(RNG.permutation(math.prod(shape)).reshape(shape) / 64 - 1.0)


def number(value):
    value = float(f'{value:.9g}')
    return int(value) if value == int(value) and abs(value) < 1e15 else value


def tensor(t):
    t = t.detach()
    assert torch.isfinite(t).all()
    return {'shape': list(t.shape), 'data': [number(v) for v in t.double().flatten().tolist()]}


def case(op, name, params, inputs, function, differentiate):
    """`function(**inputs)` returns y, or a dictionary with y and what else comes out."""
    leaves = {k: v.clone().requires_grad_(k in differentiate) for k, v in inputs.items()}
    out = function(**leaves)
    outputs = out if isinstance(out, dict) else {'y': out}
    dy = grid(*outputs['y'].shape)
    (outputs['y'] * dy).sum().backward()
    return {'op': op, 'name': name, 'params': params,
            'inputs': {k: tensor(v) for k, v in (inputs | {'dy': dy}).items()},
            'outputs': {k: tensor(v) for k, v in outputs.items()},
            'gradients': {k: tensor(leaves[k].grad) for k in differentiate}}


def conv1d():
    rows = [  # N, C_in, C_out, T, kernel, stride, padding, dilation, groups, bias
        (2, 3, 4, 11, 3, 1, 1, 1, 1, True), (1, 12, 8, 17, 7, 1, 3, 1, 1, True), (3, 4, 6, 13, 5, 2, 2, 1, 1, True),
        (2, 6, 4, 15, 3, 1, 2, 2, 2, True), (2, 6, 6, 10, 4, 3, 0, 1, 6, False), (1, 1, 1, 1, 1, 1, 0, 1, 1, True),
        (2, 5, 3, 9, 1, 2, 0, 1, 1, False), (2, 4, 8, 23, 5, 3, 6, 3, 4, True), (1, 2, 3, 4, 4, 1, 0, 1, 1, True)]
    for n, ci, co, t, k, stride, padding, dilation, groups, bias in rows:
        params = dict(stride=stride, padding=padding, dilation=dilation, groups=groups)
        inputs = {'x': grid(n, ci, t), 'weight': grid(co, ci // groups, k, scale=0.5)}
        if bias:
            inputs['bias'] = grid(co)
        name = f'{n}x{ci}x{t} k{k} s{stride} p{padding} d{dilation} g{groups}' + ('' if bias else ' no bias')

        def run(params=params, **i):
            return F.conv1d(i['x'], i['weight'], i.get('bias'), **params)

        yield case('conv1d', name, params, inputs, run, list(inputs))


def batch_norm():
    for shape in [(3, 5, 7), (2, 4, 2), (6, 3), (1, 2, 9)]:
        for training in (True, False):
            c = shape[1]
            inputs = {'x': grid(*shape) * 2 + 1, 'weight': 1 + grid(c, scale=0.5), 'bias': grid(c),
                      'running_mean': grid(c), 'running_var': 1 + grid(c).abs()}

            def run(x, weight, bias, running_mean, running_var, training=training):
                mean, var = running_mean.clone(), running_var.clone()
                y = F.batch_norm(x, mean, var, weight, bias, training, 0.1, 1e-5)
                return {'y': y, 'running_mean': mean, 'running_var': var}

            yield case('batch_norm', f'{"x".join(map(str, shape))} {"training" if training else "eval"}',
                       dict(training=training, momentum=0.1, eps=1e-5), inputs, run, ['x', 'weight', 'bias'])


def max_pool():
    rows = [((2, 3, 8), 2, 2), ((2, 3, 9), 2, 2), ((1, 5, 2), 2, 2), ((2, 2, 13), 3, 2), ((1, 4, 3), 2, 2)]
    for shape, kernel, stride in rows:
        yield case('max_pool', f'{"x".join(map(str, shape))} k{kernel} s{stride}', dict(kernel=kernel, stride=stride),
                   {'x': distinct(*shape)}, lambda x, k=kernel, s=stride: F.max_pool1d(x, k, s), ['x'])


def avg_pool():
    """count_include_pad=False: padding does not count in the mean."""
    rows = [((2, 3, 8), 2, 2, 0, True), ((2, 4, 9), 2, 2, 0, True), ((2, 4, 9), 2, 2, 0, False),
            ((1, 2, 13), 5, 3, 2, True), ((2, 3, 7), 3, 1, 1, False), ((1, 3, 8), 3, 4, 1, True)]
    for shape, kernel, stride, padding, ceil in rows:
        params = dict(kernel=kernel, stride=stride, padding=padding, ceil_mode=ceil)
        yield case('avg_pool', f'{"x".join(map(str, shape))} k{kernel} s{stride} p{padding}' + (' ceil' if ceil else ''),
                   params, {'x': grid(*shape)},
                   lambda x, k=kernel, s=stride, p=padding, c=ceil: F.avg_pool1d(x, k, s, p, c, False), ['x'])


def max_time():
    for shape in [(2, 3, 8), (3, 5, 1), (1, 4, 63)]:
        yield case('max_time', 'x'.join(map(str, shape)), {}, {'x': distinct(*shape)},
                   lambda x: F.adaptive_max_pool1d(x, 1).squeeze(-1), ['x'])


def select_time():
    for shape, sample in [((2, 3, 8), -1), ((1, 5, 4), 2)]:
        yield case('select_time', f'{"x".join(map(str, shape))} {sample}', dict(sample=sample), {'x': grid(*shape)},
                   lambda x, s=sample: x[:, :, s], ['x'])


def gate():
    for shape in [(2, 3, 8), (1, 5, 1)]:
        yield case('gate', 'x'.join(map(str, shape)), {}, {'x': grid(*shape), 'g': grid(*shape[:2], scale=3.0)},
                   lambda x, g: x * torch.sigmoid(g)[..., None], ['x', 'g'])


def long_conv1d():
    """Each channel by itself, the sample itself at tap `before`."""
    for n, c, t, k, before in [(2, 3, 8, 15, 7), (1, 2, 5, 3, 0), (3, 4, 6, 4, 3), (1, 1, 4, 20, 12)]:
        yield case('long_conv1d', f'{n}x{c}x{t} k{k} before {before}', dict(before=before),
                   {'x': grid(n, c, t), 'w': grid(c, k, scale=0.5)},
                   lambda x, w, b=before: F.conv1d(F.pad(x, (b, w.shape[1] - 1 - b)), w[:, None], groups=w.shape[0]),
                   ['x', 'w'])


def leaky_relu_and_tanh():
    x = torch.cat([grid(3, 7, scale=2.0).flatten(), torch.tensor([0.0, -0.0, 40.0, -40.0, 1 / 64])])
    yield case('leaky_relu', 'slope 0.01', {}, {'x': x}, lambda x: F.leaky_relu(x), ['x'])
    yield case('tanh', '', {}, {'x': x}, lambda x: torch.tanh(x), ['x'])


def softmax_pool():
    for n, c, t in [(2, 3, 8), (1, 5, 1)]:
        yield case('softmax_pool', f'{n}x{c}x{t}', {}, {'x': grid(n, c, t), 'z': grid(n, t, scale=3.0)},
                   lambda x, z: (x * torch.softmax(z, -1)[:, None]).sum(-1), ['x', 'z'])


def lstm():
    """nn.LSTM, batch first: x (N, T, inputs); one layer in one direction, or two layers in both."""
    for n, t, inputs, width, layers, both in [(2, 7, 3, 5, 1, False), (1, 1, 2, 1, 1, False), (3, 6, 4, 3, 2, True)]:
        module = nn.LSTM(inputs, width, layers, batch_first=True, bidirectional=both).double()
        tensors = {'x': grid(n, t, inputs)} | {k: grid(*v.shape, scale=0.5) for k, v in module.named_parameters()}

        def run(module=module, **a):
            return torch.func.functional_call(module, {k: v for k, v in a.items() if k != 'x'}, (a['x'],))[0]

        yield case('lstm', f'{n}x{t}x{inputs} h{width} l{layers}' + (' bidirectional' if both else ''),
                   dict(width=width, layers=layers, bidirectional=both), tensors, run, list(tensors))


def element_wise():
    x = torch.cat([grid(3, 11, scale=2.0).flatten(), torch.tensor([0.0, -0.0, 8.0, -8.0, 40.0, -40.0, 1 / 64])])
    yield case('gelu', 'exact (erf)', {}, {'x': x}, lambda x: F.gelu(x), ['x'])
    yield case('relu', 'zero has gradient zero', {}, {'x': x}, lambda x: F.relu(x), ['x'])


def layer_norm():
    for shape in [(2, 3, 8), (1, 1, 5), (4, 13), (3, 1)]:
        d = shape[-1]
        yield case('layer_norm', 'x'.join(map(str, shape)), dict(eps=1e-5),
                   {'x': grid(*shape) * 2 + 1, 'weight': 1 + grid(d, scale=0.5), 'bias': grid(d)},
                   lambda x, weight, bias: F.layer_norm(x, x.shape[-1:], weight, bias, 1e-5), ['x', 'weight', 'bias'])


def linear():
    for rows, i, o, bias in [((3,), 5, 4, True), ((1,), 1, 1, True), ((2, 7), 6, 9, True), ((5,), 13, 3, False)]:
        inputs = {'x': grid(*rows, i), 'weight': grid(o, i)} | ({'bias': grid(o)} if bias else {})
        yield case('linear', f'{"x".join(map(str, rows))} {i}->{o}' + ('' if bias else ' no bias'), {}, inputs,
                   lambda **a: F.linear(a['x'], a['weight'], a.get('bias')), list(inputs))


def attention():
    """nn.MultiheadAttention on itself, batch first: x (N, T, D)."""
    for n, t, d, heads in [(2, 5, 8, 2), (1, 1, 4, 1), (2, 7, 12, 3), (1, 13, 8, 8), (3, 2, 4, 4)]:
        inputs = {'x': grid(n, t, d),
                  'in_proj_weight': grid(3 * d, d, scale=0.5), 'in_proj_bias': grid(3 * d, scale=0.5),
                  'out_proj.weight': grid(d, d, scale=0.5), 'out_proj.bias': grid(d, scale=0.5)}

        def run(d=d, heads=heads, **a):
            module = nn.MultiheadAttention(d, heads, batch_first=True).double()
            state = {k: v for k, v in a.items() if k != 'x'}
            return torch.func.functional_call(module, state, (a['x'], a['x'], a['x']), {'need_weights': False})[0]

        yield case('multi_head_attention', f'{n}x{t}x{d} h{heads}', dict(heads=heads), inputs, run, list(inputs))


def weighted_bce():
    """BCEWithLogitsLoss(pos_weight), mean over N x C; dy is the factor on the loss."""
    for n, c, extreme in [(4, 5, False), (3, 7, True), (1, 1, False)]:
        logits = grid(n, c, scale=3.0)
        if extreme:
            logits.view(-1)[:12] = torch.tensor([1000., 1000, -1000, -1000, 0, 0, 90, -90, 20, -20, 700, -700])
        labels = torch.tensor(RNG.integers(0, 2, (n, c)), dtype=torch.float64)
        if extreme:
            labels.view(-1)[:12] = torch.tensor([0., 1, 0, 1, 0, 1, 1, 0, 0, 1, 1, 0])
        inputs = {'logits': logits, 'labels': labels, 'pos_weight': (1.5 + grid(c)).clamp(0.75, 3)}
        yield case('weighted_bce', f'{n}x{c}' + (' extreme logits' if extreme else ''), {}, inputs,
                   lambda logits, labels, pos_weight: F.binary_cross_entropy_with_logits(
                       logits, labels, pos_weight=pos_weight), ['logits'])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('out', nargs='?', default=ROOT / 'tests/engine/golden/layers.json', type=pathlib.Path)
    out = parser.parse_args().out
    makers = (conv1d, batch_norm, max_pool, element_wise, layer_norm, linear, attention, weighted_bce,
              avg_pool, max_time, select_time, lstm, gate, long_conv1d, softmax_pool,
              leaky_relu_and_tanh)
    cases = [c for make in makers for c in make()]
    out.write_text('[\n' + ',\n'.join(json.dumps(c, separators=(',', ':')) for c in cases) + '\n]\n')
    print(f'{out}: {len(cases)} cases, {out.stat().st_size} bytes')


if __name__ == '__main__':
    main()
