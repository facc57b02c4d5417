"""Times this project's training step and inference against PyTorch's and onnxruntime's on the same machine, in turns.

Usage: compare_step.py [--rounds 3] [--threads 2] [--precision fp32] [--onnx MODEL.onnx] [--build build/cpu]
with a Python environment with PyTorch, for --onnx also onnxruntime. MODEL.onnx: of `export --onnx`, inference alone.
Prints one line per program and round, then the median of each figure, the median over rounds of the ratio to
cardiograd, and the most memory that each program had (its whole process: PyTorch's includes its libraries).
"""
import argparse
import os
import pathlib
import re
import statistics
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
FIGURES = ('train step batch 64', 'inference batch 1', 'inference batch 64')


def measure(command):
    """Figures in ms that the command prints, and the largest memory of its process in MB."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    text = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f'compare_step: {command[0]} failed')
    print(text.strip().replace('\n', '; '), flush=True)
    found = {name: re.search(re.escape(name) + r': ([0-9.]+) ms', text) for name in FIGURES}
    return {name: float(match.group(1)) for name, match in found.items() if match} | {
        'memory': usage.ru_maxrss * 1024 / 1e6}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--rounds', type=int, default=3)
    parser.add_argument('--threads', type=int, default=2)
    parser.add_argument('--precision', default='fp32', choices=['fp32', 'bf16'])
    parser.add_argument('--onnx', type=pathlib.Path)
    parser.add_argument('--build', type=pathlib.Path, default=ROOT / 'build/cpu')
    a = parser.parse_args()
    options = ['--threads', str(a.threads)]
    peers = ROOT / 'bench/peers'
    programs = {'cardiograd': [str(a.build / 'bench/step_bench'), *options, '--precision', a.precision],
                'PyTorch': [sys.executable, str(peers / 'torch_twin.py'), '--time', *options, '--precision', a.precision]}
    if a.onnx:
        programs['onnxruntime'] = [sys.executable, str(peers / 'onnx_time.py'), str(a.onnx), *options]
    rounds = [{name: measure(command) for name, command in programs.items()} for _ in range(a.rounds)]
    print(f"{'':22}" + ''.join(f'{name:>15}{"" if name == "cardiograd" else "   ratio"}' for name in programs))
    for figure, unit in [(name, 'ms') for name in FIGURES] + [('memory', 'MB')]:
        line = f'{figure:22}'
        for name in programs:
            values = [(r[name][figure], r['cardiograd'][figure]) for r in rounds if figure in r[name]]
            if not values:
                line += ' ' * 23
                continue
            line += f'{statistics.median(v for v, _ in values):12.1f} {unit}'
            if name != 'cardiograd':
                line += f'{statistics.median(v / own for v, own in values):8.2f}'
        print(line.rstrip())


if __name__ == '__main__':
    main()
