#!/usr/bin/env python3
"""Trains with one and with two threads, alone and beside busy processes, in turns, and compares their speed.

A second thread must not cost time, however little work a step has and however busy the machine is. A small model's
steps take less than a millisecond, the default model's some tenths of a second.

Usage: scripts/drills/load.py [--busy 4] [--rounds 5] [--models small default] [--build build/cpu]
Exit status 1 when two threads are more than a tenth slower than one.
"""
import csv
import pathlib
import shutil
import statistics
import subprocess
import sys

import common

RECORDS = {'small': 60, 'default': 400}
EPOCHS = {'small': 40, 'default': 2}


class Beside:
    """Processes that compute as long as it lasts."""

    def __init__(self, number):
        self.number = number
        self.processes = []

    def __enter__(self):
        self.processes = [subprocess.Popen([sys.executable, '-c', 'while True: pass']) for _ in range(self.number)]

    def __exit__(self, *_):
        for process in self.processes:
            process.kill()
            process.wait()


def speed(stage, model, data, threads):
    """Records per second of training: the median of the epochs."""
    out = stage.folder / 'run'
    config = ['--config', stage.config] if model == 'small' else ['--features', 'none', '--filter', 'none']
    stage.good('train', '--data', data, *config, '--epochs', EPOCHS[model], '--threads', threads, '--out', out,
               '--cache', stage.folder / 'cache', '--quiet')
    with open(out / 'log.csv', encoding='utf-8') as file:
        speeds = [float(row['samples_per_s']) for row in csv.DictReader(file)]
    shutil.rmtree(out)
    return statistics.median(speeds)


def main():
    options = common.parser('Trains beside busy processes.')
    options.add_argument('--busy', type=int, default=4, help='processes beside it; 4')
    options.add_argument('--rounds', type=int, default=5, help='runs of each kind; 5')
    options.add_argument('--models', nargs='+', choices=RECORDS, default=list(RECORDS))
    options.add_argument('--compare', type=pathlib.Path, help='build folder of another version, in turns with this one')
    wanted = options.parse_args()
    slower = 0
    with common.Stage(wanted.build, epochs=2) as stage:
        versions = {'this version': stage.programs}
        if wanted.compare:
            versions['the other'] = wanted.compare / 'apps'
        for model in wanted.models:
            data = stage.folder / model
            stage.good('synthesize', '--records', RECORDS[model], '--min-per-class', '5', '--out', data)
            for busy in (0, wanted.busy):
                found = {(version, threads): [] for version in versions for threads in (1, 2)}
                with Beside(busy):
                    for _ in range(wanted.rounds):
                        for (version, threads), speeds in found.items():
                            stage.programs = versions[version]
                            speeds.append(speed(stage, model, data, threads))
                stage.programs = versions['this version']
                for version in versions:
                    one, two = (statistics.median(found[version, threads]) for threads in (1, 2))
                    print(f'{model} model, {busy} busy processes, {version}: {one:.0f} records/s with one thread, '
                          f'{two:.0f} with two; time {one / two:.2f}', flush=True)
                    slower += version == 'this version' and not one / two <= 1.1
    print(f'load: two threads slower than one in {slower} of {2 * len(wanted.models)} cases')
    return 1 if slower else 0


if __name__ == '__main__':
    raise SystemExit(main())
