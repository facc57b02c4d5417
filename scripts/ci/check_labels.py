#!/usr/bin/env python3
"""Holds every test to its label: exactly one of cpu, device, docs, tree and install; data only beside cpu or device.

Usage: check_labels.py BUILD      a configured build folder, in which at least one test program is built
"""
import collections
import json
import subprocess
import sys

ONE_OF = {'cpu', 'device', 'docs', 'tree', 'install'}


def labels_of(test):
    return set(next((entry['value'] for entry in test.get('properties', []) if entry['name'] == 'LABELS'), []))


def main():
    shown = subprocess.run(['ctest', '--test-dir', sys.argv[1], '--show-only=json-v1'], capture_output=True, text=True,
                           check=True)
    tests = [test for test in json.loads(shown.stdout)['tests'] if not test['name'].endswith('_NOT_BUILT')]
    count = collections.Counter()
    wrong = 0
    for test in tests:
        labels = labels_of(test)
        count.update(labels)
        if len(labels & ONE_OF) != 1 or labels - ONE_OF - {'data'} or ('data' in labels and not labels & {'cpu', 'device'}):
            print(f'FAULT {test["name"]}: labels {sorted(labels)}')
            wrong += 1
    print(f'{len(tests)} tests: ' + ', '.join(f'{label} {count[label]}' for label in sorted(count)))
    if not tests or wrong:
        sys.exit(1)


if __name__ == '__main__':
    main()
