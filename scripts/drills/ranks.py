#!/usr/bin/env python3
"""Kills a random process of trainings by several processes at random moments; then resumes them with as many.

All processes must end within seconds, with an error, and the resumed run must come to the models of a run by as many
processes that was left in peace, byte for byte.

Usage: scripts/drills/ranks.py [--kills 30] [--processes 2 3] [--build build/cpu]
"""
import os
import pathlib
import random
import shutil
import signal
import subprocess
import time

import common

SECONDS = 10  # within which all must end
MPIRUN = ('mpirun', '--allow-run-as-root', '--oversubscribe', '--bind-to', 'none', '-n')


def children_of(process):
    try:
        return [int(word) for word in pathlib.Path(f'/proc/{process}/task/{process}/children').read_text().split()]
    except OSError:
        return []


def alive(process):
    try:
        return 'Z' not in pathlib.Path(f'/proc/{process}/stat').read_text().rsplit(')', 1)[1].split()[0]
    except OSError:
        return False


def gone(ranks, begin):
    """Seconds from `begin` until none of `ranks` is left, or None where one outlives SECONDS: mpirun may end first."""
    while any(alive(rank) for rank in ranks):
        if time.monotonic() - begin > SECONDS:
            return None
        time.sleep(0.02)
    return time.monotonic() - begin


class Drill:
    def __init__(self, stage, rng, processes):
        self.stage = stage
        self.rng = rng
        self.processes = processes
        self.run = stage.folder / 'run'
        self.faults = 0
        self.longest = 0
        begin = time.monotonic()
        whole = stage.folder / f'by-{processes}'
        done = self.start(whole)
        _, err = done.communicate()
        if done.returncode != 0:
            raise SystemExit(f'{processes} processes fail where nothing is wrong: {err}')
        self.length = time.monotonic() - begin
        self.models = [(whole / name).read_bytes() for name in common.MODELS]

    def start(self, out, *more):
        return subprocess.Popen([*MPIRUN, str(self.processes), *self.stage.command(*self.stage.train(out, *more))],
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors='replace')

    def fault(self, what, text=''):
        self.faults += 1
        print(f'{self.processes} processes: {what}: {text.strip()}', flush=True)

    def resume(self):
        done = self.start(self.run, '--resume')
        _, err = done.communicate()
        if done.returncode != 0:
            self.fault('cannot be resumed', err)
        elif [(self.run / name).read_bytes() for name in common.MODELS] != self.models:
            self.fault('other models')

    def kill(self):
        """True when a process was killed before its end."""
        launcher = self.start(self.run, *self.rng.choice(((), ('--save-every', '0'))))
        time.sleep(self.rng.random() * self.length)
        ranks = children_of(launcher.pid)
        victim = self.rng.choice(ranks) if ranks else 0
        met = len(ranks) == self.processes and alive(victim)
        if met:
            os.kill(victim, signal.SIGKILL)
        begin = time.monotonic()
        _, err = launcher.communicate()
        seconds = gone(ranks, begin)
        if met and launcher.returncode == 0:
            met = False  # It had done everything.
        if met:
            self.longest = max(self.longest, SECONDS if seconds is None else seconds)
            if seconds is None or seconds > SECONDS:
                self.fault(f'not ended {SECONDS} s after one was killed', err)
            if 'signal 9' not in err:
                self.fault('says nothing of the killed process', err)
        self.resume()
        shutil.rmtree(self.run, ignore_errors=True)
        return met


def main():
    options = common.parser('Kills processes of trainings.')
    options.add_argument('--kills', type=int, default=30, help='30')
    options.add_argument('--processes', type=int, nargs='+', default=[2, 3], help='by how many, in turn; 2 3')
    wanted = options.parse_args()
    if shutil.which('mpirun') is None:
        print('no mpirun here')
        return 77
    rng = random.Random(wanted.seed)
    with common.Stage(wanted.build, epochs=12) as stage:
        drills = [Drill(stage, rng, processes) for processes in wanted.processes]
        met = 0
        for attempt in range(2 * wanted.kills):
            if met < wanted.kills:
                met += drills[attempt % len(drills)].kill()
    faults = sum(drill.faults for drill in drills)
    print(f'ranks: {met} of {wanted.kills} kills met a run; all had ended after {max(drill.longest for drill in drills):.1f} s '
          f'at the latest; {faults} faults')
    return 1 if faults or met == 0 else 0


if __name__ == '__main__':
    raise SystemExit(main())
