#!/usr/bin/env python3
"""Trains and evaluates every model of a list, several at once if asked for, and goes on where it was stopped.

Usage: experiments.py LIST.toml --data DIR --out DIR [--apps build/cpu/apps] [--jobs 1] [--only PATTERN ...]
                      [--device auto] [--cache DIR] [--stop-after SECONDS]

The list has groups, each for one model and recipe; a run is a group, a task and a seed:

  [[group]]
  name = "crops"              # OUT/crops-super-0 is the run folder of task super, seed 0
  tasks = ["super", "sub"]
  seeds = [0, 1]
  options = "--recipe helme"  # of train
  training = {lr = 1e-3}      # keys of the configuration, by section: data, model, training

Beside the run folder: .log (what was printed), .csv (predictions of `evaluate` on the validation and the test fold together: 9 and 10,
or data's val_fold and test_fold; its --json would also shuffle every feature, which takes longer than the rest), .seconds (of training, of the last part where it was resumed). What is finished is left alone; what was stopped is resumed. --only: names
of runs, with wildcards. --stop-after: nothing begins later. An interruption stops the trainings, which keep their state.
Exit status 1 if a run failed.
"""
import argparse
import fnmatch
import os
import pathlib
import shlex
import signal
import subprocess
import sys
import threading
import time
import tomllib

ROOT = pathlib.Path(__file__).resolve().parents[2]
SECTIONS = ('data', 'model', 'training')
KEYS = {'name', 'tasks', 'seeds', 'options', *SECTIONS}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('list', type=pathlib.Path)
    parser.add_argument('--data', required=True, type=pathlib.Path)
    parser.add_argument('--out', required=True, type=pathlib.Path)
    parser.add_argument('--apps', type=pathlib.Path, default=ROOT / 'build/cpu/apps')
    parser.add_argument('--jobs', type=int, default=1)
    parser.add_argument('--only', nargs='+', default=['*'])
    parser.add_argument('--device', default='auto')
    parser.add_argument('--cache', type=pathlib.Path)
    parser.add_argument('--stop-after', type=float, default=float('inf'))
    return parser.parse_args()


def toml_text(value):
    if isinstance(value, bool):
        return 'true' if value else 'false'
    if isinstance(value, str):
        return "'" + value + "'"
    return str(value)


def read_list(path):
    """(name, options, configuration, folds to evaluate) of each run, in the order of the list: all groups' first seeds, then the second."""
    runs = []
    for group in tomllib.loads(path.read_text())['group']:
        unknown = set(group) - KEYS
        if unknown:
            sys.exit(f'experiments.py: {path}: group {group.get("name")!r} has the unknown key {min(unknown)!r} '
                     f'(known: {", ".join(sorted(KEYS))})')
        config = ''.join(f'[{section}]\n' + ''.join(f'{key} = {toml_text(value)}\n' for key, value in group[section].items())
                         for section in SECTIONS if section in group)
        folds = [str(group.get('data', {}).get(key, usual)) for key, usual in (('val_fold', 9), ('test_fold', 10))]
        for task in group.get('tasks', ['super']):
            for place, seed in enumerate(group.get('seeds', [0])):
                options = [*shlex.split(group.get('options', '')), '--task', task, '--seed', str(seed)]
                runs.append((place, f'{group["name"]}-{task}-{seed}', options, config, folds))
    names = [run[1] for run in runs]
    if len(set(names)) < len(names):
        sys.exit(f'experiments.py: {path} names {next(n for n in names if names.count(n) > 1)} twice')
    return [run[1:] for run in sorted(runs, key=lambda run: run[0])]


class Worker:
    """Does runs one after the other, until the list is empty or all are told to stop."""

    def __init__(self, args):
        self.args, self.lock, self.children = args, threading.Lock(), set()
        self.stopping, self.failed, self.start = False, [], time.monotonic()
        self.place = ['--device', args.device, *(['--cache', args.cache] if args.cache else [])]

    def call(self, log, command):
        """The program's exit status; None where it was not begun, since all stop."""
        with self.lock:
            if self.stopping:
                return None
            log.write('$ ' + shlex.join(map(str, command)) + '\n')
            log.flush()
            child = subprocess.Popen(list(map(str, command)), stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
            self.children.add(child)
        status = child.wait()
        with self.lock:
            self.children.discard(child)
        return status

    def run(self, name, options, config, folds):
        out, args = self.args.out, self.args
        if (out / f'{name}.csv').exists():
            return
        folder, settings, begin = out / name, out / f'{name}.toml', time.monotonic()
        settings.write_text(config)
        with open(out / f'{name}.log', 'a') as log:
            if (folder / 'state.safetensors').exists():  # The run knows its data and settings.
                command = [args.apps / 'train', '--resume', '--out', folder, *self.place]
            else:
                command = [args.apps / 'train', '--data', args.data, '--out', folder, *self.place, *options, '--config', settings]
            status = self.call(log, command)
            seconds = time.monotonic() - begin
            if status == 0:
                (out / f'{name}.seconds').write_text(f'{seconds:.1f}\n')
                partial = out / f'{name}.partial.csv'
                status = self.call(log, [args.apps / 'evaluate', '--data', args.data, *self.place, '--model', folder, '--fold',
                                         *folds, '--draws', '0', '--force', '--predictions', partial])
                if status == 0:
                    partial.rename(out / f'{name}.csv')
        if self.stopping:
            return
        if status != 0:
            self.failed.append(name)
        print(f'{time.monotonic() - self.start:6.0f} s  {name}: '
              f'{f"{seconds:.1f} s of training" if status == 0 else f"failed, see {name}.log"}', flush=True)

    def work(self, runs):
        while not self.stopping:
            with self.lock:
                if not runs or time.monotonic() - self.start > self.args.stop_after:
                    return
                run = runs.pop(0)
            self.run(*run)

    def stop(self, *_):
        self.stopping = True
        for child in list(self.children):
            try:
                os.killpg(child.pid, signal.SIGTERM)
            except ProcessLookupError:
                pass


def main():
    args = arguments()
    runs = [run for run in read_list(args.list) if any(fnmatch.fnmatch(run[0], pattern) for pattern in args.only)]
    if not runs:
        sys.exit(f'experiments.py: no run of {args.list} is called {" or ".join(args.only)}')
    args.out.mkdir(parents=True, exist_ok=True)
    worker = Worker(args)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, worker.stop)
    threads = [threading.Thread(target=worker.work, args=(runs,)) for _ in range(args.jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        while thread.is_alive():  # join() alone would keep signals from being handled
            thread.join(0.2)
    if runs and not worker.stopping:
        print(f'{len(runs)} runs left: {" ".join(run[0] for run in runs)}')
    return 1 if worker.failed or worker.stopping else 0


if __name__ == '__main__':
    sys.exit(main())
