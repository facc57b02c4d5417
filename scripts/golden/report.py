"""Golden values of evaluation/curves.h, evaluation/calibration.h and model/permutation_importance.h from scikit-learn.

Usage: report.py [OUT.json]      (default: tests/evaluation/golden/report.json)

Curves and calibration are of the scores in tests/evaluation/golden/metrics.json (scripts/golden/metrics.py), class by class;
null where a curve does not exist. The expected calibration error is computed from scikit-learn's calibration_curve and
the records that NumPy counts in each bin. Permutation importance: of a logistic score with given coefficients, the mean
of scikit-learn's permutation_importance over many shuffles, and its standard error.
"""
import argparse
import json
import pathlib

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import calibration_curve
from sklearn.inspection import permutation_importance
from sklearn.metrics import brier_score_loss, precision_recall_curve, roc_curve
from statsmodels.stats.proportion import proportion_confint

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINS = 10


def curves(scores, labels):
    result = {'roc': None, 'precision_recall': None}
    if 0 < labels.sum() < len(labels):
        fpr, tpr, thresholds = roc_curve(labels, scores, drop_intermediate=False)
        result['roc'] = [fpr.tolist(), tpr.tolist(), thresholds[1:].tolist()]
    if labels.sum():
        precision, recall, thresholds = precision_recall_curve(labels, scores)
        result['precision_recall'] = [recall[::-1].tolist(), precision[::-1].tolist(), thresholds[::-1].tolist()]
    return result


def calibration(scores, labels):
    edges = np.linspace(0, 1, BINS + 1)
    counts = np.bincount(np.searchsorted(edges[1:-1], scores), minlength=BINS)
    share, mean = calibration_curve(labels, scores, n_bins=BINS)
    filled = counts[counts > 0]
    positives = np.round(share * filled).astype(int)
    low, high = proportion_confint(positives, filled, method='wilson')
    return {'counts': counts.tolist(), 'share': share.tolist(), 'mean': mean.tolist(), 'low': low.tolist(),
            'high': high.tolist(), 'expected_error': float(np.sum(np.abs(share - mean) * filled) / len(scores)),
            'brier': brier_score_loss(labels, scores, pos_label=1)}


class Linear(ClassifierMixin, BaseEstimator):
    def __init__(self, weights):
        self.weights = weights
        self.classes_ = np.array([0, 1])

    def fit(self, x, y):
        return self

    def predict_proba(self, x):
        positive = 1 / (1 + np.exp(-x @ self.weights))
        return np.stack([1 - positive, positive], 1)


def importance():
    rng = np.random.default_rng(5)
    features = np.round(rng.normal(size=(61, 4)), 3).astype(np.float32)
    weights = np.array([2.0, -1.0, 0.3, 0.0])
    labels = (features @ weights + rng.normal(size=61) > 0).astype(int)
    result = permutation_importance(Linear(weights).fit(None, None), features, labels, scoring='roc_auc',
                                    n_repeats=4000, random_state=1)
    return {'features': [float(f'{v:.9g}') for v in features.ravel()], 'weights': weights.tolist(),
            'labels': labels.tolist(), 'drop': result.importances_mean.tolist(),
            'sd': result.importances_std.tolist()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('out', nargs='?', default=ROOT / 'tests/evaluation/golden/report.json', type=pathlib.Path)
    out = parser.parse_args().out
    cases = {}
    for case in json.loads((ROOT / 'tests/evaluation/golden/metrics.json').read_text()):
        shape = (case['records'], case['classes'])
        scores = np.array(case['scores'], np.float32).astype(np.float64).reshape(shape)
        labels = np.array(case['labels']).reshape(shape)
        cases[case['name']] = [
            {**curves(scores[:, c], labels[:, c]), 'calibration': calibration(scores[:, c], labels[:, c])}
            for c in range(shape[1])]
    golden = {'curves': cases, 'importance': importance()}

    def short(value):
        if isinstance(value, dict):
            return {k: short(v) for k, v in value.items()}
        if isinstance(value, list):
            return [short(v) for v in value]
        return float(f'{value:.12g}') if isinstance(value, float) else value

    out.write_text(json.dumps(short(golden), separators=(',', ':')) + '\n')
    print(f'{out}: {len(cases)} cases, {out.stat().st_size} bytes')


if __name__ == '__main__':
    main()
