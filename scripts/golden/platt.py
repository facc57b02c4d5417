#!/usr/bin/env python3
"""Golden values of Platt scaling from scikit-learn (the calibration behind CalibratedClassifierCV, method sigmoid).

Usage: platt.py [OUT.json]      (default: tests/evaluation/golden/platt.json)

Each case holds logits, labels, and the slope and offset for which sigmoid(slope * logit + offset) is most likely, with Platt's
smoothed labels. scikit-learn's optimizer stops early: the values are good to about 1e-3.
"""
import argparse
import json
import pathlib

import numpy as np
from sklearn.calibration import _SigmoidCalibration

ROOT = pathlib.Path(__file__).resolve().parents[2]


def case(name, logits, labels):
    logits = np.round(logits, 4)
    fitted = _SigmoidCalibration().fit(logits, labels)
    return {'name': name, 'logits': logits.tolist(), 'labels': labels.astype(int).tolist(), 'slope': -fitted.a_,
            'offset': -fitted.b_}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('out', nargs='?', default=ROOT / 'tests/evaluation/golden/platt.json', type=pathlib.Path)
    out = parser.parse_args().out
    rng = np.random.default_rng(11)
    logits = rng.normal(0, 2, 200)
    certain = rng.random(200) < 1 / (1 + np.exp(-logits / 3))
    shifted = rng.random(200) < 1 / (1 + np.exp(-(logits - 2)))
    separated = np.linspace(-3, 4, 31)
    cases = [case('too sure', logits, certain), case('shifted', logits, shifted),
             case('rare', logits[:80], (logits > 3.2)[:80]), case('separated', separated, separated > 0)]
    out.write_text(json.dumps(cases) + '\n')
    print(f'{out}: {out.stat().st_size} bytes')


if __name__ == '__main__':
    main()
