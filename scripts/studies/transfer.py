#!/usr/bin/env python3
"""How a model of PTB-XL does on records of other hospitals, and what training on some of them does for the others.

Usage: transfer.py --model MODEL --challenge FOLDER --ludb FOLDER [--build build/cpu] [--epochs 10] [--out FILE.md]

The records are the WFDB records in FOLDER, of PhysioNet's Challenge 2021 with SNOMED codes in their headers, and of LUDB
with its diagnoses in words. SNOMED and WORDS below say which superclass of PTB-XL each diagnosis counts for; the page that is
written has them as tables. Each hospital is held out once:
  zero-shot     the model as it is
  fine-tuned    `train --labels --init MODEL --init-lr-factor 0.1 --lr 1e-4` on the records of all other hospitals
  from scratch  `train --labels` on the same records, with random weights
and `predict` answers for the hospital held out. Figures are of all held-out answers together, so that every answer is of a
model that has seen no record of its hospital (the zero-shot model has seen PTB-XL). Takes some minutes of one core.

Needs numpy and scikit-learn.
"""
import argparse
import csv
import datetime
import io
import json
import pathlib
import platform
import subprocess
import sys
import tempfile
import zlib

import numpy as np
from sklearn.metrics import roc_auc_score

ROOT = pathlib.Path(__file__).resolve().parents[2]
CLASSES = ('CD', 'HYP', 'MI', 'STTC')
DRAWS = 2000
POOLED = ('Answers of different models stand in one row: a model that was trained where a class is frequent says it more '
          'often, and hospitals find a class in very different fractions of their records (below). That can put a row '
          'below 0.5 though each hospital by itself is in order.')
FEW = 10  # positives below which there is no figure to compare

# Code: term of the Challenge's dx_mapping_scored.csv and dx_mapping_unscored.csv, superclass, why.
SNOMED = {
    '59118001': ('right bundle branch block', 'CD', 'CRBBB'),
    '713427006': ('complete right bundle branch block', 'CD', 'CRBBB'),
    '713426002': ('incomplete right bundle branch block', 'CD', 'IRBBB'),
    '164909002': ('left bundle branch block', 'CD', 'CLBBB'),
    '733534002': ('complete left bundle branch block', 'CD', 'CLBBB'),
    '251120003': ('incomplete left bundle branch block', 'CD', 'ILBBB'),
    '445118002': ('left anterior fascicular block', 'CD', 'LAFB'),
    '445211001': ('left posterior fascicular block', 'CD', 'LPFB'),
    '698252002': ('nonspecific intraventricular conduction disorder', 'CD', 'IVCD'),
    '270492004': ('1st degree av block', 'CD', '1AVB'),
    '195042002': ('2nd degree av block', 'CD', '2AVB'),
    '27885002': ('complete heart block', 'CD', '3AVB'),
    '233917008': ('av block', 'CD', '_AVB, degree not said'),
    '74390002': ('wolff parkinson white pattern', 'CD', 'WPW'),
    '164873001': ('left ventricular hypertrophy', 'HYP', 'LVH'),
    '89792004': ('right ventricular hypertrophy', 'HYP', 'RVH'),
    '67741000119109': ('left atrial enlargement', 'HYP', 'LAO/LAE'),
    '253352002': ('left atrial abnormality', 'HYP', 'LAO/LAE; the term is wider'),
    '446358003': ('right atrial hypertrophy', 'HYP', 'RAO/RAE'),
    '164865005': ('myocardial infarction', 'MI', 'any MI'),
    '164867002': ('old myocardial infarction', 'MI', 'any MI'),
    '54329005': ('anterior myocardial infarction', 'MI', 'AMI'),
    '57054005': ('acute myocardial infarction', 'MI', 'any MI'),
    '164861001': ('myocardial ischemia', 'STTC', 'ISC_'),
    '428750005': ('nonspecific st t abnormality', 'STTC', 'NST_, NDT'),
    '164934002': ('t wave abnormal', 'STTC', 'NDT'),
    '59931005': ('t wave inversion', 'STTC', 'PTB-XL has INVT as a form alone'),
    '55930002': ('s t changes', 'STTC', 'NST_'),
    '164930006': ('st interval abnormal', 'STTC', 'NST_'),
    '429622005': ('st depression', 'STTC', 'PTB-XL has STD_ as a form alone'),
    '111975006': ('prolonged qt interval', 'STTC', 'LNGQT'),
    '426783006': ('sinus rhythm', '', 'a rhythm: such a record may have anything else and is not NORM'),
    '55827005': ('left ventricular high voltage', '', 'PTB-XL has VCLVH as a form, not as a diagnosis'),
    '39732003': ('left axis deviation', '', 'an axis'),
    '47665007': ('right axis deviation', '', 'an axis'),
    '251223006': ('tall p wave', '', 'a form'),
    '61721007': ('clockwise or counterclockwise vectorcardiographic loop', '', 'an axis'),
    '164889003': ('atrial fibrillation', '', 'a rhythm'),
    '164890007': ('atrial flutter', '', 'a rhythm'),
    '713422000': ('atrial tachycardia', '', 'a rhythm'),
    '426177001': ('sinus bradycardia', '', 'a rhythm'),
    '426627000': ('bradycardia', '', 'a rhythm'),
    '427084000': ('sinus tachycardia', '', 'a rhythm'),
    '427393009': ('sinus arrhythmia', '', 'a rhythm'),
    '284470004': ('premature atrial contraction', '', 'a rhythm'),
    '17338001': ('ventricular premature beats', '', 'a rhythm'),
    '427172004': ('premature ventricular contractions', '', 'a rhythm'),
    '425856008': ('paroxysmal ventricular tachycardia', '', 'a rhythm'),
}
# How LUDB's comments begin: superclass, or '?' and the classes that are not known then.
WORDS = (
    ('Incomplete right bundle branch block', 'CD', 'IRBBB'), ('Complete right bundle branch block', 'CD', 'CRBBB'),
    ('Incomplete left bundle branch block', 'CD', 'ILBBB'), ('Complete left bundle branch block', 'CD', 'CLBBB'),
    ('Left anterior hemiblock', 'CD', 'LAFB'), ('I degree AV block', 'CD', '1AVB'), ('III degree AV-block', 'CD', '3AVB'),
    ('Non-specific intravintricular conduction delay', 'CD', 'IVCD'),
    ('Left ventricular hypertrophy', 'HYP', 'LVH'), ('Right ventricular hypertrophy', 'HYP', 'RVH'),
    ('Left ventricular overload', 'HYP', 'LVH'), ('Left atrial hypertrophy', 'HYP', 'LAO/LAE'),
    ('Left atrial overload', 'HYP', 'LAO/LAE'), ('Right atrial hypertrophy', 'HYP', 'RAO/RAE'),
    ('Right atrial overload', 'HYP', 'RAO/RAE'), ('STEMI', 'MI', 'any MI'), ('Scar formation', 'MI', 'any MI'),
    ('Ischemia', 'STTC', 'ISC_'), ('Non-specific repolarization abnormalities', 'STTC', 'NST_, NDT'),
    ('Undefined ischemia/scar/supp.NSTEMI', '? MI STTC', 'one of the two, not said which'),
)
HOSPITALS = (('Chapman-Shaoxing', 'JS'), ('Georgia', 'E'), ('CPSC', 'A'), ('CPSC', 'Q'), ('PTB', 'S'))


def hospital_of(name):
    for hospital, letter in HOSPITALS:
        if name.startswith(letter):
            return hospital
    raise SystemExit(f'{name}: of no hospital that is known here')


def comments_of(header):
    return [line[1:].strip() for line in header.read_text(errors='replace').splitlines() if line.startswith('#')]


def challenge(folder):
    """(hospital, path, {class: 0, 1 or None})"""
    for header in sorted(folder.glob('*.hea')):
        codes = [code for line in comments_of(header) if line.startswith('Dx:') for code in line[3:].strip().split(',')]
        unknown = [code for code in codes if code not in SNOMED]
        if unknown or not codes:
            raise SystemExit(f'{header}: codes without a place in SNOMED: {unknown}')
        found = {SNOMED[code][1] for code in codes}
        yield hospital_of(header.stem), header.with_suffix(''), {c: int(c in found) for c in CLASSES}


def ludb(folder):
    for header in sorted(folder.glob('*.hea'), key=lambda path: int(path.stem)):
        labels = {c: 0 for c in CLASSES}
        unknown = set()
        for line in comments_of(header):
            for begin, what, _ in WORDS:
                if line.startswith(begin):
                    if what.startswith('?'):
                        unknown.update(what.split()[1:])
                    else:
                        labels[what] = 1
        yield 'LUDB', header.with_suffix(''), {c: None if c in unknown and labels[c] == 0 else labels[c] for c in CLASSES}


def call(args, program, *options):
    done = subprocess.run([str(args.build / 'apps' / program), *map(str, options)], capture_output=True, text=True)
    if done.returncode not in (0, 3) or (program == 'train' and done.returncode != 0):
        raise SystemExit(f'{program}: {done.stderr.strip()}')
    return done.stdout


def answers(args, model, records):
    """{path: {class: probability}} of the records that `predict` answers."""
    rows = csv.DictReader(io.StringIO(call(args, 'predict', '--model', model, '--csv', '--any-quality', '--quiet',
                                           '--threads', 1, *[path for _, path, _ in records])))
    return {row['record']: {c: float(row[c]) for c in CLASSES if row.get(c)} for row in rows if row['status'] == 'answered'}


def train(args, folder, name, records, options):
    """A model of the records whose labels are all known; a sixth of them chooses the epoch."""
    table = folder / f'{name}.csv'
    known = sorted((r for r in records if None not in r[2].values()), key=lambda r: zlib.crc32(str(r[1]).encode()))
    with table.open('w', newline='') as file:
        writer = csv.writer(file)
        writer.writerow(['path', 'fold', *CLASSES])
        for i, (_, path, labels) in enumerate(known):
            # One record stands for the test fold, which training wants to exist: the hospital held out is the test.
            writer.writerow([path, 10 if i == 0 else 9 if i % 6 == 1 else 1, *labels.values()])
    call(args, 'train', '--labels', table, '--resample', '--out', folder / name, '--threads', 1, '--no-cache', '--quiet',
         '--batch-size', 16, *options)
    return folder / name / 'last.safetensors', len(known)


def figures(rows, method):
    """{class: (positives, records, AUC, low, high)}"""
    result = {}
    for c in CLASSES:
        pairs = [(labels[c], found[method][c]) for _, labels, found in rows if labels[c] is not None and c in found[method]]
        y, p = np.array([a for a, _ in pairs]), np.array([b for _, b in pairs])
        if len(pairs) == 0 or y.min() == y.max():
            result[c] = (int(y.sum()) if len(pairs) else 0, len(y), None, None, None)
            continue
        random = np.random.default_rng(0)
        draws = []
        while len(draws) < DRAWS:
            chosen = random.integers(0, len(y), len(y))
            if y[chosen].min() != y[chosen].max():
                draws.append(roc_auc_score(y[chosen], p[chosen]))
        result[c] = (int(y.sum()), len(y), roc_auc_score(y, p), *np.quantile(draws, (.025, .975)))
    return result


def difference(rows, a, b, c):
    """Of two methods' AUC on the same draws of records, with its interval."""
    known = [(labels[c], found[a][c], found[b][c]) for _, labels, found in rows
             if labels[c] is not None and c in found[a] and c in found[b]]
    y, p, q = (np.array(column) for column in zip(*known))
    random = np.random.default_rng(0)
    draws = []
    while len(draws) < DRAWS:
        i = random.integers(0, len(y), len(y))
        if y[i].min() != y[i].max():
            draws.append(roc_auc_score(y[i], p[i]) - roc_auc_score(y[i], q[i]))
    return (roc_auc_score(y, p) - roc_auc_score(y, q), *np.quantile(draws, (.025, .975)))


def macro_auc(rows, method, classes):
    """NaN where a class has one outcome alone."""
    values = []
    for c in classes:
        pairs = [(labels[c], found[method][c]) for _, labels, found in rows if labels[c] is not None and c in found[method]]
        if len({y for y, _ in pairs}) < 2:
            return np.nan
        values.append(roc_auc_score(*zip(*pairs)))
    return np.mean(values)


def macro(rows, methods, classes):
    """{method: (macro AUC, low, high)}, and the same of the differences of pairs of methods, on the same draws of records."""
    random = np.random.default_rng(0)
    draws = []
    while len(draws) < DRAWS:
        some = [rows[i] for i in random.integers(0, len(rows), len(rows))]
        values = [macro_auc(some, method, classes) for method in methods]
        if not np.isnan(values).any():
            draws.append(values)
    draws = np.array(draws)
    whole = [macro_auc(rows, method, classes) for method in methods]
    found = {m: (whole[i], *np.quantile(draws[:, i], (.025, .975))) for i, m in enumerate(methods)}
    for i, m in enumerate(methods):
        found |= {(m, other): (whole[i] - whole[j], *np.quantile(draws[:, i] - draws[:, j], (.025, .975)))
                  for j, other in enumerate(methods) if j != i}
    return found


def results_text(rows, methods):
    lines = ['| class | positives | records | ' + ' | '.join(methods) + ' |', '|---|--:|--:|' + '--:|' * len(methods)]
    all_figures = {method: figures(rows, method) for method in methods}
    enough = []
    for c in CLASSES:
        positives, records = all_figures[methods[0]][c][:2]
        cells = ['–' if f[2] is None else f'{f[2]:.3f} ({f[3]:.3f}–{f[4]:.3f})'
                 for f in (all_figures[method][c] for method in methods)]
        if positives >= FEW and records - positives >= FEW:
            enough.append(c)
        lines.append(f'| {c}{"" if c in enough else ", fewer than ten"} | {positives} | {records} | ' + ' | '.join(cells) + ' |')
    means = macro(rows, methods, enough) if len(enough) > 1 else None
    if means:
        cells = ['{:.3f} ({:.3f}–{:.3f})'.format(*means[method]) for method in methods]
        lines.append(f'| macro over {", ".join(enough)} | | {len(rows)} | ' + ' | '.join(cells) + ' |')
    return lines, enough, means


def tables_of_codes():
    lines = ['| SNOMED | term of the Challenge | counts for | PTB-XL statement or reason |', '|---|---|---|---|']
    lines += [f'| {code} | {term} | {what or "–"} | {why} |' for code, (term, what, why) in SNOMED.items()]
    words = ['| LUDB, comment begins | counts for | PTB-XL statement or reason |', '|---|---|---|']
    words += [f'| {begin} | {what.replace("? MI STTC", "MI and STTC not known")} | {why} |' for begin, what, why in WORDS]
    return lines, words


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--model', type=pathlib.Path, required=True)
    parser.add_argument('--challenge', type=pathlib.Path, required=True)
    parser.add_argument('--ludb', type=pathlib.Path, required=True)
    parser.add_argument('--build', type=pathlib.Path, default=ROOT / 'build/cpu')
    parser.add_argument('--epochs', type=int, default=10)
    parser.add_argument('--out', type=pathlib.Path, default=ROOT / 'docs/transfer.md')
    args = parser.parse_args()
    records = [*challenge(args.challenge), *ludb(args.ludb)]
    hospitals = sorted({hospital for hospital, _, _ in records})
    fine = ['--init', args.model, '--init-lr-factor', .1, '--lr', 1e-4, '--epochs', args.epochs]
    scratch = ['--epochs', 2 * args.epochs]
    methods = ('zero-shot', 'fine-tuned', 'from scratch')
    rows, counts = [], []
    zero = answers(args, args.model, records)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for hospital in hospitals:
            held_out = [r for r in records if r[0] == hospital]
            others = [r for r in records if r[0] != hospital]
            found = {'zero-shot': zero}
            for method, options in (('fine-tuned', fine), ('from scratch', scratch)):
                model, count = train(args, folder, f'{hospital} {method}'.replace(' ', '_'), others, options)
                found[method] = answers(args, model, held_out)
            rows += [(hospital, labels, {m: found[m].get(str(path), {}) for m in methods}) for _, path, labels in held_out]
            counts.append((hospital, len(held_out), count, [sum(r[2][c] or 0 for r in held_out) for c in CLASSES]))
            print(hospital, len(held_out), file=sys.stderr)
    unanswered = sum(not found['zero-shot'] for _, _, found in rows)
    version = call(args, 'predict', '--version').splitlines()[0]
    codes, words = tables_of_codes()
    table, enough, means = results_text(rows, methods)
    text = ['# Records of other hospitals', '',
            'Written by `scripts/studies/transfer.py`, which says how each figure is made. '
            f'{version}, {datetime.date.today()}, {platform.machine()}; the base model: PTB-XL\'s five superclasses, folds 1 to 8, '
            f'{epochs_of(args.model)} epochs.', '', '## How often is it right elsewhere?', '',
            f'AUC with 95 % intervals ({DRAWS} bootstrap draws over records) of the answers for {len(rows)} records, each from a '
            f'model that has seen no record of that hospital; {unanswered} were not answered.', '', *table, '']
    for c in enough:
        a, b = difference(rows, 'fine-tuned', 'zero-shot', c), difference(rows, 'fine-tuned', 'from scratch', c)
        text.append(f'- {c}: fine-tuned less zero-shot {a[0]:+.3f} ({a[1]:+.3f} to {a[2]:+.3f}), less from scratch {b[0]:+.3f} '
                    f'({b[1]:+.3f} to {b[2]:+.3f}).')
    if means:
        a, b = means['fine-tuned', 'zero-shot'], means['fine-tuned', 'from scratch']
        text.append(f'- macro: fine-tuned less zero-shot {a[0]:+.3f} ({a[1]:+.3f} to {a[2]:+.3f}), less from scratch {b[0]:+.3f} '
                    f'({b[1]:+.3f} to {b[2]:+.3f}).')
    text += ['', POOLED]
    text += ['', 'NORM is not judged: none of these sources says that an ECG is normal (sinus rhythm is a rhythm). Nor is a class '
             'with fewer than ten positives in any mean.', '', '| held out | records | trained on | ' + ' | '.join(CLASSES) + ' |',
             '|---|--:|--:|' + '--:|' * len(CLASSES)]
    text += [f'| {h} | {n} | {m} | ' + ' | '.join(map(str, positives)) + ' |' for h, n, m, positives in counts]
    text += ['', '*Trained on*: records of all other hospitals whose labels are all known. All records with "myocardial '
             'infarction" (164865005) are from PTB, all other MI of the Challenge from CPSC, and most MI of all from LUDB: what tells '
             'this class apart may be the hospital. So may HYP, which LUDB finds in most of its records.', '', '## Which diagnosis counts for what', '',
             'Terms: dx_mapping_scored.csv and dx_mapping_unscored.csv of the Challenge '
             '(github.com/physionetchallenges/evaluation-2021). Superclasses: scp_statements.csv of PTB-XL 1.0.3, by the '
             'statement of the same meaning. LUDB: the comments of its headers. Codes that occur in no record here are in the '
             'table for completeness.', '', *codes, '', *words, '']
    args.out.write_text('\n'.join(text))
    print('\n'.join(text[:24]))


def epochs_of(model):
    path = model / 'best.safetensors' if model.is_dir() else model
    with path.open('rb') as file:
        length = int.from_bytes(file.read(8), 'little')
        return json.loads(json.loads(file.read(length))['__metadata__']['cardiograd'])['epoch']


if __name__ == '__main__':
    main()
