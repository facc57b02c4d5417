#!/usr/bin/env python3
"""Many trainings that differ in seed, recipe, model, task or fold: writes them as a list of jobs, and one table of what came out.

Usage: sweep.py write OUT --data DIR [--recipes paper ...] [--models hc_cnn_tn ...] [--tasks super ...] [--seeds 0 ...]
                                     [--cross-validate] [--options "..."] [--apps build/cpu/apps] [--cache DIR]
       sweep.py gather OUT [--draws 1000] [--page FILE.html]

`write` writes to OUT
  sweep.toml  the runs, for scripts/studies/experiments.py
  jobs.txt    one command for each: trains, evaluates, leaves alone what is finished, resumes what was stopped
  array.sh    the same as a Slurm job array
and says how to start them: on this machine, with GNU parallel, or with Slurm. It may be given again with more seeds, recipes or models;
what is finished stays. --cross-validate trains each ten times, with every fold as the test fold and the one before it as the
validation fold. --options go to `train` as they are.

`gather` prints a row for each recipe and model, of what is finished by now: macro AUC over the test records with a 95 % interval of
the bootstrap, mean over the seeds. Cross-validated, each record is answered by the model that has not seen it. --page has `compare`
write curves and differences of all runs (not cross-validated). Needs numpy.
"""
import argparse
import itertools
import json
import os
import pathlib
import shlex
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
STUDIES = ROOT / 'scripts/studies'
FOLDS = 10


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest='command', required=True)
    write = commands.add_parser('write')
    write.add_argument('out', type=pathlib.Path)
    write.add_argument('--data', required=True, type=pathlib.Path)
    write.add_argument('--recipes', nargs='+', default=['paper'])
    write.add_argument('--models', nargs='+', default=['hc_cnn_tn'])
    write.add_argument('--tasks', nargs='+', default=['super'])
    write.add_argument('--seeds', nargs='+', type=int, default=[0])
    write.add_argument('--cross-validate', action='store_true')
    write.add_argument('--options', default='')
    write.add_argument('--apps', type=pathlib.Path, default=ROOT / 'build/cpu/apps')
    write.add_argument('--cache', type=pathlib.Path)
    gather = commands.add_parser('gather')
    gather.add_argument('out', type=pathlib.Path)
    gather.add_argument('--draws', type=int, default=1000)
    gather.add_argument('--page', type=pathlib.Path)
    return parser.parse_args()


def fail(message, hint):
    sys.exit(f'sweep.py: {message}\nhint: {hint}')


def groups_of(args):
    """(name of the group, its text in the list) for each recipe, model and fold."""
    for recipe, model in itertools.product(args.recipes, args.models):
        name = recipe if model == 'hc_cnn_tn' else f'{model}-{recipe}'
        options = f'--recipe {recipe} --model {model} {args.options}'.strip()
        for fold in range(1, FOLDS + 1) if args.cross_validate else [None]:
            text = (f'[[group]]\nname = {json.dumps(name if fold is None else f"{name}-fold{fold}")}\ntasks = {json.dumps(args.tasks)}\n'
                    f'seeds = {args.seeds}\noptions = {json.dumps(options)}\n')
            if fold is not None:
                text += f'data = {{val_fold = {fold - 1 if fold > 1 else FOLDS}, test_fold = {fold}}}\n'
            yield (name if fold is None else f'{name}-fold{fold}'), text


def write(args):
    if not (args.data / 'ptbxl_database.csv').is_file():
        fail(f'{args.data} has no ptbxl_database.csv', 'Give a folder in PTB-XL\'s layout: scripts/get_ptbxl.sh downloads it.')
    args.out.mkdir(parents=True, exist_ok=True)
    listed = dict(groups_of(args))
    (args.out / 'sweep.toml').write_text('# Written by scripts/sweep.py; for scripts/studies/experiments.py.\n' + ''.join(listed.values()))
    names = [f'{group}-{task}-{seed}' for seed in args.seeds for group in listed for task in args.tasks]
    place = ['--cache', args.cache.resolve()] if args.cache else []
    base = [sys.executable, STUDIES / 'experiments.py', (args.out / 'sweep.toml').resolve(), '--data', args.data.resolve(), '--out',
            args.out.resolve(), '--apps', args.apps.resolve(), *place]
    command = shlex.join(map(str, base))
    jobs = args.out / 'jobs.txt'
    jobs.write_text(''.join(f'{command} --only {name}\n' for name in names))
    array = args.out / 'array.sh'
    array.write_text(f'#!/bin/sh\n#SBATCH --job-name=cardiograd\n#SBATCH --array=1-{len(names)}\n#SBATCH --output={args.out.resolve()}/%a.slurm\n'
                     f'exec sh -c "$(sed -n "${{SLURM_ARRAY_TASK_ID}}p" {shlex.quote(str(jobs.resolve()))})"\n')
    print(f'{len(names)} runs in {args.out}. Start them with one of\n  {command} --jobs 1\n  parallel --jobs 2 < {jobs}\n  sbatch {array}\n'
          f'and see what came out:\n  {sys.argv[0]} gather {args.out}')


def gather_folds(args, table, paths):
    """Of runs that are called NAME-foldK-TASK-SEED: the records of all test folds together."""
    import numpy as np
    groups = {}
    for path in paths:
        name, task, seed = path.stem.rsplit('-', 2)
        name, fold = name.rsplit('-fold', 1)
        groups.setdefault((name, task), {}).setdefault(seed, {})[int(fold)] = table.Run(path)
    print('| runs | task | seeds | folds | records | precision | recall | F1 | macro AUC |\n|---|---|--:|--:|--:|--:|--:|--:|--:|')
    for (name, task), seeds in sorted(groups.items()):
        whole = {seed: runs for seed, runs in seeds.items() if set(runs) == set(range(1, FOLDS + 1))}
        missing = sum(FOLDS - len(runs) for runs in seeds.values())
        if not whole:
            print(f'| {name} | {task} | 0 | {FOLDS * len(seeds) - missing} of {FOLDS * len(seeds)} | | | | | not finished |')
            continue
        answers, labels, figures = [], None, []
        for runs in whole.values():
            before = {fold: fold - 1 if fold > 1 else FOLDS for fold in runs}
            answers.append(np.concatenate([runs[fold].probabilities[fold] for fold in sorted(runs)]))
            labels = np.concatenate([runs[fold].labels[fold] for fold in sorted(runs)])
            decided = [runs[k].probabilities[k] >= table.best_thresholds(runs[k].probabilities[before[k]], runs[k].labels[before[k]])
                       for k in sorted(runs)]
            figures.append(table.scores(np.concatenate(decided).astype(float), labels))
        random = np.random.default_rng(0)
        drawn = []
        for _ in range(args.draws):
            draw = random.integers(0, len(labels), len(labels))
            drawn.append(np.mean([table.macro_auc(p[draw], labels[draw]) for p in answers]))
        low, high = table.interval(drawn)
        precision, recall, f1 = np.mean(figures, 0)
        auc = np.mean([table.macro_auc(p, labels) for p in answers])
        print(f'| {name} | {task} | {len(whole)} | {FOLDS} | {len(labels)} | {precision:.3f} | {recall:.3f} | {f1:.3f} | '
              f'{auc:.4f} [{low:.4f}, {high:.4f}] |')


def gather(args):
    paths = sorted(path for path in args.out.glob('*.csv') if not path.stem.endswith('.partial'))
    if not paths:
        fail(f'{args.out} has no finished run', 'Start those of its jobs.txt, or give the folder of a sweep.')
    sys.path.insert(0, str(STUDIES))
    import experiment_table as table
    if any('-fold' in path.stem for path in paths):
        if args.page:
            fail('--page and a cross-validated sweep', 'Leave it out: `compare` compares runs on the same records.')
        return gather_folds(args, table, paths)
    for task in sorted({path.stem.rsplit('-', 2)[1] for path in paths}):
        subprocess.run([sys.executable, STUDIES / 'experiment_table.py', args.out, '--task', task, '--fold', '10', '--draws',
                        str(args.draws)], check=True)
        print()
    if args.page:
        jobs = shlex.split((args.out / 'jobs.txt').read_text().splitlines()[0])
        value = lambda option: jobs[jobs.index(option) + 1]
        runs = [path.with_suffix('') for path in paths]
        cache = ['--cache', value('--cache')] if '--cache' in jobs else []
        subprocess.run([os.path.join(value('--apps'), 'compare'), *runs, '--data', value('--data'), '--out', args.page, *cache], check=True)


def main():
    args = arguments()
    {'write': write, 'gather': gather}[args.command](args)


if __name__ == '__main__':
    try:
        main()
    except subprocess.CalledProcessError as error:
        sys.exit(error.returncode)
