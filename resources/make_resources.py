"""Makes the colour-map tables and the glyph sheets in this folder.

python make_resources.py [FONTS]      (matplotlib 3.11, numpy, Pillow 13, fonttools)

colormaps/NAME.bin   256 x (red, green, blue) bytes, dark to bright (or negative to positive)
font/SIZE.bin        glyphs of DejaVu Sans: see README.md
font/figure*.ttf     parts of DejaVu Sans, for figures
font/icons.ttf       parts of the fonts named in README.md, for the window
"""

import struct
import sys
from pathlib import Path

import matplotlib
import matplotlib.font_manager
import numpy as np
from PIL import Image, ImageDraw, ImageFont

HERE = Path(__file__).parent
GLYPHS = [chr(c) for c in range(32, 127)] + list("°²³·µ×ÅÉéöüΔΦλμπσφ–—…⁰⁴−√∞≈≤≥")


def oklab_to_srgb(lab):
    l, a, b = np.moveaxis(lab, -1, 0)
    l_ = (l + 0.3963377774 * a + 0.2158037573 * b) ** 3
    m_ = (l - 0.1055613458 * a - 0.0638541728 * b) ** 3
    s_ = (l - 0.0894841775 * a - 1.2914855480 * b) ** 3
    rgb = np.stack(
        [
            4.0767416621 * l_ - 3.3077115913 * m_ + 0.2309699292 * s_,
            -1.2684380046 * l_ + 2.6097574011 * m_ - 0.3413193965 * s_,
            -0.0041960863 * l_ - 0.7034186147 * m_ + 1.7076147010 * s_,
        ],
        -1,
    ).clip(0, 1)
    return np.where(rgb <= 0.0031308, 12.92 * rgb, 1.055 * rgb ** (1 / 2.4) - 0.055)


def diverging():
    """Blue, white, red of equal lightness at equal distance from the middle (OKLab)."""
    x = np.linspace(-1, 1, 256)
    t = np.abs(x)
    lightness = 0.985 - 0.60 * t
    chroma = 0.155 * np.sin(np.pi / 2 * np.minimum(1, 1.25 * t))
    hue = np.deg2rad(np.where(x < 0, 255.0, 27.0))
    return oklab_to_srgb(np.stack([lightness, chroma * np.cos(hue), chroma * np.sin(hue)], -1))


def colormaps():
    for name in ["viridis", "magma", "inferno", "cividis", "twilight"]:
        table = matplotlib.colormaps[name].resampled(256)(np.linspace(0, 1, 256))[:, :3]
        (HERE / f"colormaps/{name}.bin").write_bytes(np.rint(table * 255).astype(np.uint8).tobytes())
    grey = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, 1)
    (HERE / "colormaps/gray.bin").write_bytes(grey.tobytes())
    table = np.rint(diverging() * 255).astype(np.uint8)
    (HERE / "colormaps/diverging.bin").write_bytes(table.tobytes())


def font(size_px):
    path = matplotlib.font_manager.findfont("DejaVu Sans")
    face = ImageFont.truetype(path, size_px, layout_engine=ImageFont.Layout.BASIC)
    ascent, descent = face.getmetrics()
    height = ascent + descent
    out = struct.pack("<HHH", len(GLYPHS), height, ascent)
    for glyph in GLYPHS:
        advance = round(face.getlength(glyph))
        left, _, right, _ = face.getbbox(glyph)
        left, right = min(left, 0), max(right, advance)
        picture = Image.new("L", (right - left, height))
        ImageDraw.Draw(picture).text((-left, 0), glyph, fill=255, font=face)
        out += struct.pack("<IHHh", ord(glyph), right - left, advance, left) + picture.tobytes()
    (HERE / f"font/{size_px}.bin").write_bytes(out)


# Icons and signs that the window's own font lacks; the window installs both after it.
ICONS = (
    "ℹ⏏⏩⏪⏭⏮⏯⏴⏵⏶⏷⏸⏹⏺■□▶◀▲▼●○★☆☐☑☒☰☀☁☾⚑⚒⚓⚙⚠⚡⛃⛭⛶✂✅✉✋✏✒✓✔✖✗✚✱❌❓❗❤➕➖➡⬅⬆⬇"
    "⟲⟳↔↕↖↗↘↙↩↪↺↻⮪⮫🌐🎨🎬🎲🏁🏠🐞🐾👁👤💡💥💬💻💾📁📂📃📄📅📈📉📊📋📌📍📎📏📐📖📝📡📤📥📦"
    "📷🔀🔁🔃🔄🔆🔌🔍🔎🔒🔓🔔🔗🔘🔙🔥🔦🔧🔨🔩🔬🕐🕒🖊🖥🖧🖨🖮🖴🗀🗁🗄🗋🗐🗑🗖🗗🗘🗙🗺🚀🚫🚶🛈🛑🌙◎🔬🧪⏱⌛⏳🖼🗜🧩🧭🎯🖱"
)
SIGNS = "←↑→↓↔↕⇄⇒⇔≠≡≤≥±∂∇∑∏∫∝∈ΓΔΘΛΞΠΣΦΨΩαβγδεζηθικλνξοπρστυφχψω⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻₀₁₂₃₄ÅℏℓℜℑⅠ½¼ ℹ□◀▲▼●○◎☒☾✓✗↩↪▁▂▃▄▅▆▇█│─"


# Letters of figures: Latin, Greek, superscripts and subscripts, letter-like signs, arrows, mathematics, shapes.
FIGURE_CODES = [
    (0x20, 0x7E), (0xA0, 0x17F), (0x2B0, 0x2FF), (0x370, 0x3FF), (0x2010, 0x2027), (0x2030, 0x205E), (0x2070, 0x209C),
    (0x20AC, 0x20AC), (0x2100, 0x214F), (0x2150, 0x215F), (0x2190, 0x21FF), (0x2200, 0x22FF), (0x25A0, 0x25FF),
]


def subset(source, text, target, drop=()):
    from fontTools import subset as tool

    options = tool.Options(layout_features=[], notdef_outline=True, hinting=False)
    options.drop_tables += drop
    font = tool.load_font(str(source), options)
    subsetter = tool.Subsetter(options)
    subsetter.populate(text=text)
    subsetter.subset(font)
    font["head"].modified = font["head"].created
    font.recalcTimestamp = False
    tool.save_font(font, str(HERE / target), options)


def figure_fonts():
    from matplotlib.font_manager import FontProperties, findfont

    text = "".join(chr(code) for first, last in FIGURE_CODES for code in range(first, last + 1))
    # Without kerning a text is as wide as the sum of its advances; no other rule of shaping is needed.
    shaping = ["GDEF", "GPOS", "GSUB", "MATH", "FFTM"]
    subset(findfont("DejaVu Sans"), text, "font/figure.ttf", shaping)
    bold = findfont(FontProperties(family="DejaVu Sans", weight="bold"))
    subset(bold, "".join(map(chr, range(0x20, 0x7F))), "font/figure_bold.ttf", shaping)


def window_fonts(folder):
    """`folder`: the fonts of the crate epaint_default_fonts."""
    from fontTools.ttLib import TTFont

    subset(folder / "emoji-icon-font.ttf", ICONS, "font/icons.ttf")
    has = TTFont(HERE / "font/icons.ttf").getBestCmap()
    rest = "".join(icon for icon in ICONS if ord(icon) not in has)
    subset(folder / "NotoEmoji-Regular.ttf", rest, "font/emoji.ttf")
    subset(matplotlib.font_manager.findfont("DejaVu Sans"), SIGNS, "font/signs.ttf")


colormaps()
for size_px in (18, 36):
    font(size_px)
figure_fonts()
if len(sys.argv) > 1:
    window_fonts(Path(sys.argv[1]))
