//! See `main.rs`.

use std::path::Path;
use std::sync::Arc;

use ndarray::{Array2, s};
use ptycho_core::figure::{Curve, Figure, ImagePanel, Marker, Panel, PlotPanel};
use ptycho_core::paint::colormap::{ColorMap, Map, UNSEEN};
use ptycho_core::paint::limits::Limits;
use resvg::usvg;

/// A picture with a step, a slope and a row of dots, so that no two corners are alike.
fn values(seed: usize, side: usize) -> Array2<f32> {
    Array2::from_shape_fn((side, side), |(row, column)| {
        let (y, x) = (row as f32 / side as f32, column as f32 / side as f32);
        let wave = (9.0 * x + seed as f32).sin() * (7.0 * y * y).cos();
        wave + if x + y > 1.2 { 0.8 } else { 0.0 }
    })
}

fn image(title: &str, values: Array2<f32>) -> ImagePanel {
    ImagePanel {
        title: title.to_owned(),
        note: String::new(),
        limits: Limits::MinMax.resolve(&values.view()),
        values,
        map: ColorMap::new(Map::Viridis),
        quantity: "phase (rad)".to_owned(),
        pixel_size_m: Some(2.5e-8),
        has_scale_bar: true,
    }
}

fn curve(name: &str, is_dashed: bool, y: impl Fn(f64) -> f64) -> Curve {
    let at = |i: usize| {
        let x = i as f64 / 200.0;
        [x, y(x)]
    };
    Curve {
        name: name.to_owned(),
        points: (0..=200).map(at).collect(),
        is_dashed,
    }
}

fn frc() -> PlotPanel {
    PlotPanel {
        title: "Fourier ring correlation of the phase".to_owned(),
        x_label: "spatial frequency (fraction of Nyquist)".to_owned(),
        y_label: "FRC".to_owned(),
        x_limits: Some([0.0, 1.0]),
        y_limits: Some([-0.05, 1.05]),
        curves: vec![
            curve("PtychoPINN, NLL", false, |x| {
                1.0 / (1.0 + (9.0 * (x - 0.62)).exp())
            }),
            curve("PtychoPINN, MAE", false, |x| {
                1.0 / (1.0 + (9.0 * (x - 0.47)).exp())
            }),
            curve("LSQML, 100 epochs", false, |x| {
                1.0 / (1.0 + (12.0 * (x - 0.72)).exp()) + 0.02 * (60.0 * x).sin()
            }),
            curve("0.5", true, |_| 0.5),
            curve("1/7", true, |_| 1.0 / 7.0),
            curve("1-bit", true, |x| 0.5 + 0.5 * (-20.0 * x).exp()),
            curve("half-bit", true, |x| 0.172 + 0.8 * (-20.0 * x).exp()),
        ],
        markers: vec![Marker {
            x: 0.62,
            name: "NLL falls below 0.5".to_owned(),
        }],
        ..PlotPanel::default()
    }
}

fn losses() -> PlotPanel {
    PlotPanel {
        title: "Convergence".to_owned(),
        x_label: "epoch".to_owned(),
        y_label: "loss per pixel".to_owned(),
        is_log_y: true,
        is_log_x: true,
        curves: vec![
            curve("training", false, |x| 3e-3 + 2.0 * (-14.0 * x).exp()),
            curve("validation", false, |x| 5e-3 + 2.2 * (-12.0 * x).exp()),
        ],
        ..PlotPanel::default()
    }
}

/// Phase and amplitude of four arms, each row with one scale.
fn comparison(width_mm: f64) -> Figure {
    let names = [
        "Truth",
        "PtychoPINN, NLL",
        "PtychoPINN, MAE",
        "LSQML, 100 epochs",
    ];
    let row = |quantity: &str, map: Map| {
        let panel = |(i, name): (usize, &&str)| {
            let mut panel = image(name, values(i, 464));
            panel.map = ColorMap::new(map);
            quantity.clone_into(&mut panel.quantity);
            panel.limits = Limits::Manual {
                min: -0.9,
                max: 1.6,
            }
            .resolve(&panel.values.view());
            if i != 0 {
                panel.note = format!("MAE 0.03{i}, SSIM 0.9{i}, PSNR 31.{i} dB");
            }
            Panel::Image(panel)
        };
        names.iter().enumerate().map(panel).collect()
    };
    Figure {
        rows: vec![
            row("phase (rad)", Map::Twilight),
            row("amplitude (√photons)", Map::Viridis),
        ],
        row_labels: vec!["10⁹ photons".to_owned(), "10⁴ photons".to_owned()],
        width_mm,
        metadata: vec![("Limits".to_owned(), "phase −0.9 to 1.6 rad".to_owned())],
        ..Figure::default()
    }
}

fn of_panels(panels: Vec<Panel>) -> Figure {
    Figure {
        rows: vec![panels],
        ..Figure::default()
    }
}

/// The SVG as another program reads it, with the fonts of `resources`.
fn tree(svg: &str) -> usvg::Tree {
    let mut fonts = usvg::fontdb::Database::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../resources/font");
    for name in ["figure.ttf", "figure_bold.ttf"] {
        fonts.load_font_data(std::fs::read(folder.join(name)).unwrap());
    }
    let options = usvg::Options {
        fontdb: Arc::new(fonts),
        ..usvg::Options::default()
    };
    usvg::Tree::from_str(svg, &options).unwrap()
}

/// A rectangle: left, top, right, bottom, in px of 1/96 inch.
type Sides = [f64; 4];

fn sides(rect: usvg::Rect) -> Sides {
    [rect.left(), rect.top(), rect.right(), rect.bottom()].map(f64::from)
}

#[derive(Default)]
struct Found {
    texts: Vec<(String, Sides)>,
    /// PNG bytes and place.
    images: Vec<(Vec<u8>, Sides)>,
}

impl Found {
    fn of(svg: &str) -> Self {
        let mut found = Self::default();
        found.add(tree(svg).root());
        found
    }

    fn add(&mut self, group: &usvg::Group) {
        for node in group.children() {
            match node {
                usvg::Node::Group(group) => self.add(group),
                usvg::Node::Text(text) => {
                    let words = text.chunks().iter().map(usvg::TextChunk::text).collect();
                    self.texts.push((words, sides(text.abs_bounding_box())));
                }
                usvg::Node::Image(image) => {
                    if let usvg::ImageKind::PNG(bytes) = image.kind() {
                        let place = sides(image.abs_bounding_box());
                        self.images.push((bytes.to_vec(), place));
                    }
                }
                usvg::Node::Path(_) => {}
            }
        }
    }

    fn words(&self) -> Vec<&str> {
        self.texts.iter().map(|(words, _)| words.as_str()).collect()
    }

    fn place(&self, words: &str) -> Sides {
        let found = self.texts.iter().find(|(other, _)| other == words);
        found.map(|(_, place)| *place).unwrap()
    }
}

struct Decoded {
    width: usize,
    rgba: Vec<[u8; 4]>,
    texts: Vec<(String, String)>,
    dots_per_m: Option<u32>,
}

fn decode(bytes: &[u8]) -> Decoded {
    let mut reader = png::Decoder::new(std::io::Cursor::new(bytes))
        .read_info()
        .unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    reader.next_frame(&mut pixels).unwrap();
    let info = reader.info();
    let latin = info.uncompressed_latin1_text.iter();
    let latin = latin.map(|chunk| (chunk.keyword.clone(), chunk.text.clone()));
    let utf8 = info.utf8_text.iter();
    let utf8 = utf8.map(|chunk| (chunk.keyword.clone(), chunk.get_text().unwrap()));
    Decoded {
        width: info.width as usize,
        texts: latin.chain(utf8).collect(),
        dots_per_m: info.pixel_dims.map(|dims| dims.xppu),
        rgba: pixels.as_chunks::<4>().0.to_vec(),
    }
}

fn overlap(a: &Sides, b: &Sides) -> bool {
    let slack = 0.05;
    a[0] + slack < b[2] && b[0] + slack < a[2] && a[1] + slack < b[3] && b[1] + slack < a[3]
}

fn is_inside(a: &Sides, b: &Sides) -> bool {
    b[0] <= a[0] && b[1] <= a[1] && a[2] <= b[2] && a[3] <= b[3]
}

/// No text is cut off, none lies on another, and none lies partly on a picture.
fn assert_clear(figure: &Figure) {
    let svg = figure.svg().unwrap();
    let size = tree(&svg).size();
    let page = [-0.05, -0.05, size.width() + 0.05, size.height() + 0.05].map(f64::from);
    let found = Found::of(&svg);
    assert!(!found.texts.is_empty());
    let about = format!("{} mm, {} pt", figure.width_mm, figure.font_pt);
    for (i, (words, place)) in found.texts.iter().enumerate() {
        assert!(
            is_inside(place, &page),
            "{about}: {words} is cut: {place:?}"
        );
        for (other, other_place) in &found.texts[..i] {
            assert!(
                !overlap(place, other_place),
                "{about}: {words} {place:?} lies on {other} {other_place:?}"
            );
        }
        for (_, picture) in &found.images {
            assert!(
                is_inside(place, picture) || !overlap(place, picture),
                "{about}: {words} {place:?} lies partly on a picture {picture:?}"
            );
        }
    }
}

const LONG: &str = "Phase of the reconstruction by a_network_with_a_name_that_is_far_too_long, after removal of the plane";

const WORDY: &str = "unwrapped phase of the transmission (rad)";

#[test]
fn nothing_is_cut_and_nothing_overlaps() {
    for (width_mm, font_pt) in [
        (85.0, 5.0),
        (85.0, 7.0),
        (120.0, 9.0),
        (180.0, 8.0),
        (180.0, 12.0),
    ] {
        assert_clear(&Figure {
            font_pt,
            ..comparison(width_mm)
        });
        let page = |rows| Figure {
            rows,
            width_mm,
            font_pt,
            ..Figure::default()
        };
        let plots = [frc(), losses()].map(Panel::Plot).to_vec();
        assert_clear(&page(vec![plots.clone()]));
        let long = PlotPanel {
            title: LONG.to_owned(),
            note: LONG.to_owned(),
            x_label: LONG.to_owned(),
            y_label: WORDY.to_owned(),
            x_limits: Some([123_456.0, 123_457.0]),
            y_limits: Some([-1.0e-7, 1.0e-7]),
            curves: vec![curve(LONG, false, |x| x), curve(LONG, true, |x| x)],
            ..PlotPanel::default()
        };
        let long_image = ImagePanel {
            note: LONG.to_owned(),
            quantity: WORDY.to_owned(),
            ..image(LONG, values(3, 30))
        };
        let tall = image("tall", Array2::from_shape_fn((200, 3), |(i, _)| i as f32));
        let flat = image("flat", Array2::from_shape_fn((3, 200), |(i, _)| i as f32));
        let constant = image("constant", Array2::from_elem((8, 8), 2.0));
        assert_clear(&page(vec![
            vec![Panel::Plot(long), Panel::Image(long_image)],
            [tall, flat].map(Panel::Image).to_vec(),
            vec![Panel::Plot(losses()), Panel::Image(constant)],
            vec![Panel::Empty, Panel::Plot(frc())],
            vec![Panel::Plot(frc())],
        ]));
    }
    for n in 1..=6 {
        let panels = (0..n).map(|i| {
            let mut panel = image(&format!("arm {i}"), values(i, 40));
            panel.limits = image("", values(0, 40)).limits;
            Panel::Image(panel)
        });
        assert_clear(&of_panels(panels.collect()));
    }
    let bare = Figure {
        has_letters: false,
        ..of_panels(vec![Panel::Image(image("", values(1, 20)))])
    };
    assert_clear(&bare);
}

#[test]
fn too_many_panels_for_the_width_are_refused() {
    let panels = (0..12).map(|i| {
        Panel::Plot(PlotPanel {
            title: i.to_string(),
            ..frc()
        })
    });
    let figure = Figure {
        width_mm: 60.0,
        ..of_panels(panels.collect())
    };
    let error = figure.svg().unwrap_err().to_string();
    assert!(
        error.contains("width_mm") && error.contains("12 panels"),
        "{error}"
    );
}

#[test]
fn row_0_is_on_top_and_column_0_at_the_left() {
    let rows = [
        "......", ".####.", ".#....", ".###..", ".#....", ".#....", "......",
    ];
    let is_ink = |row: usize, column: usize| rows[row].as_bytes()[column] == b'#';
    let values = Array2::from_shape_fn((7, 6), |(row, column)| f32::from(is_ink(row, column)));
    let mut panel = image("", values);
    panel.map = ColorMap::new(Map::Gray);
    panel.pixel_size_m = None;
    panel.quantity = String::new();
    let figure = Figure {
        width_mm: 40.0,
        has_letters: false,
        ..of_panels(vec![Panel::Image(panel)])
    };
    let found = Found::of(&figure.svg().unwrap());
    let page = decode(&figure.png(300.0).unwrap());
    let [(bytes, [left, top, right, bottom])] = found.images.as_slice() else {
        panic!("{} pictures", found.images.len());
    };
    let embedded = decode(bytes);
    assert_eq!((embedded.width, embedded.rgba.len()), (6, 42));
    for row in 0..7 {
        for column in 0..6 {
            let expected = if is_ink(row, column) {
                [255; 4]
            } else {
                [0, 0, 0, 255]
            };
            assert_eq!(embedded.rgba[row * 6 + column], expected);
            // The scale bar covers the lower left corner.
            if row < 5 {
                let x = left + (right - left) * (column as f64 + 0.5) / 6.0;
                let y = top + (bottom - top) * (row as f64 + 0.5) / 7.0;
                let [x, y] = [x, y].map(|at| (at * 300.0 / 96.0) as usize);
                assert_eq!(page.rgba[y * page.width + x], expected, "{row}, {column}");
            }
        }
    }
}

#[test]
fn nan_is_drawn_as_unseen() {
    let mut with_hole = values(1, 10);
    with_hole.slice_mut(s![..2, 8..]).fill(f32::NAN);
    let svg = of_panels(vec![Panel::Image(image("", with_hole))])
        .svg()
        .unwrap();
    let picture = decode(&Found::of(&svg).images[0].0);
    let n_unseen = picture.rgba.iter().filter(|colour| **colour == UNSEEN);
    assert_eq!(n_unseen.count(), 4);
    assert_eq!(picture.rgba[9], UNSEEN);
}

#[test]
fn pictures_finer_than_the_page_are_averaged() {
    let board = Array2::from_shape_fn((700, 700), |(row, column)| {
        f32::from((row + column) % 2 == 0)
    });
    let mut panel = image("", board);
    panel.map = ColorMap::new(Map::Gray);
    panel.quantity = String::new();
    let figure = Figure {
        width_mm: 30.0,
        has_letters: false,
        ..of_panels(vec![Panel::Image(panel)])
    };
    let page = decode(&figure.png(254.0).unwrap());
    // 300 dots for 700 pixels; the middle of the picture, free of the scale bar.
    for row in 60..150 {
        for column in 60..240 {
            let [red, ..] = page.rgba[row * page.width + column];
            assert!((80..176).contains(&red), "{red} at {row}, {column}");
        }
    }
}

#[test]
fn words_stay_words() {
    let title = "a<b & \"c\" > 'd' \u{1}é";
    let mut panel = image(title, values(0, 8));
    panel.note = "]]> &amp;".to_owned();
    let figure = of_panels(vec![Panel::Image(panel)]);
    let svg = figure.svg().unwrap();
    let document = usvg::roxmltree::Document::parse(&svg).unwrap();
    let texts: Vec<_> = document
        .descendants()
        .filter(|node| node.has_tag_name("text"))
        .filter_map(|node| node.text())
        .collect();
    let shown = title.replace('\u{1}', "\u{fffd}");
    assert!(texts.contains(&shown.as_str()), "{texts:?}");
    assert!(texts.contains(&"]]> &amp;"), "{texts:?}");
    let family = document.root_element().attribute("font-family").unwrap();
    assert!(family.starts_with("DejaVu Sans,"));
}

#[test]
fn metadata_are_found_again_in_both_files() {
    let entries = [
        ("Inputs", "train.npz 00ff <a&b>"),
        ("Limits", "−1 to 1 rad, π"),
        ("Lines", "one\ntwo"),
    ];
    let figure = Figure {
        metadata: entries
            .map(|(key, words)| (key.to_owned(), words.to_owned()))
            .to_vec(),
        width_mm: 90.0,
        ..of_panels(vec![Panel::Image(image("", values(0, 8)))])
    };
    let svg = figure.svg().unwrap();
    let document = usvg::roxmltree::Document::parse(&svg).unwrap();
    let in_svg: Vec<(String, String)> = document
        .descendants()
        .filter_map(|node| Some((node.attribute("key")?.to_owned(), node.text()?.to_owned())))
        .collect();
    let decoded = decode(&figure.png(300.0).unwrap());
    let program = concat!("Ptychobench ", env!("CARGO_PKG_VERSION"));
    for (key, words) in entries.into_iter().chain([("Software", program)]) {
        let entry = (key.to_owned(), words.to_owned());
        assert!(in_svg.contains(&entry), "{key}: {in_svg:?}");
        assert!(decoded.texts.contains(&entry), "{key}: {:?}", decoded.texts);
    }
    assert_eq!(decoded.dots_per_m, Some(11811));
    assert_eq!(decoded.width, 1063);
    assert_eq!(document.root_element().attribute("width"), Some("90mm"));
}

#[test]
fn the_same_figure_gives_the_same_bytes() {
    let small = || {
        let mut figure = comparison(85.0);
        figure.font_pt = 5.0;
        figure
            .rows
            .push(vec![Panel::Plot(frc()), Panel::Plot(losses())]);
        figure.row_labels.clear();
        figure
    };
    assert_eq!(small().svg().unwrap(), small().svg().unwrap());
    assert_eq!(small().png(100.0).unwrap(), small().png(100.0).unwrap());
}

/// The streams of a PDF, unpacked.
fn streams(pdf: &[u8]) -> Vec<Vec<u8>> {
    let find = |from: usize, words: &[u8]| {
        let found = pdf[from..].windows(words.len()).position(|at| at == words);
        found.map(|at| from + at)
    };
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(start) = find(at, b"stream\n") {
        let start = start + b"stream\n".len();
        let Some(end) = find(start, b"endstream") else {
            break;
        };
        let mut inflated = Vec::new();
        let mut reader = flate2::read::ZlibDecoder::new(&pdf[start..end]);
        if std::io::Read::read_to_end(&mut reader, &mut inflated).is_ok() {
            found.push(inflated);
        }
        at = end + b"endstream".len();
    }
    found
}

#[test]
fn a_pdf_has_the_size_text_as_text_its_fonts_and_the_metadata() {
    let figure = Figure {
        metadata: vec![
            ("Title".to_owned(), "Figure of a study".to_owned()),
            ("Inputs".to_owned(), "train.npz 00ff".to_owned()),
        ],
        caption: "Central 8 px".to_owned(),
        ..comparison(180.0)
    };
    let pdf = figure.pdf().unwrap();
    assert_eq!(pdf, figure.pdf().unwrap());
    assert!(pdf.starts_with(b"%PDF-1."));
    let text = String::from_utf8_lossy(&pdf);
    for words in [
        "DejaVuSans",
        "/ToUnicode",
        "/FontFile2",
        "Figure of a study",
    ] {
        assert!(text.contains(words), "{words}");
    }
    // 180 mm in points of 1/72 inch.
    let boxed = text.split("/MediaBox").nth(1).unwrap();
    let sides: Vec<f64> = boxed
        .split(['[', ']', ' '])
        .filter_map(|number| number.parse().ok())
        .take(4)
        .collect();
    assert!((sides[2] - 180.0 / 25.4 * 72.0).abs() < 0.01, "{sides:?}");
    assert!(text.contains("Inputs: train.npz 00ff"), "in XMP");
    assert!(!text.contains("CreationDate") && !text.contains("ModDate"));
    let streams = streams(&pdf);
    let shows_text = streams.iter().any(|stream| {
        let stream = String::from_utf8_lossy(stream);
        stream.contains("BT") && (stream.contains("Tj") || stream.contains("TJ"))
    });
    assert!(shows_text, "letters are letters, not outlines");
}

#[test]
fn pictures_beside_one_another_share_a_bar_and_bars_below_one_another_are_joined() {
    let scaled = |i: usize, max: f64| {
        let mut panel = image("", values(i, 16));
        panel.limits = Limits::Manual { min: -1.0, max }.resolve(&panel.values.view());
        panel
    };
    let row = |max: f64| {
        vec![
            Panel::Image(scaled(1, 3.0)),
            Panel::Image(scaled(2, max)),
            Panel::Image(scaled(3, max)),
        ]
    };
    let n_bars = |has_common_bars: bool| {
        let figure = Figure {
            rows: vec![row(1.0), row(2.0)],
            has_common_bars,
            width_mm: 180.0,
            ..Figure::default()
        };
        let svg = figure.svg().unwrap();
        svg.matches(">phase (rad)<").count()
    };
    assert_eq!(n_bars(false), 4, "two in each row");
    assert_eq!(n_bars(true), 3, "the first column has one");
}

#[test]
fn a_caption_stands_below_everything() {
    let of = |caption: &str| Figure {
        caption: caption.to_owned(),
        width_mm: 60.0,
        ..of_panels(vec![Panel::Image(image("", values(0, 8)))])
    };
    let height = |figure: &Figure| {
        let svg = figure.svg().unwrap();
        let document = usvg::roxmltree::Document::parse(&svg).unwrap();
        let height = document.root_element().attribute("height").unwrap();
        height.trim_end_matches("mm").parse::<f64>().unwrap()
    };
    let [none, short, long] = ["", "Central 8 px.", &"Many words. ".repeat(20)].map(of);
    assert!(height(&none) < height(&short) && height(&short) < height(&long));
    assert!(short.svg().unwrap().contains(">Central 8 px.<"));
}

#[test]
fn a_row_of_one_scale_has_one_colour_bar() {
    let n_bars = |figure: &Figure| {
        let svg = figure.svg().unwrap();
        let found = Found::of(&svg);
        let words = found.words();
        let n_scales = words.iter().filter(|words| words.ends_with("µm")).count();
        let n_bars = words
            .iter()
            .filter(|words| **words == "phase (rad)")
            .count();
        (n_bars, n_scales)
    };
    let mut panels = [1, 2, 3].map(|i| image("", values(i, 16)));
    for panel in &mut panels {
        panel.pixel_size_m = Some(1.0e-6);
        panel.limits = Limits::Manual {
            min: -1.0,
            max: 1.0,
        }
        .resolve(&panel.values.view());
    }
    let figure = |panels: [ImagePanel; 3]| of_panels(panels.map(Panel::Image).to_vec());
    assert_eq!(n_bars(&figure(panels.clone())), (1, 1));
    panels[1].limits.max = 2.0;
    panels[2].pixel_size_m = Some(2.0e-6);
    assert_eq!(n_bars(&figure(panels.clone())), (3, 3));
    // A picture without a quantity has no bar, and takes none from the others.
    panels[1].quantity.clear();
    assert_eq!(n_bars(&figure(panels.clone())).0, 1);
}

/// What the path of a curve in this colour says.
fn path_data(svg: &str, colour: &str) -> String {
    let document = usvg::roxmltree::Document::parse(svg).unwrap();
    let found = document
        .descendants()
        .filter(|node| node.attribute("stroke") == Some(colour))
        .filter_map(|node| node.attribute("d"))
        .max_by_key(|data| data.len());
    found.unwrap().to_owned()
}

const FIRST_COLOUR: &str = "#0072b2";

fn plot_of(points: Vec<[f64; 2]>) -> PlotPanel {
    PlotPanel {
        curves: vec![Curve {
            name: String::new(),
            points,
            is_dashed: false,
        }],
        ..PlotPanel::default()
    }
}

#[test]
fn what_is_no_number_breaks_a_curve() {
    let mut points: Vec<_> = (0..9).map(|i| [f64::from(i), f64::from(i * i)]).collect();
    points[3][1] = f64::NAN;
    points[6][0] = f64::INFINITY;
    let svg = of_panels(vec![Panel::Plot(plot_of(points))]).svg().unwrap();
    assert_eq!(path_data(&svg, FIRST_COLOUR).matches('M').count(), 3);
    // A point between two breaks is a dot.
    let alone = [
        [0.0, 1.0],
        [1.0, f64::NAN],
        [2.0, 3.0],
        [3.0, f64::NAN],
        [4.0, 2.0],
        [5.0, 1.0],
    ];
    let svg = of_panels(vec![Panel::Plot(plot_of(alone.to_vec()))])
        .svg()
        .unwrap();
    assert_eq!(svg.matches("<circle").count(), 2);
}

#[test]
fn decades_are_equally_far_apart_on_logarithmic_axes() {
    let points = vec![
        [1.0, 1e-3],
        [10.0, 1e-1],
        [0.0, 5.0],
        [50.0, -1.0],
        [100.0, 1e1],
    ];
    let plot = PlotPanel {
        is_log_x: true,
        is_log_y: true,
        x_label: "x".to_owned(),
        ..plot_of(points)
    };
    let svg = of_panels(vec![Panel::Plot(plot)]).svg().unwrap();
    let found = Found::of(&svg);
    let middle = |words: &str, axis: usize| {
        let place = found.place(words);
        f64::midpoint(place[axis], place[axis + 2])
    };
    let heights = ["10⁻³", "10⁻²", "10⁻¹"].map(|words| middle(words, 1));
    assert!(
        (heights[0] - 2.0 * heights[1] + heights[2]).abs() < 0.1,
        "{heights:?}"
    );
    assert!(heights[0] > heights[1]);
    // Two decades alone could not be read between their powers.
    let words = found.words();
    let between = ["1", "2", "5", "10", "20", "50", "100"];
    assert!(between.iter().all(|word| words.contains(word)), "{words:?}");
    let across = ["1", "10", "100"].map(|words| middle(words, 0));
    assert!(
        (across[0] - 2.0 * across[1] + across[2]).abs() < 0.1,
        "{across:?}"
    );
    // Values that are not positive have no place: the first two points are joined, the last one stands alone.
    let data = path_data(&svg, FIRST_COLOUR);
    assert_eq!(
        (data.matches('M').count(), svg.matches("<circle").count()),
        (2, 1),
        "{data}"
    );
}

#[test]
fn a_legend_stands_where_no_curve_is() {
    let rising = PlotPanel {
        curves: vec![curve("rising", false, |x| x)],
        ..PlotPanel::default()
    };
    let figure = Figure {
        width_mm: 85.0,
        ..of_panels(vec![Panel::Plot(rising.clone())])
    };
    let found = Found::of(&figure.svg().unwrap());
    let (legend, lowest) = (found.place("rising"), found.place("0"));
    // Upper right is taken by the curve's end, so that the lower right or upper left is left.
    assert!(legend[3] < lowest[3], "{legend:?} {lowest:?}");
    let full = PlotPanel {
        curves: vec![curve("all over", false, |x| (400.0 * x).sin())],
        ..rising
    };
    let figure = Figure {
        width_mm: 85.0,
        ..of_panels(vec![Panel::Plot(full)])
    };
    let found = Found::of(&figure.svg().unwrap());
    assert!(found.place("all over")[1] > found.place("0.5")[3]);
    assert!(found.place("all over")[1] > found.place("−1.0")[3]);
}

fn arm() -> Figure {
    of_panels(vec![Panel::Image(image("arm", values(0, 8)))])
}

fn assert_refused(figure: &Figure, expected: &str) {
    let error = figure.svg().unwrap_err().to_string();
    assert!(error.contains(expected), "{expected}: {error}");
    assert!(figure.png(100.0).is_err());
}

#[test]
fn impossible_pages_are_refused_by_name() {
    let empty_row = vec![vec![], vec![Panel::Plot(frc())]];
    let entry = |key: &str| vec![(key.to_owned(), String::new())];
    for (figure, expected) in [
        (Figure::default(), "rows"),
        (of_panels(vec![Panel::Empty]), "rows"),
        (
            Figure {
                rows: empty_row,
                ..arm()
            },
            "row 1",
        ),
        (
            Figure {
                width_mm: f64::NAN,
                ..arm()
            },
            "width_mm",
        ),
        (
            Figure {
                width_mm: -5.0,
                ..arm()
            },
            "width_mm",
        ),
        (
            Figure {
                font_pt: 0.0,
                ..arm()
            },
            "font_pt",
        ),
        (
            Figure {
                row_labels: vec![String::new(); 3],
                ..arm()
            },
            "row_labels",
        ),
        (
            Figure {
                metadata: entry(""),
                ..arm()
            },
            "metadata",
        ),
        (
            Figure {
                metadata: entry("clé"),
                ..arm()
            },
            "metadata",
        ),
    ] {
        assert_refused(&figure, expected);
    }
    for dpi in [f64::NAN, 0.0, 1e9] {
        let error = arm().png(dpi).unwrap_err().to_string();
        assert!(error.contains("dpi"), "{error}");
    }
    let huge = Figure {
        width_mm: 1000.0,
        ..arm()
    };
    let error = huge.png(2400.0).unwrap_err().to_string();
    assert!(
        error.contains("dpi") && error.contains("at most"),
        "{error}"
    );
}

#[test]
fn impossible_panels_are_refused_by_name() {
    type Change<P> = fn(&mut P);
    let images: [(&str, Change<ImagePanel>); 4] = [
        ("row 1, panel 2 (arm)", |panel| panel.values.fill(f32::NAN)),
        ("row 1, panel 2 (arm)", |panel| {
            panel.values = Array2::zeros((0, 3));
        }),
        ("limits of the colours", |panel| panel.limits.max = f64::NAN),
        ("limits of the colours", |panel| {
            panel.limits.max = panel.limits.min - 1.0;
        }),
    ];
    for (expected, change) in images {
        let mut panel = image("arm", values(0, 8));
        change(&mut panel);
        assert_refused(
            &of_panels(vec![Panel::Empty, Panel::Image(panel)]),
            expected,
        );
    }
    let plots: [(&str, Change<PlotPanel>); 4] = [
        ("row 1, panel 1 (Convergence)", |panel| panel.curves.clear()),
        ("above 0", |panel| panel.y_limits = Some([0.0, 1.0])),
        ("limits of x", |panel| panel.x_limits = Some([2.0, 1.0])),
        ("positive", |panel| {
            panel.curves = vec![curve("negative", false, |_| -1.0)];
        }),
    ];
    for (expected, change) in plots {
        let mut panel = losses();
        change(&mut panel);
        assert_refused(&of_panels(vec![Panel::Plot(panel)]), expected);
    }
}

#[test]
fn files_are_written_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let names = || {
        let entries = std::fs::read_dir(folder.path()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.collect();
        names.sort();
        names
    };
    let figure = Figure {
        width_mm: 60.0,
        ..of_panels(vec![Panel::Image(image("", values(0, 8)))])
    };
    let path = folder.path().join("figure.svg");
    figure.write(&path, 100.0).unwrap();
    assert_eq!(
        std::fs::read_to_string(&path).unwrap(),
        figure.svg().unwrap()
    );
    let raster = folder.path().join("figure.PNG");
    figure.write(&raster, 100.0).unwrap();
    assert_eq!(std::fs::read(&raster).unwrap(), figure.png(100.0).unwrap());
    let page = folder.path().join("figure.pdf");
    figure.write(&page, 100.0).unwrap();
    assert_eq!(std::fs::read(&page).unwrap(), figure.pdf().unwrap());
    std::fs::remove_file(&page).unwrap();
    let error = figure
        .write(&folder.path().join("figure.jpg"), 100.0)
        .unwrap_err();
    assert!(error.to_string().contains(".png, .svg or .pdf"), "{error}");
    let empty = Figure::default()
        .write(&path, 100.0)
        .unwrap_err()
        .to_string();
    assert!(empty.contains("figure.svg"), "{empty}");
    assert_eq!(
        std::fs::read_to_string(&path).unwrap(),
        figure.svg().unwrap()
    );
    assert_eq!(names(), ["figure.PNG", "figure.svg"]);
}
