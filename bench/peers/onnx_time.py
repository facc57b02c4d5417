"""Times inference of a model that `export --onnx` wrote, in onnxruntime, on random data: batch 1 and 64.

Usage: onnx_time.py MODEL.onnx [--threads 2] [--json FILE]     with a Python environment with onnxruntime
--json adds the figures to the list in FILE, as torch_twin.py --time does.
"""
import argparse
import json
import pathlib
import statistics
import time

import numpy as np
import onnxruntime

REPEATS = 20


def seconds(run):
    for _ in range(3):
        run()
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return statistics.median(times), min(times)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('model')
    parser.add_argument('--threads', type=int, default=2)
    parser.add_argument('--json', type=pathlib.Path)
    a = parser.parse_args()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = a.threads
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    session = onnxruntime.InferenceSession(a.model, options, providers=['CPUExecutionProvider'])
    sizes = {i.name: i.shape[1:] for i in session.get_inputs()}
    print(f'onnxruntime {onnxruntime.__version__}, cpu, {a.threads} threads')
    random = np.random.default_rng(0)
    figures = []
    for batch in (1, 64):
        inputs = {name: random.standard_normal([batch, *size], np.float32) for name, size in sizes.items()}
        median, fastest = seconds(lambda inputs=inputs: session.run(['logits'], inputs))
        print(f'inference batch {batch}: {1e3 * median:.3f} ms (fastest {1e3 * fastest:.3f})', flush=True)
        figures.append({'name': 'inference', 'batch': batch, 'seconds': median, 'fastest': fastest})
    if a.json:
        entries = json.loads(a.json.read_text()) if a.json.exists() else []
        entries.append({'program': f'onnxruntime {onnxruntime.__version__}', 'mode': 'fp32', 'precision': 'fp32',
                        'device': 'cpu', 'threads': a.threads, 'figures': figures})
        a.json.write_text(json.dumps(entries, indent=2) + '\n')


if __name__ == '__main__':
    main()
