#!/usr/bin/env python3
"""Words that must not come back: of each, what the field says instead. American spelling, short plain sentences.

Usage: check_words.py [ROOT]      reads all tracked sources, scripts and documents; exit status 1 with a line for each find,
                                  and for each exception (OLD_WORDS) that nothing needs any more
"""
import pathlib
import re
import subprocess
import sys

# Whole words; those in small letters in any case, names of the code as they are. CHANGELOG.md names the old ones.
WORDS = {
    r'cards?': 'GPU, device',
    r'harmoni[sz]\w*': 'normalize',
    r'(optimis(?!tic)|initialis|normalis|vectoris|standardis|synthesis(?=e)|quantis|recognis|parallelis|serialis|generalis'
    r'|summaris|minimis|maximis|penalis|organis|utilis|synchronis)\w+': 'American spelling: -ize',
    r'un?labelled|labelled|labelling|modelled|modelling|cancelled|signalled|travelled': 'American spelling: one l',
    r'(colour|behaviour|neighbour|favour|honour)\w*': 'American spelling: -or',
    r'centre[ds]?|metres?|litres?|fibres?': 'American spelling: -er',
    r'catalogues?|analogues?|dialogues?': 'American spelling: -og',
    r'grey\w*': 'gray',
    r'kMost[A-Z]\w*|kFew[A-Z]\w*|kFew': 'kMax...',
    r'kLeast[A-Z]\w*': 'kMin...',
    r'rungs?': 'variant of a kernel',
    r'the house|a gift|as a gift': 'plain words',
    r'goes on where it stopped': 'resumable',
    r'a Python that has': 'a Python environment with',
    r'kernels are cut': 'the current kernels',
    r'there (was|is) no card': 'no GPU was available',
    r'[Uu]nsettled|ScalarQueue': 'pending, AsyncScalars',
    r'BatchSource|ScoredRecords|PreparedSet|prepared_set': 'DataLoader, Scores, Dataset',
    r'metrics_order|fitting_batch|step_cost|evaluation_report': 'score_order, max_batch_size, roofline, evaluation',
    r'Circumstances|Judged': 'DriverInfo, EvaluationInputs',
    r'running_variance|positive_weights?|class_weights?': 'running_var, pos_weight',
    r'at\.(real|integer|values|indices)\(\d': 'the parameters of a function in the kernel table',
}
ENDINGS = ('.h', '.cpp', '.inl', '.cuh', '.cu', '.py', '.sh', '.cmake', '.md', '.txt', '.toml', '.yaml')
SKIP = re.compile(r'(^|/)golden/.*\.(txt|json)$|^CHANGELOG\.md$|^scripts/ci/check_words\.py$')
# Old keys and options are accepted for one more version, so these files, and no others, may each use these words.
OLD_WORDS = {
    'docs/configuration.md': {'class_weights', 'harmonise', 'standardise', 'unlabelled', 'optimiser'},
    'model/config_field.h': {'harmonise'},
    'model/model_file.cpp': {'harmonise', 'unlabelled'},
    'model/training_config.cpp': {'class_weights', 'harmonise', 'standardise', 'unlabelled', 'optimiser'},
    'tests/apps/bad_input_test.cpp': {'harmonise', 'unlabelled'},
    'tests/apps/train_test.cpp': {'class_weights', 'harmonise', 'standardise', 'unlabelled', 'optimiser'},
    'tests/model/model_file_test.cpp': {'harmonise', 'unlabelled'},
    'tests/model/training_config_test.cpp': {'class_weights', 'harmonise', 'standardise', 'unlabelled', 'optimiser'},
}


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parents[2])
    tracked = subprocess.run(['git', '-C', str(root), 'ls-files'], capture_output=True, text=True, check=True)
    patterns = [(re.compile(rf'(?<![A-Za-z0-9_])({pattern})(?![A-Za-z0-9_])',
                            0 if re.search('[A-Z]', pattern.replace('Python', '')) else re.IGNORECASE), instead)
                for pattern, instead in WORDS.items()]
    found = 0
    unused = {(path, word) for path, words in OLD_WORDS.items() for word in words}
    for path in tracked.stdout.splitlines():
        if not path.endswith(ENDINGS) or SKIP.search(path) or not (root / path).is_file():
            continue
        for number, line in enumerate((root / path).read_text(encoding='utf-8').splitlines(), 1):
            for pattern, instead in patterns:
                for match in pattern.finditer(line):
                    if match.group(0) in OLD_WORDS.get(path, ()):
                        unused.discard((path, match.group(0)))
                        continue
                    print(f'FAULT {path}:{number}: "{match.group(0)}": {instead}')
                    found += 1
    for path, word in sorted(unused):
        print(f'FAULT scripts/ci/check_words.py: {path} has no "{word}" any more')
    sys.exit(1 if found or unused else 0)


if __name__ == '__main__':
    main()
