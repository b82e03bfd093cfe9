//! Flags made from a field table, so that window and command line cannot drift apart.

use std::marker::PhantomData;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser as _, ValueParser};
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Args, Command, FromArgMatches};
use ptycho_core::fields::{Field, Fields, Kind, Level, Value};

/// The flags of a settings struct that were given; the others keep what they are laid over.
#[derive(Clone, Debug, Default)]
pub struct Flags<T> {
    given: Vec<(&'static str, Value)>,
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

    /// Whether the flag of this field was given.
    pub fn is_given(&self, name: &str) -> bool {
        self.given.iter().any(|(given, _)| *given == name)
    }
}

impl<T: Fields> FromArgMatches for Flags<T> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let given = T::fields().iter().filter_map(|field| {
            let is_given = matches.value_source(field.name) == Some(ValueSource::CommandLine);
            let value = matches.get_one::<Value>(field.name).copied()?;
            is_given.then_some((field.name, value))
        });
        Ok(Self {
            given: given.collect(),
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

fn arg<T: Fields>(field: &'static Field, default: &T) -> Arg {
    let unit = match (field.kind, field.unit) {
        (Kind::Integer, "") => "N",
        (Kind::Real, "") => "X",
        (Kind::Toggle, _) => "BOOL",
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
        value.map_err(|error| match error.problem() {
            Some(problem) => format!("expected {}", problem.expected),
            None => error.to_string(),
        })
    };
    match field.kind {
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
