#!/usr/bin/env python3
"""Holds the figures of `evaluate` against scikit-learn, which gets them from the table of predictions alone.

  evaluate ... --predictions FILE.csv --json FILE.json
  check_predictions.py FILE.csv FILE.json [--tolerance 1e-6]

Compares per class AUC, average precision, precision, recall, F1 and support, and the macro means of the first five.
Needs pandas and scikit-learn. Prints the largest difference of each; exit status 1 where one exceeds the tolerance.
"""
import argparse
import json
import pathlib

import numpy as np
import pandas as pd
import sklearn
from sklearn.metrics import average_precision_score, precision_recall_fscore_support, roc_auc_score

NAMES = ('auc', 'average_precision', 'precision', 'recall', 'f1')


def figures(table, name):
    label, probability, decision = (table[f'{what}_{name}'] for what in ('label', 'probability', 'decision'))
    precision, recall, f1, _ = precision_recall_fscore_support(label, decision, average='binary', zero_division=0)
    both = label.nunique() == 2
    return {'auc': roc_auc_score(label, probability) if both else None,
            'average_precision': average_precision_score(label, probability) if label.any() else None,
            'precision': precision, 'recall': recall, 'f1': f1, 'support': int(label.sum())}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('table', type=pathlib.Path)
    parser.add_argument('json', type=pathlib.Path)
    parser.add_argument('--tolerance', type=float, default=1e-6)
    args = parser.parse_args()
    table, ours = pd.read_csv(args.table), json.loads(args.json.read_text())
    if len(table) != ours['records']:
        raise SystemExit(f'check_predictions: {len(table)} rows, and {ours["records"]} records in {args.json}')
    theirs = {name: figures(table, name) for name in ours['class_order']}
    wrong = []
    for figure in (*NAMES, 'support'):
        differences = [0.0]
        for name in ours['class_order']:
            a, b = ours['classes'][name][figure], theirs[name][figure]
            if (a is None) != (b is None):
                wrong.append(f'{figure} of {name}: {a}, scikit-learn {b}')
            elif a is not None:
                differences.append(abs(a - b))
        if figure in NAMES and None not in [theirs[name][figure] for name in theirs]:
            differences.append(abs(sum(theirs[name][figure] for name in theirs) / len(theirs) - ours['macro'][figure]))
        worst = float(np.max(differences))  # NaN if one is
        print(f'{figure}: largest difference {worst:.1e}')
        if not worst <= args.tolerance:
            wrong.append(f'{figure}: {worst:.3g}')
    print(f'{len(table)} records, {len(theirs)} classes, scikit-learn {sklearn.__version__}, pandas {pd.__version__}')
    if wrong:
        raise SystemExit('check_predictions: ' + '; '.join(wrong))


if __name__ == '__main__':
    main()
