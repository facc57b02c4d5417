#!/usr/bin/env python3
"""Times every operation on this processor against oneDNN, OpenBLAS, Eigen and PyTorch, and writes the result down.

  bench/cpu_sweep.py [--kernel build/cpu/bench/kernel] [--torch-python PYTHON] [--threads 2] [--seconds 0.25] [--quick]
                     [--results bench/results] [--table docs/cpu-kernels.md]

Writes RESULTS/<cpu>-<date>.json (docs/benchmark-results.md) and the table, where we lose first. About ten minutes on two quiet
cores; --quick measures the shapes of the training step only, hot. --torch-python names a Python with PyTorch
(bench/peers/requirements.txt); without it PyTorch is left out and the table says so. --table-only FILE.json writes the table of
results that are there.
"""
import argparse
import json
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]


def file_name(context):
    cpu = re.sub(r'[^a-z0-9]+', '-', context['cpu'].lower()).strip('-')
    return f"{cpu}-{context['date'][:10]}.json"


def comparisons(rows):
    """(ours, {opponent: row}) for each operation, shape and temperature of the shipped kernels."""
    def key(row):
        return tuple(row[field] for field in ('op', 'shape', 'precision', 'temperature'))
    others = {}
    for row in rows:
        if row['opponent'] and row['seconds']:
            others.setdefault(key(row), {})[row['opponent']] = row
    return [(row, others.get(key(row), {})) for row in rows if row['variant'] == 'shipped' and row['seconds']]


def line_of(ours, others):
    def cell(row):
        return f"{1e3 * row['seconds']:.3g}{'' if row['stable'] else ' ~'}"
    best = min(others.values(), key=lambda row: row['seconds'])
    listed = ', '.join(f"{name} {cell(row)}" for name, row in sorted(others.items(), key=lambda item: item[1]['seconds']))
    ratio = best['seconds'] / ours['seconds']
    roof = '' if ours['percent_of_roof'] is None else f"{ours['percent_of_roof']:.0f} %"
    return (f"| {'**' if ours['workload'] else ''}{ours['op']}{'**' if ours['workload'] else ''} | {ours['shape']} "
            f"| {ours['temperature']} | {cell(ours)} | {listed} | {ratio:.2f} | {roof} |")


def listing(pairs):
    head = ['| operation | shape | caches | ours, ms | others, ms | fastest other / ours | of the roof |',
            '|---|---|---|--:|---|--:|--:|']
    return head + [line_of(*pair) for pair in pairs] if pairs else ['Nowhere.']


def table(results, source):
    context = results['context']
    compared = [(ours, others) for ours, others in comparisons(results['benchmarks']) if others]
    compared.sort(key=lambda pair: min(row['seconds'] for row in pair[1].values()) / pair[0]['seconds'])
    lost = [pair for pair in compared if min(row['seconds'] for row in pair[1].values()) < pair[0]['seconds']]
    won = [pair for pair in compared if pair not in lost]
    alone = sum(not others for _, others in comparisons(results['benchmarks']))
    failed = [row for row in results['benchmarks'] if row['seconds'] is None]
    libraries = [f"{one['name']} {one['version']}" if one['version'] else f"{one['name']} (missing)"
                 for one in context['opponents']]
    if not any(one['name'] == 'PyTorch' for one in context['opponents']):
        libraries.append('PyTorch (not measured)')
    unstable = sum(not row['stable'] for row in results['benchmarks'] if row['seconds'])
    text = [
        '# The CPU kernels against other libraries', '',
        'Written by `bench/cpu_sweep.py`; how it is measured: [benchmark-results.md](benchmark-results.md).', '',
        f"{context['cpu']}, {context['threads']} threads for everybody, {context['date'][:10]}, commit {context['commit']}. "
        f"Roof: {context['roof_gflops']:.0f} GFLOP/s, {context['roof_gbs']:.1f} GB/s (read + written).",
        f"Against {'; '.join(libraries)}. Figures in [{source}](../{source}).", '',
        f"Command: `{context['command']}`", '',
        f'Of {len(compared)} comparisons ours is slower in {len(lost)}. ~: the spread of {unstable} of '
        f"{sum(bool(row['seconds']) for row in results['benchmarks'])} times stayed above 5 %. Bold: shapes of the training step. "
        f'{alone} times of ours have no opponent.', '',
        '## Where we lose', '', *listing(lost), '', '## Where we win, at shapes of the training step', '',
        *listing([pair for pair in won if pair[0]['workload']]), '']
    if failed:
        text += ['## Not timed', '', *(f"- {row['opponent'] or 'ours'}, {row['op']} at {row['shape']}: {row['note']}"
                                       for row in failed), '']
    return '\n'.join(text)


def run(command):
    # A choice of kernels that was made for another purpose must not be measured.
    environment = {name: value for name, value in os.environ.items() if not name.startswith('OPENBLAS_')}
    print('+', ' '.join(map(str, command)), flush=True)
    status = subprocess.run(list(map(str, command)), env=environment).returncode
    if status:
        sys.exit(f'cpu_sweep: {pathlib.Path(command[0]).name} ended with status {status}')


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--kernel', type=pathlib.Path, default=ROOT / 'build/cpu/bench/kernel')
    parser.add_argument('--torch-python', default=os.environ.get('PYTHON', 'python3'))
    parser.add_argument('--threads', type=int, default=2)
    parser.add_argument('--seconds', type=float, default=0.25)
    parser.add_argument('--op', default='all')
    parser.add_argument('--quick', action='store_true')
    parser.add_argument('--results', type=pathlib.Path, default=ROOT / 'bench/results')
    parser.add_argument('--table', type=pathlib.Path, default=ROOT / 'docs/cpu-kernels.md')
    parser.add_argument('--table-only', type=pathlib.Path)
    args = parser.parse_args()
    if args.table_only:
        target = args.table_only
    else:
        args.results.mkdir(parents=True, exist_ok=True)
        measured = pathlib.Path(os.path.relpath(args.results / 'measuring.json'))
        shapes = ['--temperature', 'hot'] if args.quick else ['--sweep']
        run([args.kernel, '--op', args.op, *shapes, '--threads', args.threads, '--seconds', args.seconds, '--json', measured])
        if subprocess.run([args.torch_python, '-c', 'import torch'], capture_output=True).returncode == 0:
            run([args.torch_python, ROOT / 'bench/peers/kernels_torch.py', measured, '--device', 'cpu', '--into',
                 '--seconds', args.seconds])
        else:
            print(f'PyTorch is left out: {args.torch_python} has none (--torch-python)')
        target = args.results / file_name(json.loads(measured.read_text())['context'])
        os.replace(measured, target)
    results = json.loads(target.read_text())
    source = os.path.relpath(target.resolve(), ROOT)
    args.table.write_text(table(results, source))
    print(f'{target}\n{args.table}')


if __name__ == '__main__':
    main()
