"""Times PyTorch's kernels (cuDNN, cuBLAS, its attention, its fused Adam) on the shapes of this project's op table.

  kernels_torch.py NAMES.json [--device cuda|cpu] [--precision fp32|tf32] [--out FILE.json]

NAMES.json is what kernels_bench --benchmark_out=NAMES.json wrote; the shapes are read from its names, so that both sides
time the same. Rows that PyTorch has no counterpart of, and variants, are left out. On CUDA every call is a CUDA graph that is
replayed from a cold cache between two events; layouts are PyTorch's own (N, C, T). Copy bandwidth and the largest matrix
product come from the same run. Needs bench/peers/requirements.txt.
"""
import argparse
import json
import pathlib
import re
import statistics
import time

import torch
import torch.nn.functional as F

FLUSH_BYTES = 256 << 20  # as bench/cuda_timing.h
aten = torch.ops.aten


def normal(*size):
    return torch.randn(*size, device=DEVICE)


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
        shape = (64, channels, rows // 64) if rows > 64 else (rows, channels)
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


def linear(direction, rows, inputs, outputs):
    x, w, b, dy = normal(rows, inputs), normal(outputs, inputs), normal(outputs), normal(rows, outputs)
    return {'forward': lambda: F.linear(x, w, b), 'backward_input': lambda: dy @ w,
            'backward_weight': lambda: (dy.t() @ x, dy.sum(0))}[direction]


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


# Operation: maker and the pattern of its shape; numbers in the pattern are the maker's arguments.
NUMBER = r'([0-9.]+)'
PEERS = {
    'relu': (elementwise(F.relu), NUMBER),
    'gelu': (elementwise(F.gelu), NUMBER),
    'dropout': (elementwise(lambda x: F.dropout(x, 0.1)), NUMBER + r' p0\.1 .*'),
    'adam': (adam, NUMBER + ' .*'),
    'attention': (attention, f'N{NUMBER} T{NUMBER} H{NUMBER} D{NUMBER} p{NUMBER}'),
    'batch_norm': (batch_norm(True), f'rows{NUMBER} C{NUMBER} .* relu'),
    'batch_norm_eval': (batch_norm(False), f'rows{NUMBER} C{NUMBER} .* relu'),
    'conv1d': (conv1d, f'N{NUMBER} T{NUMBER} C{NUMBER}->{NUMBER} k{NUMBER} s{NUMBER} p{NUMBER} d{NUMBER} g{NUMBER}'),
    'layer_norm': (layer_norm, f'rows{NUMBER} D{NUMBER} .*'),
    'linear': (linear, f'{NUMBER}x{NUMBER}->{NUMBER}'),
    'max_pool': (max_pool, f'N{NUMBER} T{NUMBER} C{NUMBER} k{NUMBER} s{NUMBER} p{NUMBER}'),
    'weighted_bce': (weighted_bce, f'rows{NUMBER} classes{NUMBER}'),
}


def call_of(name):
    """The call for 'conv1d_forward/N64 ...', or None where PyTorch has no counterpart; fails where it should have one."""
    row, shape = name.split('/', 1)
    operation, direction = re.fullmatch(r'(.+)_(forward|backward.*)', row).groups()
    if operation not in PEERS:
        return None
    maker, pattern = PEERS[operation]
    match = re.fullmatch(pattern, shape)
    if not match:
        raise SystemExit(f'kernels_torch: {name}: the shape does not read as {pattern}')
    return maker(direction, *(float(g) if '.' in g else int(g) for g in match.groups()))


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


def milliseconds(function, repeats=30):
    """The median time of a call."""
    if DEVICE == 'cpu':
        function()
        times = []
        for _ in range(3):
            start = time.perf_counter()
            function()
            times.append(1e3 * (time.perf_counter() - start))
        return statistics.median(times)
    flush = torch.empty(FLUSH_BYTES, dtype=torch.uint8, device=DEVICE)
    start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    times = []
    for _ in range(repeats):
        flush.zero_()
        start.record()
        function()
        end.record()
        end.synchronize()
        times.append(start.elapsed_time(end))
    return statistics.median(times)


def ceilings():
    size, count = (8192, 1 << 28) if DEVICE == 'cuda' else (256, 1 << 20)
    a, b, c = (normal(size, size) for _ in range(3))
    source, target = torch.empty(count, device=DEVICE), torch.empty(count, device=DEVICE)
    product = milliseconds(lambda: torch.mm(a, b, out=c), 10)
    copy = milliseconds(lambda: target.copy_(source), 10)
    return {'product_gflop_per_s': round(2e-6 * size ** 3 / product), 'copy_gb_per_s': round(8e-6 * count / copy, 1)}


def main():
    global DEVICE
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('names', type=pathlib.Path)
    parser.add_argument('--device', default='cuda', choices=['cuda', 'cpu'])
    parser.add_argument('--precision', default='fp32', choices=['fp32', 'tf32'])
    parser.add_argument('--filter', default='', help='only names that contain this')
    parser.add_argument('--out', type=pathlib.Path)
    args = parser.parse_args()
    DEVICE = args.device
    if DEVICE == 'cuda' and not torch.cuda.is_available():
        raise SystemExit('kernels_torch: PyTorch sees no CUDA device')
    if DEVICE == 'cpu' and args.precision == 'tf32':
        parser.error('--precision tf32 needs --device cuda')
    if DEVICE == 'cuda':
        torch.cuda.set_stream(torch.cuda.Stream())
    torch.manual_seed(0)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = args.precision == 'tf32'
    torch.backends.cudnn.benchmark = True
    names = [re.sub(r'/(real|manual)_time$', '', row['run_name'])
             for row in json.loads(args.names.read_text())['benchmarks'] if row.get('run_type') == 'iteration']
    results = []
    for name in names:
        if args.filter not in name or '/variant ' in name:
            continue
        call = call_of(name)
        if call is None:
            continue
        ms = milliseconds(captured(call) if DEVICE == 'cuda' else call)
        results.append({'name': name, 'ms': ms})
        print(f'{name}: {ms:.4f} ms', flush=True)
    if not results:
        raise SystemExit('kernels_torch: nothing to time')
    context = {'torch': torch.__version__, 'cudnn': torch.backends.cudnn.version(), 'precision': args.precision,
               'device': torch.cuda.get_device_name() if DEVICE == 'cuda' else 'cpu', **ceilings()}
    if args.out:
        args.out.write_text(json.dumps({'context': context, 'kernels': results}, indent=1) + '\n')


if __name__ == '__main__':
    main()
