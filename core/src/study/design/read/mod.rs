//! From text to a study: every key looked at where it stands, so that every error knows its line.

mod lists;

use std::collections::BTreeMap;

use toml::Spanned;
use toml::de::{DeArray, DeString, DeTable, DeValue};

use super::problem::{Finding, StudyProblem, nearest};
use super::schema::Section;
use super::{SCHEMA, Study};
use crate::fields::{AUTO, Choice, Field, FieldValue, Kind, Value};

/// Keys of the file that are no sections of settings, with what they hold.
const ROOT: [&str; 11] = [
    "schema",
    "name",
    "notes",
    "doses",
    "base",
    "scenarios",
    "views",
    "trainings",
    "engines",
    "comparison",
    "figure",
];
/// What later checks need to make sense: where one of these cannot be read, they wait.
const BASIS: [&str; 4] = ["doses", "views", "trainings", "engines"];

/// The study, if nothing is wrong with its text, else all that is.
pub(super) fn read(text: &str) -> Result<Study, Vec<StudyProblem>> {
    let (table, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        return Err(errors
            .iter()
            .map(|error| syntax(text, error))
            .collect::<Vec<_>>());
    }
    let mut reader = Reader {
        text,
        study: Study::default(),
        places: BTreeMap::new(),
        problems: Vec::new(),
    };
    reader.root(table.get_ref());
    reader.finish()
}

fn syntax(text: &str, error: &toml::de::Error) -> StudyProblem {
    let offset = error.span().map_or(0, |span| span.start);
    let fix = "see toml.io for the form of such files";
    Finding::new("", "TOML", error.message(), fix).at(text, offset)
}

struct Reader<'a> {
    text: &'a str,
    study: Study,
    /// Where each key stands, as a byte of the text.
    places: BTreeMap<String, usize>,
    problems: Vec<(usize, Finding)>,
}

type Item<'a> = Spanned<DeValue<'a>>;

impl Reader<'_> {
    fn finish(mut self) -> Result<Study, Vec<StudyProblem>> {
        let is_sound = |(_, finding): &(usize, Finding)| {
            BASIS.iter().all(|key| !finding.key.starts_with(key)) && finding.key != "schema"
        };
        if self.problems.iter().all(is_sound) {
            for finding in super::check::findings(&self.study) {
                // A list without the item that could not be read is no problem of its own.
                let is_told = |(_, told): &(usize, Finding)| told.key.starts_with(&finding.key);
                if !self.problems.iter().any(is_told) {
                    self.problems.push((self.place_of(&finding.key), finding));
                }
            }
        }
        if self.problems.is_empty() {
            return Ok(self.study);
        }
        let place = |(offset, finding): (usize, Finding)| finding.at(self.text, offset);
        let mut problems: Vec<_> = self.problems.into_iter().map(place).collect();
        problems.sort();
        Err(problems)
    }

    /// Where a key stands, or what it belongs to.
    fn place_of(&self, key: &str) -> usize {
        let mut key = key;
        loop {
            if let Some(offset) = self.places.get(key) {
                return *offset;
            }
            match key.rfind(['.', '[']) {
                Some(at) => key = &key[..at],
                None => return 0,
            }
        }
    }

    fn find(&mut self, offset: usize, finding: Finding) {
        self.problems.push((offset, finding));
    }

    /// The text of a value, as it is found in the file.
    fn shown(&self, value: &Item<'_>) -> String {
        const MOST: usize = 60;
        let text = match value.get_ref() {
            DeValue::Table(_) => return "a table".to_owned(),
            _ => self.text.get(value.span()).unwrap_or_default(),
        };
        let line = text.lines().next().unwrap_or_default();
        if line.chars().count() <= MOST && line.len() == text.len() {
            return line.to_owned();
        }
        format!("{} ...", line.chars().take(MOST).collect::<String>())
    }

    /// A value of another type than its key wants.
    fn refuse(&mut self, key: &str, expected: &str, value: &Item<'_>) {
        let finding = Finding::new(key, expected, self.shown(value), "");
        self.find(value.span().start, finding);
    }

    fn root(&mut self, table: &DeTable<'_>) {
        for (key, value) in table {
            let name: &str = key.get_ref();
            self.places.insert(name.to_owned(), key.span().start);
            match name {
                "schema" => self.schema(value),
                "name" => self.study.name = self.string(name, value).unwrap_or_default(),
                "notes" => self.study.notes = self.string(name, value).unwrap_or_default(),
                "base" => self.study.base = self.string(name, value).map(Into::into),
                "doses" => self.study.doses = self.numbers(name, value),
                "scenarios" => self.study.scenarios = self.strings(name, value),
                "views" => self.study.views = self.tables(name, value, Self::view),
                "trainings" => self.study.trainings = self.tables(name, value, Self::training),
                "engines" => self.study.engines = self.tables(name, value, Self::engine),
                "comparison" => self.comparison(value),
                "figure" => self.figure(value),
                _ => match Section::named(name) {
                    Some(section) => self.section(section, value),
                    None => self.unknown("", key, &known_at_root()),
                },
            }
        }
        for key in ["schema", "name"] {
            if !table.contains_key(key) {
                let fix = match key {
                    "schema" => format!("write schema = {SCHEMA} in the first line"),
                    _ => "write name = \"my-study\" in the first lines".to_owned(),
                };
                self.find(0, Finding::new(key, "this key", "none", fix));
            }
        }
    }

    fn schema(&mut self, value: &Item<'_>) {
        match integer(value) {
            Some(number) if number == u64::from(SCHEMA) => {}
            _ => {
                let fix = "write the study anew by `ptychobench study new`, or use the program that wrote it";
                let finding = Finding::new("schema", SCHEMA.to_string(), self.shown(value), fix);
                self.find(value.span().start, finding);
            }
        }
    }

    fn string(&mut self, key: &str, value: &Item<'_>) -> Option<String> {
        let text = value.get_ref().as_str().map(str::to_owned);
        if text.is_none() {
            self.refuse(key, "words in quotes", value);
        }
        text
    }

    fn array<'v, 'i>(&mut self, key: &str, expected: &str, value: &'v Item<'i>) -> &'v [Item<'i>] {
        let Some(array) = value.get_ref().as_array() else {
            self.refuse(key, expected, value);
            return &[];
        };
        let array: &DeArray<'_> = array;
        for (i, item) in array.iter().enumerate() {
            self.places.insert(format!("{key}[{i}]"), item.span().start);
        }
        array
    }

    fn strings(&mut self, key: &str, value: &Item<'_>) -> Vec<String> {
        let items = self.array(key, "a list of words, as [\"a\", \"b\"]", value);
        let string = |(i, item): (usize, &Item<'_>)| self.string(&format!("{key}[{i}]"), item);
        items.iter().enumerate().filter_map(string).collect()
    }

    fn numbers(&mut self, key: &str, value: &Item<'_>) -> Vec<f64> {
        let items = self.array(key, "a list of numbers, as [1e9, 1e4]", value);
        let mut numbers = Vec::new();
        for (i, item) in items.iter().enumerate() {
            match real(item) {
                Some(number) => numbers.push(number),
                None => self.refuse(&format!("{key}[{i}]"), "a number", item),
            }
        }
        numbers
    }

    /// Words of a choice.
    fn choices<T: FieldValue>(&mut self, key: &str, value: &Item<'_>) -> Vec<T> {
        let items = self.array(key, "a list of words, as [\"a\", \"b\"]", value);
        let choice = |(i, item): (usize, &Item<'_>)| self.choice(&format!("{key}[{i}]"), item);
        items.iter().enumerate().filter_map(choice).collect()
    }

    fn choice<T: FieldValue>(&mut self, key: &str, value: &Item<'_>) -> Option<T> {
        let Kind::Choice(choices) = T::KIND else {
            return None;
        };
        let word = self.word(key, choices, value)?;
        T::from_value(Value::Choice(word))
    }

    /// One of a few words.
    fn word(
        &mut self,
        key: &str,
        choices: &'static [Choice],
        value: &Item<'_>,
    ) -> Option<&'static str> {
        let names = || choices.iter().map(|choice| choice.name);
        let text = value.get_ref().as_str();
        if let Some(name) = text.and_then(|text| names().find(|name| *name == text)) {
            return Some(name);
        }
        let expected = names().collect::<Vec<_>>().join(", ");
        let near = text.and_then(|text| nearest(text, names()));
        let fix = near.map_or_else(String::new, |near| format!("write \"{near}\""));
        let finding = Finding::new(key, expected, self.shown(value), fix);
        self.find(value.span().start, finding);
        None
    }

    /// Tables of a list, each read by `read`.
    fn tables<T>(
        &mut self,
        key: &str,
        value: &Item<'_>,
        read: fn(&mut Self, &str, &DeTable<'_>) -> Option<T>,
    ) -> Vec<T> {
        let items = self.array(key, &format!("tables [[{key}]]"), value);
        let mut found = Vec::new();
        for (i, item) in items.iter().enumerate() {
            let path = format!("{key}[{i}]");
            match item.get_ref().as_table() {
                Some(table) => found.extend(read(self, &path, table)),
                None => self.refuse(&path, &format!("a table [[{key}]]"), item),
            }
        }
        found
    }

    /// The keys of a table that has no others; each with its path. One that lacks is told.
    fn keys<'v, 'i>(
        &mut self,
        path: &str,
        table: &'v DeTable<'i>,
        (known, required): (&[&'static str], &[&'static str]),
    ) -> BTreeMap<&'static str, (String, &'v Item<'i>)> {
        let mut found = BTreeMap::new();
        let mut meant = Vec::new();
        for (key, value) in table {
            if let Some(name) = known.iter().find(|name| **name == key.get_ref()) {
                let full = format!("{path}.{name}");
                self.places.insert(full.clone(), value.span().start);
                found.insert(*name, (full, value));
            } else {
                meant.extend(nearest(key.get_ref(), known.iter().copied()));
                self.unknown(path, key, known);
            }
        }
        for name in required {
            if found.contains_key(name) || meant.contains(name) {
                continue;
            }
            let offset = self.place_of(path);
            let fix = format!("write {name} = ... there");
            let finding = Finding::new(format!("{path}.{name}"), "this key", "none", fix);
            self.find(offset, finding);
        }
        found
    }

    fn table<'v, 'i>(&mut self, key: &str, value: &'v Item<'i>) -> Option<&'v DeTable<'i>> {
        let table = value.get_ref().as_table();
        if table.is_none() {
            self.refuse(key, &format!("a table [{key}]"), value);
        }
        table
    }

    /// Settings, field by field.
    fn section(&mut self, section: Section, value: &Item<'_>) {
        let Some(table) = self.table(section.key, value) else {
            return;
        };
        for (key, value) in table {
            let Some((field, read)) = self.field((section, section.key), key, value) else {
                continue;
            };
            let settings = self.study.table_mut(section.key);
            if settings.is_none_or(|settings| settings.put(field.name, read).is_err()) {
                let path = format!("{}.{}", section.key, field.name);
                self.refuse(&path, &field.expected(), value);
            }
        }
    }

    /// A field of a section, in the table that stands at `at`, with its value; what is wrong with it is told.
    fn field(
        &mut self,
        (section, at): (Section, &str),
        key: &Spanned<DeString<'_>>,
        value: &Item<'_>,
    ) -> Option<(&'static Field, Value)> {
        let name: &str = key.get_ref();
        let path = format!("{at}.{name}");
        self.places.insert(path.clone(), value.span().start);
        if let Some(place) = section.place_of(name) {
            let expected = format!("{place}, which decides this for all");
            let fix = format!("write it as {} and remove it here", in_words(place));
            let finding = Finding::new(path, expected, format!("{name} in [{at}]"), fix);
            self.find(key.span().start, finding);
            return None;
        }
        let Some(field) = section.field(name) else {
            let known: Vec<&str> = section.own().map(|field| field.name).collect();
            self.unknown(at, key, &known);
            return None;
        };
        let read = match field.kind {
            // A word that is none is told by its nearest one.
            Kind::Choice(choices) => Some(Value::Choice(self.word(&path, choices, value)?)),
            Kind::Integer => integer(value).map(Value::Integer),
            Kind::AutoReal if value.get_ref().as_str() == Some(AUTO) => Some(Value::Choice(AUTO)),
            Kind::Real | Kind::AutoReal => real(value).map(Value::Real),
            Kind::Toggle => value.get_ref().as_bool().map(Value::Toggle),
        };
        let read = read.filter(|value| field.check(*value).is_ok());
        if read.is_none() {
            self.refuse(&path, &field.expected(), value);
        }
        Some((field, read?))
    }

    /// A key that nothing knows, with what may be meant.
    fn unknown(&mut self, path: &str, key: &Spanned<DeString<'_>>, known: &[&'static str]) {
        let name: &str = key.get_ref();
        let (full, of) = if path.is_empty() {
            (name.to_owned(), "a study".to_owned())
        } else {
            (format!("{path}.{name}"), format!("[{path}]"))
        };
        let elsewhere = || {
            let holds = |section: &Section| section.field(name).is_some();
            Section::ALL.into_iter().find(holds)
        };
        let fix = if let Some(near) = nearest(name, known.iter().copied()) {
            format!("write {near}")
        } else if let Some(section) = elsewhere() {
            format!("{name} stands in [{}]", section.key)
        } else {
            format!("remove it; known are {}", known.join(", "))
        };
        let finding = Finding::new(full, format!("a key of {of}"), format!("`{name}`"), fix);
        self.find(key.span().start, finding);
    }
}

/// `seeds.views` as the file has it.
fn in_words(place: &str) -> String {
    match place.split_once('.') {
        Some(("trainings", key)) => format!("{key} in [[trainings]]"),
        Some((table, key)) => format!("{key} in [{table}]"),
        None => place.to_owned(),
    }
}

fn known_at_root() -> Vec<&'static str> {
    let sections = Section::ALL.iter().map(|section| section.key);
    let tables = sections.filter(|key| !key.contains('.'));
    ROOT.into_iter().chain(tables).collect()
}

fn integer(value: &Item<'_>) -> Option<u64> {
    let number = value.get_ref().as_integer()?;
    u64::from_str_radix(number.as_str(), number.radix()).ok()
}

fn real(value: &Item<'_>) -> Option<f64> {
    let number = match value.get_ref() {
        DeValue::Float(number) => number.as_str().parse::<f64>().ok()?,
        DeValue::Integer(number) => {
            let whole = i128::from_str_radix(number.as_str(), number.radix()).ok()?;
            whole as f64
        }
        _ => return None,
    };
    number.is_finite().then_some(number)
}
