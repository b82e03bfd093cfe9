//! The image panes of one view: one shared zoom and cursor for each size of array, one pane in focus.

use egui::Ui;
use ndarray::ArrayView2;
use num_complex::Complex32;
use ptycho_core::paint::picture::Look;

use super::super::picture_out::{PaneCopy, Values};

/// What a pane is called and what its values are.
#[derive(Clone, Copy, Debug)]
pub struct Pane {
    pub name: &'static str,
    pub quantity: &'static str,
    pub unit: &'static str,
}

/// The array that a pane shows.
#[derive(Clone, Copy, Debug)]
pub enum Shown<'a> {
    Real(ArrayView2<'a, f32>),
    Complex(ArrayView2<'a, Complex32>),
}

/// The image panes of one view.
pub struct Pictures {
    pub pixel_size_m: Option<f64>,
    pub from: String,
    looks: Vec<(Pane, Look)>,
    focused: &'static str,
    clicked: Option<&'static str>,
}

impl Pictures {
    pub fn new(panes: &[Pane]) -> Self {
        Self { pixel_size_m: None, from: String::new(), looks: panes.iter().map(|p| (*p, Look::default())).collect(), focused: panes[0].name, clicked: None }
    }
    pub fn look(&mut self, name: &str) -> &mut Look {
        let i = self.looks.iter().position(|(pane, _)| pane.name == name).unwrap_or(0);
        &mut self.looks[i].1
    }
    pub fn show(&mut self, ui: &mut Ui, name: &'static str, shown: Shown<'_>, key: (u64, u64)) {
        let _ = (shown, key);
        ui.label(name);
    }
    pub fn take_clicked(&mut self) -> Option<&'static str> { self.clicked.take() }
    pub fn begin_scan(&mut self) {}
    pub fn fit(&mut self) {}
    pub fn auto_limits(&mut self) {}
    pub fn focus(&mut self, name: &str) {
        if let Some((pane, _)) = self.looks.iter().find(|(pane, _)| pane.name == name) { self.focused = pane.name; }
    }
    pub fn focused(&self) -> &'static str { self.focused }
    pub fn copy(&self, name: &str, values: Values) -> Option<PaneCopy> {
        let (pane, look) = self.looks.iter().find(|(pane, _)| pane.name == name)?;
        Some(PaneCopy { title: pane.name.to_owned(), values, look: *look, quantity: pane.quantity, unit: pane.unit, region: None, pixel_size_m: self.pixel_size_m, from: self.from.clone() })
    }
}
