"""Charts of the page: bars and the timeline as HTML that adapts to the width, the roofline as SVG."""
import html
import math


def escape(text):
    return html.escape(str(text), quote=True)


def bars(rows):
    """rows: (label, seconds, text, class). Horizontal bars from zero, the longest as wide as the column."""
    longest = max((seconds for _, seconds, _, _ in rows), default=0) or 1
    lines = ['<div class="bars">']
    for label, seconds, text, kind in rows:
        lines.append(f'<div class="label">{escape(label)}</div><div class="track"><span class="bar {kind}" '
                     f'style="width:{100 * seconds / longest:.2f}%"></span><span class="value">{escape(text)}</span></div>')
    lines.append("</div>")
    return "\n".join(lines)


def lane_of(kernel):
    """conv1d_backward_weight -> conv1d."""
    return kernel.replace("_forward", "").split("_backward")[0]


def phases(entries):
    """The phase of each kernel of a step: forward until the first gradient, then backward; the optimizer comes last."""
    phase, found = "forward", []
    for entry in entries:
        if "_backward" in entry["kernel"]:
            phase = "backward"
        if entry["kernel"].startswith(("adam", "clip")):
            phase = "optimizer"
        found.append(phase)
    return found


def timeline(entries):
    """One row for each operation, time from left to right; a tone for each phase of the step."""
    entries = [dict(entry, phase=phase) for entry, phase in zip(entries, phases(entries))]
    end = max(entry["start"] + entry["seconds"] for entry in entries)
    lanes = {}
    for entry in entries:
        lanes.setdefault(lane_of(entry["kernel"]), []).append(entry)
    ordered = sorted(lanes.items(), key=lambda lane: -sum(entry["seconds"] for entry in lane[1]))
    lines = ['<div class="bars">']
    for name, lane in ordered:
        total = sum(entry["seconds"] for entry in lane)
        lines.append(f'<div class="label">{escape(name)} <small>{100 * total / end:.1f} %</small></div><div class="lane">')
        for entry in lane:
            title = f'{entry["kernel"]} {entry["layer"]}: {1e3 * entry["seconds"]:.3f} ms at {1e3 * entry["start"]:.3f} ms'
            lines.append(f'<span class="{entry["phase"]}" style="left:{100 * entry["start"] / end:.3f}%;'
                         f'width:max(1px,{100 * entry["seconds"] / end:.3f}%)" title="{escape(title)}"></span>')
        lines.append("</div>")
    lines.append("</div>")
    return "\n".join(lines)


class LogAxis:
    """From values to places, logarithmic, from the power of ten below `low` to the one above `high`."""

    def __init__(self, low, high, start, end):
        self.low, self.high = math.floor(math.log10(low)), math.ceil(math.log10(high))
        self.high = max(self.high, self.low + 1)
        self.start, self.end = start, end

    def at(self, value):
        return self.start + (math.log10(value) - self.low) / (self.high - self.low) * (self.end - self.start)

    def ticks(self):
        return [10.0 ** power for power in range(self.low, self.high + 1)]


def tick_text(value):
    return f"{value:g}"


def roofline(points, roof_gflops, roof_gbs):
    """points: (number, name, flop per byte, GFLOP/s). Both axes logarithmic; the two roofs of the machine."""
    width, height, left, bottom = 720, 460, 78, 64
    ridge = roof_gflops / roof_gbs
    x = LogAxis(min([p[2] for p in points] + [ridge]), max([p[2] for p in points] + [ridge]) * 1.5, left, width - 12)
    y = LogAxis(min(p[3] for p in points), max([p[3] for p in points] + [roof_gflops]), height - bottom, 14)
    lines = [f'<svg class="roofline" viewBox="0 0 {width} {height}" role="img" '
             f'aria-label="Roofline: {len(points)} kernels, their figures are in the table below">']
    for tick in x.ticks():
        anchor = "end" if x.at(tick) > width - 40 else "middle"
        lines.append(f'<line class="grid" x1="{x.at(tick):.1f}" x2="{x.at(tick):.1f}" y1="14" y2="{height - bottom}"/>'
                     f'<text x="{x.at(tick):.1f}" y="{height - bottom + 24}" text-anchor="{anchor}">{tick_text(tick)}</text>')
    for tick in y.ticks():
        lines.append(f'<line class="grid" x1="{left}" x2="{width - 12}" y1="{y.at(tick):.1f}" y2="{y.at(tick):.1f}"/>'
                     f'<text x="{left - 8}" y="{y.at(tick) + 5:.1f}" text-anchor="end">{tick_text(tick)}</text>')
    x_low, x_high = 10.0 ** x.low, 10.0 ** x.high
    y_low = 10.0 ** y.low
    start = max(x_low, y_low / roof_gbs)
    lines.append(f'<polyline class="roof" points="{x.at(start):.1f},{y.at(start * roof_gbs):.1f} '
                 f'{x.at(ridge):.1f},{y.at(roof_gflops):.1f} {x.at(x_high):.1f},{y.at(roof_gflops):.1f}"/>')
    for number, name, intensity, gflops in points:
        cx, cy = x.at(intensity), y.at(gflops)
        lines.append(f'<g><title>{escape(name)}: {gflops:.3g} GFLOP/s at {intensity:.3g} FLOP/byte</title>'
                     f'<circle class="dot" cx="{cx:.1f}" cy="{cy:.1f}" r="6"/>'
                     f'<text class="number" x="{cx + 9:.1f}" y="{cy - 6:.1f}">{number}</text></g>')
    lines.append(f'<text x="{(left + width) / 2:.0f}" y="{height - 10}" text-anchor="middle">FLOP per byte of least traffic</text>'
                 f'<text transform="translate(18 {(height - bottom) / 2:.0f}) rotate(-90)" text-anchor="middle">GFLOP/s</text></svg>')
    return "\n".join(lines)
