#!/usr/bin/env python3
"""Makes of a finished run what others can use: a calibrated model, a text that says what it is and how good, checksums, one archive.

Usage: release_model.py RUN --data DIR --out DIR [--name NAME] [--apps build/cpu/apps] [--cache DIR]

RUN is the folder of a training run, DIR the data that it was trained on. Written to OUT/NAME and, packed, to OUT/NAME.tar.gz:

  model.safetensors   the run's best model, its probabilities calibrated on its validation fold (`calibrate`)
  config.toml         the run's configuration: `train --config` with it repeats the run
  evaluation.json     every figure of the test fold (`evaluate --json`)
  report/report.html  the same as a page
  MODEL.md            that text
  SHA256SUMS          of all of these

NAME: cardiograd, the model, the task and the version, unless given. Nothing that is there is overwritten. The archive's bytes depend
on its content alone.
"""
import argparse
import gzip
import hashlib
import json
import pathlib
import re
import subprocess
import sys
import tarfile
import tempfile
import tomllib

ROOT = pathlib.Path(__file__).resolve().parents[1]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('run', type=pathlib.Path)
    parser.add_argument('--data', required=True, type=pathlib.Path)
    parser.add_argument('--out', required=True, type=pathlib.Path)
    parser.add_argument('--name')
    parser.add_argument('--apps', type=pathlib.Path, default=ROOT / 'build/cpu/apps')
    parser.add_argument('--cache', type=pathlib.Path)
    return parser.parse_args()


def fail(message, hint):
    sys.exit(f'release_model.py: {message}\nhint: {hint}')


def call(args, program, *options):
    """What the program printed; ends with its error."""
    cache = [] if args.cache is None or program not in ('calibrate', 'evaluate') else ['--cache', args.cache]
    done = subprocess.run([args.apps / program, *options, *cache], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f'release_model.py: {program} failed ({done.returncode})\n{done.stderr.strip()}')
    return done.stdout


def description_of(model):
    with open(model, 'rb') as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), 'little')))
    return json.loads(header['__metadata__']['cardiograd'])


def number(value, digits=3):
    return '–' if value is None else f'{value:.{digits}f}'


def with_interval(one):
    return f'{number(one["auc"])} [{number(one["auc_low"])}, {number(one["auc_high"])}]'


def class_rows(evaluation):
    rows = ['| class | positives | AUC | precision | recall | F1 | calibration error |', '|---|--:|---|--:|--:|--:|--:|']
    for name in evaluation['class_order']:
        one = evaluation['classes'][name]
        rows.append(f'| {name} | {one["support"]} | {with_interval(one)} | {number(one["precision"])} | {number(one["recall"])} | '
                    f'{number(one["f1"])} | {number(evaluation["calibration"][name]["expected_error"])} |')
    macro = evaluation['macro']
    rows.append(f'| macro | | {with_interval(macro)} | {number(macro["precision"])} | {number(macro["recall"])} | {number(macro["f1"])} '
                f'| |')
    return '\n'.join(rows)


def model_text(name, description, config, evaluation, calibrated):
    folds = ', '.join(map(str, evaluation['folds']))
    training = config['training']
    synthetic = ''
    if description.get('synthetic'):
        synthetic = '\n**Trained on synthetic ECGs: its answers say nothing about a patient.**\n'
    elif description.get('synthetic_start'):
        synthetic = '\n**Began with a model trained on synthetic ECGs: its answers may rest on what that one had learned.**\n'
    return f'''# {name}

A classifier of {len(description['leads'])}-lead ECGs, {description['model']}, {evaluation['parameters']:,} parameters, classes {', '.join(description['classes'])}.
Made by {evaluation['program']}. Research software, not a medical device: not for diagnosis.
{synthetic}
```
cardiograd-predict --model model.safetensors RECORD...     # WFDB, EDF, BDF, DICOM, SCP-ECG, CSV of any rate and lead order
```

## Trained

Data set `{pathlib.Path(evaluation['data']).name}`, folds {', '.join(map(str, description['train_folds']))}; fold {', '.join(map(str, description['val_folds']))} chose epoch {description['epoch']} of {training['epochs']}, thresholds and calibration. Seed {training['seed']}, precision
{description['precision']}, features {description['feature_set']}, filter {description['filter']}, {description['rate_hz']:g} Hz. All of it: `config.toml`.

## How good

Fold {folds}, {evaluation['records']} records that it has not seen; intervals of {evaluation['bootstrap']['draws']} bootstrap draws:

{class_rows(evaluation)}

On fold {', '.join(map(str, description['calibration_folds']))} the probabilities were calibrated:

```
{calibrated.strip()}
```

`report/report.html` has curves, subgroups and the worst mistakes. A fold of the same hospital says little about another: try it on
records of yours before you believe it, and calibrate it there (`cardiograd-calibrate`).

## License

Apache-2.0. Trained on PTB-XL (Wagner et al., Scientific Data 7:154, 2020; CC BY 4.0), where the data set is that.
'''


def without_folders(config):
    return re.sub(r'(?m)^(folder|labels|init|cache) = (["\'])[^"\'\n]*/([^/"\'\n]*)\2$', r'\1 = \2\3\2', config)


def default_name(config, program):
    version = re.search(r'cardiograd (\S+?),', program)
    return '-'.join(['cardiograd', config['model']['name'], config['data']['task'], version.group(1) if version else 'unknown'])


def expect_absent(out, name):
    paths = out / name, out / f'{name}.tar.gz'
    for path in paths:
        if path.exists():
            fail(f'{path} is there already', 'Move it away, or give another --name.')
    return paths


def write_archive(folder, archive):
    """The same bytes whenever and by whomever it is made."""
    def plain(info):
        info.mtime, info.uid, info.gid, info.uname, info.gname = 0, 0, 0, '', ''
        info.mode = 0o755 if info.isdir() else 0o644
        return info

    with open(archive, 'xb') as file, gzip.GzipFile('', 'wb', 9, file, 0) as packed, tarfile.open(fileobj=packed, mode='w') as tar:
        for path in [folder, *sorted(folder.rglob('*'))]:
            tar.add(path, path.relative_to(folder.parent), recursive=False, filter=plain)


def main():
    args = arguments()
    for name in ('config.toml', 'best.safetensors'):
        if not (args.run / name).is_file():
            fail(f'{args.run} has no {name}', 'Give the folder of a finished training run.')
    if not (args.apps / 'calibrate').is_file():
        fail(f'{args.apps} has no programs', 'Build them, or name their folder with --apps.')
    if args.name is not None and (args.name.startswith('.') or '/' in args.name or not args.name):
        fail(f'--name is {args.name!r}', 'It becomes a folder of OUT: give a name without "/" that does not begin with a dot.')
    config = tomllib.loads((args.run / 'config.toml').read_text())
    if args.name is not None:
        expect_absent(args.out, args.name)
    args.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=args.out, prefix='.release-') as temporary:
        made = pathlib.Path(temporary) / 'made'
        made.mkdir()
        calibrated = call(args, 'calibrate', '--model', args.run, '--data', args.data, '--out', made / 'model.safetensors')
        fold = config['data']['test_fold']
        call(args, 'evaluate', '--model', made / 'model.safetensors', '--data', args.data, '--fold', str(fold), '--json',
             made / 'evaluation.json', '--report', made / 'report')
        # Where data and model lay is nobody's business.
        (made / 'config.toml').write_text(without_folders((args.run / 'config.toml').read_text()))
        evaluation = json.loads((made / 'evaluation.json').read_text())
        evaluation['model'], evaluation['data'] = 'model.safetensors', args.data.resolve().name
        (made / 'evaluation.json').write_text(json.dumps(evaluation, indent=2, ensure_ascii=False) + '\n')
        name = args.name or default_name(config, evaluation['program'])
        (made / 'MODEL.md').write_text(model_text(name, description_of(made / 'model.safetensors'), config, evaluation, calibrated))
        sums = [f'{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(made)}' for path in sorted(made.rglob('*'))
                if path.is_file()]
        (made / 'SHA256SUMS').write_text('\n'.join(sums) + '\n')
        folder, archive = expect_absent(args.out, name)
        made.rename(folder)
    write_archive(folder, archive)
    print(f'{archive}: {archive.stat().st_size / 1e6:.1f} MB, sha256 {hashlib.sha256(archive.read_bytes()).hexdigest()}')


if __name__ == '__main__':
    main()
