"""PyTorch twin of HC-CNN-TN: the yardstick for accuracy and speed, on the same records with the same settings.

  torch_twin.py DATA_DIR [--epochs 15] [--seed 0] [--features FILE.csv] [--predictions FILE.csv] [--save FILE.safetensors]
      trains on folds 1 to 8 of a folder in the PTB-XL layout (100 Hz) as `train` does: records without a class left out,
      signals filtered (0.5-45 Hz, order 4, zero phase) and standardized by lead, the epoch with the best macro AUC on
      fold 9 kept, thresholds of the highest F1 there. Prints the loss of each epoch, then AUC and F1 on fold 10.
      Features are age and sex unless --features names a CSV of `features --data`. --predictions: probabilities on folds
      9 and 10, as those of `evaluate`.
  torch_twin.py --time
      prints the median time of a training step (batch 64) and of inference (batch 1 and 64) on random data instead.

  --device cpu|cuda, --threads N   where
  --precision fp32|tf32|bf16       fp32: full float32; tf32: TF32 matrix products and convolutions; bf16: autocast
  --compile                        torch.compile (max-autotune; without its own graphs where --graph is given)
  --graph                          CUDA only: the whole training step, fused capturable Adam included, is one CUDA graph
  --json FILE                      with --time: adds this mode to the list in FILE
Needs bench/peers/requirements.txt.
"""
import argparse
import ast
import contextlib
import json
import pathlib
import time

import numpy as np
import torch
from torch import nn

from hc_cnn_tn_torch import HcCnnTn

CLASSES = ['CD', 'HYP', 'MI', 'NORM', 'STTC']
BATCH, LEARNING_RATE = 64, 3e-4


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('data', nargs='?', type=pathlib.Path)
    parser.add_argument('--epochs', type=int, default=15)
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--features', type=pathlib.Path)
    parser.add_argument('--predictions', type=pathlib.Path)
    parser.add_argument('--save', type=pathlib.Path)
    parser.add_argument('--time', action='store_true')
    parser.add_argument('--device', default='cpu', choices=['cpu', 'cuda'])
    parser.add_argument('--threads', type=int, default=2)
    parser.add_argument('--precision', default='fp32', choices=['fp32', 'tf32', 'bf16'])
    parser.add_argument('--compile', action='store_true')
    parser.add_argument('--graph', action='store_true')
    parser.add_argument('--json', type=pathlib.Path)
    args = parser.parse_args()
    if args.time == (args.data is not None):
        parser.error('give either DATA_DIR or --time')
    if args.time and (args.predictions or args.save or args.features):
        parser.error('--features, --predictions and --save go with DATA_DIR')
    if args.json and not args.time:
        parser.error('--json goes with --time')
    if args.device == 'cuda' and not torch.cuda.is_available():
        parser.error('--device cuda: PyTorch sees no CUDA device')
    if args.device == 'cpu' and (args.graph or args.precision == 'tf32'):
        parser.error('--graph and --precision tf32 need --device cuda')
    return args


class Trainer:
    """A network with its optimizer; step(x, f, y) trains on one batch and returns the loss without synchronizing."""

    def __init__(self, args, features, pos_weight):
        self.args, self.device = args, torch.device(args.device)
        torch.manual_seed(args.seed)
        self.net = HcCnnTn(len(pos_weight), features).to(self.device)
        mode = 'max-autotune-no-cudagraphs' if args.graph else 'max-autotune'
        self.run = torch.compile(self.net, mode=mode) if args.compile else self.net
        self.loss_fn = nn.BCEWithLogitsLoss(pos_weight=torch.as_tensor(pos_weight, dtype=torch.float32).to(self.device))
        options = {'fused': True} if self.device.type == 'cuda' else {}
        if args.graph:
            options['capturable'] = True
        lr = torch.tensor(LEARNING_RATE, device=self.device) if args.graph else LEARNING_RATE
        self.adam = torch.optim.Adam(self.net.parameters(), lr, **options)
        self.graph = None

    def autocast(self):
        if self.args.precision == 'bf16':
            return torch.autocast(self.device.type, torch.bfloat16)
        return contextlib.nullcontext()

    def eager_step(self, x, f, y):
        self.adam.zero_grad(set_to_none=True)
        with self.autocast():
            logits = self.run(x, f)
        loss = self.loss_fn(logits.float(), y)
        loss.backward()
        self.adam.step()
        return loss.detach()

    def capture(self, x, f, y):
        """Warms up on copies of the state, puts the state back, and records the step."""
        self.inputs = [t.clone() for t in (x, f, y)]
        net_state = {k: v.clone() for k, v in self.net.state_dict().items()}
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(3):
                self.eager_step(*self.inputs)
        torch.cuda.current_stream().wait_stream(stream)
        self.graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.graph):
            self.loss = self.eager_step(*self.inputs)
        with torch.no_grad():
            self.net.load_state_dict(net_state)
            for state in self.adam.state.values():
                for value in state.values():
                    value.zero_()

    def step(self, x, f, y):
        if not self.args.graph:
            return self.eager_step(x, f, y)
        if self.graph is None:
            self.capture(x, f, y)
        for mine, given in zip(self.inputs, (x, f, y)):
            mine.copy_(given)
        self.graph.replay()
        return self.loss

    @torch.no_grad()
    def logits(self, x, f):
        self.net.eval()
        with self.autocast():
            return self.run(x, f).float()


def timing(function, device, repeats):
    """The median and the fastest of `repeats` calls after a warm-up, in seconds."""
    def sync():
        if device.type == 'cuda':
            torch.cuda.synchronize()

    for _ in range(max(3, repeats // 5)):
        function()
    times = []
    for _ in range(repeats):
        sync()
        start = time.perf_counter()
        function()
        sync()
        times.append(time.perf_counter() - start)
    times.sort()
    return times[repeats // 2], times[0]


def add_to_list(path, entry):
    entries = json.loads(path.read_text()) if path.exists() else []
    path.write_text(json.dumps(entries + [entry], indent=2) + '\n')


def time_steps(args):
    trainer = Trainer(args, 29, np.full(len(CLASSES), 1.5))
    device = trainer.device
    x, f = torch.randn(BATCH, 12, 1000, device=device), torch.randn(BATCH, 29, device=device)
    y = (torch.rand(BATCH, len(CLASSES), device=device) < 0.25).float()
    name = torch.cuda.get_device_name() if device.type == 'cuda' else f'cpu, {args.threads} threads'
    modes = [m for m in ('compile', 'graph') if getattr(args, m)] or ['eager']
    print(f'torch {torch.__version__}, {name}, {args.precision} {" ".join(modes)}, '
          f'{sum(p.numel() for p in trainer.net.parameters())} parameters')
    repeats = 200 if device.type == 'cuda' else 10
    figures = []

    def measure(title, batch, function):
        median, fastest = timing(function, device, repeats)
        print(f'{title} batch {batch}: {1e3 * median:.3f} ms (fastest {1e3 * fastest:.3f})', flush=True)
        figures.append({'name': title, 'batch': batch, 'seconds': median, 'fastest': fastest, 'repeats': repeats})

    trainer.net.train()
    measure('train step', BATCH, lambda: trainer.step(x, f, y))
    for batch in (1, BATCH):
        measure('inference', batch, lambda: trainer.logits(x[:batch], f[:batch]))
    if args.json:
        add_to_list(args.json, {'program': f'PyTorch {torch.__version__}', 'mode': f'{args.precision} {" ".join(modes)}',
                                'precision': args.precision, 'device': name, 'figures': figures})


def read_data(folder, features):
    """The table of the records with a class, signals (N, 12, 1000) in mV, features (N, F), labels (N, 5)."""
    import pandas as pd
    from scipy.signal import butter, sosfiltfilt
    table = pd.read_csv(folder / 'ptbxl_database.csv')
    statements = pd.read_csv(folder / 'scp_statements.csv', index_col=0)
    diagnostic = statements[statements.diagnostic == 1].diagnostic_class
    have = [{diagnostic[code] for code in ast.literal_eval(codes) if code in diagnostic} for codes in table.scp_codes]
    labels = np.array([[c in h for c in CLASSES] for h in have], np.float32)
    table, labels = table[labels.any(1)].reset_index(), labels[labels.any(1)]
    sos = butter(4, [0.5, 45], 'bandpass', fs=100, output='sos')
    signals = np.empty((len(table), 12, 1000), np.float32)
    for i, name in enumerate(table.filename_lr):
        signals[i] = sosfiltfilt(sos, np.fromfile(folder / f'{name}.dat', '<i2').reshape(1000, 12).T / 1000)
    if features:
        values = pd.read_csv(features).set_index('ecg_id').loc[table.ecg_id].to_numpy(np.float32)
    else:
        values = np.stack([table.age.clip(upper=90), table.sex], 1).astype(np.float32)
    return table, signals, values, labels


def standardize(values, train):
    """Missing values take the training median; then training mean and deviation, clamped to 5 deviations."""
    values = np.where(np.isfinite(values), values, np.nanmedian(values[train], 0))
    mean, deviation = values[train].mean(0), values[train].std(0)
    return ((values - mean) / (deviation + 1e-8)).clip(-5, 5).astype(np.float32)


def standardize_signals(signals, train):
    for lead in range(signals.shape[1]):
        values = signals[train, lead]
        signals[:, lead] = (signals[:, lead] - values.mean(dtype=np.float64)) / values.std(dtype=np.float64)
    return signals


def macro_auc(labels, scores):
    from sklearn.metrics import roc_auc_score
    return np.mean([roc_auc_score(labels[:, c], scores[:, c]) for c in range(labels.shape[1])])


def best_thresholds(labels, scores):
    """The threshold of each class with the highest F1."""
    from sklearn.metrics import precision_recall_curve
    thresholds = []
    for c in range(labels.shape[1]):
        precision, recall, values = precision_recall_curve(labels[:, c], scores[:, c])
        f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
        thresholds.append(values[f1[:-1].argmax()])
    return np.array(thresholds)


def report(labels, scores, thresholds):
    from sklearn.metrics import f1_score, precision_score, recall_score, roc_auc_score
    auc = [roc_auc_score(labels[:, c], scores[:, c]) for c in range(len(CLASSES))]
    p, r, f1 = (metric(labels, scores >= thresholds, average='macro', zero_division=0)
                for metric in (precision_score, recall_score, f1_score))
    print('fold 10:', '  '.join(f'{c} {a:.3f}' for c, a in zip(CLASSES, auc)),
          f' macro P {p:.4f} R {r:.4f} F1 {f1:.4f} AUC {np.mean(auc):.4f}')


def save(path, weights, features):
    from safetensors.torch import save_file
    tensors = {k: v.cpu().contiguous() for k, v in weights.items()}
    save_file(tensors, path, {'config': json.dumps({'classes': CLASSES, 'features': features})})


def write_predictions(path, table, rows, labels, scores):
    import pandas as pd
    columns = {'ecg_id': table.ecg_id[rows], 'fold': table.strat_fold[rows]}
    columns |= {f'probability_{c}': scores[:, k] for k, c in enumerate(CLASSES)}
    columns |= {f'label_{c}': labels[rows, k].astype(int) for k, c in enumerate(CLASSES)}
    pd.DataFrame(columns).to_csv(path, index=False)


def train(args):
    table, signals, features, labels = read_data(args.data, args.features)
    folds = table.strat_fold.to_numpy()
    ids, judged = np.where(folds <= 8)[0], np.where(folds >= 9)[0]
    validation = folds[judged] == 9
    features, signals = standardize(features, folds <= 8), standardize_signals(signals, folds <= 8)
    positives = labels[ids].sum(0)
    pos_weight = np.clip(((len(ids) - positives) / (positives + 1e-8)) ** 0.4, 0.8, 3.0)

    trainer = Trainer(args, features.shape[1], pos_weight)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(trainer.adam, args.epochs)
    x, f, y = (torch.as_tensor(a, device=trainer.device) for a in (signals, features, labels))
    shuffle = np.random.RandomState(args.seed)
    best = (-1, None, None)
    for epoch in range(args.epochs):
        trainer.net.train()
        start, total = time.perf_counter(), torch.zeros((), device=trainer.device)
        shuffle.shuffle(ids)
        batches = len(ids) // BATCH  # the last, partial batch is left out
        for batch in torch.as_tensor(ids[:batches * BATCH], device=trainer.device).split(BATCH):
            total += trainer.step(x[batch], f[batch], y[batch])
        loss = total.item() / batches
        logits = [trainer.logits(x[b], f[b]) for b in torch.as_tensor(judged, device=trainer.device).split(BATCH)]
        scores = torch.sigmoid(torch.cat(logits)).cpu().numpy()
        auc = macro_auc(labels[judged][validation], scores[validation])
        if auc > best[0]:
            best = (auc, scores, {k: v.clone() for k, v in trainer.net.state_dict().items()})
        print(f'epoch {epoch + 1}: loss {loss:.4f}, macro AUC on fold 9 {auc:.4f}, {time.perf_counter() - start:.2f} s',
              flush=True)
        schedule.step()

    scores = best[1]
    thresholds = best_thresholds(labels[judged][validation], scores[validation])
    report(labels[judged][~validation], scores[~validation], thresholds)
    if args.predictions:
        write_predictions(args.predictions, table, judged, labels, scores)
    if args.save:
        save(args.save, best[2], features.shape[1])


def main():
    args = arguments()
    torch.set_num_threads(args.threads)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = args.precision == 'tf32'
    if args.time:
        time_steps(args)
    else:
        train(args)


if __name__ == '__main__':
    main()
