#!/usr/bin/env python3
"""Golden values of the entropies of a lead, from their definitions in NumPy: pairs counted one by one, orders sorted, singular values of
the matrix itself.

Usage: lead_entropies.py [OUT.txt]      (default: tests/dsp/golden/lead_entropies.txt)
One list per line: name, count, values; <series> and entropies_<series>, in the order of kLeadEntropyNames.
"""
import itertools
import pathlib
import sys

import numpy as np

OUT = pathlib.Path(__file__).resolve().parents[2] / 'tests/dsp/golden/lead_entropies.txt'


def entropy(p):
    p = np.asarray(p)[np.asarray(p) > 0]
    return -(p * np.log(p)).sum()


def templates(x, m):
    return np.array([x[i:i + m] for i in range(len(x) - m + 1)])


def distances(rows):
    return np.abs(rows[:, None] - rows[None]).max(-1)


def approximate(x, m=2):
    r = .2 * np.std(x)
    phi = [np.log((distances(templates(x, k)) <= r).mean(1)).mean() for k in (m, m + 1)]
    return phi[0] - phi[1]


def sample(x, m=2):
    r = .2 * np.std(x)
    pairs = [(distances(templates(x, k)[:len(x) - m]) < r).sum() - (len(x) - m) for k in (m, m + 1)]
    return -np.log(pairs[1] / pairs[0])


def permutation(x, order=3):
    orders = [tuple(np.argsort(row, kind='stable')) for row in templates(x, order)]
    counts = np.array([orders.count(p) for p in itertools.permutations(range(order))])
    return entropy(counts / len(orders)) / np.log(len(counts))


def spectral(x):
    power = np.abs(np.fft.rfft(x - x.mean())) ** 2
    power[1:len(power) - (len(x) % 2 == 0)] *= 2
    power[0] = 0
    return entropy(power / power.sum()) / np.log(len(power))


def svd(x):
    s = np.linalg.svd(templates(x, 3), compute_uv=False)
    return entropy(s / s.sum())


def entropies(x):
    p = np.histogram(x, 16)[0] / len(x)
    return [entropy(p), -np.log((p ** 2).sum()), 1 - (p ** 2).sum(), entropy(1 - p), approximate(x), sample(x), permutation(x),
            spectral(x), svd(x)]


def main():
    out = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else OUT
    rng = np.random.default_rng(11)
    t = np.arange(400) / 100
    beats = sum(np.exp(-.5 * ((t - b) / .02) ** 2) for b in (.4, 1.2, 2.1, 2.9, 3.8))
    series = {'noise': rng.normal(size=301), 'beats': beats + .1 * np.sin(2 * np.pi * .7 * t) + .02 * rng.normal(size=400),
              'steps': np.round(3 * rng.normal(size=97))}
    lines = []
    for name, x in series.items():
        x = np.array([float(f'{v:.9g}') for v in x])
        for key, values in ((name, x), (f'entropies_{name}', entropies(x))):
            lines.append(f'{key} {len(values)} ' + ' '.join(f'{v:.15g}' for v in values))
    out.write_text('\n'.join(lines) + '\n')
    print(f'{out}: {len(lines)} lists')


if __name__ == '__main__':
    main()
