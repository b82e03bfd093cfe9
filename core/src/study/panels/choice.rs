//! Which rows and columns a design comes to in a study.

use super::{ATTEMPTED, FigureDesign};
use crate::error::{Error, Result};
use crate::fields::FieldValue as _;
use crate::figure::with_powers;
use crate::study::design::{BASELINE, EngineKind};
use crate::study::plan::{Plan, Task, TaskKind, Work};

/// The column of measured patterns.
pub const DIFFRACTION: &str = "diffraction";
/// The column of the true object.
pub const TRUTH: &str = "truth";

/// A view with the arms that are compared on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ViewArms {
    /// View.
    pub view: String,
    /// Arms, in the order of the comparison.
    pub arms: Vec<String>,
}

/// Views with comparisons that can be done, in the plan's order, with what can be drawn of each.
pub fn views(plan: &Plan) -> Vec<ViewArms> {
    let mut found: Vec<ViewArms> = Vec::new();
    for (task, arms) in comparisons(plan).filter(|(task, _)| task.skip.is_none()) {
        let Some(view) = &task.place.view else {
            continue;
        };
        let at = found.iter().position(|known| known.view == *view);
        let at = at.unwrap_or_else(|| {
            found.push(ViewArms {
                view: view.clone(),
                arms: Vec::new(),
            });
            found.len() - 1
        });
        for arm in arms {
            if !found[at].arms.contains(arm) {
                found[at].arms.push(arm.clone());
            }
        }
    }
    found
}

/// Comparisons with the names of their arms.
fn comparisons(plan: &Plan) -> impl Iterator<Item = (&Task, Vec<&String>)> {
    plan.tasks.iter().filter_map(|task| match &task.work {
        Work::Compare(work) if task.kind == TaskKind::Compare => {
            let names = work.inputs.arms.iter().map(|(name, _)| name);
            Some((task, names.collect()))
        }
        _ => None,
    })
}

/// Rows and columns of a figure.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    /// View whose arms are drawn.
    pub view: String,
    /// `diffraction`, `truth`, or an arm of that view.
    pub columns: Vec<String>,
    /// Photons a pattern, one row each.
    pub doses: Vec<f64>,
    /// `train` or `test`.
    pub split: String,
}

impl Choice {
    /// What a design comes to: what it leaves open is chosen as [`FigureDesign`] says.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a view, column or dose that the study does not have, with those that it has.
    pub fn of(plan: &Plan, design: &FigureDesign) -> Result<Self> {
        let views = views(plan);
        let Some(first) = views.first() else {
            let expected = "a comparison in the study";
            let found = "none that can be done";
            return Err(Error::invalid(ATTEMPTED, "comparison", expected, found)
                .with_fix("give the study trainings or engines, and a split to compare"));
        };
        let view = if design.view.is_empty() {
            first
        } else {
            let of_name = views.iter().find(|known| known.view == design.view);
            of_name.ok_or_else(|| {
                let names = views.iter().map(|known| known.view.as_str());
                unknown("view", names.collect(), &design.view)
            })?
        };
        Ok(Self {
            columns: columns(view, &design.columns)?,
            doses: doses(plan, &design.doses)?,
            split: split(plan, &view.view, design),
            view: view.view.clone(),
        })
    }

    /// The columns that are reconstructions.
    pub fn arms(&self) -> Vec<&str> {
        let columns = self.columns.iter().map(String::as_str);
        columns
            .filter(|column| ![DIFFRACTION, TRUTH].contains(column))
            .collect()
    }
}

/// The split that is asked for, unless only the other is compared.
fn split(plan: &Plan, view: &str, design: &FigureDesign) -> String {
    let wanted = design.style.split.to_value().to_string();
    let compared: Vec<&String> = comparisons(plan)
        .filter(|(task, _)| task.place.view.as_deref() == Some(view))
        .filter_map(|(task, _)| task.place.split.as_ref())
        .collect();
    match compared.first() {
        Some(other) if !compared.contains(&&wanted) => (*other).clone(),
        _ => wanted,
    }
}

fn unknown(key: &str, known: Vec<&str>, found: &str) -> Error {
    let expected = format!("one of {}", known.join(", "));
    Error::invalid(ATTEMPTED, key, expected, found)
}

fn columns(view: &ViewArms, wanted: &[String]) -> Result<Vec<String>> {
    if wanted.is_empty() {
        let networks = ["mae", "nll"].map(|loss| network(view, loss));
        let mut arms: Vec<String> = networks.into_iter().flatten().collect();
        if arms.is_empty() {
            arms.clone_from(&view.arms);
        }
        arms.insert(0, DIFFRACTION.to_owned());
        return Ok(arms);
    }
    let mut known = vec![DIFFRACTION, TRUTH];
    known.extend(view.arms.iter().map(String::as_str));
    let stranger = wanted.iter().find(|name| !known.contains(&name.as_str()));
    match stranger {
        Some(name) => Err(unknown("columns", known, name)),
        None => Ok(wanted.to_vec()),
    }
}

/// The network of a loss with the largest groups.
fn network(view: &ViewArms, loss: &str) -> Option<String> {
    let size = |arm: &&String| match parts(arm) {
        Some((of, gridsize)) if of == loss => Some(gridsize),
        _ => None,
    };
    let arms = view.arms.iter().filter(|arm| size(arm).is_some());
    arms.max_by_key(size).cloned()
}

/// Loss and gridsize of `pinn_<loss>_gs<g>`.
fn parts(arm: &str) -> Option<(&str, usize)> {
    let (loss, gridsize) = arm.strip_prefix("pinn_")?.rsplit_once("_gs")?;
    Some((loss, gridsize.parse().ok()?))
}

fn doses(plan: &Plan, wanted: &[f64]) -> Result<Vec<f64>> {
    if wanted.is_empty() {
        let mut doses = plan.doses.clone();
        doses.sort_by(|a, b| b.total_cmp(a));
        return Ok(doses);
    }
    let known = |dose: &f64| plan.doses.iter().copied().find(|of| is_same(*of, *dose));
    let find = |dose: &f64| {
        known(dose).ok_or_else(|| {
            let words: Vec<String> = plan.doses.iter().map(|dose| format!("{dose:e}")).collect();
            let known = words.iter().map(String::as_str).collect();
            unknown("doses", known, &format!("{dose:e}"))
        })
    };
    wanted.iter().map(find).collect()
}

/// Whether two doses mean the same, however they were typed.
pub(super) fn is_same(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-9 * a.abs().max(b.abs())
}

/// What an arm is called in a figure: `PINN, MAE loss, gridsize 2`; by its own name where the study gives it one.
pub fn arm_words(arm: &str) -> String {
    if let Some((loss, gridsize)) = parts(arm) {
        return format!("PINN, {} loss, gridsize {gridsize}", loss.to_uppercase());
    }
    match EngineKind::named(arm) {
        Some(engine) => engine.title().to_owned(),
        None if arm == BASELINE => "Supervised baseline".to_owned(),
        None => arm.to_owned(),
    }
}

/// A dose as figures write it: `10⁹ photons per pattern`.
pub fn dose_words(dose: f64) -> String {
    let number = format!("{dose:e}").replace('-', "−");
    format!("{} photons per pattern", with_powers(&number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn open_columns_are_diffraction_mae_and_nll() {
        let view = |arms: &[&str]| ViewArms {
            view: "full".to_owned(),
            arms: arms.iter().map(|&arm| arm.to_owned()).collect(),
        };
        let found = |arms: &[&str]| columns(&view(arms), &[]).unwrap().join(" ");
        assert_eq!(
            found(&["pinn_nll_gs1", "pinn_nll_gs2", "pinn_mae_gs2", "lsqml"]),
            "diffraction pinn_mae_gs2 pinn_nll_gs2"
        );
        assert_eq!(
            found(&["pinn_nll_gs10", "pinn_nll_gs2"]),
            "diffraction pinn_nll_gs10"
        );
        assert_eq!(found(&["baseline", "lsqml"]), "diffraction baseline lsqml");
        let error = columns(&view(&["lsqml"]), &["lsqm".to_owned()]).unwrap_err();
        let words = "columns: expected one of diffraction, truth, lsqml, found lsqm";
        assert!(error.to_string().contains(words), "{error}");
    }

    #[test]
    fn arms_and_doses_have_words() {
        assert_eq!(arm_words("pinn_mae_gs2"), "PINN, MAE loss, gridsize 2");
        assert_eq!(arm_words("rpie"), "rPIE");
        assert_eq!(arm_words("lsqml_2modes"), "lsqml_2modes");
        assert_eq!(dose_words(1e9), "10⁹ photons per pattern");
        assert_eq!(dose_words(12345.0), "1.2345×10⁴ photons per pattern");
    }
}
