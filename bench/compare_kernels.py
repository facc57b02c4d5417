"""Puts the results of a check on a GPU together: kernels against their floors and against PyTorch, training steps.

  compare_kernels.py OURS.json [--peer TORCH.json ...] [--steps STEPS.txt] [--gpu 'CSV line'] [--commit HASH]
                     [--out FILE.json]

OURS.json is from kernels_bench --device cuda --benchmark_out, TORCH.json from bench/peers/kernels_torch.py, STEPS.txt what
bench/peers/torch_twin.py --time and step_bench printed. The CSV line is
  nvidia-smi --query-gpu=name,driver_version,clocks.sm,clocks.mem,clocks.max.sm,clocks.max.mem,power.limit --format=csv,noheader
Prints the time that each kernel loses against its floor, slowest first, and writes everything into one JSON.
"""
import argparse
import datetime
import json
import pathlib
import re

GPU = ('name', 'driver', 'sm_clock', 'memory_clock', 'max_sm_clock', 'max_memory_clock', 'power_limit')


def read_ours(path):
    """Context, and one row per kernel: name, ms, floor_ms."""
    report = json.loads(path.read_text())
    rows = []
    for run in report['benchmarks']:
        if run.get('run_type') != 'iteration' or run.get('error_occurred'):
            continue
        assert run['time_unit'] == 'ms', run['name']
        rows.append({'name': re.sub(r'/(real|manual)_time$', '', run['run_name']), 'ms': run['real_time'],
                     'floor_ms': run['floor_ms'], 'gflop_per_s': run['GFLOP/s'], 'gb_per_s': run['GB/s']})
    if not rows:
        raise SystemExit(f'compare_kernels: {path} holds no measurements')
    standard = {'host_name', 'executable', 'load_avg', 'caches', 'library_build_type', 'cpu_scaling_enabled', 'num_cpus',
                'mhz_per_cpu', 'date', 'json_schema_version'}
    return {key: value for key, value in report['context'].items() if key not in standard}, rows


def read_steps(path):
    """[{program, figure, ms}] from lines 'program ...' followed by 'train step batch 64: 1.234 ms ...'."""
    steps, program = [], ''
    for line in path.read_text().splitlines():
        if match := re.match(r'((?:train step|inference) batch \d+): ([0-9.]+) ms', line):
            steps.append({'program': program, 'figure': match[1], 'ms': float(match[2])})
        elif line.startswith(('torch ', 'cardiograd ')):
            program = line
    return steps


def print_table(rows, peers):
    shipped = [row for row in rows if '/variant ' not in row['name']]
    shipped.sort(key=lambda row: row['floor_ms'] - row['ms'])
    head = ''.join(f'{peer:>14}' for peer in peers)
    print(f"{'lost ms':>9}{'ms':>10}{'floor ms':>10}{'of floor':>10}{head}  kernel")
    for row in shipped:
        theirs = ''.join(f"{row['peers'][peer]:14.4f}" if peer in row['peers'] else f"{'-':>14}" for peer in peers)
        print(f"{row['ms'] - row['floor_ms']:9.4f}{row['ms']:10.4f}{row['floor_ms']:10.4f}"
              f"{row['floor_ms'] / row['ms']:10.0%}{theirs}  {row['name']}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('ours', type=pathlib.Path)
    parser.add_argument('--peer', type=pathlib.Path, action='append', default=[])
    parser.add_argument('--steps', type=pathlib.Path)
    parser.add_argument('--gpu', default='')
    parser.add_argument('--commit', default='')
    parser.add_argument('--out', type=pathlib.Path)
    args = parser.parse_args()
    context, rows = read_ours(args.ours)
    peers = {}
    for path in args.peer:
        report = json.loads(path.read_text())
        peers[f"torch {report['context']['precision']}"] = report
    for row in rows:
        row['peers'] = {}
        for peer, report in peers.items():
            row['peers'].update({peer: k['ms'] for k in report['kernels'] if k['name'] == row['name']})
    print_table(rows, peers)
    gpu = dict(zip(GPU, (field.strip() for field in args.gpu.split(',')))) if args.gpu else {}
    result = {'date': datetime.date.today().isoformat(), 'commit': args.commit, 'gpu': gpu, 'context': context,
              'peers': {peer: report['context'] for peer, report in peers.items()}, 'kernels': rows,
              'steps': read_steps(args.steps) if args.steps and args.steps.exists() else []}
    if args.out:
        args.out.write_text(json.dumps(result, indent=1) + '\n')


if __name__ == '__main__':
    main()
