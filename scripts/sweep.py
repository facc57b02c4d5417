#!/usr/bin/env python3
"""Many trainings that differ in seed, recipe, model, task or fold: a list of jobs, and one table of what came out.

Usage: sweep.py write OUT --data DIR [--recipes paper ...] [--models hc_cnn_tn ...] [--tasks super ...] [--seeds 0 ...]
                          [--cross-validate] [--options "..."] [--apps build/cpu/apps] [--cache DIR]
       sweep.py gather OUT [--ensemble] [--draws 1000] [--page FILE.html [--force]]

`write` writes to OUT
  sweep.toml  the runs, for scripts/studies/experiments.py
  jobs.txt    one command for each: trains, evaluates, leaves alone what is finished, resumes what was stopped
  array.sh    the same as a Slurm job array
and says how to start them: on this machine, with GNU parallel, or with Slurm. It may be given again with more seeds,
recipes or models: runs that have begun stay in the list. --cross-validate trains each ten times, with every fold as the
test fold and the one before it as the validation fold. --options go to `train` as they are; `train` is asked whether it
knows them, the recipes, models and tasks, before anything is written.

`gather` prints a row for each recipe and model, of the runs in sweep.toml that are finished by now: macro AUC over the
test records with a 95 % interval of the bootstrap, mean over the seeds. Cross-validated, each record is answered by the
model that has not seen it. --ensemble adds rows of the mean of the seeds' probabilities. --page has `compare` write
curves and differences of all runs (not cross-validated); --force overwrites it. Needs numpy.
"""
import argparse
import glob
import importlib.util
import itertools
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
STUDIES = ROOT / 'scripts/studies'
FOLDS = 10

sys.path.insert(0, str(STUDIES))
import experiments
from experiments import fail, run_name, runs_of


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
    write.add_argument('--options', default='', help='with = where they begin with -: --options="--epochs 5"')
    write.add_argument('--apps', type=pathlib.Path, default=ROOT / 'build/cpu/apps')
    write.add_argument('--cache', type=pathlib.Path)
    gather = commands.add_parser('gather')
    gather.add_argument('out', type=pathlib.Path)
    gather.add_argument('--ensemble', action='store_true')
    gather.add_argument('--draws', type=int, default=1000)
    gather.add_argument('--page', type=pathlib.Path)
    gather.add_argument('--force', action='store_true')
    return parser.parse_args()


def fold_before(fold):
    return fold - 1 if fold > 1 else FOLDS


def groups_of(args):
    """The group of each recipe, model and fold."""
    for recipe, model in itertools.product(args.recipes, args.models):
        name = recipe if model == 'hc_cnn_tn' else f'{model}-{recipe}'
        group = {'name': name, 'tasks': args.tasks, 'seeds': args.seeds,
                 'options': f'--recipe {recipe} --model {model} {args.options}'.strip()}
        if not args.cross_validate:
            yield group
            continue
        for fold in range(1, FOLDS + 1):
            yield group | {'name': f'{name}-fold{fold}', 'data': {'val_fold': fold_before(fold), 'test_fold': fold}}


def text_of(group):
    text = lambda value: json.dumps(value, ensure_ascii=False)
    lines = ['[[group]]', *(f'{key} = {text(group[key])}' for key in ('name', 'tasks', 'seeds', 'options'))]
    for section in experiments.SECTIONS:
        if section in group:
            values = ', '.join(f'{key} = {experiments.toml_text(value)}' for key, value in group[section].items())
            lines.append(f'{section} = {{{values}}}')
    return '\n'.join(lines) + '\n'


def ask_train(args, options):
    """Ends with the error that `train` has with these options, apart from a data folder that is not there."""
    cache = ['--cache', args.cache] if args.cache else []
    with tempfile.TemporaryDirectory() as folder:
        absent = f'{folder}/absent'
        done = subprocess.run([args.apps / 'train', '--data', absent, '--out', f'{folder}/out', *cache, *options],
                              capture_output=True, text=True)
    if done.returncode != 0 and absent in done.stderr:
        return
    error = re.search(r'^error: (.*)', done.stderr, re.MULTILINE)
    hint = re.search(r'^hint: (.*)', done.stderr, re.MULTILINE)
    found = error[1] if error else f'ends with status {done.returncode} and does not train'
    fail(f'train {shlex.join(options)}: {found}', hint[1] if hint else 'Correct --options, or try that command.')


def check(args):
    if not (args.data / 'ptbxl_database.csv').is_file():
        fail(f'{args.data} has no ptbxl_database.csv',
             "Give a folder in PTB-XL's layout: scripts/get_ptbxl.sh downloads it.")
    for what in ('recipes', 'models', 'tasks', 'seeds'):
        values = getattr(args, what)
        if twice := [value for value in values if values.count(value) > 1]:
            fail(f'--{what} has {twice[0]} twice, expected each once', 'Leave one of them out.')
    experiments.check_programs(args.apps)
    for path in (args.out, args.data, args.apps, args.cache or args.out):
        if '\n' in str(path.resolve()):
            fail(f'{str(path)!r} has a line break', 'Give another folder: jobs.txt has a line for each job.')
    extra = experiments.options_of(args.options, '--options')
    for recipe, model, task in itertools.product(args.recipes, args.models, args.tasks):
        for seed in {min(args.seeds), max(args.seeds)}:
            ask_train(args, ['--recipe', recipe, '--model', model, '--task', task, '--seed', str(seed), *extra])


def has_begun(out, name):
    return (out / name).exists() or (out / f'{name}.csv').exists()


def with_begun_runs(args, groups):
    """The groups, and of an earlier list in OUT the runs that have begun; ends where these were made in another way."""
    path, listed = args.out / 'sweep.toml', {run_name(*run) for run in runs_of(groups)}
    if not path.exists():
        return groups
    named, kept = {group['name']: group for group in groups}, []
    for old, task, seed in runs_of(experiments.read_groups(path)):
        name, new = run_name(old, task, seed), named.get(old['name'])
        if not has_begun(args.out, name):
            continue
        ways = [(shlex.split(group['options']), [group.get(section) for section in experiments.SECTIONS])
                for group in (old, new or old)]
        if ways[0] != ways[1]:
            fail(f'{args.out} has the run {name}, made with the options {old["options"]!r}, now {new["options"]!r}',
                 'Give another folder than OUT, or remove the files of the runs that are to be made anew.')
        if name not in listed:
            kept.append(old | {'tasks': [task], 'seeds': [seed]})
    jobs = args.out / 'jobs.txt'
    begun = kept or any(has_begun(args.out, name) for name in listed)
    if begun and jobs.exists() and (data := job_value(jobs, '--data')) != str(args.data.resolve()):
        fail(f'{args.out} has runs on the data {data}, now {args.data.resolve()}', 'Give another folder than OUT.')
    return groups + kept


def job_value(jobs, option):
    """The option's value in the commands of jobs.txt; None without it."""
    words = shlex.split(jobs.read_text().partition('\n')[0])
    return words[words.index(option) + 1] if option in words else None


def write_array(path, out, jobs, number):
    """None where the folder's name has what lines of #SBATCH cannot: they know no quotes, and % stands for numbers."""
    if not re.fullmatch(r'[\w./+,:=@-]+', str(out)):
        path.unlink(missing_ok=True)
        return None
    path.write_text(f'#!/bin/sh\n#SBATCH --job-name=cardiograd\n#SBATCH --array=1-{number}\n'
                    f'#SBATCH --output={out}/%a.slurm\n'
                    f'exec sh -c "$(sed -n "${{SLURM_ARRAY_TASK_ID}}p" {shlex.quote(str(jobs))})"\n')
    return path


def write(args):
    check(args)
    groups = with_begun_runs(args, list(groups_of(args)))
    args.out.mkdir(parents=True, exist_ok=True)
    out, jobs = args.out.resolve(), args.out / 'jobs.txt'
    (out / 'sweep.toml').write_text('# Written by scripts/sweep.py; for scripts/studies/experiments.py.\n' +
                                    ''.join(map(text_of, groups)))
    place = ['--cache', args.cache.resolve()] if args.cache else []
    command = shlex.join(map(str, [sys.executable, STUDIES / 'experiments.py', out / 'sweep.toml', '--data',
                                   args.data.resolve(), '--out', out, '--apps', args.apps.resolve(), *place]))
    names = [run_name(*run) for run in runs_of(groups)]
    jobs.write_text(''.join(f'{command} --only {shlex.quote(glob.escape(name))}\n' for name in names))
    array = write_array(args.out / 'array.sh', out, jobs.resolve(), len(names))
    quoted = lambda path: shlex.quote(str(path))
    slurm = f'sbatch {quoted(array)}' if array else f'(no Slurm array: #SBATCH cannot hold the name {str(out)!r})'
    print(f'{len(names)} runs in {args.out}. Start them with one of\n  {command} --jobs 1\n'
          f'  parallel --jobs 2 < {quoted(jobs)}\n  {slurm}\nand see what came out:\n'
          f'  {quoted(sys.argv[0])} gather {quoted(args.out)}')


def whole_seeds(table, group, seeds):
    """Of {seed: {fold: path}}: the runs of the seeds that have all folds, by fold."""
    whole = [{fold: table.Run(path) for fold, path in sorted(folds.items())} for folds in seeds.values()
             if len(folds) == FOLDS]
    for runs in whole:
        if any(runs[k].ids != whole[0][k].ids or runs[k].classes != whole[0][k].classes for k in runs):
            fail(f'seeds of {group} have other records or classes than the first', 'Train them on the same data.')
    return whole


def folds_row(table, name, task, whole, draws):
    import numpy as np
    figures = []
    for runs in whole:
        decided = [table.decisions(run.probabilities[k], table.best_thresholds(run.probabilities[fold_before(k)],
                                                                               run.labels[fold_before(k)])) for k, run in runs.items()]
        labels = np.concatenate([run.labels[k] for k, run in runs.items()])
        figures.append(table.scores(np.concatenate(decided), labels))
    answers = [np.concatenate([run.probabilities[k] for k, run in runs.items()]) for runs in whole]
    random = np.random.default_rng(0)
    drawn = []
    for _ in range(draws):
        draw = random.integers(0, len(labels), len(labels))
        drawn.append(np.mean([table.macro_auc(p[draw], labels[draw]) for p in answers]))
    low, high = table.interval(drawn)
    precision, recall, f1 = np.mean(figures, 0)
    auc = np.mean([table.macro_auc(p, labels) for p in answers])
    print(f'| {name} | {task} | {len(whole)} | {FOLDS} | {len(labels)} | {precision:.3f} | {recall:.3f} | {f1:.3f} | '
          f'{auc:.4f} [{low:.4f}, {high:.4f}] |')


def gather_folds(args, table, runs):
    """Of groups that are called NAME-foldK: the records of all test folds together."""
    groups = {}
    for path, group, task, seed in runs:
        name, fold = group['name'].rsplit('-fold', 1)
        groups.setdefault((name, task), {}).setdefault(seed, {})[int(fold)] = path
    print('| runs | task | seeds | folds | records | precision | recall | F1 | macro AUC |\n'
          '|---|---|--:|--:|--:|--:|--:|--:|--:|')
    for (name, task), seeds in sorted(groups.items()):
        whole = whole_seeds(table, name, seeds)
        if not whole:
            count = sum(map(len, seeds.values()))
            print(f'| {name} | {task} | 0 | {count} of {FOLDS * len(seeds)} | | | | | not finished |')
            continue
        folds_row(table, name, task, whole, args.draws)
        if args.ensemble and len(whole) > 1:
            mean = {fold: table.joined([runs[fold] for runs in whole]) for fold in whole[0]}
            folds_row(table, f'{name}, mean of {len(whole)}', task, [mean], args.draws)


def gather_plain(args, runs):
    for task in sorted({task for _, _, task, _ in runs}):
        names = [glob.escape(path.stem) for path, _, its_task, _ in runs if its_task == task]
        more = ['--ensemble-seeds'] if args.ensemble else []
        subprocess.run([sys.executable, STUDIES / 'experiment_table.py', args.out, '--task', task, '--fold', '10',
                        '--draws', str(args.draws), *more, '--runs', *names], check=True)
        print(flush=True)


def write_page(args, runs):
    jobs = args.out / 'jobs.txt'
    more = ['--force'] if args.force else []
    if cache := job_value(jobs, '--cache'):
        more += ['--cache', cache]
    folders = [args.out / run_name(*run) for _, *run in runs]
    subprocess.run([os.path.join(job_value(jobs, '--apps'), 'compare'), *folders, '--data', job_value(jobs, '--data'),
                    '--out', args.page, *more], check=True)


def check_gather(args, plain, folded):
    if not plain and not folded:
        fail(f'{args.out} has no finished run', 'Start those of its jobs.txt, or give the folder of a sweep.')
    if args.draws < 1:
        fail(f'--draws is {args.draws}, expected 1 or more', 'The bootstrap needs some; 1000 when left out.')
    if args.force and not args.page:
        fail('--force without --page', 'It overwrites the page; the table is only printed.')
    if args.page and not plain:
        fail('--page and a cross-validated sweep', 'Leave it out: `compare` compares runs on the same records.')
    if args.page and len({task for _, _, task, _ in plain}) > 1:
        fail('--page and runs of several tasks', 'Leave it out: `compare` compares models of the same classes.')
    if args.page and args.page.exists() and not args.force:
        fail(f'{args.page} exists', 'Give --force to overwrite it, or another name.')
    if importlib.util.find_spec('numpy') is None:
        fail(f'{sys.executable} has no numpy', 'Install python3-numpy, or start this script with another Python.')


def gather(args):
    listed = args.out / 'sweep.toml'
    runs = runs_of(experiments.read_groups(listed)) if listed.exists() else []
    found = sorted(((args.out / f'{run_name(*run)}.csv', *run) for run in runs), key=lambda run: run[0])
    found = [run for run in found if run[0].exists()]
    folded = [run for run in found if re.search(r'-fold\d+$', run[1]['name'])]
    plain = [run for run in found if run not in folded]
    check_gather(args, plain, folded)
    if plain:
        gather_plain(args, plain)
    if folded:
        import experiment_table
        gather_folds(args, experiment_table, folded)
    if args.page:
        write_page(args, plain)


def main():
    args = arguments()
    {'write': write, 'gather': gather}[args.command](args)


if __name__ == '__main__':
    try:
        main()
    except subprocess.CalledProcessError as error:
        sys.exit(error.returncode)
    except OSError as error:
        fail(str(error), 'Check the path and the permissions.')
