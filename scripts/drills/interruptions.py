#!/usr/bin/env python3
"""Kills, stops and doubles trainings, and lets their writing fail, at random moments; then resumes them.

Each must end with its documented status and resume to the models of a run that was left in peace, byte for byte.

Usage: scripts/drills/interruptions.py [--kills 20] [--stops 20] [--failures 20] [--doubles 10] [--build build/cpu]
"""
import collections
import random
import shutil
import signal
import time

import common

CALLS = ('write', 'fsync', 'renameat2', 'close', 'pwrite')
ERRORS = (5, 28, 122)  # EIO, ENOSPC, EDQUOT
STOPS = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}


class Drill:
    def __init__(self, stage, rng):
        self.stage = stage
        self.rng = rng
        self.run = stage.folder / 'run'
        self.faults = []
        self.calls = {}
        begin = time.monotonic()
        stage.good(*stage.train(self.run))
        self.length = time.monotonic() - begin
        self.fresh()

    def fresh(self):
        shutil.rmtree(self.run, ignore_errors=True)

    def fault(self, what, process_text=''):
        self.faults.append(what)
        print(f'{what}: {process_text.strip()}')

    def resume(self, what):
        """To the end, whatever was left; then the models must be right and nothing else in the folder."""
        done = self.stage.run(*self.stage.train(self.run, '--resume'))
        if done.returncode != 0:
            return self.fault(f'{what}: cannot be resumed', done.stderr)
        if not self.stage.same_models(self.run):
            return self.fault(f'{what}: other models')
        left = {path.name for path in self.run.iterdir()}
        if left != {'best.safetensors', 'config.toml', 'last.safetensors', 'log.csv', 'state.safetensors'}:
            return self.fault(f'{what}: left {sorted(left)}')
        return None

    def signaled(self, number, expected):
        """True when it was met by the signal before its end."""
        process = self.stage.start(*self.stage.train(self.run))
        time.sleep(self.rng.random() * self.length)
        process.send_signal(number)
        _, err = process.communicate()
        # Before it has asked for the signals they end it as they end any process.
        if process.returncode not in (0, expected, -number):
            self.fault(f'{signal.Signals(number).name}: status {process.returncode}', err)
        met = process.returncode != 0
        if process.returncode == expected and expected > 0 and 'stopped' not in err:
            self.fault(f'{signal.Signals(number).name}: says nothing', err)
        self.resume(signal.Signals(number).name)
        self.fresh()
        return met

    def with_failures(self, call, error, nth, count, what):
        """A run in which `call` fails from number `nth` on, and how many bytes it left in the file for `what`."""
        count.unlink(missing_ok=True)
        done = self.stage.run(*self.stage.train(self.run), env=common.environment(**{
            'LD_PRELOAD': self.stage.build / 'tests/failing_calls.so', 'CARDIOGRAD_FAIL_CALLS': call,
            'CARDIOGRAD_FAIL_PATH': self.run, 'CARDIOGRAD_FAIL_ERRNO': error, 'CARDIOGRAD_FAIL_NTH': nth,
            f'CARDIOGRAD_FAIL_{what}': count}))
        return done, count.stat().st_size if count.exists() else 0

    def count_calls(self):
        """How often a whole run makes each call: a failure behind its end would meet nothing."""
        for call in CALLS:
            _, self.calls[call] = self.with_failures(call, 5, 10**9, self.stage.folder / 'calls', 'SEEN')
            self.fresh()
        print('calls of a run: ' + ', '.join(f'{call} {number}' for call, number in self.calls.items()), flush=True)

    def failing(self):
        """True when something failed."""
        if not self.calls:
            self.count_calls()
        call = self.rng.choice([call for call, number in self.calls.items() if number > 0])
        error, nth = self.rng.choice(ERRORS), self.rng.randint(1, self.calls[call])
        what = f'{call} fails from number {nth} on with {error}'
        done, met = self.with_failures(call, error, nth, self.stage.folder / 'failures', 'COUNT')
        if done.returncode != 0 and not common.refused(done):
            self.fault(f'{what}: status {done.returncode}', done.stderr)
        if done.returncode == 0 and not self.stage.same_models(self.run):
            self.fault(f'{what}: success with other models')
        self.resume(what)
        self.fresh()
        return met > 0

    def double(self):
        """Two at once; True when one was refused."""
        first = self.stage.start(*self.stage.train(self.run))
        time.sleep(self.rng.random() * self.length / 2)
        second = self.stage.start(*self.stage.train(self.run, *self.rng.choice(((), ('--resume',)))))
        errors = [process.communicate()[1] for process in (first, second)]
        statuses = collections.Counter((first.returncode, second.returncode))
        if statuses[0] == 0 or any(status not in (0, 1) for status in statuses):
            self.fault(f'two writers: statuses {sorted(statuses.elements())}', ' | '.join(errors))
        self.resume('two writers')
        self.fresh()
        return statuses[1] == 1


def meet(times, attempt):
    """Repeats an attempt until it has met a run so often; some come after its end. Gives up after twice as many."""
    met = 0
    for _ in range(2 * times):
        if met < times:
            met += attempt()
    return met


def main():
    options = common.parser('Interrupts trainings.')
    for name, number in (('kills', 20), ('stops', 20), ('failures', 20), ('doubles', 10)):
        options.add_argument(f'--{name}', type=int, default=number, help=str(number))
    wanted = options.parse_args()
    rng = random.Random(wanted.seed)
    faults = []
    with common.Stage(wanted.build, epochs=8) as stage:
        drill = Drill(stage, rng)
        kills = meet(wanted.kills, lambda: drill.signaled(signal.SIGKILL, -9))
        stops = meet(wanted.stops, lambda: drill.signaled(*rng.choice(list(STOPS.items()))))
        doubles = meet(wanted.doubles, drill.double)
        faults += drill.faults
    # A failure strikes by number, not by time: a short run has every kind of call.
    with common.Stage(wanted.build, epochs=2) as stage:
        drill = Drill(stage, rng)
        failures = meet(wanted.failures, drill.failing)
        faults += drill.faults
    print(f'interruptions: {kills} of {wanted.kills} kills and {stops} of {wanted.stops} signals met a run, '
          f'{failures} of {wanted.failures} runs had writes that failed, {doubles} of {wanted.doubles} second processes '
          f'were refused; {len(faults)} faults')
    return 1 if faults else 0


if __name__ == '__main__':
    raise SystemExit(main())
