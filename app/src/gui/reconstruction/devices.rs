//! Which device a choice comes to, and why: looked for once for each choice, off the window's thread.

use ptycho_core::compute::{Compute, DeviceChoice};

/// What a choice of the device comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    pub choice: DeviceChoice,
    /// Its name and why it is this one, or why there is none.
    pub device: Result<(&'static str, String), String>,
}

impl Found {
    /// Look for the device.
    pub fn look(choice: DeviceChoice) -> Self {
        let device = Compute::open(choice, 1)
            .map(|compute| (compute.name(), compute.reason().to_owned()))
            .map_err(|error| error.to_string());
        Self { choice, device }
    }
}

/// What was found so far.
#[derive(Clone, Debug, Default)]
pub struct Devices {
    found: Vec<Found>,
    asked: Option<DeviceChoice>,
}

impl Devices {
    /// What is known of a choice.
    pub fn of(&self, choice: DeviceChoice) -> Option<&Found> {
        self.found.iter().find(|found| found.choice == choice)
    }

    /// Whether this choice is still to be looked for; asked once.
    pub fn ask(&mut self, choice: DeviceChoice) -> bool {
        if self.asked.is_some() || self.of(choice).is_some() {
            return false;
        }
        self.asked = Some(choice);
        true
    }

    /// Take what was found.
    pub fn take(&mut self, found: Found) {
        self.asked = None;
        self.found.push(found);
    }
}
