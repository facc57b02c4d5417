"""Golden values of evaluation/metrics.h and evaluation/thresholds.h from scikit-learn.

Usage: metrics.py [OUT.json]      (default: tests/evaluation/golden/metrics.json)

Each case holds scores and labels (record by record), thresholds, and what scikit-learn says about them with
zero_division=0. Macro means go over the classes with both outcomes. What does not exist is null. A record is predicted
positive when score > threshold. "tuned" is the best F1 over all midpoints of neighboring distinct scores and the
thresholds that reach it, found by trying each one.
"""
import argparse
import json
import math
import pathlib
import warnings

import numpy as np
from sklearn.metrics import (average_precision_score, confusion_matrix, f1_score, precision_recall_fscore_support,
                             roc_auc_score)

warnings.filterwarnings('ignore')  # undefined figures are the point of some cases
ROOT = pathlib.Path(__file__).resolve().parents[2]


def decisions(labels, predicted, average):
    p, r, f, _ = precision_recall_fscore_support(labels, predicted, average=average, zero_division=0)
    return {'precision': p, 'recall': r, 'f1': f}


def tuned(labels, scores):
    distinct = np.unique(scores.astype(np.float64))
    if labels.min() == labels.max() or len(distinct) == 1:
        return None
    middles = ((distinct[1:] + distinct[:-1]) / 2).astype(np.float64)
    f1 = np.array([f1_score(labels, scores > m, zero_division=0) for m in middles])
    best = middles[np.isclose(f1, f1.max(), rtol=0, atol=1e-12)]
    return {'f1': f1.max(), 'thresholds': best.tolist()}


def case(name, scores, labels, thresholds):
    scores = np.asarray(scores, np.float32)
    labels = np.asarray(labels, int)
    thresholds = np.asarray(thresholds, np.float32)
    predicted = (scores > thresholds).astype(int)
    support = labels.sum(0)
    both = (support > 0) & (support < len(labels))
    auc = [roc_auc_score(labels[:, c], scores[:, c]) if both[c] else math.nan for c in range(labels.shape[1])]
    ap = [average_precision_score(labels[:, c], scores[:, c]) if support[c] else math.nan
          for c in range(labels.shape[1])]
    classes = []
    for c in range(labels.shape[1]):
        row = decisions(labels[:, c], predicted[:, c], 'binary')
        row.update(auc=auc[c], average_precision=ap[c], support=support[c], tuned=tuned(labels[:, c], scores[:, c]),
                   confusion=confusion_matrix(labels[:, c], predicted[:, c], labels=[0, 1]).ravel().tolist())
        classes.append(row)
    if both.sum() > 1:
        macro = decisions(labels[:, both], predicted[:, both], 'macro')
    elif both.sum() == 1:
        macro = decisions(labels[:, both][:, 0], predicted[:, both][:, 0], 'binary')
    else:
        macro = dict.fromkeys(('precision', 'recall', 'f1'), math.nan)
    macro.update(auc=np.mean(np.array(auc)[both]), average_precision=np.mean(np.array(ap)[both]), classes=both.sum())
    if labels.shape[1] > 1:
        averages = {k: decisions(labels, predicted, k) for k in ('micro', 'weighted', 'samples')}
    else:
        # scikit-learn takes one column for a binary problem; an empty second class leaves these three unchanged.
        wide = [np.hstack([a, np.zeros_like(a)]) for a in (labels, predicted)]
        averages = {k: decisions(*wide, k) for k in ('micro', 'weighted', 'samples')}
    flat = labels.ravel()
    averages['micro'].update(
        auc=roc_auc_score(flat, scores.ravel()) if 0 < flat.sum() < flat.size else math.nan,
        average_precision=average_precision_score(flat, scores.ravel()) if flat.sum() else math.nan)
    weights = np.where(both, support, 0)
    averages['weighted'].update(
        {k: np.average(np.array(v)[both], weights=weights[both]) if weights.sum() else math.nan
         for k, v in (('auc', auc), ('average_precision', ap))})
    return {'name': name, 'records': len(labels), 'classes': labels.shape[1], 'scores': scores.ravel(),
            'labels': labels.ravel(), 'thresholds': thresholds, 'per_class': classes, 'macro': macro, **averages}


def plain(value):
    """JSON types; NaN becomes null; float32 keeps the nine digits that bring it back exactly."""
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [plain(v) for v in value]
    if isinstance(value, np.float32):
        return float(f'{value:.9g}')
    if isinstance(value, (float, np.floating)):
        return None if math.isnan(value) else float(value)
    return int(value) if isinstance(value, np.integer) else value


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('out', nargs='?', default=ROOT / 'tests/evaluation/golden/metrics.json', type=pathlib.Path)
    out = parser.parse_args().out
    rng = np.random.default_rng(7)
    cases = []

    labels = rng.random((101, 5)) < [.5, .3, .2, .1, .05]
    cases.append(case('random', rng.random((101, 5)) * .7 + .3 * labels, labels, [.5, .4, .6, .5, .45]))

    labels = rng.random((97, 4)) < [.5, .3, .2, .1]
    ties = np.round((rng.random((97, 4)) * .7 + .3 * labels) * 8) / 8
    cases.append(case('heavy ties', ties, labels, [.5, .375, .25, .5]))  # scores equal to the threshold occur

    labels = rng.random((53, 6)) < .3
    labels[:, 1], labels[:, 4] = False, True
    scores = np.round(rng.random((53, 6)) * 32) / 32
    scores[:, 5] = 0  # one score for all records, nothing predicted
    cases.append(case('no positives, no negatives, all-zero predictions', scores, labels, [.5] * 6))

    cases.append(case('nothing predicted', rng.random((11, 3)) * .4, rng.random((11, 3)) < .5, [.5] * 3))
    cases.append(case('everything predicted', .6 + rng.random((11, 3)) * .4, rng.random((11, 3)) < .5, [.5] * 3))
    cases.append(case('no labels at all', rng.random((9, 2)), np.zeros((9, 2)), [.5] * 2))
    cases.append(case('one record', [[.9, .1, .7]], [[1, 0, 0]], [.5] * 3))
    cases.append(case('one class', np.round(rng.random((37, 1)), 1), rng.random((37, 1)) < .4, [.5]))
    perfect = rng.random((21, 2)) < .4
    cases.append(case('perfect and reversed', np.stack([perfect[:, 0] * .8 + .1, .9 - perfect[:, 1] * .8], 1), perfect,
                      [.5, .5]))
    # Neighboring floats: the midpoint has no float of its own.
    labels = np.arange(8)[:, None] % 2 == 1
    cases.append(case('neighboring floats', np.where(labels, np.nextafter(np.float32(.3), np.float32(1)),
                                                      np.float32(.3)), labels, [np.float32(.3)]))
    out.write_text(json.dumps(plain(cases), separators=(',', ':')).replace('{"name"', '\n{"name"') + '\n')
    print(f'{out}: {len(cases)} cases, {out.stat().st_size} bytes')


if __name__ == '__main__':
    main()
