//! Colour maps: tables of 256 colours, with colours of their own for what is no number.

use serde::{Deserialize, Serialize};

/// Red, green, blue, alpha; always opaque here.
pub type Colour = [u8; 4];

/// NaN: magenta, which no map holds.
pub const NAN: Colour = [255, 0, 255, 255];
/// What was not seen: slate, which no map holds.
pub const UNSEEN: Colour = [84, 92, 108, 255];
/// Plus infinity: pure green, which no map holds.
pub const PLUS_INFINITY: Colour = [0, 255, 0, 255];
/// Minus infinity: cyan, which no map holds.
pub const MINUS_INFINITY: Colour = [0, 255, 255, 255];

/// A table of 256 colours; where they come from stands in `resources/README.md`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Map {
    /// Blue, green, yellow: perceptually uniform.
    #[default]
    Viridis,
    /// Black, purple, cream: perceptually uniform.
    Magma,
    /// Black, red, yellow: perceptually uniform.
    Inferno,
    /// Blue to yellow, nearly the same to the colour-blind.
    Cividis,
    /// Black to white.
    Gray,
    /// Cyclic: its ends meet, for phases in (-π, π].
    Twilight,
    /// Blue, white, red: for signed values with zero in the middle.
    Diverging,
}

impl Map {
    /// All maps, in the order of a menu.
    pub const ALL: [Self; 7] = [
        Self::Viridis,
        Self::Magma,
        Self::Inferno,
        Self::Cividis,
        Self::Gray,
        Self::Twilight,
        Self::Diverging,
    ];

    /// The map's name in lower case.
    pub fn name(self) -> &'static str {
        match self {
            Self::Viridis => "viridis",
            Self::Magma => "magma",
            Self::Inferno => "inferno",
            Self::Cividis => "cividis",
            Self::Gray => "gray",
            Self::Twilight => "twilight",
            Self::Diverging => "diverging",
        }
    }

    /// What the map is good for.
    pub fn purpose(self) -> &'static str {
        match self {
            Self::Viridis | Self::Magma | Self::Inferno | Self::Cividis | Self::Gray => {
                "sequential"
            }
            Self::Twilight => "cyclic, for phases",
            Self::Diverging => "signed, zero in the middle",
        }
    }

    fn bytes(self) -> &'static [u8; 768] {
        match self {
            Self::Viridis => include_bytes!("../../../resources/colormaps/viridis.bin"),
            Self::Magma => include_bytes!("../../../resources/colormaps/magma.bin"),
            Self::Inferno => include_bytes!("../../../resources/colormaps/inferno.bin"),
            Self::Cividis => include_bytes!("../../../resources/colormaps/cividis.bin"),
            Self::Gray => include_bytes!("../../../resources/colormaps/gray.bin"),
            Self::Twilight => include_bytes!("../../../resources/colormaps/twilight.bin"),
            Self::Diverging => include_bytes!("../../../resources/colormaps/diverging.bin"),
        }
    }
}

/// A map in one of its two directions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct ColorMap {
    /// The table.
    pub map: Map,
    /// Whether its last colour stands for the least value.
    pub is_reversed: bool,
}

impl ColorMap {
    /// The map from its first colour to its last.
    pub fn new(map: Map) -> Self {
        Self {
            map,
            is_reversed: false,
        }
    }

    /// The 256 colours from the least value to the greatest.
    pub fn table(self) -> [Colour; 256] {
        let (rgb, _) = self.map.bytes().as_chunks::<3>();
        std::array::from_fn(|i| {
            let [red, green, blue] = rgb[if self.is_reversed { 255 - i } else { i }];
            [red, green, blue, 255]
        })
    }
}

/// Colours of phases and brightnesses: hue is the phase, lightness the brightness in 0 to 1.
///
/// `oklch(0.75 v, 0.125 v, phase)`: equal brightness looks equally bright at every phase, which the
/// usual HSV wheel does not give; phase 0 is red, and brightness 0 is black.
///
/// Source: B. Ottosson, "A perceptual color space for image processing" (2020), `OKLab`.
pub struct HueLightness {
    /// sRGB bytes of linear light in equal steps of its square root, where the eye tells steps apart.
    srgb: Vec<u8>,
}

/// Finer than a byte of sRGB everywhere.
const N_LIGHT_STEPS: usize = 4096;

impl Default for HueLightness {
    fn default() -> Self {
        let byte = |i: usize| {
            let root = i as f32 / (N_LIGHT_STEPS - 1) as f32;
            srgb(root * root)
        };
        Self {
            srgb: (0..N_LIGHT_STEPS).map(byte).collect(),
        }
    }
}

impl HueLightness {
    /// The colour of a phase at a brightness; NaN's colour where one of them is NaN.
    pub fn colour(&self, phase_rad: f32, brightness: f32) -> Colour {
        if phase_rad.is_nan() || brightness.is_nan() {
            return NAN;
        }
        let v = brightness.clamp(0.0, 1.0);
        // OKLab's red lies at 29 degrees.
        let (sin, cos) = (phase_rad + 0.506).sin_cos();
        let (a, b) = (0.125 * cos, 0.125 * sin);
        let cube = |x: f32| x * x * x;
        let l = cube(v * (0.75 + 0.396_337_78 * a + 0.215_803_76 * b));
        let m = cube(v * (0.75 - 0.105_561_346 * a - 0.063_854_17 * b));
        let s = cube(v * (0.75 - 0.089_484_18 * a - 1.291_485_5 * b));
        [
            self.byte(4.076_741_7 * l - 3.307_711_6 * m + 0.230_969_94 * s),
            self.byte(-1.268_438 * l + 2.609_757_4 * m - 0.341_319_4 * s),
            self.byte(-0.004_196_086_3 * l - 0.703_418_6 * m + 1.707_614_7 * s),
            255,
        ]
    }

    fn byte(&self, linear: f32) -> u8 {
        let step = linear.clamp(0.0, 1.0).sqrt() * (N_LIGHT_STEPS - 1) as f32;
        self.srgb[(step + 0.5) as usize]
    }
}

fn srgb(linear: f32) -> u8 {
    let x = linear.clamp(0.0, 1.0);
    let encoded = if x <= 0.003_130_8 {
        12.92 * x
    } else {
        1.055 * x.powf(1.0 / 2.4) - 0.055
    };
    (encoded * 255.0).round() as u8
}
