#!/usr/bin/env python3
"""Trains the model with two sets of hand-crafted features, once per seed each, and says what the second set adds.

Usage: compare_features.py --data DIR --out FOLDER [--seeds 0 1 2 3 4] [--sets demographics all] [--fold 9]
                           [--apps build/cpu/apps] [--threads N] [-- more options of train]

Both runs of a seed see the same data in the same order, so the difference is taken seed by seed; its 95 % interval is
Student's over the seeds. It holds for other seeds, not for other patients: evaluate's bootstrap intervals say how much
those matter. The epoch is the last one, which no fold has chosen. Runs that are complete in FOLDER are not repeated.
Needs Python's standard library only.
"""
import argparse
import json
import math
import pathlib
import statistics
import subprocess
import sys

# 97.5 % quantiles of Student's t for 1 to 10 degrees of freedom.
STUDENT = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228)


def run(command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        sys.exit(f'{" ".join(map(str, command))} failed:\n{done.stdout}')


def judge(options, features, seed, more):
    """Trains unless that is done, and returns evaluate's figures for the last epoch on the fold."""
    folder = options.out / f'{features}-{seed}'
    model = folder / 'last.safetensors'
    log = folder / 'log.csv'
    epochs = len(log.read_text().splitlines()) - 1 if log.exists() else 0
    config = folder / 'config.toml'
    wanted = next((int(line.split('=')[1]) for line in config.read_text().splitlines() if line.startswith('epochs')),
                  0) if config.exists() else None
    if epochs == 0 or epochs != wanted:
        threads = ['--threads', options.threads] if options.threads else []
        resume = ['--resume'] if config.exists() else []
        run([options.apps / 'train', '--data', options.data, '--features', features, '--seed', str(seed), '--out', folder,
             *threads, *resume, *more])
    figures = folder / f'fold{options.fold}.json'
    run([options.apps / 'evaluate', '--model', model, '--data', options.data, '--fold', str(options.fold), '--json',
         figures, '--force'])
    return json.loads(figures.read_text())


def main():
    arguments = sys.argv[1:]
    cut = arguments.index('--') if '--' in arguments else len(arguments)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--data', required=True)
    parser.add_argument('--out', required=True, type=pathlib.Path)
    parser.add_argument('--seeds', nargs='+', type=int, default=[0, 1, 2, 3, 4])
    parser.add_argument('--sets', nargs=2, default=['demographics', 'all'])
    parser.add_argument('--fold', type=int, default=9)
    parser.add_argument('--apps', type=pathlib.Path, default=pathlib.Path('build/cpu/apps'))
    parser.add_argument('--threads')
    options = parser.parse_args(arguments[:cut])
    if not 2 <= len(options.seeds) <= len(STUDENT) + 1:
        parser.error(f'--seeds: {len(options.seeds)} given, expected 2 to {len(STUDENT) + 1}')
    options.out.mkdir(parents=True, exist_ok=True)

    first, second = options.sets
    rows = []
    print(f'fold {options.fold} of {options.data}, last epoch, macro AUC\nseed  {first:>14} {second:>14}     difference')
    for seed in options.seeds:
        auc = [judge(options, features, seed, arguments[cut + 1:])['macro']['auc'] for features in options.sets]
        rows.append(auc)
        print(f'{seed:4}  {auc[0]:14.4f} {auc[1]:14.4f} {auc[1] - auc[0]:+14.4f}', flush=True)
    differences = [b - a for a, b in rows]
    if not all(map(math.isfinite, differences)):
        sys.exit('a macro AUC is not a number: no class of the fold has both outcomes')
    mean = statistics.mean(differences)
    half = STUDENT[len(rows) - 2] * statistics.stdev(differences) / math.sqrt(len(rows))
    print(f'mean  {statistics.mean(r[0] for r in rows):14.4f} {statistics.mean(r[1] for r in rows):14.4f} {mean:+14.4f}'
          f'   95 % interval over seeds {mean - half:+.4f} to {mean + half:+.4f}')


if __name__ == '__main__':
    main()
