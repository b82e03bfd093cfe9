//! Field tables: a settings struct that describes its own fields.
//!
//! One definition by [`field_table!`](crate::field_table) gives the struct with its defaults, the
//! serde form, the panel of the window (label, unit, range, tooltip) and the flags of the command
//! line (the field's name in kebab case). The doc comment of a field is its tooltip and help text.

use crate::error::{Error, Result};

/// Who needs to see a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Shown always.
    Basic,
    /// Shown when all are asked for.
    Advanced,
}

/// One word of a choice with its explanation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The word, as in a file or on the command line.
    pub name: &'static str,
    /// What it means.
    pub doc: &'static str,
}

/// What a field can hold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// A whole number.
    Integer,
    /// A real number.
    Real,
    /// A real number, or the word `auto`.
    AutoReal,
    /// On or off.
    Toggle,
    /// One of a few words.
    Choice(&'static [Choice]),
}

/// The word for a value that the program finds.
pub const AUTO: &str = "auto";

/// A real number, or what the program finds to be right.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(untagged)]
pub enum AutoReal {
    /// Found by the program.
    #[default]
    #[serde(with = "auto_word")]
    Auto,
    /// Given.
    Given(f64),
}

impl AutoReal {
    /// The number given, or what `find` finds.
    pub fn or_else(self, find: impl FnOnce() -> f64) -> f64 {
        match self {
            Self::Auto => find(),
            Self::Given(value) => value,
        }
    }
}

/// `Auto` as the word in files.
mod auto_word {
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub(super) fn serialize<S: Serializer>(serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(super::AUTO)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
        let word = String::deserialize(deserializer)?;
        if word == super::AUTO {
            return Ok(());
        }
        Err(D::Error::custom(format!(
            "expected a number or auto, found {word}"
        )))
    }
}

/// The value of a field.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value {
    /// A whole number.
    Integer(u64),
    /// A real number.
    Real(f64),
    /// On or off.
    Toggle(bool),
    /// One of a few words.
    Choice(&'static str),
}

impl std::fmt::Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Integer(value) => write!(f, "{value}"),
            Self::Real(value) => write!(f, "{value}"),
            Self::Toggle(value) => write!(f, "{value}"),
            Self::Choice(value) => write!(f, "{value}"),
        }
    }
}

/// A part of a field's name as the field's people write it.
fn in_full(part: &str) -> &str {
    match part {
        "frc" => "FRC",
        "lr" => "learning rate",
        "ms" => "MS",
        "opr" => "OPR",
        "ssim" => "SSIM",
        "tv" => "total variation",
        _ => part,
    }
}

/// The words with a capital letter in front.
pub fn capitalised(words: &str) -> String {
    let mut letters = words.chars();
    let first = letters.next().map(char::to_uppercase);
    first.into_iter().flatten().chain(letters).collect()
}

/// The description of one field.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Name in `snake_case`, as in files.
    pub name: &'static str,
    /// The doc comment: the first sentence says what it is.
    pub doc: &'static str,
    /// Unit, or empty.
    pub unit: &'static str,
    /// Least and greatest value of a number.
    pub range: Option<(f64, f64)>,
    /// Who needs to see it.
    pub level: Level,
    /// What it can hold.
    pub kind: Kind,
    /// Whether the path of a file can be given in place of the word `file`.
    pub takes_file: bool,
}

impl Field {
    /// The flag's name on the command line, without dashes.
    pub fn flag(&self) -> String {
        self.name.replace('_', "-")
    }

    /// The name in words, with a capital; the unit stands beside it and is not said twice.
    pub fn label(&self) -> String {
        let unit = format!("_{}", self.unit);
        let words = self.name.strip_suffix(&unit).unwrap_or(self.name);
        let words: Vec<&str> = words.split('_').map(in_full).collect();
        capitalised(&words.join(" ").replace("MS SSIM", "MS-SSIM"))
    }

    /// The field with a value, as `position-limit-px 0.5 px`.
    pub fn told(&self, value: Value) -> String {
        let unit = match self.unit {
            "" => String::new(),
            _ if value == Value::Choice(AUTO) => String::new(),
            unit => format!(" {unit}"),
        };
        format!("{} {value}{unit}", self.flag())
    }

    /// The value that `text` spells.
    ///
    /// # Errors
    /// [`Error::Invalid`] if it spells none, or one out of range.
    pub fn parse(&self, text: &str) -> Result<Value> {
        let value = match self.kind {
            Kind::Integer => text.parse().ok().map(Value::Integer),
            Kind::Real => text
                .parse()
                .ok()
                .filter(|value: &f64| value.is_finite())
                .map(Value::Real),
            Kind::AutoReal if text == AUTO => Some(Value::Choice(AUTO)),
            Kind::AutoReal => text
                .parse()
                .ok()
                .filter(|value: &f64| value.is_finite())
                .map(Value::Real),
            Kind::Toggle => text.parse().ok().map(Value::Toggle),
            Kind::Choice(choices) => choices
                .iter()
                .find(|choice| choice.name == text)
                .map(|choice| Value::Choice(choice.name)),
        };
        let value = value.ok_or_else(|| self.invalid(text))?;
        self.check(value)?;
        Ok(value)
    }

    /// Whether the value is in range.
    ///
    /// # Errors
    /// [`Error::Invalid`] if not.
    pub fn check(&self, value: Value) -> Result<()> {
        let number = match value {
            Value::Integer(value) => value as f64,
            Value::Real(value) => value,
            Value::Toggle(_) | Value::Choice(_) => return Ok(()),
        };
        match self.range {
            Some((min, max)) if !(min..=max).contains(&number) => {
                Err(self.invalid(&value.to_string()))
            }
            _ => Ok(()),
        }
    }

    /// What is allowed, in words.
    pub fn expected(&self) -> String {
        match (self.kind, self.range) {
            (Kind::Choice(choices), _) => choices
                .iter()
                .map(|choice| choice.name)
                .collect::<Vec<_>>()
                .join(", "),
            (Kind::AutoReal, Some((min, max))) => format!("auto, or a number from {min} to {max}"),
            (Kind::AutoReal, None) => "auto, or a number".to_owned(),
            (Kind::Toggle, _) => "true or false".to_owned(),
            (Kind::Integer, Some((min, max))) => format!("a whole number from {min} to {max}"),
            (Kind::Real, Some((min, max))) => format!("a number from {min} to {max}"),
            (Kind::Integer, None) => "a whole number".to_owned(),
            (Kind::Real, None) => "a number".to_owned(),
        }
    }

    fn invalid(&self, found: &str) -> Error {
        Error::invalid("use the settings", self.flag(), self.expected(), found)
    }
}

/// A settings struct made by [`field_table!`](crate::field_table).
pub trait Fields: Clone + Default + PartialEq {
    /// The fields in order.
    fn fields() -> &'static [Field];
    /// The value of the field called `name`; `None` if there is none.
    fn get(&self, name: &str) -> Option<Value>;
    /// Set the field called `name`.
    ///
    /// # Errors
    /// [`Error::Invalid`] if there is none, or the value is of another kind or out of range.
    fn set(&mut self, name: &str, value: Value) -> Result<()>;

    /// Check every field's range.
    ///
    /// # Errors
    /// [`Error::Invalid`] for the first field out of range.
    fn check_ranges(&self) -> Result<()> {
        for field in Self::fields() {
            if let Some(value) = self.get(field.name) {
                field.check(value)?;
            }
        }
        Ok(())
    }

    /// The flags that reproduce these settings: only what differs from the default.
    fn flags(&self) -> Vec<String> {
        let default = Self::default();
        let changed = Self::fields()
            .iter()
            .filter(|field| self.get(field.name) != default.get(field.name));
        changed
            .filter_map(|field| {
                let value = self.get(field.name)?;
                Some([format!("--{}", field.flag()), value.to_string()])
            })
            .flatten()
            .collect()
    }
}

/// A type that can stand in a field table.
pub trait FieldValue: Sized {
    /// What it can hold.
    const KIND: Kind;
    /// As a value of the table.
    fn to_value(&self) -> Value;
    /// From a value of the table; `None` if it is of another kind.
    fn from_value(value: Value) -> Option<Self>;
}

impl FieldValue for usize {
    const KIND: Kind = Kind::Integer;
    fn to_value(&self) -> Value {
        Value::Integer(*self as u64)
    }
    fn from_value(value: Value) -> Option<Self> {
        if let Value::Integer(value) = value {
            Self::try_from(value).ok()
        } else {
            None
        }
    }
}

impl FieldValue for u64 {
    const KIND: Kind = Kind::Integer;
    fn to_value(&self) -> Value {
        Value::Integer(*self)
    }
    fn from_value(value: Value) -> Option<Self> {
        if let Value::Integer(value) = value {
            Some(value)
        } else {
            None
        }
    }
}

impl FieldValue for f64 {
    const KIND: Kind = Kind::Real;
    fn to_value(&self) -> Value {
        Value::Real(*self)
    }
    fn from_value(value: Value) -> Option<Self> {
        match value {
            Value::Real(value) => Some(value),
            Value::Integer(value) => Some(value as Self),
            Value::Toggle(_) | Value::Choice(_) => None,
        }
    }
}

impl FieldValue for AutoReal {
    const KIND: Kind = Kind::AutoReal;
    fn to_value(&self) -> Value {
        match self {
            Self::Auto => Value::Choice(AUTO),
            Self::Given(value) => Value::Real(*value),
        }
    }
    fn from_value(value: Value) -> Option<Self> {
        match value {
            Value::Choice(AUTO) => Some(Self::Auto),
            other => f64::from_value(other).map(Self::Given),
        }
    }
}

impl FieldValue for bool {
    const KIND: Kind = Kind::Toggle;
    fn to_value(&self) -> Value {
        Value::Toggle(*self)
    }
    fn from_value(value: Value) -> Option<Self> {
        if let Value::Toggle(value) = value {
            Some(value)
        } else {
            None
        }
    }
}

/// An enum whose words can be chosen in a field table.
#[macro_export]
macro_rules! field_choice {
    (
        $(#[doc = $enum_doc:literal])+
        pub enum $name:ident {
            $( $(#[doc = $doc:literal])+ $variant:ident = $word:literal, )+
        }
    ) => {
        $(#[doc = $enum_doc])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
        pub enum $name {
            $( $(#[doc = $doc])+ #[serde(rename = $word)] $variant, )+
        }

        impl $crate::fields::FieldValue for $name {
            const KIND: $crate::fields::Kind = $crate::fields::Kind::Choice(&[
                $( $crate::fields::Choice { name: $word, doc: concat!($($doc, "\n",)+).trim_ascii() }, )+
            ]);
            fn to_value(&self) -> $crate::fields::Value {
                $crate::fields::Value::Choice(match self { $( Self::$variant => $word, )+ })
            }
            fn from_value(value: $crate::fields::Value) -> Option<Self> {
                match value {
                    $( $crate::fields::Value::Choice($word) => Some(Self::$variant), )+
                    _ => None,
                }
            }
        }
    };
}

/// A settings struct that describes its own fields; see the [module](crate::fields).
///
/// Each field: doc comment, `name: type = default, basic|advanced`, then optionally
/// `, min..=max`, `, unit "px"` and `, or_file "key"` (a choice with the word `file`, for which a path can be given),
/// closed by a semicolon.
#[macro_export]
macro_rules! field_table {
    (
        $(#[doc = $struct_doc:literal])+
        pub struct $name:ident {
            $(
                $(#[doc = $doc:literal])+
                $field:ident : $ty:ty = $default:expr, $level:ident
                $(, $min:literal ..= $max:literal)? $(, unit $unit:literal)? $(, or_file $or_file:literal)? ;
            )+
        }
    ) => {
        $(#[doc = $struct_doc])+
        #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct $name {
            $( $(#[doc = $doc])+ pub $field: $ty, )+
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $( $field: $default, )+ }
            }
        }

        impl $crate::fields::Fields for $name {
            fn fields() -> &'static [$crate::fields::Field] {
                const FIELDS: &[$crate::fields::Field] = &[
                    $( $crate::fields::Field {
                        name: stringify!($field),
                        doc: concat!($($doc, "\n",)+).trim_ascii(),
                        unit: concat!($($unit)?),
                        range: $crate::field_table!(@range $($min, $max)?),
                        level: $crate::field_table!(@level $level),
                        kind: <$ty as $crate::fields::FieldValue>::KIND,
                        takes_file: $crate::field_table!(@or_file $($or_file)?),
                    }, )+
                ];
                FIELDS
            }

            fn get(&self, name: &str) -> Option<$crate::fields::Value> {
                match name {
                    $( stringify!($field) => Some($crate::fields::FieldValue::to_value(&self.$field)), )+
                    _ => None,
                }
            }

            fn set(&mut self, name: &str, value: $crate::fields::Value) -> $crate::Result<()> {
                let Some(field) = Self::fields().iter().find(|field| field.name == name) else {
                    return Err($crate::Error::invalid("use the settings", name, "a field of the table", "no such field"));
                };
                field.check(value)?;
                let refuse = || {
                    $crate::Error::invalid("use the settings", field.flag(), field.expected(), value.to_string())
                };
                match name {
                    $( stringify!($field) => {
                        self.$field = $crate::fields::FieldValue::from_value(value).ok_or_else(refuse)?;
                    } )+
                    _ => return Err(refuse()),
                }
                Ok(())
            }
        }
    };
    (@range) => { None };
    (@range $min:literal, $max:literal) => { Some(($min as f64, $max as f64)) };
    (@or_file) => { false };
    (@or_file $key:literal) => { true };
    (@level basic) => { $crate::fields::Level::Basic };
    (@level advanced) => { $crate::fields::Level::Advanced };
}

#[cfg(test)]
#[expect(unreachable_pub, reason = "the macros make public items")]
mod tests {
    use super::*;

    crate::field_choice! {
        /// How eager.
        pub enum Mood {
            /// Not at all.
            Calm = "calm",
            /// Very.
            Eager = "eager",
        }
    }

    crate::field_table! {
        /// A table for the tests.
        pub struct Sample {
            /// Steps to take.
            n_steps: usize = 3, basic, 1..=10;
            /// Length of a step.
            step_px: f64 = 0.5, advanced, 0.0..=2.0, unit "px";
            /// Whether to hurry.
            hurry: bool = false, advanced;
            /// The mood.
            mood: Mood = Mood::Calm, basic, or_file "mood";
            /// Room to leave.
            room_px: AutoReal = AutoReal::Auto, advanced, 0.0..=9.0, unit "px";
        }
    }

    #[test]
    fn every_field_can_be_read_written_and_spelled() {
        let mut sample = Sample::default();
        for (name, text) in [
            ("n_steps", "7"),
            ("step_px", "1.25"),
            ("hurry", "true"),
            ("mood", "eager"),
            ("room_px", "2.5"),
        ] {
            let field = Sample::fields()
                .iter()
                .find(|field| field.name == name)
                .unwrap();
            sample.set(name, field.parse(text).unwrap()).unwrap();
        }
        assert_eq!(
            sample,
            Sample {
                n_steps: 7,
                step_px: 1.25,
                hurry: true,
                mood: Mood::Eager,
                room_px: AutoReal::Given(2.5),
            }
        );
        assert_eq!(
            sample.flags(),
            [
                "--n-steps",
                "7",
                "--step-px",
                "1.25",
                "--hurry",
                "true",
                "--mood",
                "eager",
                "--room-px",
                "2.5"
            ]
        );
        assert_eq!(Sample::fields()[1].unit, "px");
        assert_eq!(Sample::fields()[0].doc, "Steps to take.");
        assert_eq!(Sample::fields()[0].label(), "N steps");
        assert_eq!(Sample::fields()[1].label(), "Step");
        assert!(Sample::fields()[3].takes_file && !Sample::fields()[2].takes_file);
        let text = serde_json::to_string(&sample).unwrap();
        assert_eq!(serde_json::from_str::<Sample>(&text).unwrap(), sample);
        sample.set("room_px", Value::Choice(AUTO)).unwrap();
        let text = serde_json::to_string(&sample).unwrap();
        assert!(text.contains(r#""room_px":"auto""#), "{text}");
        assert_eq!(serde_json::from_str::<Sample>(&text).unwrap(), sample);
    }

    #[test]
    fn a_value_out_of_range_or_of_another_kind_is_refused_in_words() {
        let mut sample = Sample::default();
        let field = &Sample::fields()[0];
        let message = field.parse("11").unwrap_err().to_string();
        assert!(
            message.contains("n-steps: expected a whole number from 1 to 10, found 11"),
            "{message}"
        );
        assert!(sample.set("n_steps", Value::Toggle(true)).is_err());
        assert!(sample.set("nothing", Value::Toggle(true)).is_err());
        assert!(
            Sample::fields()[3]
                .parse("angry")
                .unwrap_err()
                .to_string()
                .contains("calm, eager")
        );
        assert!(Sample::fields()[1].parse("NaN").is_err());
        assert!(Sample::fields()[4].parse("manual").is_err());
        assert_eq!(sample, Sample::default());
    }
}
