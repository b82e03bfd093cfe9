//! Flags made from a field table, so that window and command line cannot drift apart.

use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser as _, ValueParser};
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Args, Command, FromArgMatches};
use ptycho_core::fields::{Field, Fields, Kind, Level, Value};

/// The flags of a settings struct that were given; the others keep what they are laid over.
#[derive(Clone, Debug, Default)]
pub struct Flags<T> {
    given: Vec<(&'static str, Value)>,
    files: Vec<(&'static str, PathBuf)>,
    settings: PhantomData<T>,
}

impl<T: Fields> Flags<T> {
    /// The settings with the given flags laid over `base`.
    ///
    /// # Errors
    /// [`ptycho_core::Error::Invalid`] for a value out of range.
    pub fn over(&self, base: &T) -> ptycho_core::Result<T> {
        let mut settings = base.clone();
        for (name, value) in &self.given {
            settings.set(name, *value)?;
        }
        Ok(settings)
    }

    /// The path that was given in place of the word `file`.
    pub fn file(&self, name: &str) -> Option<&Path> {
        let found = self.files.iter().find(|(given, _)| *given == name);
        found.map(|(_, path)| path.as_path())
    }

    /// The fields whose flags were given, in the order of the table.
    pub fn given(&self) -> impl Iterator<Item = &'static Field> + '_ {
        T::fields().iter().filter(|field| self.is_given(field.name))
    }

    /// Whether the flag of this field was given.
    pub fn is_given(&self, name: &str) -> bool {
        self.given.iter().any(|(given, _)| *given == name)
    }
}

impl<T: Fields> FromArgMatches for Flags<T> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let given: Vec<_> = T::fields()
            .iter()
            .filter(|field| matches.value_source(field.name) == Some(ValueSource::CommandLine))
            .filter_map(|field| Some((field.name, matches.get_one::<Given>(field.name)?)))
            .collect();
        let path = |given: &Given| given.path.clone();
        Ok(Self {
            given: given
                .iter()
                .map(|(name, given)| (*name, given.value))
                .collect(),
            files: given
                .iter()
                .filter_map(|(name, given)| Some((*name, path(given)?)))
                .collect(),
            settings: PhantomData,
        })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl<T: Fields> Args for Flags<T> {
    fn augment_args(command: Command) -> Command {
        let default = T::default();
        command.args(T::fields().iter().map(|field| arg(field, &default)))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

/// What stands behind a flag: a value, or a file where the field takes one.
#[derive(Clone, Debug)]
struct Given {
    value: Value,
    path: Option<PathBuf>,
}

fn arg<T: Fields>(field: &'static Field, default: &T) -> Arg {
    let unit = match (field.kind, field.unit) {
        (Kind::Integer, "") => "N",
        (Kind::Real | Kind::AutoReal, "") => "X",
        (Kind::Toggle, _) => "BOOL",
        (Kind::Choice(_), _) if field.takes_file => "WORD|FILE",
        (Kind::Choice(_), _) => "WORD",
        (_, unit) => unit,
    };
    let range = match field.range {
        Some((min, max)) => format!(" From {min} to {max}."),
        None => String::new(),
    };
    let arg = Arg::new(field.name)
        .long(field.flag())
        .value_name(unit)
        .value_parser(parser(field))
        .hide_possible_values(matches!(field.kind, Kind::Toggle))
        .help(format!("{}{range}", field.doc));
    let arg = match default.get(field.name) {
        Some(value) => arg.default_value(value.to_string()),
        None => arg,
    };
    match field.level {
        Level::Basic => arg.help_heading("Settings"),
        Level::Advanced => arg.help_heading("Advanced settings").hide_short_help(true),
    }
}

fn parser(field: &'static Field) -> ValueParser {
    let parse = |text: &str| {
        let value = field.parse(text);
        let value = value.map_err(|error| match error.problem() {
            Some(problem) => format!("expected {}", problem.expected),
            None => error.to_string(),
        })?;
        Ok::<_, String>(Given { value, path: None })
    };
    match field.kind {
        Kind::Choice(_) if field.takes_file => ValueParser::new(move |text: &str| {
            // A word is a word; whatever looks like a file is one.
            if !text.contains(['.', '/', '\\']) {
                return parse(text).map_err(|words| format!("{words}, or the path of an NPZ file"));
            }
            let given = parse("file")?;
            Ok(Given {
                path: Some(PathBuf::from(text)),
                ..given
            })
        }),
        Kind::Choice(choices) => {
            let words = choices
                .iter()
                .map(|choice| PossibleValue::new(choice.name).help(choice.doc));
            PossibleValuesParser::new(words)
                .try_map(move |text| parse(&text))
                .into()
        }
        _ => ValueParser::new(parse),
    }
}
