"""Golden values of the whole model from PyTorch: logits, loss, gradients, ten Adam steps.

Usage: model.py [--full OUT.safetensors]
  without options  writes tests/model/golden/hc_cnn_tn_small.safetensors and hc_cnn_tn_mean_max.safetensors (small
                   configurations, checked in; the second with mean and maximum over time and without positions)
  --full OUT       writes the same for the default size (T = 1000, channels 64, 128, 256, 29 features) to OUT

Everything is computed in double precision and stored as float32. Dropout is 0. The file holds
  <name>                    the initial state under the names of state_dict(), buffers included (num_batches_tracked is
                            int64)
  golden.x, .f, .y          signals (N, leads, T), features (N, F), labels (N, classes)
  golden.pos_weight         (classes)
  golden.logits, .loss      forward in training mode from the initial state
  golden.grad.<parameter>   gradient of that loss
  golden.adam_losses        the losses of ten steps of Adam (lr 3e-4, PyTorch's defaults) on this batch, from the
                            initial state: the first equals golden.loss; batch norm counts ten forward passes
  golden.after.<buffer>     running statistics after the ten steps
  golden.eval_logits        logits in eval mode after the ten steps
and, as metadata "config", the arguments of HcCnnTn as JSON. The gradients of biases before a batch norm, and of the key
biases of attention, are zero up to rounding; Adam turns a float32 program's rounding there into small steps, which move
running means (by less than 3e-4) and eval-mode logits (by less than 1e-3), not losses.
"""
import argparse
import json
import pathlib
import sys

import torch
from safetensors.torch import load_file, save_file
from torch import nn

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / 'bench/peers'))
from hc_cnn_tn_torch import HcCnnTn  # noqa: E402

SMALL = dict(classes=5, features=7, leads=12, channels=[16, 24, 32], kernels=[7, 5, 3], layers=2, heads=4, ff=48)
MEAN_MAX = dict(classes=3, features=2, leads=3, channels=[4, 6], kernels=[5, 3], layers=1, heads=2, ff=8,
                positions=False, pool='mean_max', feature_width=5, head_width=7)
FULL = dict(classes=5, features=29, leads=12, channels=[64, 128, 256], kernels=[7, 5, 3], layers=2, heads=8, ff=512)
LEARNING_RATE, STEPS = 3e-4, 10


def make(config, time, batch):
    torch.manual_seed(2026)
    net = HcCnnTn(**config, dropout=0.0, head_dropout=0.0)
    with torch.no_grad():  # initial values that are 0, 1, or equal in both encoder layers would hide mistakes
        for p in net.parameters():
            p += 0.1 * torch.randn_like(p) if p.dim() == 1 else 0.1 * p * torch.randn_like(p)
        for name, b in net.named_buffers():
            if name.endswith('running_mean'):
                b += 0.1 * torch.randn_like(b)
            elif name.endswith('running_var'):
                b *= 0.5 + torch.rand_like(b)
    initial = {k: v.clone() for k, v in net.state_dict().items()}
    net.double().train()

    # Rounded to float32 before use, so that both sides see the same numbers.
    t = torch.arange(time) / 100
    x = torch.randn(batch, config['leads'], time) * 0.5
    x += torch.sin(6.283 * (1 + torch.arange(batch)[:, None, None]) * t + torch.arange(config['leads'])[:, None])
    f = torch.randn(batch, config['features'])
    y = (torch.rand(batch, config['classes']) < 0.4).float()
    pos_weight = torch.linspace(0.8, 3.0, config['classes'])
    golden = {'x': x, 'f': f, 'y': y, 'pos_weight': pos_weight}
    x, f, y = x.double(), f.double(), y.double()
    loss_fn = nn.BCEWithLogitsLoss(pos_weight=pos_weight.double())

    adam, losses = torch.optim.Adam(net.parameters(), LEARNING_RATE), []
    for step in range(STEPS):
        adam.zero_grad()
        logits = net(x, f)
        loss = loss_fn(logits, y)
        loss.backward()
        if step == 0:
            golden |= {'logits': logits, 'loss': loss.reshape(1)}
            golden |= {f'grad.{name}': p.grad.clone() for name, p in net.named_parameters()}
        losses.append(loss.item())
        adam.step()
    golden['adam_losses'] = torch.tensor(losses, dtype=torch.float64)
    golden |= {f'after.{name}': b for name, b in net.named_buffers() if b.is_floating_point()}
    net.eval()
    with torch.no_grad():
        golden['eval_logits'] = net(x, f)
    return initial | {f'golden.{k}': v.detach().float().contiguous() for k, v in golden.items()}


def write(out, config, time, batch):
    tensors = make(config, time, batch)
    meta = config | {'dropout': 0.0, 'head_dropout': 0.0, 'time': time, 'batch': batch, 'learning_rate': LEARNING_RATE}
    save_file(tensors, out, {'config': json.dumps(meta)})

    back = load_file(out)
    assert all(torch.isfinite(v).all() for v in back.values() if v.is_floating_point())
    assert back['golden.adam_losses'][0] == back['golden.loss'][0] > back['golden.adam_losses'][-1]
    print(f'{out}: {len(back)} tensors, {out.stat().st_size} bytes, losses {back["golden.adam_losses"].tolist()}')


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--full', type=pathlib.Path, metavar='OUT')
    full = parser.parse_args().full
    torch.set_num_threads(1)
    if full:
        write(full, FULL, 1000, 4)
        return
    golden = ROOT / 'tests/model/golden'
    write(golden / 'hc_cnn_tn_small.safetensors', SMALL, 104, 6)
    write(golden / 'hc_cnn_tn_mean_max.safetensors', MEAN_MAX, 41, 5)


if __name__ == '__main__':
    main()
