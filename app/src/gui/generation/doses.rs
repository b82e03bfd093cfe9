//! Doses as typed: numbers between commas.

/// What stands in the field, and what is wrong with it.
#[derive(Clone, Debug)]
pub struct DosesDraft {
    pub text: String,
    pub problem: Option<String>,
}

impl Default for DosesDraft {
    fn default() -> Self {
        let doses = ptycho_core::study::generate::GenerateTask::default().doses;
        Self {
            text: spelled(&doses),
            problem: None,
        }
    }
}

impl DosesDraft {
    /// Read the text into `doses`: what makes sense is taken, the first word that makes none is told.
    pub fn read(&mut self, doses: &mut Vec<f64>) {
        let (read, problem) = parse(&self.text);
        if !read.is_empty() {
            *doses = read;
        }
        self.problem = problem;
    }

    /// As [`DosesDraft::follow`], but what is wrong stays as long as the doses are those that were taken of it.
    pub fn follow_unless_wrong(&mut self, doses: &[f64]) {
        let (read, _) = parse(&self.text);
        if self.problem.is_none() || (!read.is_empty() && read != doses) {
            self.follow(doses);
        }
    }

    /// Spell doses that came from elsewhere: a preset, an undone change.
    pub fn follow(&mut self, doses: &[f64]) {
        let (read, problem) = parse(&self.text);
        if read != doses || problem.is_some() {
            self.text = spelled(doses);
        }
        self.problem = None;
    }
}

/// One dose as short as can be: `1e3`, `250`.
pub fn dose_text(photons: f64) -> String {
    let (plain, scientific) = (format!("{photons}"), format!("{photons:e}"));
    if scientific.len() < plain.len() {
        scientific
    } else {
        plain
    }
}

fn spelled(doses: &[f64]) -> String {
    let words: Vec<_> = doses.iter().copied().map(dose_text).collect();
    words.join(", ")
}

/// The doses that a text lists, and what is wrong with it.
fn parse(text: &str) -> (Vec<f64>, Option<String>) {
    let (mut doses, mut problem) = (Vec::new(), None);
    let words = text.split([',', ';', ' ']).map(str::trim);
    for word in words.filter(|word| !word.is_empty()) {
        match parse_dose(word, &doses) {
            Ok(dose) => doses.push(dose),
            Err(words) => problem = problem.or(Some(words)),
        }
    }
    if doses.is_empty() && problem.is_none() {
        problem = Some("No dose: type photons a pattern, as 1e3, 1e4".to_owned());
    }
    (doses, problem)
}

fn parse_dose(word: &str, before: &[f64]) -> Result<f64, String> {
    let dose = word
        .parse()
        .map_err(|_error| format!("\"{word}\" is no number: type doses as 1e3, 1e4"))?;
    if !(f64::is_finite(dose) && dose > 0.0) {
        return Err(format!("{word} photons a pattern: a dose is above 0"));
    }
    if before.contains(&dose) {
        return Err(format!("{word} photons stand there twice"));
    }
    Ok(dose)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doses_are_read_as_typed_and_spelled_short() {
        assert_eq!(parse("1e3, 1e4;250"), (vec![1e3, 1e4, 250.0], None));
        assert_eq!(
            spelled(&[1e3, 250.0, 12_345.5, 0.5]),
            "1e3, 250, 12345.5, 0.5"
        );
        for (text, word) in [
            ("1e3, x", "\"x\""),
            ("1e3, -2", "above 0"),
            ("nan", "above 0"),
            ("1e3,1000", "twice"),
            (" , ", "No dose"),
        ] {
            let problem = parse(text).1;
            assert!(
                problem
                    .as_ref()
                    .is_some_and(|problem| problem.contains(word)),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_typed_stays_while_it_means_the_same() {
        let mut draft = DosesDraft::default();
        let mut doses = vec![1e3];
        draft.text = "1000, 2e4,".to_owned();
        draft.read(&mut doses);
        assert_eq!(
            (doses.as_slice(), draft.problem.clone()),
            (&[1e3, 2e4][..], None)
        );
        draft.follow(&doses);
        assert_eq!(draft.text, "1000, 2e4,");
        draft.text = "1000, 2e, 3e4".to_owned();
        draft.read(&mut doses);
        assert!(draft.problem.is_some());
        assert_eq!(doses, [1e3, 3e4]);
        draft.text = "x".to_owned();
        draft.read(&mut doses);
        assert_eq!(doses, [1e3, 3e4]);
        draft.follow(&[5.0]);
        assert_eq!((draft.text.as_str(), draft.problem), ("5", None));
    }
}
