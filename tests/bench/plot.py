"""Tables of figures as one SVG picture of bars."""

from xml.sax.saxutils import escape

WIDTH, LEFT, ROW, HEAD = 900, 340, 18, 34
COLOURS = {"ours": "#2a6f97", "other": "#b08968", "floor": "#9a9a9a"}


def kind_of(name):
    return "ours" if "ktls" in name else "floor" if "prog" in name or "primitives" in name else "other"


def _text(x, y, words, style=""):
    return f'<text x="{x}" y="{y}" {style}>{escape(words)}</text>'


def _chart(title, bars, top):
    """bars: (name, value, words after the bar). The lines, and the height."""
    lines = [_text(8, top + 20, title, 'font-weight="bold"')]
    longest = max(value for _, value, _ in bars) or 1
    for number, (name, value, words) in enumerate(bars):
        y = top + HEAD + number * ROW
        width = max(1, value / longest * (WIDTH - LEFT - 180))
        lines.append(_text(LEFT - 8, y + 12, name, 'text-anchor="end"'))
        colour = COLOURS[kind_of(name)]
        lines.append(f'<rect x="{LEFT}" y="{y}" width="{width:.1f}" height="{ROW - 4}" fill="{colour}"/>')
        lines.append(_text(round(LEFT + width + 6, 1), y + 12, words))
    return lines, HEAD + len(bars) * ROW + 14


def write(path, charts):
    """charts: (title, bars)."""
    lines, top = [], 0
    for title, bars in charts:
        if bars:
            more, height = _chart(title, bars, top)
            lines += more
            top += height
    with open(path, "w") as f:
        f.write(
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{top}" viewBox="0 0 {WIDTH} {top}"'
            ' font-family="sans-serif" font-size="12">\n<rect width="100%" height="100%" fill="white"/>\n'
        )
        f.write("\n".join(lines) + "\n</svg>\n")
