"""The tables of docs/kernel-predictions.md, from `profile`."""
import json

from sass import render

from . import step

BEGIN, END = "<!-- kernel_costs begin -->", "<!-- kernel_costs end -->"
SHOWN = ("rtx-3050-8gb", "h100-sxm")


def milliseconds(seconds):
    return f"{1e3 * seconds:.2f}"


def microseconds(seconds):
    return f"{1e6 * seconds:.1f}" if seconds < 1e-3 else f"{1e6 * seconds:.0f}"


def step_rows(profile):
    for name in (gpu["name"] for gpu in profile["gpus"]):
        sums = profile["step"][name]
        yield (f"| {name} | {milliseconds(sums['floor_s'])} | {milliseconds(sums['predicted_s'])} | "
               f"{milliseconds(sums['at_least_s'])} to {milliseconds(sums['at_most_s'])} | {sums['launches']} | "
               f"{sums['calls_without_prediction']} |")


def losses(profile, gpu):
    by_label = {line["kernel"]: line for line in profile["kernels"]}
    found = []
    for label in profile["step"][gpu]["largest_losses"]:
        line = by_label[label]
        prediction, floor = line["prediction"][gpu], line["floor_s"][gpu]
        found.append(f"`{line['op']}` at {line['shape']}: {milliseconds(prediction['predicted_s'])} ms, floor "
                     f"{milliseconds(floor)} ms, limited by {prediction['limiter']}")
    return found


def kernel_rows(profile):
    for line in profile["kernels"]:
        predictions = [line["prediction"][gpu] for gpu in SHOWN]
        head = f"| {line['op']} | {line['shape']} | {line['calls']} |"
        if not predictions[0]["kernels"]:
            yield f"{head} none: {predictions[0].get('note', '')} |" + " |" * (2 * len(SHOWN))
        for kernels in zip(*(prediction["kernels"] for prediction in predictions)):
            cells = " | ".join(f"{microseconds(kernel['predicted_s'])} | {kernel['limiter']}"
                               f"{', library floor' if kernel['library'] else ''}" for kernel in kernels)
            name = kernels[0]["kernel"] if kernels[0]["library"] else f"`{kernels[0]['kernel']}`"
            yield f"{head} {name} | {cells} |"


def markdown(profile, nvcc):
    lines = [
        f"Written by `bench/kernel_costs` from `bench/kernel_costs.json` (nvcc {nvcc}). **Predicted, not measured**: what a",
        f"training step at batch {profile['batch_size']} takes at least with the present kernels. Range: where every branch of the "
        "machine code goes the shorter",
        "or the longer way. The cost of launches, fills, copies and whatever one kernel leaves in L2 for the next are left out.",
        "",
        "| GPU | sum of floors, fp32, ms | predicted, ms | range, ms | launches | calls without a prediction |",
        "|---|--:|--:|--:|--:|--:|", *step_rows(profile), ""]
    for gpu in SHOWN:
        lines += [f"The largest losses on {gpu}:", "", *(f"- {text}" for text in losses(profile, gpu)), ""]
    lines += ["Per call, in microseconds:", "",
              f"| operation | shape | calls | kernel | {' | '.join(f'{gpu} | limiter' for gpu in SHOWN)} |",
              "|---|---|--:|---|" + "--:|---|" * len(SHOWN), *kernel_rows(profile)]
    return "\n".join(lines) + "\n"


def write(root, options, folder):
    """Replaces what stands between the two marks of the document."""
    names = [gpu for gpu in step.known_gpus(root) if gpu not in SHOWN]
    profile = step.profile(root, options.profile, folder, ["--costs", options.out, "--gpu", *SHOWN, *names])
    render.write_between(options.document, BEGIN, END, markdown(profile, json.loads(options.out.read_text())["nvcc"]))
