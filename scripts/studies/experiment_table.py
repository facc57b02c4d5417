#!/usr/bin/env python3
"""Compares the runs of scripts/studies/experiments.py on the same records.

Usage: experiment_table.py OUT --task super [--fold 9] [--base GROUP] [--groups PATTERN ...] [--ensemble NAME=PATTERN,...]
                           [--ensemble-seeds] [--runs PATTERN ...] [--draws 1000] [--json FILE]

A row per group: the macro AUC of each run averaged over its seeds, macro precision, recall and F1 with the thresholds that have the
highest F1 on fold 9, and the difference of the AUC to --base, paired: the same resampled records for both. Brackets hold
95 % intervals of the bootstrap over records. --ensemble adds a row: the mean of the probabilities of the runs that match one
of the patterns (wildcards, of run names without OUT). --ensemble-seeds adds such a row for each group of several runs.
--runs: no other runs of OUT are read (wildcards).

Choose on fold 9. Fold 10 is for models that are chosen.                                      Needs numpy.
"""
import argparse
import csv
import fnmatch
import json
import pathlib
import sys

import numpy as np


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('out', type=pathlib.Path)
    parser.add_argument('--task', required=True)
    parser.add_argument('--fold', type=int, default=9)
    parser.add_argument('--base')
    parser.add_argument('--groups', nargs='+', default=['*'])
    parser.add_argument('--ensemble', nargs='+', default=[])
    parser.add_argument('--ensemble-seeds', action='store_true')
    parser.add_argument('--runs', nargs='+', default=['*'])
    parser.add_argument('--draws', type=int, default=1000)
    parser.add_argument('--json', type=pathlib.Path)
    return parser.parse_args()


class Run:
    """Probabilities and labels of one run: dictionaries by fold of (records, classes), in the order of the record's number."""

    def __init__(self, path):
        try:
            self.read(path)
        except (IndexError, KeyError, TypeError, ValueError):
            sys.exit(f'error: {path}: no predictions of `evaluate --predictions`\n'
                     'hint: Remove the file; the run is then evaluated anew.')

    def read(self, path):
        with open(path, newline='') as file:
            rows = sorted(csv.DictReader(file), key=lambda row: int(row['ecg_id']))
        self.classes = [key.removeprefix('probability_') for key in rows[0] if key.startswith('probability_')]
        self.ids, self.probabilities, self.labels = {}, {}, {}
        for fold in sorted({int(row['fold']) for row in rows}):
            mine = [row for row in rows if int(row['fold']) == fold]
            self.ids[fold] = [int(row['ecg_id']) for row in mine]
            self.probabilities[fold], self.labels[fold] = (
                np.array([[float(row[f'{kind}_{c}']) for c in self.classes] for row in mine]) for kind in ('probability', 'label'))
            if not np.isfinite(self.probabilities[fold]).all():
                sys.exit(f'experiment_table.py: {path}: a probability of fold {fold} is not a finite number')


def joined(runs):
    """A run whose probabilities are the mean of those of `runs`."""
    run = Run.__new__(Run)
    run.classes, run.ids, run.labels = runs[0].classes, runs[0].ids, runs[0].labels
    run.probabilities = {fold: np.mean([other.probabilities[fold] for other in runs], 0) for fold in run.ids}
    return run


def ranks(values):
    """Ranks from 1 along the first axis; equal values share the mean of theirs."""
    order = np.argsort(values, 0, kind='stable')
    ordered = np.take_along_axis(values, order, 0)
    result = np.empty(values.shape)
    for c in range(values.shape[1]):
        begins = np.flatnonzero(np.r_[True, np.diff(ordered[:, c]) != 0])
        counts = np.diff(np.r_[begins, len(values)])
        result[order[:, c], c] = np.repeat(begins + (counts + 1) / 2, counts)
    return result


def class_aucs(probabilities, labels):
    positives, negatives = labels.sum(0), (1 - labels).sum(0)
    with np.errstate(invalid='ignore', divide='ignore'):
        return ((ranks(probabilities) * labels).sum(0) - positives * (positives + 1) / 2) / (positives * negatives)


def macro_auc(probabilities, labels):
    """The mean over the classes that have both kinds of records."""
    return np.nanmean(class_aucs(probabilities, labels))


def best_thresholds(probabilities, labels):
    """Of the highest F1, a record being positive above: the same as the program's (evaluation/thresholds.h), float by float."""
    thresholds = []
    for p, y in zip(np.float32(probabilities).T, labels.T):
        order = np.argsort(-p, kind='stable')
        ordered, positives = p[order], y.sum()
        last = np.flatnonzero(np.diff(ordered))  # of its value, the lowest value left out
        if positives in (0, len(y)) or not len(last):
            thresholds.append(np.float32(0.5))
            continue
        f1 = 2 * np.cumsum(y[order])[last] / (last + 1 + positives)
        low, high = ordered[last + 1], ordered[last]
        middle = (low + high) / np.float32(2)
        candidates = np.where(middle < high, middle, low)[f1 == f1.max()]
        thresholds.append(min(candidates, key=lambda t: (abs(float(t) - 0.5), -t)))
    return np.array(thresholds, np.float32)


def decisions(probabilities, thresholds):
    return (np.float32(probabilities) > thresholds).astype(float)


def scores(decided, labels):
    """Macro precision, recall and F1, 0 where there is nothing to divide by."""
    hits, said, there = (decided * labels).sum(0), decided.sum(0), labels.sum(0)
    return [np.mean(top / np.maximum(bottom, 1)) for top, bottom in ((hits, said), (hits, there), (2 * hits, said + there))]


def interval(values):
    low, high = np.quantile(values, [0.025, 0.975])
    return [float(low), float(high)]


class Group:
    def __init__(self, name, runs, args, draws):
        self.name, self.runs = name, runs
        labels = runs[0].labels[args.fold]
        self.auc = float(np.mean([macro_auc(run.probabilities[args.fold], labels) for run in runs]))
        self.by_class = np.mean([class_aucs(run.probabilities[args.fold], labels) for run in runs], 0)
        self.drawn = np.array([np.mean([macro_auc(run.probabilities[args.fold][draw], labels[draw]) for run in runs])
                               for draw in draws])
        decided = [decisions(run.probabilities[args.fold], best_thresholds(run.probabilities[9], run.labels[9])) for run in runs]
        self.precision, self.recall, self.f1 = (float(np.mean(values)) for values in zip(*(scores(d, labels) for d in decided)))

    def row(self, base):
        low, high = interval(self.drawn)
        row = (f'| {self.name} | {len(self.runs)} | {self.precision:.3f} | {self.recall:.3f} | {self.f1:.3f} '
               f'| {self.auc:.4f} [{low:.4f}, {high:.4f}] |')
        if base is None or base is self:
            return row + ' |'
        low, high = interval(self.drawn - base.drawn)
        mark = ' *' if low > 0 or high < 0 else ''
        return row + f' {self.auc - base.auc:+.4f} [{low:+.4f}, {high:+.4f}]{mark} |'

    def figures(self, base, classes):
        result = {'name': self.name, 'runs': len(self.runs), 'precision': self.precision, 'recall': self.recall, 'f1': self.f1,
                  'auc': self.auc, 'auc_interval': interval(self.drawn),
                  'class_auc': dict(zip(classes, map(float, self.by_class)))}
        if base is not None and base is not self:
            result |= {'base': base.name, 'difference': self.auc - base.auc,
                       'difference_interval': interval(self.drawn - base.drawn)}
        return result


def main():
    args = arguments()
    paths = sorted(args.out.glob(f'*-{args.task}-*.csv'))
    runs = {path.stem: Run(path) for path in paths if not path.stem.endswith('.partial')
            and any(fnmatch.fnmatch(path.stem, pattern) for pattern in args.runs)}
    if not runs:
        sys.exit(f'experiment_table.py: no *-{args.task}-*.csv in {args.out}')
    first = next(iter(runs.values()))
    for name, run in runs.items():
        if run.classes != first.classes or run.ids != first.ids:
            sys.exit(f'experiment_table.py: {name} has other records or classes than {next(iter(runs))}')
    groups = {}
    for name, run in runs.items():
        groups.setdefault(name.rsplit(f'-{args.task}-', 1)[0], []).append(run)
    wanted = {name: members for name, members in groups.items()
              if name == args.base or any(fnmatch.fnmatch(name, pattern) for pattern in args.groups)}
    for text in args.ensemble:
        name, patterns = text.split('=', 1)
        members = [run for run_name, run in runs.items()
                   if any(fnmatch.fnmatch(run_name, pattern) for pattern in patterns.split(','))]
        if not members:
            sys.exit(f'experiment_table.py: no run for --ensemble {text}')
        wanted[f'{name} ({len(members)} runs)'] = [joined(members)]
    if args.ensemble_seeds:
        wanted |= {f'{name}, mean of {len(members)}': [joined(members)] for name, members in groups.items()
                   if name in wanted and len(members) > 1}
    random = np.random.default_rng(0)
    draws = [random.integers(0, len(first.ids[args.fold]), len(first.ids[args.fold])) for _ in range(args.draws)]
    made = {name: Group(name, members, args, draws) for name, members in wanted.items()}
    if args.base and args.base not in made:
        sys.exit(f'experiment_table.py: no group {args.base} (known: {", ".join(groups)})')
    base = made.get(args.base)
    print(f'Task {args.task}, fold {args.fold}, {len(first.ids[args.fold])} records, {args.draws} draws')
    print()
    print(f'| model | seeds | precision | recall | F1 | macro AUC | {"difference to " + args.base if args.base else ""} |')
    print('|---|--:|--:|--:|--:|--:|--:|')
    for group in sorted(made.values(), key=lambda g: -g.auc):
        print(group.row(base))
    if args.json:
        args.json.write_text(json.dumps([g.figures(base, first.classes) for g in made.values()], indent=1) + '\n')


if __name__ == '__main__':
    main()
