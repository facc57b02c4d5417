#!/usr/bin/env python3
"""Holds the training losses of two runs together: compare_logs.py RUN_A RUN_B [--tolerance 1e-4]

Reads log.csv of both run folders and fails unless they have the same epochs and no train_loss differs by more than the
tolerance. An epoch of one batch makes each row a step. Prints the largest difference and where it is.
"""
import argparse
import csv
import pathlib


def losses(folder):
    with open(folder / 'log.csv', newline='') as file:
        return {row['epoch']: float(row['train_loss']) for row in csv.DictReader(file)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('runs', nargs=2, type=pathlib.Path)
    parser.add_argument('--tolerance', type=float, default=1e-4)
    args = parser.parse_args()
    a, b = map(losses, args.runs)
    if not a or a.keys() != b.keys():
        raise SystemExit(f'compare_logs: {args.runs[0]} has {len(a)} epochs, {args.runs[1]} {len(b)}')
    far = [epoch for epoch in a if not abs(a[epoch] - b[epoch]) <= args.tolerance]  # NaN is far from everything
    worst = far[0] if far else max(a, key=lambda epoch: abs(a[epoch] - b[epoch]))
    print(f'{len(a)} losses, from {next(iter(a.values())):.6f} to {list(a.values())[-1]:.6f}; '
          f'{"first too far" if far else "largest difference"}: {abs(a[worst] - b[worst]):.2e} at {worst} '
          f'({a[worst]:.6f} and {b[worst]:.6f})')
    if far:
        raise SystemExit(f'compare_logs: {len(far)} of {len(a)} losses differ by more than {args.tolerance:g}')


if __name__ == '__main__':
    main()
