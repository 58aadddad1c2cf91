//! How fast simulated time really goes.

/// How fast simulated time really goes, over half seconds.
#[derive(Debug, Default)]
pub(super) struct Meter {
    pub(super) real: f64,
    pub(super) simulated: f64,
    pub(super) speed: Option<f64>,
}

impl Meter {
    pub(super) fn note(&mut self, real: f64, simulated: f64) {
        self.real += real;
        self.simulated += simulated;
        if self.real >= 0.5 {
            self.speed = Some(self.simulated / self.real);
            self.real = 0.0;
            self.simulated = 0.0;
        }
    }
}
