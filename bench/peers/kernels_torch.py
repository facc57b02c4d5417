"""Times PyTorch (eager; with --compile also compiled) on the shapes that bench/kernel measured.

  kernels_torch.py RESULTS.json --into [--device cuda|cpu] [--seconds 0.5] [--filter TEXT] [--compile]

RESULTS.json is what `kernel --json` wrote (docs/benchmark-results.md). --into adds PyTorch's rows to it: the same shapes,
precisions, temperatures and number of threads; without it the times are only printed. Operations that PyTorch has no counterpart of
are left out. On CUDA every call is a CUDA graph that is replayed between two events; layouts are PyTorch's own (N, C, T).
PyTorch runs in a process of its own, so its results are not held against our references: its rows are not `checked`.
Needs bench/peers/requirements.txt.
"""
import argparse
import json
import os
import pathlib
import re
import statistics
import time

import torch
import torch.nn.functional as F

FLUSH_BYTES = {'cuda': 256 << 20, 'cpu': 128 << 20}
SMALL_SPREAD, MIN_ROUNDS, MAX_ROUNDS, ROUND_SECONDS = 0.05, 5, 40, 0.02  # as bench/desk/timing.h
DEVICE, DTYPE = 'cpu', torch.float32
aten = torch.ops.aten


def normal(*size):
    return torch.randn(*size, device=DEVICE, dtype=DTYPE)


def gradient(forward, *inputs, of=None):
    """A function that computes the gradient of forward(*inputs) in `of` (all inputs) for a random cotangent."""
    for x in inputs:
        x.requires_grad_()
    y = forward(*inputs)
    dy = torch.randn_like(y)
    wanted = inputs if of is None else of
    return lambda: torch.autograd.grad(y, wanted, dy, retain_graph=True)


def elementwise(function):
    def make(direction, count):
        x = normal(count)
        return (lambda: function(x)) if direction == 'forward' else gradient(function, x)
    return make


def conv1d(direction, n, time_, inputs, outputs, kernel, stride, padding, dilation, groups):
    x, w, b = normal(n, inputs, time_), normal(outputs, inputs // groups, kernel), normal(outputs)
    settings = ([stride], [padding], [dilation], False, [0], groups)
    if direction == 'forward':
        return lambda: F.conv1d(x, w, b, stride, padding, dilation, groups)
    dy = torch.randn_like(F.conv1d(x, w, b, stride, padding, dilation, groups))
    mask = [True, False, False] if direction == 'backward_input' else [False, True, True]
    return lambda: aten.convolution_backward(dy, x, w, [outputs], *settings, mask)


def batch_norm(training):
    def make(direction, rows, channels):
        shape = (64, channels, rows // 64) if rows > 64 and rows % 64 == 0 else (rows, channels)
        x, weight, bias = normal(*shape), normal(channels), normal(channels)
        mean, variance = torch.zeros(channels, device=DEVICE), torch.ones(channels, device=DEVICE)

        def forward(x, weight, bias):
            return F.relu(F.batch_norm(x, mean, variance, weight, bias, training))
        if direction == 'forward':
            return lambda: forward(x, weight, bias)
        return gradient(forward, x, weight, bias)
    return make


def layer_norm(direction, rows, width):
    x, weight, bias = normal(rows, width), normal(width), normal(width)

    def forward(x, weight, bias):
        return F.layer_norm(x, (width,), weight, bias)
    return (lambda: forward(x, weight, bias)) if direction == 'forward' else gradient(forward, x, weight, bias)


def residual_layer_norm(direction, rows, width, dropout):
    x, residual, added, weight, bias = normal(rows, width), normal(rows, width), normal(width), normal(width), normal(width)

    def forward(x, residual, added, weight, bias):
        return F.layer_norm(residual + F.dropout(x + added, dropout), (width,), weight, bias)
    inputs = (x, residual, added, weight, bias)
    return (lambda: forward(*inputs)) if direction == 'forward' else gradient(forward, *inputs)


def residual_layer_norm_mean(direction, n, time_, width, beside, dropout):
    inputs = (normal(n, time_, width), normal(n, time_, width), normal(width), normal(width), normal(width), normal(n, beside))

    def forward(x, residual, added, weight, bias, other):
        y = F.layer_norm(residual + F.dropout(x + added, dropout), (width,), weight, bias)
        return torch.cat((y.mean(1), other), 1)
    return (lambda: forward(*inputs)) if direction == 'forward' else gradient(forward, *inputs)


def batch_norm_pool(direction, n, time_, channels):
    x, weight, bias = normal(n, channels, time_), normal(channels), normal(channels)
    mean, variance = torch.zeros(channels, device=DEVICE), torch.ones(channels, device=DEVICE)

    def forward(x, weight, bias):
        return F.max_pool1d(F.relu(F.batch_norm(x, mean, variance, weight, bias, True)), 2)
    return (lambda: forward(x, weight, bias)) if direction == 'forward' else gradient(forward, x, weight, bias)


def linear(direction, rows, inputs, outputs, behind):
    """`behind`: " relu p0.1 ..." of what follows the product, " masked p0.1" or " adds" of the gradient."""
    x, w, b, dy = normal(rows, inputs), normal(outputs, inputs), normal(outputs), normal(rows, outputs)
    dx = normal(rows, inputs)
    dropout = re.search(r' p([0-9.]+)', behind)
    probability = float(dropout[1]) if dropout else 0.0

    def forward():
        y = F.linear(x, w, b)
        y = y.relu_() if ' relu' in behind else y
        return F.dropout(y, probability) if dropout else y

    def backward_input():
        if ' adds' in behind:
            return torch.addmm(dx, dy, w)
        one = dy @ w
        return one.mul_(x > 0).mul_(1 / (1 - probability)) if ' masked' in behind else one

    def backward_weight():
        return dy.t() @ x, dy.sum(0)
    return {'forward': forward, 'backward_input': backward_input, 'backward_weight': backward_weight,
            'backward': lambda: (backward_input(), backward_weight())}[direction]


def attention(direction, n, time_, heads, width, dropout):
    q, k, v = (normal(n, heads, time_, width) for _ in range(3))

    def forward(q, k, v):
        return F.scaled_dot_product_attention(q, k, v, dropout_p=dropout)
    return (lambda: forward(q, k, v)) if direction == 'forward' else gradient(forward, q, k, v)


def max_pool(direction, n, time_, channels, kernel, stride, padding):
    x = normal(n, channels, time_)

    def forward(x):
        return F.max_pool1d(x, kernel, stride, padding)
    return (lambda: forward(x)) if direction == 'forward' else gradient(forward, x)


def weighted_bce(direction, rows, classes):
    x, weight = normal(rows, classes), torch.full((classes,), 1.5, device=DEVICE)
    y = (torch.rand(rows, classes, device=DEVICE) < 0.25).float()

    def forward(x):
        return F.binary_cross_entropy_with_logits(x, y, pos_weight=weight)
    return (lambda: forward(x)) if direction == 'forward' else gradient(forward, x)


def adam(direction, count):
    parameter = torch.nn.Parameter(normal(count))
    parameter.grad = normal(count)
    options = {'fused': True, 'capturable': True} if DEVICE == 'cuda' else {}
    return torch.optim.Adam([parameter], 3e-4, **options).step


def add(direction, count, period):
    a, b = normal(count // period, period), normal(1, period)
    return (lambda: a + b) if direction == 'forward' else (lambda: a.sum(0))


def accumulate(direction, count, period):
    x, y = normal(count), normal(count)
    return lambda: y.add_(x)


def mean_time(direction, n, time_, channels):
    x, dy = normal(n, time_, channels), normal(n, 1, channels)
    return (lambda: x.mean(1)) if direction == 'forward' else (lambda: (dy / time_).expand_as(x).contiguous())


def squared_norm(direction, count):
    x = normal(count)
    return lambda: torch.dot(x, x)


def scale(direction, count, factor):
    x = normal(count)
    one = 1 if factor < 1 else -1
    return lambda: x.mul_(one)  # The factor itself would take x out of the range of normal numbers.


# Operation: maker and the pattern of its shape; groups of the pattern are the maker's arguments.
NUMBER = r'([0-9.]+)'
PEERS = {
    'relu': (elementwise(F.relu), NUMBER),
    'gelu': (elementwise(F.gelu), NUMBER),
    'dropout': (elementwise(lambda x: F.dropout(x, 0.1)), NUMBER + r' p0\.1 .*'),
    'accumulate': (accumulate, f'{NUMBER} period{NUMBER}'),
    'add': (add, f'{NUMBER} period{NUMBER}'),
    'mean_time': (mean_time, f'N{NUMBER} T{NUMBER} C{NUMBER}'),
    'squared_norm': (squared_norm, NUMBER),
    'scale': (scale, f'{NUMBER} by {NUMBER}'),
    'adam': (adam, NUMBER + ' .*'),
    'attention': (attention, f'N{NUMBER} T{NUMBER} H{NUMBER} D{NUMBER} p{NUMBER}'),
    'batch_norm': (batch_norm(True), f'rows{NUMBER} C{NUMBER} .* relu'),
    'batch_norm_eval': (batch_norm(False), f'rows{NUMBER} C{NUMBER} .* relu'),
    'conv1d': (conv1d, f'N{NUMBER} T{NUMBER} C{NUMBER}->{NUMBER} k{NUMBER} s{NUMBER} p{NUMBER} d{NUMBER} g{NUMBER}'),
    'layer_norm': (layer_norm, f'rows{NUMBER} D{NUMBER} .*'),
    'linear': (linear, f'{NUMBER}x{NUMBER}->{NUMBER}(.*?)'),
    'residual_layer_norm': (residual_layer_norm, f'rows{NUMBER} D{NUMBER} .* p{NUMBER} .*'),
    'residual_layer_norm_mean': (residual_layer_norm_mean, f'N{NUMBER} T{NUMBER} D{NUMBER}\\+{NUMBER} .* p{NUMBER} .*'),
    'batch_norm_pool': (batch_norm_pool, f'N{NUMBER} T{NUMBER} C{NUMBER} .* relu'),
    'max_pool': (max_pool, f'N{NUMBER} T{NUMBER} C{NUMBER} k{NUMBER} s{NUMBER} p{NUMBER}'),
    'weighted_bce': (weighted_bce, f'rows{NUMBER} classes{NUMBER}'),
}


def value_of(text):
    if not re.fullmatch(NUMBER, text):
        return text
    return float(text) if '.' in text else int(text)


def call_of(op, shape):
    """The call for an operation at a shape, or None where PyTorch has no counterpart; fails where it should have one."""
    named = re.fullmatch(r'(.+)_(forward|backward.*)', op)
    if not named or named[1] not in PEERS:
        return None
    operation, direction = named.groups()
    maker, pattern = PEERS[operation]
    match = re.fullmatch(f'{pattern}( tf32| bf16)?( no db)?', shape)
    if not match:
        raise SystemExit(f'kernels_torch: {op}: the shape "{shape}" does not read as {pattern}')
    return maker(direction, *(value_of(text) for text in match.groups()[:-2]))


# Not as a graph: PyTorch leaves the dropout's seed of a forward that was not captured in the host's memory, and the captured
# gradient would read it on the GPU.
UNCAPTURED = {'attention_backward'}


def captured(function):
    """The call as a CUDA graph, so that no work of the host is timed. A gradient runs on the stream of its forward
    direction, which is why everything here is on one stream that can be captured (main)."""
    for _ in range(3):
        function()
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, stream=torch.cuda.current_stream()):
        function()
    return graph.replay


class Clock:
    """Times calls on the device, hot or after its caches were overwritten."""

    def __init__(self):
        self.other = torch.zeros(FLUSH_BYTES[DEVICE], dtype=torch.uint8, device=DEVICE)
        if DEVICE == 'cuda':
            self.start, self.end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)

    def seconds(self, function, runs, cold):
        if cold:
            return statistics.fmean(self.once(function, 1, True) for _ in range(runs))
        function()
        return self.once(function, runs, False) / runs

    def once(self, function, runs, cold):
        if cold or DEVICE == 'cuda':
            self.other.add_(1)
        if DEVICE == 'cpu':
            start = time.perf_counter()
            for _ in range(runs):
                function()
            return time.perf_counter() - start
        self.start.record()
        for _ in range(runs):
            function()
        self.end.record()
        self.end.synchronize()
        return 1e-3 * self.start.elapsed_time(self.end)

    def measure(self, function, cold, max_seconds):
        """Median and spread of rounds, as bench/desk/timing.cpp: seconds, spread, stable."""
        function()
        first = self.seconds(function, 1, cold)
        runs = max(1, min(100 if DEVICE == 'cuda' else 10_000, int(ROUND_SECONDS / first)))
        times, begin = [], time.perf_counter()
        while True:
            times.append(self.seconds(function, runs, cold))
            if len(times) < 3:
                continue
            low, middle, high = statistics.quantiles(times, n=4, method='inclusive')
            spread = (high - low) / middle
            enough = len(times) >= MIN_ROUNDS and spread <= SMALL_SPREAD
            if enough or len(times) >= MAX_ROUNDS or time.perf_counter() - begin > max_seconds:
                return middle, spread, spread <= SMALL_SPREAD


def set_precision(precision):
    global DTYPE
    DTYPE = torch.bfloat16 if precision == 'bf16' else torch.float32
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = precision == 'tf32'


def torch_row(ours, opponent, temperature, measured, context):
    """The row of PyTorch beside one of ours."""
    seconds, spread, stable = measured
    row = dict(ours, variant='', opponent=opponent, temperature=temperature, path='', seconds=seconds, spread=spread,
               stable=stable, gflops=ours['flop'] / seconds / 1e9, gbs=ours['bytes'] / seconds / 1e9,
               percent_of_roof=None, percent_of_best_opponent=None, checked=False,
               note='in a process of its own: not held against our reference')
    if context['roof_gflops']:
        roof = max(ours['flop'] / context['roof_gflops'], ours['bytes'] / context['roof_gbs']) / 1e9
        row['percent_of_roof'] = 100 * roof / seconds
    return row


def compare_again(rows):
    """percent_of_best_opponent of our rows, now with all opponents."""
    def key(row):
        return tuple(row[field] for field in ('op', 'shape', 'device', 'precision', 'temperature'))
    best = {}
    for row in rows:
        if row['opponent'] and row['seconds']:
            best[key(row)] = min(row['seconds'], best.get(key(row), row['seconds']))
    for row in rows:
        if not row['opponent'] and row['seconds'] and key(row) in best:
            row['percent_of_best_opponent'] = 100 * best[key(row)] / row['seconds']


def measure_all(results, args):
    """New rows for every shape, precision and temperature of the shipped kernels."""
    clock, rows = Clock(), []
    wanted = [row for row in results['benchmarks'] if row['variant'] == 'shipped' and args.filter in row['op']]
    for op, shape, precision in dict.fromkeys((r['op'], r['shape'], r['precision']) for r in wanted):
        set_precision(precision)
        ways = {'PyTorch': captured if DEVICE == 'cuda' and op not in UNCAPTURED else lambda call: call}
        if args.compile:
            ways['PyTorch compiled'] = lambda call: torch.compile(call)
        for name, prepare in ways.items():
            call = call_of(op, shape)
            if call is None:
                break
            call = prepare(call)
            for ours in wanted:
                if (ours['op'], ours['shape'], ours['precision']) != (op, shape, precision):
                    continue
                measured = clock.measure(call, ours['temperature'] == 'cold', args.seconds)
                rows.append(torch_row(ours, name, ours['temperature'], measured, results['context']))
                print(f'{name}  {op}  {shape}  {ours["temperature"]}: {1e3 * measured[0]:.4f} ms', flush=True)
    return rows


def main():
    global DEVICE
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('results', type=pathlib.Path)
    parser.add_argument('--device', default='cuda', choices=['cuda', 'cpu'])
    parser.add_argument('--into', action='store_true')
    parser.add_argument('--seconds', type=float, default=0.5, help='longest time for one shape and temperature')
    parser.add_argument('--filter', default='', help='only operations whose name contains this')
    parser.add_argument('--compile', action='store_true')
    args = parser.parse_args()
    DEVICE = args.device
    if DEVICE == 'cuda' and not torch.cuda.is_available():
        raise SystemExit('kernels_torch: PyTorch sees no CUDA device')
    results = json.loads(args.results.read_text())
    if results['context']['device'] != DEVICE:
        raise SystemExit(f"kernels_torch: {args.results} is of the device {results['context']['device']}, not {DEVICE}")
    if DEVICE == 'cuda':
        torch.cuda.set_stream(torch.cuda.Stream())
    else:
        torch.set_num_threads(results['context']['threads'])
    torch.manual_seed(0)
    torch.backends.cudnn.benchmark = True
    rows = measure_all(results, args)
    if not rows:
        raise SystemExit('kernels_torch: nothing to time')
    if args.into:
        results['benchmarks'] = [r for r in results['benchmarks'] if not r['opponent'].startswith('PyTorch')] + rows
        compare_again(results['benchmarks'])
        others = [o for o in results['context']['opponents'] if o['name'] != 'PyTorch']
        results['context']['opponents'] = others + [
            {'name': 'PyTorch', 'device': DEVICE, 'version': torch.__version__, 'missing': ''}]
        partial = args.results.with_name(args.results.name + '.partial')
        partial.write_text(json.dumps(results, indent=1) + '\n')
        os.replace(partial, args.results)


if __name__ == '__main__':
    main()
