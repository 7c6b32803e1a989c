"""What the pictures here are drawn with: axes, text and the frame of an SVG file, and each system's colour and name."""
import html

COLOURS = {"vecidx": "#0b6e4f", "vecidx_plain": "#6ab187", "pgvector": "#b5532a"}
NAMES = {"vecidx_plain": "vecidx, PLAIN", "pgvector": "pgvector, HNSW"}


def colour_of(system):
    return COLOURS.get(system, "#555")


def name_of(system):
    return NAMES.get(system, system)


class Scale:
    """Numbers of one axis, transformed, to pixels."""

    def __init__(self, low, high, start, end, transform):
        self.transform = transform
        self.low, self.high = transform(low), transform(high)
        self.start, self.end = start, end

    def __call__(self, value):
        share = (self.transform(value) - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)


def text(x, y, words, anchor="middle", size=13, colour="#333", more=""):
    return (f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" fill="{colour}"{more}>'
            f'{html.escape(words)}</text>')


def upright(x, y, words):
    """A title along a vertical axis, centred at the point."""
    return text(x, y, words, more=f' transform="rotate(-90 {x} {y:.1f})"')


def line(x1, x2, y1, y2, more='stroke="#ddd"'):
    return f'<line x1="{x1:.1f}" x2="{x2:.1f}" y1="{y1:.1f}" y2="{y2:.1f}" {more}/>'


def circle(x, y, colour, fill, title):
    return (f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4.5" fill="{fill}" stroke="{colour}" stroke-width="2">'
            f'<title>{html.escape(title)}</title></circle>')


def polyline(points, colour, more=""):
    places = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline points="{places}" fill="none" stroke="{colour}" stroke-width="2.5"{more}/>'


def document(width, height, parts):
    return "\n".join([f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif">',
                      f'<rect width="{width}" height="{height}" fill="white"/>', *parts, "</svg>"]) + "\n"


def write(path, drawing):
    with open(path, "w", encoding="utf-8") as target:
        target.write(drawing)
