#!/usr/bin/env python3
"""Flips single random bits in every kind of file that the programs write and read back, and looks at what comes out.

refused: an error that names the file. noticed: the result is right, and a note or warning says that the file was not
used. harmless: the result is right. A wrong result without a word is the failure that this drill looks for: exit
status 1.

A configuration is a text that people edit, so it carries no checksum; --resume compares it with the training state's
copy. With `train --config` a changed value is a changed wish: that is not part of this drill.

Usage: scripts/drills/bit_flips.py [--flips 50] [--kinds model state cache shard partial config] [--build build/cpu]
"""
import json
import pathlib
import random
import shutil
import signal
import time

import common

KINDS = ('model', 'state', 'cache', 'shard', 'partial', 'config')


def flip(path, original, rng):
    """Writes `original` with one bit flipped."""
    bit = rng.randrange(8 * len(original))
    changed = bytearray(original)
    changed[bit // 8] ^= 1 << bit % 8
    path.write_bytes(changed)
    return bit


def predictions(stage, model):
    """Status and answer without times."""
    done = stage.run('predict', '--model', model, '--json', '--threads', '1', stage.data / 'records100/00000/00001_lr')
    if done.returncode != 0:
        return done, None
    answer = json.loads(done.stdout)
    answer.pop('milliseconds')
    return done, answer


class Drill:
    """For one kind of file: `path` is flipped, `attempt` returns a finished process and whether its result is right."""

    def __init__(self, stage, kind):
        self.stage = stage
        self.attempt = getattr(self, kind)
        self.run = stage.folder / 'run'
        if kind == 'model':
            self.path = stage.folder / 'model.safetensors'
            shutil.copy(stage.whole / 'best.safetensors', self.path)
            _, self.expected = predictions(stage, self.path)
        elif kind in ('state', 'config'):
            self.interrupted = self.interrupted_run()
            self.path = self.run / ('state.safetensors' if kind == 'state' else 'config.toml')
            self.restore()
        elif kind in ('cache', 'shard'):  # in one file, or in one for every two records
            memory = ('--signal-memory', '0.5') if kind == 'shard' else ()
            self.cached = ('train', '--data', stage.data, '--config', stage.config, '--cache', stage.folder / kind,
                           '--epochs', '1', *memory)
            filling = stage.folder / f'filling-{kind}'
            stage.good(*self.cached, '--out', filling)
            self.expected = [(filling / name).read_bytes() for name in common.MODELS]
            self.path = next((stage.folder / kind).glob('*.cache' if kind == 'cache' else '*.shards/00003.shard'))
        else:
            self.table = stage.folder / 'features.csv'
            self.path = self.interrupted_table()
        self.original = self.path.read_bytes()

    def interrupted_run(self):
        """A copy of a run folder that was stopped between two epochs or within one."""
        folder = self.stage.folder / 'interrupted'
        if folder.exists():
            return folder
        process = self.stage.start(*self.stage.train(folder))
        while not (folder / 'log.csv').exists() and process.poll() is None:
            time.sleep(0.001)
        process.send_signal(signal.SIGTERM)
        process.communicate()
        if process.returncode != 143:
            raise SystemExit(f'the run was not stopped but ended with {process.returncode}: take more epochs')
        return folder

    def restore(self):
        shutil.rmtree(self.run, ignore_errors=True)
        shutil.copytree(self.interrupted, self.run)

    def interrupted_table(self):
        self.source = self.stage.folder / 'big'  # A partial table is written every 2000 records.
        self.stage.good('synthesize', '--records', '2050', '--seed', '2', '--out', self.source)
        self.stage.good('features', '--data', self.source, '--out', self.table)
        self.expected = self.table.read_bytes()
        self.table.unlink()
        partial = pathlib.Path(f'{self.table}.partial')
        process = self.stage.start('features', '--data', self.source, '--out', self.table)
        while not partial.exists() and process.poll() is None:
            time.sleep(0.001)
        process.kill()
        process.communicate()
        return partial

    def model(self):
        done, answer = predictions(self.stage, self.path)
        return done, answer == self.expected

    def resumed(self):
        done = self.stage.run('train', '--resume', '--out', self.run, '--no-cache')
        right = done.returncode == 0 and self.stage.same_models(self.run)
        self.restore()
        return done, right

    state = resumed
    config = resumed

    def cached_run(self):
        out = self.stage.folder / 'cached'
        shutil.rmtree(out, ignore_errors=True)
        done = self.stage.run(*self.cached, '--out', out)
        return done, done.returncode == 0 and [(out / name).read_bytes() for name in common.MODELS] == self.expected

    cache = cached_run
    shard = cached_run

    def partial(self):
        self.table.unlink(missing_ok=True)
        done = self.stage.run('features', '--data', self.source, '--out', self.table)
        return done, done.returncode == 0 and self.table.read_bytes() == self.expected


def main():
    options = common.parser('Flips bits in the files of the programs.')
    options.add_argument('--flips', type=int, default=50, help='per kind of file; 50')
    options.add_argument('--kinds', nargs='+', choices=KINDS, default=KINDS)
    wanted = options.parse_args()
    rng = random.Random(wanted.seed)
    wrong = 0
    with common.Stage(wanted.build, epochs=12) as stage:
        for kind in wanted.kinds:
            drill = Drill(stage, kind)
            counts = {'refused': 0, 'noticed': 0, 'harmless': 0, 'silently different': 0}
            for _ in range(wanted.flips):
                bit = flip(drill.path, drill.original, rng)
                done, right = drill.attempt()
                if common.refused(done):
                    counts['refused'] += 1
                elif not right:
                    counts['silently different'] += 1
                    print(f'{kind}: bit {bit} of {drill.path.name}: status {done.returncode}, a wrong result')
                elif 'is not used' in done.stderr or 'checksums' in done.stderr:
                    counts['noticed'] += 1
                else:
                    counts['harmless'] += 1
            wrong += counts['silently different']
            print(f'{kind}: {wanted.flips} flips: ' + ', '.join(f'{n} {what}' for what, n in counts.items()), flush=True)
    print(f'bit flips: {wrong} silently different results')
    return 1 if wrong else 0


if __name__ == '__main__':
    raise SystemExit(main())
