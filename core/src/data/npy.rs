//! The header of an NPY array, and the conversion of its elements.
//!
//! Only numbers and bools are converted. Objects (pickles), texts and records are named, never executed.

use num_complex::Complex64;

/// Longest header that is believed; numpy writes 128 bytes and refuses to read more than 10 000.
const LONGEST_HEADER_BYTES: usize = 1 << 20;

/// What an element is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Bool,
    Int,
    Uint,
    Float,
    Complex,
    /// Python objects: pickled, opaque.
    Object,
    /// Unicode text, four bytes a character.
    Text,
    /// Records, bytes, dates, long doubles: named and left alone.
    Other,
}

/// Type of the elements of an array.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Dtype {
    pub(crate) kind: Kind,
    /// Bytes of an element; 0 for opaque ones.
    pub(crate) size: usize,
    pub(crate) is_big_endian: bool,
    /// As numpy spells it, without byte order.
    pub(crate) name: String,
}

impl Dtype {
    /// Real numbers and bools.
    pub(crate) fn is_real(&self) -> bool {
        matches!(self.kind, Kind::Bool | Kind::Int | Kind::Uint | Kind::Float)
    }

    /// Anything that can be converted to numbers.
    pub(crate) fn is_number(&self) -> bool {
        self.is_real() || self.kind == Kind::Complex
    }

    /// Whole numbers by type.
    pub(crate) fn is_whole(&self) -> bool {
        matches!(self.kind, Kind::Int | Kind::Uint)
    }

    /// `little`, `big` or `none`.
    pub(crate) fn byte_order(&self) -> &'static str {
        match (self.size, &self.kind) {
            (0 | 1, _) | (_, Kind::Object | Kind::Other) => "none",
            _ if self.is_big_endian => "big",
            _ => "little",
        }
    }

    /// Type from a description as `<f4`; `None` for what is not understood.
    fn parse(descr: &str) -> Option<Self> {
        let mut letters = descr.chars();
        let mut first = letters.next()?;
        let mut is_big_endian = false;
        let mut rest = descr;
        if matches!(first, '<' | '>' | '|' | '=') {
            is_big_endian = first == '>';
            rest = descr.get(1..)?;
            first = letters.next()?;
        }
        let digits = rest.get(first.len_utf8()..)?;
        let size: usize = if digits.is_empty() {
            0
        } else {
            digits.parse().unwrap_or(0)
        };
        let (kind, name) = match (first, size) {
            ('b', 1) | ('?', _) => (Kind::Bool, "bool".to_owned()),
            ('i', 1 | 2 | 4 | 8) => (Kind::Int, format!("int{}", 8 * size)),
            ('u', 1 | 2 | 4 | 8) => (Kind::Uint, format!("uint{}", 8 * size)),
            ('f', 2 | 4 | 8) => (Kind::Float, format!("float{}", 8 * size)),
            ('c', 8 | 16) => (Kind::Complex, format!("complex{}", 8 * size)),
            ('O', _) => (Kind::Object, "object".to_owned()),
            ('U', n) => (Kind::Text, format!("<U{n}")),
            ('f' | 'c', n) => (
                Kind::Other,
                format!(
                    "{}{}",
                    if first == 'f' { "float" } else { "complex" },
                    n.checked_mul(8)?
                ),
            ),
            _ => (Kind::Other, rest.to_owned()),
        };
        let size = match kind {
            Kind::Bool => 1,
            Kind::Object => 0,
            Kind::Text => size.checked_mul(4)?,
            _ => size,
        };
        Some(Self {
            kind,
            size,
            is_big_endian,
            name,
        })
    }

    /// Call `f` with every element of `bytes` (a whole number of elements) as a real number.
    ///
    /// Complex elements give their modulus; opaque ones nothing.
    pub(crate) fn for_each_real(&self, bytes: &[u8], mut f: impl FnMut(f64)) {
        if self.kind == Kind::Complex {
            self.for_each_pair(bytes, |re, im| f(re.hypot(im)));
        } else {
            self.for_each_part(bytes, f);
        }
    }

    /// Call `f` with every element of `bytes` as a complex number.
    pub(crate) fn for_each_complex(&self, bytes: &[u8], mut f: impl FnMut(Complex64)) {
        if self.kind == Kind::Complex {
            self.for_each_pair(bytes, |re, im| f(Complex64::new(re, im)));
        } else {
            self.for_each_part(bytes, |value| f(Complex64::new(value, 0.0)));
        }
    }

    /// Real and imaginary parts of complex elements.
    fn for_each_pair(&self, bytes: &[u8], mut f: impl FnMut(f64, f64)) {
        let part = Self {
            kind: Kind::Float,
            size: self.size / 2,
            is_big_endian: self.is_big_endian,
            name: String::new(),
        };
        let mut real: Option<f64> = None;
        part.for_each_part(bytes, |value| match real.take() {
            None => real = Some(value),
            Some(re) => f(re, value),
        });
    }

    /// Elements that are no complex numbers.
    fn for_each_part(&self, bytes: &[u8], mut f: impl FnMut(f64)) {
        macro_rules! each {
            ($type:ty) => {{
                const SIZE: usize = size_of::<$type>();
                let (elements, _) = bytes.as_chunks::<SIZE>();
                if self.is_big_endian {
                    for e in elements {
                        f(<$type>::from_be_bytes(*e) as f64);
                    }
                } else {
                    for e in elements {
                        f(<$type>::from_le_bytes(*e) as f64);
                    }
                }
            }};
        }
        match (&self.kind, self.size) {
            (Kind::Bool, _) => bytes.iter().for_each(|b| f(f64::from(u8::from(*b != 0)))),
            (Kind::Int, 1) => each!(i8),
            (Kind::Int, 2) => each!(i16),
            (Kind::Int, 4) => each!(i32),
            (Kind::Int, 8) => each!(i64),
            (Kind::Uint, 1) => each!(u8),
            (Kind::Uint, 2) => each!(u16),
            (Kind::Uint, 4) => each!(u32),
            (Kind::Uint, 8) => each!(u64),
            (Kind::Float, 2) => {
                let (elements, _) = bytes.as_chunks::<2>();
                for e in elements {
                    f(half_to_f64(if self.is_big_endian {
                        u16::from_be_bytes(*e)
                    } else {
                        u16::from_le_bytes(*e)
                    }));
                }
            }
            (Kind::Float, 4) => each!(f32),
            (Kind::Float, 8) => each!(f64),
            _ => {}
        }
    }

    /// Call `f` with every whole number of `bytes`, exactly; other types are rounded.
    pub(crate) fn for_each_whole(&self, bytes: &[u8], mut f: impl FnMut(i64)) {
        let (elements, _) = bytes.as_chunks::<8>();
        match (&self.kind, self.size, self.is_big_endian) {
            (Kind::Int, 8, false) => elements.iter().for_each(|e| f(i64::from_le_bytes(*e))),
            (Kind::Int, 8, true) => elements.iter().for_each(|e| f(i64::from_be_bytes(*e))),
            _ => self.for_each_real(bytes, |value| f(value as i64)),
        }
    }
}

/// IEEE 754 half precision.
fn half_to_f64(bits: u16) -> f64 {
    let sign = if bits & 0x8000 == 0 { 1.0 } else { -1.0 };
    let exponent = i32::from((bits >> 10) & 0x1f);
    let mantissa = f64::from(bits & 0x3ff);
    sign * match exponent {
        0 => mantissa * 2f64.powi(-24),
        31 if mantissa == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1.0 + mantissa / 1024.0) * 2f64.powi(exponent - 15),
    }
}

/// What an NPY header says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) dtype: Dtype,
    pub(crate) is_fortran: bool,
    pub(crate) shape: Vec<usize>,
    /// Bytes before the data.
    pub(crate) length: usize,
    /// Product of the shape.
    pub(crate) n_values: usize,
}

impl Header {
    /// Bytes of the data; `None` for opaque elements.
    pub(crate) fn data_bytes(&self) -> Option<usize> {
        match self.dtype.kind {
            Kind::Object => None,
            _ => self.n_values.checked_mul(self.dtype.size),
        }
    }
}

/// Why a header cannot be read, in words.
pub(crate) type Why = String;

/// Length of the header that begins with these bytes (at least 12), the fixed part included.
pub(crate) fn header_length(start: &[u8]) -> Result<usize, Why> {
    let Some((b"\x93NUMPY", [major, _, a, b, rest @ ..])) = start.split_first_chunk::<6>() else {
        return Err("no NPY header".to_owned());
    };
    let (fixed, length) = match major {
        1 => (10, usize::from(u16::from_le_bytes([*a, *b]))),
        2 | 3 => {
            let [c, d, ..] = rest else {
                return Err("the NPY header ends early".to_owned());
            };
            (12, u32::from_le_bytes([*a, *b, *c, *d]) as usize)
        }
        _ => return Err(format!("NPY version {major} is unknown")),
    };
    if LONGEST_HEADER_BYTES < length {
        return Err(format!("the NPY header claims {length} bytes"));
    }
    Ok(fixed + length)
}

/// Parse a whole header.
pub(crate) fn parse_header(bytes: &[u8]) -> Result<Header, Why> {
    let length = header_length(bytes)?;
    let fixed = if bytes.get(6) == Some(&1) { 10 } else { 12 };
    let text = bytes
        .get(fixed..length)
        .ok_or_else(|| "the NPY header ends early".to_owned())?;
    let text = String::from_utf8_lossy(text);
    let (descr, fortran, shape) = (
        value_of(&text, "descr"),
        value_of(&text, "fortran_order"),
        value_of(&text, "shape"),
    );
    let (Some(descr), Some(fortran), Some(shape)) = (descr, fortran, shape) else {
        return Err("the NPY header lacks descr, fortran_order or shape".to_owned());
    };
    let is_fortran = match fortran {
        "True" => true,
        "False" => false,
        other => return Err(format!("fortran_order is {other}")),
    };
    let shape = parse_shape(shape)?;
    let n_values = shape
        .iter()
        .try_fold(1usize, |product, side| product.checked_mul(*side))
        .ok_or_else(|| format!("shape {shape:?} overflows"))?;
    let dtype = if descr.starts_with(['\'', '"']) {
        Dtype::parse(descr.trim_matches(['\'', '"']))
            .ok_or_else(|| format!("dtype {descr} is not understood"))?
    } else {
        Dtype {
            kind: Kind::Other,
            size: 0,
            is_big_endian: false,
            name: "record".to_owned(),
        }
    };
    if n_values.checked_mul(dtype.size.max(1)).is_none() {
        return Err(format!("shape {shape:?} overflows"));
    }
    Ok(Header {
        dtype,
        is_fortran,
        shape,
        length,
        n_values,
    })
}

fn parse_shape(text: &str) -> Result<Vec<usize>, Why> {
    let inner = text
        .strip_prefix('(')
        .and_then(|rest| rest.strip_suffix(')'))
        .ok_or_else(|| format!("shape {text} is no tuple"))?;
    inner
        .split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty())
        // Python 2 wrote `3L`.
        .map(|part| part.trim_end_matches('L').parse::<usize>())
        .collect::<Result<_, _>>()
        .map_err(|error| format!("shape {text}: {error}"))
}

/// The literal that follows `'key':` at the first level of a Python dictionary.
fn value_of<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let at = [format!("'{key}'"), format!("\"{key}\"")]
        .iter()
        .find_map(|quoted| Some(text.find(quoted.as_str())? + quoted.len()))?;
    let rest = text.get(at..)?.trim_start().strip_prefix(':')?.trim_start();
    let mut depth = 0i32;
    let mut quote: Option<char> = None;
    for (index, letter) in rest.char_indices() {
        match (quote, letter) {
            (Some(open), _) if letter == open => quote = None,
            (None, '\'' | '"') => quote = Some(letter),
            (None, '(' | '[' | '{') => depth += 1,
            (None, ')' | ']' | '}' | ',') if depth == 0 => {
                return Some(rest.get(..index)?.trim_end());
            }
            (None, ')' | ']' | '}') => depth -= 1,
            _ => {}
        }
    }
    None
}

/// The bytes of a version 1 header for a little-endian, row-major array, padded so that it is a multiple of 64.
pub(crate) fn header_bytes(descr: &str, shape: &[usize]) -> Vec<u8> {
    let sides = shape
        .iter()
        .map(|side| format!("{side},"))
        .collect::<Vec<_>>()
        .join(" ");
    // numpy writes `(6,)` and `(6, 16)`: no comma at the end of more than one side.
    let sides = if shape.len() < 2 {
        sides
    } else {
        sides.trim_end_matches(',').to_owned()
    };
    let mut text = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({sides}), }}");
    let unpadded = 10 + text.len() + 1;
    text.extend(std::iter::repeat_n(
        ' ',
        unpadded.next_multiple_of(64) - unpadded,
    ));
    text.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    // At most 64 sides of 20 digits: far below 2^16.
    bytes.extend((text.len() as u16).to_le_bytes());
    bytes.extend(text.as_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_that_we_write_are_read_back() {
        for shape in [vec![], vec![6], vec![6, 16, 16]] {
            let header = parse_header(&header_bytes("<c8", &shape)).unwrap();
            assert_eq!(header.shape, shape);
            assert_eq!(header.length % 64, 0);
            assert_eq!(header.dtype.name, "complex64");
        }
    }

    #[test]
    fn odd_headers_are_understood_and_bad_ones_told() {
        let header = |text: &str| {
            let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
            bytes.extend((text.len() as u16).to_le_bytes());
            bytes.extend(text.as_bytes());
            parse_header(&bytes)
        };
        let python2 = header("{\"shape\": (3L, 4L), \"descr\": \">i2\", \"fortran_order\": True}");
        assert_eq!(python2.unwrap().shape, [3, 4]);
        let record = header(
            "{'descr': [('a', '<f4'), ('b', '<i4', (2,))], 'fortran_order': False, 'shape': (2,), }",
        );
        assert_eq!(record.unwrap().dtype.name, "record");
        let huge =
            header("{'descr': '<f8', 'fortran_order': False, 'shape': (4294967296, 4294967296), }");
        assert!(huge.unwrap_err().contains("overflows"));
        assert!(header("{'descr': '<f8', 'shape': (-1,), 'fortran_order': False}").is_err());
        assert!(header("{'descr': '<f8'").is_err());
        assert!(
            header_length(b"\x93NUMPY\x02\x00\xff\xff\xff\xff")
                .unwrap_err()
                .contains("claims")
        );
    }

    #[test]
    fn halves_convert() {
        for (bits, value) in [
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x0001, 2f64.powi(-24)),
            (0x7c00, f64::INFINITY),
        ] {
            assert_eq!(half_to_f64(bits), value);
        }
        assert!(half_to_f64(0x7e00).is_nan());
    }
}
