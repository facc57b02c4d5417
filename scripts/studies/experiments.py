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

Beside the run folder: .log (what was printed), .csv (predictions of `evaluate` on the validation and the test fold
together: 9 and 10, or data's val_fold and test_fold; its --json would also shuffle every feature, which takes longer
than the rest), .seconds (of training, of the last part where it was resumed), .lock (held by the process that does the
run). What is finished is left alone; what was stopped is resumed. --only: names of runs, with wildcards. --stop-after:
nothing begins later. An interruption stops the trainings, which keep their state.
Exit status 1 if the list is wrong, a run failed, or another process has one.
"""
import argparse
import contextlib
import fcntl
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
# Options of `train` that a run gets from this script, or that would have `evaluate` judge a fold that was trained on.
RESERVED = {
    '--data': 'the script itself has --data',
    '--device': 'experiments.py itself has --device',
    '--cache': 'the script itself has --cache',
    '--out': 'it is OUT/NAME-TASK-SEED',
    '--resume': 'it is given where a run was stopped',
    '--config': 'groups of a list have the keys data, model and training for it',
    '--task': 'tasks are named beside the options',
    '--seed': 'seeds are named beside the options',
    '--val-fold': 'groups of a list have data = {val_fold = ...} for it',
    '--test-fold': 'groups of a list have data = {test_fold = ...} for it',
}


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


def fail(message, hint):
    sys.exit(f'error: {message}\nhint: {hint}')


def options_of(text, where):
    """The words of options for `train`; ends with an error where they cannot be read or are not the caller's to set."""
    try:
        words = shlex.split(text)
    except ValueError as error:
        fail(f'{where}: {text!r}: {error}', 'Write them as in a shell; quotes come in pairs.')
    for word in words:
        if (option := word.split('=')[0]) in RESERVED:
            fail(f'{where}: {option} is set by the script', f'Leave it out: {RESERVED[option]}.')
    return words


def check_name(name, what, where):
    """Names become those of files in OUT."""
    if not isinstance(name, str) or not name or '/' in name or name.startswith('.') or not name.isprintable():
        fail(f'{where}: {what} is {name!r}, expected a text without / that does not begin with .',
             'The files of a run are called OUT/NAME-TASK-SEED.')


def check_group(group, where):
    if 'name' not in group:
        fail(f'{where} has no name', 'Add name = "..."; it begins the names of its runs.')
    check_name(group['name'], 'name', where)
    where += f' {group["name"]!r}'
    if unknown := set(group) - KEYS:
        fail(f'{where} has the unknown key {min(unknown)!r} (known: {", ".join(sorted(KEYS))})',
             'Values of the configuration belong into data, model or training.')
    for key, usual, kind in (('tasks', ['super'], str), ('seeds', [0], int)):
        values = group.setdefault(key, usual)
        if not isinstance(values, list) or not values or not all(type(value) is kind for value in values):
            what = 'text' if kind is str else 'integer'
            fail(f'{where}: {key} is {values!r}, expected a list of at least one {what}',
                 f'For example {key} = {toml_text(usual)}, which it is when left out.')
    for task in group['tasks']:
        check_name(task, 'a task', where)
    if min(group['seeds']) < 0:
        fail(f'{where}: a seed is {min(group["seeds"])}, expected 0 or more', 'Give seeds such as [0, 1, 2].')
    if not isinstance(group.setdefault('options', ''), str):
        fail(f'{where}: options is {group["options"]!r}, expected a text', 'For example options = "--recipe helme".')
    options_of(group['options'], f'{where}: options')
    for section in SECTIONS:
        if not isinstance(group.get(section, {}), dict):
            fail(f'{where}: {section} is {group[section]!r}, expected a table',
                 f'For example {section} = {{key = value}}.')


def read_groups(path):
    """The groups of a list, complete and checked."""
    try:
        content = tomllib.loads(path.read_text(encoding='utf-8'))
    except OSError as error:
        fail(f'{path}: cannot be read: {error.strerror}', 'Give a list such as those in scripts/studies/lists.')
    except ValueError as error:
        fail(f'{path}: not TOML: {error}', 'Correct that line; scripts/studies/lists has examples.')
    if unknown := set(content) - {'group'}:
        fail(f'{path} has the unknown key {min(unknown)!r}, expected [[group]] alone',
             'Keys of a group follow its line [[group]].')
    groups = content.get('group', [])
    if not isinstance(groups, list) or not all(isinstance(group, dict) for group in groups):
        fail(f'{path}: group is no list of tables', 'Begin each group with [[group]], in double brackets.')
    if not groups:
        fail(f'{path} has no [[group]]', 'Add one; scripts/studies/lists has examples.')
    for number, group in enumerate(groups, 1):
        check_group(group, f'{path}: group {number}')
    names = [run_name(*run) for run in runs_of(groups)]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        fail(f'{path} names {twice} twice', 'Groups of one name need other tasks or seeds.')
    return groups


def check_programs(apps):
    for program in ('train', 'evaluate'):
        if not os.access(apps / program, os.X_OK) or not (apps / program).is_file():
            fail(f'{apps} has no program {program}', 'Build it (docs/install.md), or name its folder by --apps.')


def runs_of(groups):
    """(group, task, seed) of each run, in the order of the list: all groups' first seeds, then the second."""
    runs = [(place, group, task, seed) for group in groups for task in group['tasks']
            for place, seed in enumerate(group['seeds'])]
    return [run[1:] for run in sorted(runs, key=lambda run: run[0])]


def run_name(group, task, seed):
    return f'{group["name"]}-{task}-{seed}'


def read_list(path):
    """(name, options, configuration, folds to evaluate) of each run."""
    runs = []
    for group, task, seed in runs_of(read_groups(path)):
        config = ''
        for section in SECTIONS:
            if section in group:
                lines = [f'{key} = {toml_text(value)}\n' for key, value in group[section].items()]
                config += f'[{section}]\n' + ''.join(lines)
        folds = [str(group.get('data', {}).get(key, usual)) for key, usual in (('val_fold', 9), ('test_fold', 10))]
        options = [*shlex.split(group['options']), '--task', task, '--seed', str(seed)]
        runs.append((run_name(group, task, seed), options, config, folds))
    return runs


@contextlib.contextmanager
def locked(path):
    """Holds the lock; gives its file, or None where another process holds it.

    The system lets go of it when the last process that has it open ends, so a leftover file means nothing. It is never
    removed: another process might have just opened it.
    """
    with open(path, 'w') as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield None
            return
        except OSError:
            pass  # File systems without locks: as if there were one.
        yield file


class Worker:
    """Does runs one after the other, until the list is empty or all are told to stop."""

    def __init__(self, args):
        self.args, self.lock, self.children = args, threading.Lock(), set()
        self.stopping, self.failed, self.start = False, [], time.monotonic()
        self.place = ['--device', args.device, *(['--cache', args.cache] if args.cache else [])]

    def call(self, log, lock, command):
        """The program's exit status; None where it was not begun, since all stop. It has the lock too: should this
        script be killed, nobody begins the run while the program still works on it."""
        with self.lock:
            if self.stopping:
                return None
            log.write('$ ' + shlex.join(map(str, command)) + '\n')
            log.flush()
            child = subprocess.Popen(list(map(str, command)), stdout=log, stderr=subprocess.STDOUT,
                                     start_new_session=True, pass_fds=[lock.fileno()])
            self.children.add(child)
        status = child.wait()
        with self.lock:
            self.children.discard(child)
        return status

    def run(self, name, options, config, folds):
        out = self.args.out
        if (out / f'{name}.csv').exists():
            return
        with locked(out / f'{name}.lock') as lock:
            if lock is None:
                self.failed.append(name)
                self.say(f'{name}: is being run by another process')
            elif not (out / f'{name}.csv').exists():  # Another process may have just finished it.
                self.run_locked(lock, name, options, config, folds)

    def run_locked(self, lock, name, options, config, folds):
        out, args = self.args.out, self.args
        folder, settings, begin = out / name, out / f'{name}.toml', time.monotonic()
        settings.write_text(config)
        with open(out / f'{name}.log', 'a') as log:
            if (folder / 'state.safetensors').exists():  # The run knows its data and settings.
                command = [args.apps / 'train', '--resume', '--out', folder, *self.place]
            else:
                command = [args.apps / 'train', '--data', args.data, '--out', folder, *self.place, *options,
                           '--config', settings]
            status = self.call(log, lock, command)
            seconds = time.monotonic() - begin
            if status == 0:
                (out / f'{name}.seconds').write_text(f'{seconds:.1f}\n')
                partial = out / f'{name}.partial.csv'
                command = [args.apps / 'evaluate', '--data', args.data, *self.place, '--model', folder,
                           '--fold', *folds, '--draws', '0', '--force', '--predictions', partial]
                status = self.call(log, lock, command)
                if status == 0:
                    partial.rename(out / f'{name}.csv')
        if self.stopping:
            return
        if status != 0:
            self.failed.append(name)
        self.say(f'{name}: {f"{seconds:.1f} s of training" if status == 0 else f"failed, see {name}.log"}')

    def say(self, text):
        print(f'{time.monotonic() - self.start:6.0f} s  {text}', flush=True)

    def work(self, runs):
        while not self.stopping:
            with self.lock:
                if not runs or time.monotonic() - self.start > self.args.stop_after:
                    return
                run = runs.pop(0)
            try:
                self.run(*run)
            except OSError as error:  # A full disk, a program that cannot be started: the next run may do better.
                self.failed.append(run[0])
                self.say(f'{run[0]}: failed: {error}')

    def stop(self, *_):
        self.stopping = True
        for child in list(self.children):
            try:
                os.killpg(child.pid, signal.SIGTERM)
            except ProcessLookupError:
                pass


def main():
    args = arguments()
    if args.jobs < 1:
        fail(f'--jobs is {args.jobs}, expected 1 or more', 'It is the number of trainings at once.')
    runs = [run for run in read_list(args.list) if any(fnmatch.fnmatch(run[0], pattern) for pattern in args.only)]
    if not runs:
        fail(f'no run of {args.list} is called {" or ".join(args.only)}',
             'Runs are called NAME-TASK-SEED; --only takes wildcards.')
    check_programs(args.apps)
    try:
        args.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        fail(f'--out {args.out}: {error.strerror}', 'Give a folder that can be written to.')
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
