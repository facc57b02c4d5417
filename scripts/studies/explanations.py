#!/usr/bin/env python3
"""Do the maps of `explain` deserve belief? Checks on real records, as tables in Markdown.

Usage: explanations.py --model MODEL.safetensors --data PTBXL [--build build/cpu] [--records 200] [--group 40]
                       [--minutes M] [--out FILE.md]

--minutes: begins with no other record when 60 % of them are over, and with the groups goes on to the end; the tables say
how many records there were. Takes about ten minutes of one core.

Takes records of fold 10 at random (seed 0) and explains for each the superclass of its first diagnostic label.
  completeness   what the contributions of `explain` miss of the difference of the logits
  randomised     rank correlation of the map with that of the same network with random weights (PyTorch's initial
                 values): of signed contributions, of their sizes, of their sizes once the ranks of the input's own sizes
                 are taken out of both (partial correlation), and of the averaged gradient that the input was
                 multiplied by. Adebayo et al. (Sanity Checks for Saliency Maps, 2018) ask for both signed and unsigned
                 rank correlations, and show that maps multiplied by the input keep its outline whatever the weights are
  deletion       samples are set to the baseline (zero, where integrated gradients begin), those first that speak for the
                 class most; the mean of the probability over the steps: low is good
  insertion      the other way round, from the baseline on: high is good
The last two are computed by PyTorch's twin of the network (bench/peers/hc_cnn_tn_torch.py), whose logits are compared
with those of `explain` first; other orders are the size of the plain gradient, gradient times input, and chance.

Then a table of where the contributions lie for records of one diagnosis each: left and right bundle branch block, old
anterior infarction (stadium II-III or III), first-degree AV block, against records that are NORM, for the same class.

Needs numpy, pandas, scipy, torch, safetensors; a model of five superclasses that was trained on the complete PTB-XL.
"""
import argparse
import ast
import json
import pathlib
import subprocess
import sys
import tempfile
import time

import numpy as np
import pandas as pd
import scipy.stats
import torch
from safetensors import safe_open
from safetensors.torch import save_file

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / 'bench/peers'))
from hc_cnn_tn_torch import HcCnnTn  # noqa: E402

STEPS = 25  # of the deletion and insertion curves
LEADS = ('I', 'II', 'III', 'aVR', 'aVL', 'aVF', 'V1', 'V2', 'V3', 'V4', 'V5', 'V6')


class Model:
    """The twin with the weights of a model file, and what the file says."""

    def __init__(self, path):
        with safe_open(path, 'pt') as file:
            self.metadata = json.loads(file.metadata()['cardiograd'])
            tensors = {name: file.get_tensor(name) for name in file.keys()}
        a = self.metadata['architecture']
        self.settings = dict(classes=a['classes'], features=a['features'], leads=a['leads'],
                             channels=a['channels'], kernels=a['kernels'], layers=a['encoder_layers'],
                             heads=a['heads'], ff=a['feed_forward'])
        self.net = HcCnnTn(**self.settings).eval()
        missing = self.net.load_state_dict(tensors, strict=False)
        wrong = [name for name in missing.missing_keys if not name.endswith('num_batches_tracked')]
        if wrong or missing.unexpected_keys:
            raise SystemExit(f'{path}: not this network: {wrong} {missing.unexpected_keys}')

    def write_random(self, path):
        """The same model with PyTorch's initial weights."""
        torch.manual_seed(1)
        tensors = {name: tensor.contiguous() for name, tensor in HcCnnTn(**self.settings).state_dict().items()
                   if not name.endswith('num_batches_tracked')}
        save_file(tensors, path, {'cardiograd': json.dumps(self.metadata)})

    def logits(self, x, f, target):
        with torch.no_grad():
            return self.net(x, f.expand(len(x), -1))[:, target].double().numpy()

    def gradient(self, x, f, target):
        x = x.clone().requires_grad_(True)
        self.net(x, f)[0, target].backward()
        return x.grad[0].numpy()


def explain(args, model, row, target):
    """One line of `explain --json`."""
    with tempfile.NamedTemporaryFile(suffix='.json') as out:
        command = [str(args.build / 'apps/explain'), '--model', str(model), '--class', target, '--json', out.name,
                   '--force', '--quiet', '--threads', '1', '--window', '0', str(args.data / row.filename_lr)]
        if row.age < 300:
            command += ['--age', str(row.age)]
        elif row.age == 300:
            command += ['--age', '90']
        command += ['--sex', 'female' if row.sex == 1 else 'male']
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            return None, (done.stdout + done.stderr).strip()
        return json.loads(pathlib.Path(out.name).read_text()), ''


def rank_correlations(one, other):
    """Of the maps of a network and of one with other weights."""
    a, b = np.array(one['map']), np.array(other['map'])
    x = np.array(one['inputs']['signals'])
    x = x.reshape(len(a), -1)[:, 0] if x.size == a.size else None
    rho = {'signed': scipy.stats.spearmanr(a, b)[0], 'size': scipy.stats.spearmanr(abs(a), abs(b))[0]}
    if x is None:
        raise SystemExit('the map and the input differ in length: take records of the model\'s length')
    ab, ax, bx = rho['size'], scipy.stats.spearmanr(abs(a), abs(x))[0], scipy.stats.spearmanr(abs(b), abs(x))[0]
    rho['size without input'] = (ab - ax * bx) / np.sqrt((1 - ax ** 2) * (1 - bx ** 2))
    rho['size with input'] = ax
    some = abs(x) > .05  # standard deviations: elsewhere the quotient is noise
    rho['gradient'] = scipy.stats.spearmanr(a[some] / x[some], b[some] / x[some])[0]
    rho['gradient size'] = scipy.stats.spearmanr(abs(a[some] / x[some]), abs(b[some] / x[some]))[0]
    return rho


def table_of(args):
    table = pd.read_csv(args.data / 'ptbxl_database.csv', index_col='ecg_id')
    statements = pd.read_csv(args.data / 'scp_statements.csv', index_col=0)
    statements = statements[statements.diagnostic == 1]
    table['codes'] = table.scp_codes.apply(lambda text: list(ast.literal_eval(text)))
    table['classes'] = table.codes.apply(
        lambda codes: [statements.diagnostic_class[c] for c in codes if c in statements.index])
    return table[table.strat_fold == 10]


def curves(model, one, target):
    """Mean of the deletion and the insertion curve for each order."""
    signals = np.array(one['inputs']['signals'], np.float32).reshape(-1, 12).T.copy()  # (leads, time)
    x = torch.tensor(signals)[None]
    f = torch.tensor(one['inputs'].get('features', []), dtype=torch.float32)[None]
    whole = model.logits(x, f, target)[0]
    gradient = model.gradient(x, f, target)
    random = np.random.default_rng(int(one['record'].rsplit('/', 1)[-1].split('_')[0]))
    orders = {'integrated gradients': np.array(one['map']).reshape(-1, 12).T, 'plain gradient': np.abs(gradient),
              'gradient x input': gradient * signals, 'chance': random.random(signals.shape)}
    result = {}
    for name, values in orders.items():
        order = np.argsort(-values.ravel())
        deleted, inserted = [], []
        for step in range(STEPS + 1):
            chosen = torch.zeros(signals.size)
            chosen[torch.tensor(order[:round(step / STEPS * signals.size)].copy())] = 1
            chosen = chosen.reshape(signals.shape)
            deleted.append(x[0] * (1 - chosen))
            inserted.append(x[0] * chosen)
        logits = model.logits(torch.stack(deleted + inserted), f, target)
        probabilities = 1 / (1 + np.exp(-logits))
        result[name] = (probabilities[:STEPS + 1].mean(), probabilities[STEPS + 1:].mean())
    return result, whole


def judge(args, model, random_file, table):
    """The checks on records of fold 10."""
    rows = table[table.classes.apply(len) > 0].sample(frac=1, random_state=0)
    classes = model.metadata['classes']
    found, refused = [], 0
    for row in rows.itertuples():
        if len(found) == args.records or time.monotonic() > args.start + 60 * .6 * args.minutes:
            break
        target = row.classes[0]
        one, why = explain(args, args.model, row, target)
        if one is None:
            refused += 1
            continue
        random, why = explain(args, random_file, row, target)
        if random is None:
            raise SystemExit(f'the random network: {why}')
        scores, logit = curves(model, one, classes.index(target))
        found.append({'missed of difference': one['missed_fraction'], 'missed of logit': abs(one['missed'] / one['logit']),
                      'steps': one['steps'], 'twin': abs(logit - one['logit']),
                      **rank_correlations(one, random),
                      'rises': one['logit'] > one['baseline_logit'],
                      **{f'{name}, {kind}': value for name, pair in scores.items()
                         for kind, value in zip(('deletion', 'insertion'), pair)}})
        print(f'\r{len(found)} of {args.records}', end='', file=sys.stderr)
    print(file=sys.stderr)
    return pd.DataFrame(found), refused


def judged_text(frame, refused):
    lines = [f'{len(frame)} records of fold 10, one class each; {refused} more were refused for their signals. The logits of '
             f'PyTorch\'s twin differ by {frame.twin.max():.1e} at most.', '',
             '| check | median | 95th percentile | largest |', '|---|--:|--:|--:|']
    for name, title in (('missed of difference', 'missed by integrated gradients, of the difference of the logits'),
                        ('missed of logit', 'the same, of the logit')):
        v = 100 * frame[name]
        lines.append(f'| {title} | {v.median():.3f} % | {v.quantile(.95):.3f} % | {v.max():.3f} % |')
    for name, title in (('signed', 'rank correlation with random weights, signed'), ('size', 'the same, sizes alone'),
                        ('size without input', 'the same, sizes alone, given the sizes of the input'),
                        ('gradient', 'of the averaged gradients, signed'),
                        ('gradient size', 'of the averaged gradients, sizes alone'),
                        ('size with input', 'for comparison: sizes of the map and of the input, trained weights')):
        v = frame[name]
        lines.append(f'| {title} | {v.median():.3f} | {v.abs().quantile(.95):.3f} | {v.abs().max():.3f} |')
    rising = frame[frame.rises]
    lines += ['', f'Curves of the {len(rising)} records whose logit is above that of the baseline, means and 95 % intervals over '
              'the records:', '', '| order | deletion (low is good) | insertion (high is good) |', '|---|--:|--:|']
    for name in ('integrated gradients', 'gradient x input', 'plain gradient', 'chance'):
        cells = []
        for kind in ('deletion', 'insertion'):
            v = rising[f'{name}, {kind}']
            half = 1.96 * v.std() / len(v) ** .5
            cells.append(f'{v.mean():.3f} ± {half:.3f}')
        lines.append(f'| {name} | {cells[0]} | {cells[1]} |')
    return lines


def fractions(one):
    """Fractions of the sizes of the contributions: of (part, leads)."""
    sizes = abs(np.array(one['map']).reshape(-1, 12))
    parts = np.array(one['parts_of_samples'])
    total = sizes.sum()

    def of(part, *leads):
        rows = np.isin(parts, part) if part else np.ones(len(parts), bool)
        columns = [LEADS.index(lead) for lead in leads] if leads else list(range(12))
        return sizes[rows][:, columns].sum() / total
    return {'QRS in V1 and V6': of(['QRS'], 'V1', 'V6'), 'V1-V4': of(None, 'V1', 'V2', 'V3', 'V4'),
            'QRS in V1-V4': of(['QRS'], 'V1', 'V2', 'V3', 'V4'), 'P and PR': of(['P', 'PR segment']),
            'QRS': of(['QRS']), 'ST and T': of(['ST', 'T'])}


def has(codes, *wanted):
    return any(code in codes for code in wanted)


def groups_of(table):
    old = table.infarction_stadium1.isin(['Stadium III', 'Stadium II-III']) if 'infarction_stadium1' in table else False
    norm = table.codes.apply(lambda c: has(c, 'NORM') and not has(c, 'CLBBB', 'CRBBB', '1AVB', 'AMI', 'ASMI'))
    anterior = table.codes.apply(lambda c: has(c, 'AMI', 'ASMI'))
    return (('left bundle branch block', 'CD', table.codes.apply(lambda c: has(c, 'CLBBB'))),
            ('right bundle branch block', 'CD', table.codes.apply(lambda c: has(c, 'CRBBB'))),
            ('first-degree AV block, no bundle branch block', 'CD',
             table.codes.apply(lambda c: has(c, '1AVB') and not has(c, 'CLBBB', 'CRBBB', 'IVCD', 'LAFB'))),
            ('NORM', 'CD', norm), ('old anterior infarction', 'MI', anterior & old), ('NORM', 'MI', norm))


def groups_text(args, table):
    lines, names = [], None
    groups = groups_of(table)
    begin = time.monotonic()
    for index, (title, target, chosen) in enumerate(groups):
        rows = table[chosen].sample(frac=1, random_state=0)
        until = begin + (args.start + 60 * args.minutes - begin) * (index + 1) / len(groups)
        found = []
        for row in rows.itertuples():
            if len(found) == args.group or time.monotonic() > until:
                break
            one, _ = explain(args, args.model, row, target)
            if one is not None:
                found.append({**fractions(one), 'probability': one['probability']})
        frame = pd.DataFrame(found)
        if frame.empty:
            continue
        if names is None:
            names = [name for name in frame.columns if name != 'probability']
            lines += ['| records | class | n | probability | ' + ' | '.join(names) + ' |',
                      '|---|---|--:|--:|' + '--:|' * len(names)]
        lines.append(f'| {title} | {target} | {len(frame)} | {frame.probability.mean():.2f} | ' +
                     ' | '.join(f'{100 * frame[name].mean():.1f} ± {196 * frame[name].std() / len(frame) ** .5:.1f}'
                                for name in names) + ' |')
        print(f'{title}: {len(frame)}', file=sys.stderr)
    return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--model', type=pathlib.Path, required=True)
    parser.add_argument('--data', type=pathlib.Path, required=True)
    parser.add_argument('--build', type=pathlib.Path, default=ROOT / 'build/cpu')
    parser.add_argument('--records', type=int, default=200)
    parser.add_argument('--group', type=int, default=40)
    parser.add_argument('--out', type=pathlib.Path, default=ROOT / 'docs/explanation-checks.md')
    parser.add_argument('--minutes', type=float, default=1e6)
    args = parser.parse_args()
    args.start = time.monotonic()
    torch.set_num_threads(1)
    if args.model.is_dir():
        args.model /= 'best.safetensors'
    model = Model(args.model)
    table = table_of(args)
    with tempfile.TemporaryDirectory() as folder:
        random_file = pathlib.Path(folder) / 'random.safetensors'
        model.write_random(random_file)
        frame, refused = judge(args, model, random_file, table)
    text = ['# Checks of the explanations', '',
            'Written by `scripts/studies/explanations.py`, which says how each figure is made. The model: '
            f'{model.metadata["epoch"]} epochs, classes {" ".join(model.metadata["classes"])}.', '', '## Maps', '',
            *judged_text(frame, refused), '', '## Where the contributions lie', '',
            'Percent of the sizes of all contributions of the signals, mean over the records with the 95 % interval of the mean; '
            'NORM are records labeled NORM, explained for the same class.', '', *groups_text(args, table), '']
    args.out.write_text('\n'.join(text))
    print('\n'.join(text))


if __name__ == '__main__':
    main()
