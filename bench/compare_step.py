"""Times this project's training step and inference against PyTorch's on the same machine, in turns, in one run.

Usage: compare_step.py [--rounds 3] [--threads 2] [--build build/cpu]     with a Python environment with PyTorch
Prints one line per program and round, then the median of each figure and the ratio PyTorch / cardiograd.
"""
import argparse
import pathlib
import re
import statistics
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
FIGURES = ('train step batch 64', 'inference batch 1', 'inference batch 64')


def measure(command):
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    print(text.strip().replace('\n', '; '), flush=True)
    found = {name: re.search(re.escape(name) + r': ([0-9.]+) ms', text) for name in FIGURES}
    return {name: float(match.group(1)) for name, match in found.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--rounds', type=int, default=3)
    parser.add_argument('--threads', type=int, default=2)
    parser.add_argument('--build', type=pathlib.Path, default=ROOT / 'build/cpu')
    a = parser.parse_args()
    ours = [str(a.build / 'bench/step_bench'), '--threads', str(a.threads)]
    theirs = [sys.executable, str(ROOT / 'bench/peers/torch_twin.py'), '--time', '--threads', str(a.threads)]
    rounds = [(measure(ours), measure(theirs)) for _ in range(a.rounds)]
    print(f"{'':22}{'cardiograd':>12}{'PyTorch':>12}{'ratio':>8}")
    for name in FIGURES:
        mine, torch = (statistics.median(pair[i][name] for pair in rounds) for i in (0, 1))
        print(f'{name:22}{mine:9.1f} ms{torch:9.1f} ms{torch / mine:8.2f}')


if __name__ == '__main__':
    main()
