#!/usr/bin/env python3
"""Do the maps of `explain` deserve belief? Checks on real records, as tables in Markdown.

Usage: explanations.py --model MODEL.safetensors --data PTBXL [--build build/cpu] [--records 200] [--group 30]
                       [--minutes M] [--out FILE.md] [--raw FILE.jsonl] [--jobs N]

--minutes: begins with no other record when 60 % of them are over, and with the groups goes on to the end; the tables say
how many records there were. Takes about ten minutes of one core. --raw: keeps the figures of each
record in this file; a run that is begun again with the same file goes on there.
--jobs: processes at once; the figures are the same.

Takes records of fold 10 at random (seed 0) and explains for each the class of its first diagnostic label.
  completeness   what the contributions of `explain` miss of the difference of the logits
  twin           what the map differs from that of PyTorch's twin of the network (bench/peers/hc_cnn_tn_torch.py) and its
                 automatic differentiation, and the difference of the logits
  randomised     rank correlation of the map with that of the same network with random weights (PyTorch's initial
                 values): of signed contributions, of their sizes, of their sizes once the ranks of the input's own sizes
                 are taken out of both (partial correlation), and of the averaged gradient that the input was
                 multiplied by. Adebayo et al. (Sanity Checks for Saliency Maps, 2018) ask for both signed and unsigned
                 rank correlations, and show that maps multiplied by the input keep its outline whatever the weights are
  deletion       samples are set to the baseline (zero, where integrated gradients begin), those first that speak for the
                 class most; the mean of the probability over the steps: low is good
  insertion      the other way round, from the baseline on: high is good
The last three are computed by the twin; other orders of the curves are the size of the plain gradient, gradient times
input, and chance.

Then a table of where the contributions lie for records of one diagnosis each: left and right bundle branch block, old
anterior infarction (stadium II-III or III), first-degree AV block, against records that are NORM, for the same class: the
superclass, or the subclass that is the diagnosis, as the model has them. Models that see crops are explained for whole
records, by the twin as well.

Needs numpy, pandas, scipy, torch, safetensors; a model of PTB-XL's super- or subclasses that was trained on the complete
set.
"""
import argparse
import ast
import concurrent.futures
import copy
import datetime
import json
import pathlib
import platform
import subprocess
import sys
import tempfile
import time

import numpy as np
import pandas as pd
import scipy.stats
import torch
from safetensors import safe_open

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / 'bench/peers'))
from hc_cnn_tn_torch import HcCnnTn  # noqa: E402

STEPS = 10  # of the deletion and insertion curves
OTHER_ORDERS = ('gradient x input', 'plain gradient', 'chance')
REFUSED = 3  # exit status of explain
POINTS = 16  # of the integration for random weights
TWINS = 10  # records whose map is computed by the twin as well
LEADS = ('I', 'II', 'III', 'aVR', 'aVL', 'aVF', 'V1', 'V2', 'V3', 'V4', 'V5', 'V6')
REGIONS = {'QRS in V1 and V6': (['QRS'], ('V1', 'V6')), 'V1-V4': (None, ('V1', 'V2', 'V3', 'V4')),
           'QRS in V1-V4': (['QRS'], ('V1', 'V2', 'V3', 'V4')), 'P and PR': (['P', 'PR segment'], LEADS),
           'QRS': (['QRS'], LEADS), 'ST and T': (['ST', 'T'], LEADS)}
EXPECTED = (('left bundle branch block', 'QRS in V1 and V6'), ('right bundle branch block', 'QRS in V1 and V6'),
            ('old anterior infarction', 'V1-V4'), ('old anterior infarction', 'QRS in V1-V4'),
            ('first-degree AV block, no bundle branch block', 'P and PR'))


class Records(torch.nn.Module):
    """A network that sees crops as one of whole records: the logit of the largest or the mean probability of its windows."""

    def __init__(self, net, crop, record, step, aggregate):
        super().__init__()
        self.net, self.crop, self.aggregate = net, crop, aggregate
        self.starts = list(range(0, record - crop + 1, step or crop // 2))
        if self.starts[-1] < record - crop:
            self.starts.append(record - crop)

    def forward(self, x, f):
        windows = torch.stack([x[:, :, start:start + self.crop] for start in self.starts], 1)
        logits = self.net(windows.flatten(0, 1), f.repeat_interleave(len(self.starts), 0))
        logits = logits.reshape(len(x), len(self.starts), -1)
        if self.aggregate == 'max':
            return logits.amax(1)
        return torch.log(torch.sigmoid(logits).mean(1)) - torch.log(torch.sigmoid(-logits).mean(1))


class Model:
    """The twin with the weights of a model file, and what the file says."""

    def __init__(self, path):
        with safe_open(path, 'pt') as file:
            self.metadata = json.loads(file.metadata()['cardiograd'])
            tensors = {name: file.get_tensor(name) for name in file.keys()}
        a = self.metadata['architecture']
        self.settings = dict(classes=a['classes'], features=a['features'], leads=a['leads'],
                             channels=a['channels'], kernels=a['kernels'], layers=a['encoder_layers'],
                             heads=a['heads'], ff=a['feed_forward'], positions=a['positions'], pool=a['pool'],
                             feature_width=a['feature_width'], head_width=a['head_width'])
        net = HcCnnTn(**self.settings).eval()
        missing = net.load_state_dict(tensors, strict=False)
        wrong = [name for name in missing.missing_keys if not name.endswith('num_batches_tracked')]
        if wrong or missing.unexpected_keys:
            raise SystemExit(f'{path}: not this network: {wrong} {missing.unexpected_keys}')
        self.net = self.of_records(net)

    def of_records(self, net):
        """Of records where the network sees crops of them."""
        record = self.metadata.get('cropped_from', 0)
        if not record:
            return net
        return Records(net, self.metadata['architecture']['samples'], record, self.metadata.get('window_step', 0),
                       self.metadata['aggregate']).eval()

    def random_weights(self):
        """The same network with PyTorch's initial weights."""
        torch.manual_seed(1)
        other = copy.copy(self)
        other.net = self.of_records(HcCnnTn(**self.settings).eval())
        return other

    def logits(self, x, f, target):
        with torch.no_grad():
            return self.net(x, f.expand(len(x), -1))[:, target].double().numpy()

    def gradient(self, x, f, target):
        x = x.clone().requires_grad_(True)
        self.net(x, f.expand(len(x), -1))[:, target].sum().backward()
        return x.grad.numpy()

    def integrated_gradients(self, x, f, target, points):
        """Midpoint rule from zero on; (time * leads), as in the JSON of `explain`."""
        total = np.zeros(x.shape[1:])
        for first in range(0, points, 32):
            along = (torch.arange(first, min(first + 32, points)) + .5) / points
            leaf = (along[:, None, None] * x).requires_grad_(True)
            self.net(leaf, along[:, None] * f)[:, target].sum().backward()
            total += leaf.grad.double().sum(0).numpy()
        return (x[0].numpy() * total / points).T.ravel()


def explain(args, row, target):
    """One line of `explain --json`, or None where the record is refused."""
    with tempfile.NamedTemporaryFile(suffix='.json') as out:
        command = [str(args.build / 'apps/explain'), '--model', str(args.model), '--class', target, '--json', out.name,
                   '--force', '--quiet', '--threads', '1', '--window', '0', str(args.data / row['filename_lr']),
                   '--sex', 'female' if row['sex'] == 1 else 'male']
        if row['age'] <= 300:
            command += ['--age', str(90 if row['age'] == 300 else row['age'])]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode == 0:
            return json.loads(pathlib.Path(out.name).read_text())
        if done.returncode != REFUSED:
            raise SystemExit(f'explain: {(done.stdout + done.stderr).strip()}')
        return None


def inputs_of(one):
    """Signals (1, leads, time) and features (1, features) as the network takes them."""
    signals = np.array(one['inputs']['signals'], np.float32)
    if signals.size != len(one['map']):
        raise SystemExit('the map and the input differ in length: take records of the model\'s length')
    return (torch.tensor(signals.reshape(-1, len(LEADS)).T.copy())[None],
            torch.tensor(one['inputs'].get('features', []), dtype=torch.float32)[None])


def rank_correlations(a, b, x):
    """Of the maps of a network and of one with other weights, for the input x."""
    rho = {'signed': scipy.stats.spearmanr(a, b)[0], 'size': scipy.stats.spearmanr(abs(a), abs(b))[0]}
    ab, ax, bx = rho['size'], scipy.stats.spearmanr(abs(a), abs(x))[0], scipy.stats.spearmanr(abs(b), abs(x))[0]
    rho['size without input'] = (ab - ax * bx) / np.sqrt((1 - ax ** 2) * (1 - bx ** 2))
    rho['size with input'] = ax
    some = abs(x) > .05  # standard deviations: elsewhere the quotient is noise
    rho['gradient'] = scipy.stats.spearmanr(a[some] / x[some], b[some] / x[some])[0]
    rho['gradient size'] = scipy.stats.spearmanr(abs(a[some] / x[some]), abs(b[some] / x[some]))[0]
    return rho


def table_of(args, task):
    table = pd.read_csv(args.data / 'ptbxl_database.csv', index_col='ecg_id')
    statements = pd.read_csv(args.data / 'scp_statements.csv', index_col=0)
    statements = statements[statements.diagnostic == 1]
    column = 'diagnostic_class' if task == 'super' else 'diagnostic_subclass'
    table['codes'] = table.scp_codes.apply(lambda text: list(ast.literal_eval(text)))
    table['classes'] = table.codes.apply(
        lambda codes: [statements[column][c] for c in codes if c in statements.index])
    return table[table.strat_fold == 10]


def curves(model, one, target):
    """Mean of the deletion and the insertion curve for each order."""
    x, f = inputs_of(one)
    signals = x[0].numpy()
    whole = model.logits(x, f, target)[0]
    gradient = model.gradient(x, f, target)[0]
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


def first_results(args, rows, work, most, until):
    """Of work(row), in their order: the first `most` that are not None; begins with no other row after `until`."""
    found, missing, begin = [], 0, 0
    with concurrent.futures.ProcessPoolExecutor(args.jobs) as pool:
        while len(found) < most and begin < len(rows) and time.monotonic() < until:
            count = min(args.jobs, most - len(found))
            for result in kept_results(args, pool, rows[begin:begin + count], work):
                found += [] if result is None else [result]
                missing += result is None
            begin += count
            print(f'\r{len(found)} of {most}', end='', file=sys.stderr)
    print(file=sys.stderr)
    return pd.DataFrame(found), missing


def kept_results(args, pool, rows, work):
    """Of work(row), from the file of --raw where they are there, else computed and added to it."""
    keys = [f'{work.name} {row[1]["filename_lr"]}' for row in rows]
    missing = [(key, row) for key, row in zip(keys, rows) if key not in args.kept]
    for (key, _), result in zip(missing, pool.map(work, [row for _, row in missing])):
        args.kept[key] = result
        if args.raw:
            with args.raw.open('a') as file:
                file.write(json.dumps({'key': key, 'result': result}, default=float) + '\n')
    return [args.kept[key] for key in keys]


class Judge:
    """The checks on one record."""

    def __init__(self, args, model):
        self.name, self.args, self.model, self.random = 'map', args, model, model.random_weights()

    def __call__(self, row):
        place, row = row
        target = row['classes'][0]
        one = explain(self.args, row, target)
        if one is None:
            return None
        index = self.model.metadata['classes'].index(target)
        x, f = inputs_of(one)
        values = np.array(one['map'])
        twin = self.model.integrated_gradients(x, f, index, one['steps']) if place < TWINS else None
        scores, logit = curves(self.model, one, index)
        other = self.random.integrated_gradients(x, f, index, POINTS)
        return {'record': one['record'].rsplit('/', 1)[-1], 'class': target, 'steps': one['steps'],
                'missed of difference': one['missed_fraction'], 'missed of logit': abs(one['missed'] / one['logit']),
                'twin': abs(logit - one['logit']),
                'twin of map': np.nan if twin is None else abs(twin - values).max() / abs(values).max(),
                **rank_correlations(values, other, x[0].numpy().T.ravel()),
                **{f'{name}, {kind}': value for name, pair in scores.items()
                   for kind, value in zip(('deletion', 'insertion'), pair)}}


class Regions:
    """Where the contributions of one record lie."""

    def __init__(self, args, title, target):
        self.name, self.args, self.title, self.target = f'{title} {target}', args, title, target

    def __call__(self, row):
        one = explain(self.args, row[1], self.target)
        if one is None:
            return None
        features = {f['name']: f['contribution'] for f in one.get('features', [])}
        return {'group': self.title, 'class': self.target, 'probability': one['probability'], **regions(one),
                'all features adds': one['features_contribution'],
                'QRS duration adds': features.get('qrs_duration_mean_ms', np.nan)}


def shuffled(table):
    return list(enumerate(table.sample(frac=1, random_state=0).to_dict('records')))


def mean(values, digits=1):
    return f'{values.mean():.{digits}f} ± {1.96 * values.std() / len(values) ** .5:.{digits}f}'


def judged_text(frame, refused):
    lines = [f'{len(frame)} records of fold 10, one class each; {refused} more were refused for their signals. The logits of '
             f'PyTorch\'s twin differ by {frame.twin.max():.1e} at most, its maps of the first {frame["twin of map"].count()} records '
             f'by {frame["twin of map"].max():.1e} of the largest contribution.', '',
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
    lines += ['', f'Curves, means and 95 % intervals over the {len(frame)} records:', '',
              '| order | deletion (low is good) | insertion (high is good) |', '|---|--:|--:|']
    for name in ('integrated gradients', *OTHER_ORDERS):
        lines.append(f'| {name} | ' + ' | '.join(mean(frame[f'{name}, {kind}'], 3) for kind in ('deletion', 'insertion')) + ' |')
    lines += ['', 'The same records, integrated gradients less another order, and the fraction of the records in which integrated '
              'gradients are better (below 0 for deletion, above 0 for insertion):', '',
              '| less | deletion | better | insertion | better |', '|---|--:|--:|--:|--:|']
    for name in OTHER_ORDERS:
        low, high = (frame[f'integrated gradients, {kind}'] - frame[f'{name}, {kind}'] for kind in ('deletion', 'insertion'))
        lines.append(f'| {name} | {mean(low, 3)} | {100 * (low < 0).mean():.0f} % | {mean(high, 3)} | {100 * (high > 0).mean():.0f} % |')
    return lines


def regions(one):
    """For each region of the ECG: fraction of the sizes of the contributions, contribution, and fraction of the samples."""
    values = np.array(one['map']).reshape(-1, len(LEADS))
    sizes = abs(values) / abs(values).sum()
    parts = np.array(one['parts_of_samples'])
    found = {}
    for name, (part, leads) in REGIONS.items():
        chosen = np.ix_(np.isin(parts, part) if part else np.ones(len(parts), bool), [LEADS.index(lead) for lead in leads])
        found |= {f'{name} weight': 100 * sizes[chosen].sum(), f'{name} adds': values[chosen].sum(),
                  f'{name} extent': 100 * values[chosen].size / values.size}
    return found


def has(codes, *wanted):
    return any(code in codes for code in wanted)


def groups_of(table, task):
    old = table.infarction_stadium1.isin(['Stadium III', 'Stadium II-III']) if 'infarction_stadium1' in table else False
    norm = table.codes.apply(lambda c: has(c, 'NORM') and not has(c, 'CLBBB', 'CRBBB', '1AVB', 'AMI', 'ASMI'))
    anterior = table.codes.apply(lambda c: has(c, 'AMI', 'ASMI'))
    groups = (('left bundle branch block', 'CD', 'CLBBB', table.codes.apply(lambda c: has(c, 'CLBBB'))),
              ('right bundle branch block', 'CD', 'CRBBB', table.codes.apply(lambda c: has(c, 'CRBBB'))),
              ('first-degree AV block, no bundle branch block', 'CD', '_AVB',
               table.codes.apply(lambda c: has(c, '1AVB') and not has(c, 'CLBBB', 'CRBBB', 'IVCD', 'LAFB'))),
              ('old anterior infarction', 'MI', 'AMI', anterior & old))
    place = 1 if task == 'super' else 2
    targets = dict.fromkeys(group[place] for group in groups)
    return [(group[0], group[place], group[3]) for group in groups] + [('NORM', target, norm) for target in targets]


def groups_of_explanations(args, table, task):
    """A row for each record of each group."""
    groups, begin, found = groups_of(table, task), time.monotonic(), []
    for index, (title, target, chosen) in enumerate(groups):
        until = begin + (args.start + 60 * args.minutes - begin) * (index + 1) / len(groups)
        found.append(first_results(args, shuffled(table[chosen]), Regions(args, title, target), args.group, until)[0])
    return pd.concat(found)


def less(one, other, digits=1):
    """Difference of the means of two groups of records, with its 95 % interval."""
    half = 1.96 * (one.var() / len(one) + other.var() / len(other)) ** .5
    return f'{one.mean() - other.mean():+.{digits}f} ± {half:.{digits}f}'


def groups_text(frame):
    lines = ['| records | class | n | probability | region | weight, % | of NORM | difference | adds to the logit | of NORM | '
             'difference |', '|---|---|--:|--:|---|--:|--:|--:|--:|--:|--:|']
    for title, region in EXPECTED:
        rows = frame[frame.group == title]
        if len(rows) < 2:
            continue
        norm = frame[(frame.group == 'NORM') & (frame['class'] == rows['class'].iloc[0])]
        weights, adds = (rows[f'{region} weight'], norm[f'{region} weight']), (rows[f'{region} adds'], norm[f'{region} adds'])
        lines.append(f'| {title} | {rows["class"].iloc[0]} | {len(rows)} | {rows.probability.mean():.2f} | {region} | '
                     f'{mean(weights[0])} | {mean(weights[1])} | {less(*weights)} | {mean(adds[0], 2)} | {mean(adds[1], 2)} | '
                     f'{less(*adds, 2)} |')
    for what, kind, names, digits in (
            ('The weight on every region, %; the last row is the fraction of the samples', 'weight', [*REGIONS], 1),
            ('What every region, the features and the measured QRS duration among them add to the logit', 'adds',
             [*REGIONS, 'all features', 'QRS duration'], 2)):
        lines += ['', f'{what}:', '', '| records | class | n | ' + ' | '.join(names) + ' |', '|---|---|--:|' + '--:|' * len(names)]
        for (title, target), rows in frame.groupby(['group', 'class'], sort=False):
            lines.append(f'| {title} | {target} | {len(rows)} | ' +
                         ' | '.join(mean(rows[f'{name} {kind}'], digits) for name in names) + ' |')
        if kind == 'weight':
            lines.append('| samples of all | | | ' + ' | '.join(f'{frame[f"{name} extent"].mean():.1f}' for name in REGIONS) + ' |')
    return lines


def version_of(args):
    done = subprocess.run([str(args.build / 'apps/explain'), '--version'], capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    return f'{lines[0]}, {" ".join(lines[1].split())}'


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--model', type=pathlib.Path, required=True)
    parser.add_argument('--data', type=pathlib.Path, required=True)
    parser.add_argument('--build', type=pathlib.Path, default=ROOT / 'build/cpu')
    parser.add_argument('--records', type=int, default=200)
    parser.add_argument('--group', type=int, default=30)
    parser.add_argument('--out', type=pathlib.Path, default=ROOT / 'docs/explanation-checks.md')
    parser.add_argument('--minutes', type=float, default=1e6)
    parser.add_argument('--raw', type=pathlib.Path)
    parser.add_argument('--jobs', type=int, default=1)
    args = parser.parse_args()
    args.start = time.monotonic()
    torch.set_num_threads(1)
    args.kept = {}
    if args.raw and args.raw.exists():
        args.kept = {line['key']: line['result'] for line in map(json.loads, args.raw.read_text().splitlines())}
    if args.model.is_dir():
        args.model /= 'best.safetensors'
    model = Model(args.model)
    task = model.metadata['task']
    table = table_of(args, task)
    frame, refused = first_results(args, shuffled(table[table.classes.apply(len) > 0]), Judge(args, model), args.records,
                                   args.start + 60 * .6 * args.minutes)
    groups = groups_of_explanations(args, table, task)
    text = ['# Checks of the explanations', '',
            f'Written by `scripts/studies/explanations.py --model RUN --data PTBXL --records {args.records} --group {args.group}`, '
            f'which says how each figure is made. {version_of(args)}, {datetime.date.today()}, {platform.machine()}, PyTorch '
            f'{torch.__version__}. The model: `train --data PTBXL`, best of the epochs by validation, which is number '
            f'{model.metadata["epoch"]}; classes {" ".join(model.metadata["classes"])}.', '', '## Maps', '',
            *judged_text(frame, refused), '', '## Where the contributions lie', '',
            'Weight is the percentage of the sizes of all contributions of the signals; what a region adds is the sum of its '
            'contributions with their signs. Means over the records with 95 % intervals of the mean; NORM are records labeled NORM, '
            'explained for the same class. The regions are those that textbooks name for the diagnosis.', '',
            *groups_text(groups), '']
    args.out.write_text('\n'.join(text))
    print('\n'.join(text))


if __name__ == '__main__':
    main()
