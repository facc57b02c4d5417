#!/usr/bin/env python3
"""Writes paper.html: the paper's Figure 1, Tables 2 and 3 and Figure 3 for 5 and for 23 classes, ours beside the paper's.

Usage: paper_page.py OUT --data DIR [--page FILE.html] [--draws 1000] [--quick]

OUT is what scripts/studies/experiments.py wrote. Intervals are of the bootstrap over the records of a fold. Groups of runs whose
name begins with "paper-" are ablations, compared on fold 9. --quick: the page says that its models trained for one epoch. Needs numpy.
"""
import argparse
import ast
import collections
import csv
import datetime
import html
import os
import pathlib
import platform
import sys
import types

import numpy as np

import experiment_table as table

ROOT = pathlib.Path(__file__).resolve().parents[2]
STYLE = (ROOT / 'bench/page/style.css').read_text(encoding='utf-8')
NAMES = {'super': '5 superclasses', 'sub': '23 subclasses'}
# Table 2 of the paper: precision, recall, F1.
TABLE_2 = {'CD': (.80, .74, .77), 'HYP': (.62, .62, .62), 'MI': (.74, .77, .75), 'NORM': (.83, .91, .87), 'STTC': (.75, .78, .76)}
# Table 3 of the paper, and its text for 23 classes: macro precision, recall, F1, AUC.
TABLE_3 = {'super': {'X-ECGNet, of the paper': (.74, .76, .75, .93),
                     'multi-receptive-field CNN, of the paper': (.73, .71, .72, .93),
                     'CNN with entropy features, of the paper': (.71, .66, .68, .91),
                     'HC-CNN-TN, of the paper': (.75, .76, .76, .933)},
           'sub': {'HC-CNN-TN, of the paper': (.74, .73, .73, .928)}}
# Macro AUC on PTB-XL 1.0.3 of the benchmark's own code, run by others (Bsingstad/Strodthoff-2021), and the half width of its
# 90 % interval.
REPLICATED = {'super': {'xresnet1d101': (.930, .006), 'resnet1d_wang': (.929, .006), 'inception1d': (.919, .006),
                        'fcn_wang': (.925, .007), 'lstm': (.926, .006), 'lstm_bidir': (.923, .006)},
              'sub': {'xresnet1d101': (.928, .017), 'resnet1d_wang': (.934, .012), 'inception1d': (.931, .015),
                      'fcn_wang': (.922, .016), 'lstm': (.928, .013), 'lstm_bidir': (.920, .017)}}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('out', type=pathlib.Path)
    parser.add_argument('--data', required=True, type=pathlib.Path)
    parser.add_argument('--page', type=pathlib.Path)
    parser.add_argument('--draws', type=int, default=1000)
    parser.add_argument('--quick', action='store_true')
    return parser.parse_args()


def cells(kind, values):
    return '<tr>' + ''.join(f'<{kind}>{value}</{kind}>' for value in values) + '</tr>'


def html_table(head, rows):
    return ('<div class="wide"><table>' + cells('th', map(html.escape, head)) + ''.join(cells('td', row) for row in rows) +
            '</table></div>')


def with_interval(value, drawn):
    low, high = table.interval(drawn)
    return f'{value:.4f} <small>[{low:.4f}, {high:.4f}]</small>'


def class_counts(data):
    """Records per class of each task, of the folder's tables."""
    with open(data / 'scp_statements.csv', newline='') as file:
        rows = [(next(iter(row.values())), row) for row in csv.DictReader(file)]
    words = {code: (row['diagnostic_class'], row['diagnostic_subclass']) for code, row in rows
             if row['diagnostic'] not in ('', '0', '0.0')}
    counts = {'super': collections.Counter(), 'sub': collections.Counter()}
    records = 0
    with open(data / 'ptbxl_database.csv', newline='') as file:
        for row in csv.DictReader(file):
            records += 1
            found = [words[code] for code in ast.literal_eval(row['scp_codes']) if code in words]
            for place, task in enumerate(('super', 'sub')):
                counts[task].update({pair[place] for pair in found})
    return records, counts


def figure_1(data):
    records, counts = class_counts(data)
    parts = [f'<h2>Figure 1: records of each class</h2><p>{records} records; one may have several classes, or none.</p>']
    for task in ('super', 'sub'):
        most = max(counts[task].values(), default=1)
        bars = ''.join(f'<div class="label">{html.escape(name)}</div><div class="track"><span class="bar ours" style="width:'
                       f'{100 * count / most:.1f}%"></span><span class="value">{count}</span></div>'
                       for name, count in counts[task].most_common())
        parts.append(f'<h3>{NAMES[task]}</h3><div class="bars">{bars}</div>')
    return '\n'.join(parts)


def per_class(runs, fold):
    """Precision, recall, F1 of each class, mean over the runs; and the confusion of the first run."""
    figures, confusion = [], None
    for run in runs:
        y = run.labels[fold]
        d = table.decisions(run.probabilities[fold], table.best_thresholds(run.probabilities[9], run.labels[9]))
        hits, said, there = (d * y).sum(0), d.sum(0), y.sum(0)
        figures.append([hits / np.maximum(said, 1), hits / np.maximum(there, 1), 2 * hits / np.maximum(said + there, 1)])
        if confusion is None:
            confusion = np.stack([hits, said - hits, there - hits, len(y) - said - there + hits], 1)
    return np.mean(figures, 0).T, confusion


def seeds(group):
    return 'one seed' if len(group.runs) == 1 else f'mean of {len(group.runs)} seeds'


def table_2(task, group):
    run, (figures, confusion) = group.runs[0], per_class(group.runs, 10)
    rows = []
    for k, name in enumerate(run.classes):
        paper = TABLE_2.get(name, ('', '', '')) if task == 'super' else ('', '', '')
        values = [f'{figures[k][i]:.2f}' + (f' <small>({paper[i]:.2f})</small>' if paper[i] != '' else '') for i in range(3)]
        rows.append([html.escape(name), int(run.labels[10][:, k].sum()), *values, f'{group.by_class[k]:.3f}'])
    rows.append(['macro', '', *(f'{value:.3f}' for value in (group.precision, group.recall, group.f1)),
                 with_interval(group.auc, group.drawn)])
    matrices = [[html.escape(name), *map(int, confusion[k])] for k, name in enumerate(run.classes)]
    return (f'<h3>Table 2: each class, fold 10, {seeds(group)}</h3>'
            + ('<p>In brackets the paper\'s.</p>' if task == 'super' else '')
            + html_table(['class', 'positives', 'precision', 'recall', 'F1', 'AUC'], rows)
            + '<h3>Figure 3: right and wrong, fold 10, first seed</h3>'
            + html_table(['class', 'true positive', 'false positive', 'false negative', 'true negative'], matrices))


def table_3(task, groups, seconds):
    ours = groups.get('paper')
    rows = []
    for group in sorted(groups.values(), key=lambda g: -g.auc):
        known = REPLICATED[task].get(group.name)
        difference = ''
        if ours is not None and group is not ours:
            low, high = table.interval(group.drawn - ours.drawn)
            difference = f'{group.auc - ours.auc:+.4f} <small>[{low:+.4f}, {high:+.4f}]</small>'
        rows.append([html.escape('HC-CNN-TN, recipe paper' if group is ours else group.name), len(group.runs),
                     f'{group.precision:.3f}', f'{group.recall:.3f}', f'{group.f1:.3f}', with_interval(group.auc, group.drawn),
                     difference, f'{known[0]:.3f} ± {known[1]:.3f}' if known else '', seconds.get(group.name, '')])
    rows += [[name, '', *(f'{value:.2f}' for value in figures[:3]), f'{figures[3]:.3f}', '', '', '']
             for name, figures in TABLE_3[task].items()]
    return ('<h3>Table 3: models, fold 10</h3><p>Thresholds of the highest F1 on fold 9. Differences are paired, to the recipe paper.'
            ' Replicated: the benchmark\'s own code, run by others on the same version of PTB-XL, with its 90 % interval.</p>'
            + html_table(['model', 'seeds', 'precision', 'recall', 'F1', 'macro AUC', 'difference', 'replicated', 'training'], rows))


# Names of groups in lists/paper.toml, in words.
ABLATIONS = {'paper-bf16': 'everything, in bf16', 'paper-none': 'no features', 'paper-demographics': 'age and sex alone',
             'paper-unweighted': 'no weights of the positives', 'paper-no-positions': 'no positions',
             'paper-no-transformer': 'no Transformer'}


def ablations(groups, base_name='paper-bf16'):
    base = groups.get(base_name)
    if base is None or len(groups) < 2:
        return ''
    rows = []
    for group in sorted(groups.values(), key=lambda g: -g.auc):
        low, high = table.interval(group.drawn - base.drawn)
        rows.append([html.escape(ABLATIONS.get(group.name, group.name)), len(group.runs), with_interval(group.auc, group.drawn),
                     '' if group is base else f'{group.auc - base.auc:+.4f} <small>[{low:+.4f}, {high:+.4f}]</small>',
                     *(f'{value:.3f}' for value in group.by_class)])
    return ('<h3>What each part is worth, fold 9</h3>'
            + html_table(['model', 'seeds', 'macro AUC', 'difference', *base.runs[0].classes], rows))


def read_runs(out, task):
    """The runs of each group."""
    runs = collections.defaultdict(list)
    for path in sorted(out.glob(f'*-{task}-*.csv')):
        if not path.stem.endswith('.partial'):
            runs[path.stem.rsplit(f'-{task}-', 1)[0]].append(table.Run(path))
    return runs


def training_seconds(out, task):
    """Of all epochs, also of runs that were resumed: the sum of their logs."""
    found = collections.defaultdict(list)
    for path in sorted(out.glob(f'*-{task}-*.csv')):
        log = out / path.stem / 'log.csv'
        if log.is_file():
            with open(log, newline='') as file:
                found[path.stem.rsplit(f'-{task}-', 1)[0]].append(sum(float(row['seconds']) for row in csv.DictReader(file)))
    return {name: f'{np.mean(values):.0f} s' for name, values in found.items()}


def made(runs, fold, draw_count):
    if not runs:
        return {}
    first = next(iter(runs.values()))[0]
    random = np.random.default_rng(0)
    size = len(first.ids[fold])
    draws = [random.integers(0, size, size) for _ in range(draw_count)]
    return {name: table.Group(name, members, types.SimpleNamespace(fold=fold), draws) for name, members in runs.items()}


def processor():
    try:
        with open('/proc/cpuinfo') as file:
            return next(line.split(':', 1)[1].strip() for line in file if line.startswith('model name'))
    except (OSError, StopIteration):
        return platform.machine()


def introduction(args):
    """When, by what and of which data the page was made, and what forbids to hold it against the paper."""
    text = (f'<p>{datetime.date.today()}, {html.escape(processor())}, {os.cpu_count()} cores; data '
            f'{html.escape(args.data.resolve().name)}; <code>scripts/paper.sh{" --quick" if args.quick else ""} --data DIR</code>. Where a '
            'model was trained elsewhere, its time is of that machine.</p>')
    if (args.data / 'synthetic.json').exists():
        text += '<p><strong>Synthetic ECGs: no figure here is comparable with the paper\'s.</strong></p>'
    if args.quick:
        text += ('<p><strong>One epoch of four models: shows that everything works, and no figure here is comparable with the '
                 'paper\'s.</strong></p>')
    return text


def render(args):
    parts = [introduction(args), figure_1(args.data)]
    for task in ('super', 'sub'):
        runs = read_runs(args.out, task)
        final = {name: members for name, members in runs.items() if not name.startswith('paper-')}
        groups = made(final, 10, args.draws)
        if not groups:
            continue
        parts.append(f'<h2>{NAMES[task]}</h2>')
        if 'paper' in groups:
            parts.append(table_2(task, groups['paper']))
        parts.append(table_3(task, groups, training_seconds(args.out, task)))
        parts.append(ablations(made({name: members for name, members in runs.items() if name.startswith('paper-')}, 9, args.draws)))
    if len(parts) == 2:
        sys.exit(f'paper_page.py: no runs in {args.out}; scripts/studies/experiments.py makes them')
    body = '\n'.join(parts)
    return ('<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, '
            'initial-scale=1"><meta http-equiv="Content-Security-Policy" content="default-src \'none\'; style-src '
            '\'unsafe-inline\'; img-src data:"><link rel="icon" href="data:,"><title>The paper\'s tables</title>'
            f'<style>{STYLE}</style></head><body>\n<h1>The paper\'s tables on PTB-XL</h1>\n{body}\n</body></html>\n')


def main():
    args = arguments()
    page = args.page or args.out / 'paper.html'
    partial = page.with_name(page.name + '.partial')
    partial.write_text(render(args), encoding='utf-8')
    os.replace(partial, page)
    print(f'wrote {page}')


if __name__ == '__main__':
    main()
