"""Times inference of a model that `export --onnx` wrote, in onnxruntime, on random data: batch 1 and 64.

Usage: onnx_time.py MODEL.onnx [--threads 2]     with a Python environment with onnxruntime
"""
import argparse
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
    a = parser.parse_args()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = a.threads
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    session = onnxruntime.InferenceSession(a.model, options, providers=['CPUExecutionProvider'])
    sizes = {i.name: i.shape[1:] for i in session.get_inputs()}
    print(f'onnxruntime {onnxruntime.__version__}, cpu, {a.threads} threads')
    random = np.random.default_rng(0)
    for batch in (1, 64):
        inputs = {name: random.standard_normal([batch, *size], np.float32) for name, size in sizes.items()}
        median, fastest = seconds(lambda inputs=inputs: session.run(['logits'], inputs))
        print(f'inference batch {batch}: {1e3 * median:.3f} ms (fastest {1e3 * fastest:.3f})', flush=True)


if __name__ == '__main__':
    main()
