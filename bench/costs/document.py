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


def step_rows(profiles):
    for name in (gpu["name"] for gpu in profiles[0]["gpus"]):
        for profile in profiles:
            if name not in profile["step"]:
                continue
            sums = profile["step"][name]
            yield (f"| {name} | {profile['precision']} | {milliseconds(sums['floor_s'])} | {milliseconds(sums['predicted_s'])} | "
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


def kernel_rows(profile, known):
    """Of the calls that are not in `known` yet, which grows."""
    for line in profile["kernels"]:
        if (line["op"], line["shape"]) in known:
            continue
        known.add((line["op"], line["shape"]))
        predictions = [line["prediction"][gpu] for gpu in SHOWN]
        head = f"| {line['op']} | {line['shape']} | {line['calls']} |"
        if not predictions[0]["kernels"]:
            yield f"{head} none: {predictions[0].get('note', '')} |" + " |" * (2 * len(SHOWN))
        for kernels in zip(*(prediction["kernels"] for prediction in predictions)):
            cells = " | ".join(f"{microseconds(kernel['predicted_s'])} | {kernel['limiter']}"
                               f"{', library floor' if kernel['library'] else ''}" for kernel in kernels)
            name = kernels[0]["kernel"] if kernels[0]["library"] else f"`{kernels[0]['kernel']}`"
            yield f"{head} {name} | {cells} |"


def markdown(profiles, nvcc):
    """`profiles`: of one step in each precision, fp32 first."""
    lines = [
        f"Written by `bench/kernel_costs` from `bench/kernel_costs.json` (nvcc {nvcc}). **Predicted, not measured**: what a",
        f"training step at batch {profiles[0]['batch_size']} takes at least with the present kernels. Range: where every branch of the "
        "machine code goes the shorter",
        "or the longer way. The cost of launches, fills, copies and whatever one kernel leaves in L2 for the next are left out.",
        "",
        "| GPU | factors of products | sum of floors, ms | predicted, ms | range, ms | launches | calls without a prediction |",
        "|---|---|--:|--:|--:|--:|--:|", *step_rows(profiles), ""]
    for gpu in SHOWN:
        for profile in profiles:
            lines += [f"The largest losses on {gpu} in {profile['precision']}:", "",
                      *(f"- {text}" for text in losses(profile, gpu)), ""]
    known = set()
    for profile in profiles:
        what = "" if not known else f" in {profile['precision']}, what differs from fp32"
        lines += [f"Per call{what}, in microseconds:", "",
                  f"| operation | shape | calls | kernel | {' | '.join(f'{gpu} | limiter' for gpu in SHOWN)} |",
                  "|---|---|--:|---|" + "--:|---|" * len(SHOWN), *kernel_rows(profile, known), ""]
    return "\n".join(lines).rstrip("\n") + "\n"


def write(root, options, folder):
    """Replaces what stands between the two marks of the document."""
    profiles = []
    for precision in step.PRECISIONS:
        names = [gpu for gpu in step.known_gpus(root, precision) if gpu not in SHOWN]
        profiles.append(step.profile(root, options.profile, folder,
                                     ["--precision", precision, "--costs", options.out, "--gpu", *SHOWN, *names]))
    render.write_between(options.document, BEGIN, END, markdown(profiles, json.loads(options.out.read_text())["nvcc"]))
