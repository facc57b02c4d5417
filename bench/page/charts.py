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


LABEL_WIDTH, LABEL_HEIGHT = 11, 19  # of a digit on a phone, whose numbers are the largest


def overlaps(one, other):
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def place_labels(dots, radius, frame):
    """dots: (x, y, text). For each the center of its text, near its dot and clear of all dots and other texts inside `frame`
    (left, top, right, bottom); where no place is clear, the nearest one."""
    taken = [(x - radius, y - radius, x + radius, y + radius) for x, y, _ in dots]
    centers = []
    for x, y, text in dots:
        width = LABEL_WIDTH * len(text)
        best = None
        for distance in range(16, 130, 6):
            for step in range(16):
                angle = 2 * math.pi * (step / 16 - 1 / 8)
                cx, cy = x + (distance + width / 3) * math.cos(angle), y + distance * math.sin(angle)
                box = (cx - width / 2, cy - LABEL_HEIGHT / 2, cx + width / 2, cy + LABEL_HEIGHT / 2)
                if not (frame[0] <= box[0] and frame[1] <= box[1] and box[2] <= frame[2] and box[3] <= frame[3]):
                    continue
                best = best or (cx, cy, box)
                if not any(overlaps(box, other) for other in taken):
                    best = (cx, cy, box)
                    break
            else:
                continue
            break
        cx, cy, box = best or (x, y, (x, y, x, y))
        taken.append(box)
        centers.append((cx, cy))
    return centers


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
    dots = [(x.at(intensity), y.at(gflops), str(number)) for number, _, intensity, gflops in points]
    centers = place_labels(dots, 5, (left, 14, width, height - bottom))
    for (cx, cy, text), (tx, ty), (_, name, intensity, gflops) in zip(dots, centers, points):
        leader = f'<line class="leader" x1="{cx:.1f}" y1="{cy:.1f}" x2="{tx:.1f}" y2="{ty:.1f}"/>' if math.dist((cx, cy), (tx, ty)) > 26 else ""
        lines.append(f'<g><title>{escape(name)}: {gflops:.3g} GFLOP/s at {intensity:.3g} FLOP/byte</title>{leader}'
                     f'<circle class="dot" cx="{cx:.1f}" cy="{cy:.1f}" r="5"/>'
                     f'<text class="number" x="{tx:.1f}" y="{ty + 5:.1f}" text-anchor="middle">{text}</text></g>')
    lines.append(f'<text x="{(left + width) / 2:.0f}" y="{height - 10}" text-anchor="middle">FLOP per byte of least traffic</text>'
                 f'<text transform="translate(18 {(height - bottom) / 2:.0f}) rotate(-90)" text-anchor="middle">GFLOP/s</text></svg>')
    return "\n".join(lines)
