//! The speeds at which simulated time can run.

/// The speeds that can be asked for, simulated seconds a second, besides "as fast as the machine goes".
pub const SPEED_MIN: f64 = 0.001;
/// See [`SPEED_MIN`].
pub const SPEED_MAX: f64 = 1000.0;

/// The speeds that keys and slider stop at: 1, 2, 5 in each decade, then as fast as the machine goes.
pub const SPEEDS: [f64; 20] = [
    SPEED_MIN,
    0.002,
    0.005,
    0.01,
    0.02,
    0.05,
    0.1,
    0.2,
    0.5,
    1.0,
    2.0,
    5.0,
    10.0,
    20.0,
    50.0,
    100.0,
    200.0,
    500.0,
    SPEED_MAX,
    f64::INFINITY,
];

/// The stop nearest to a speed.
pub fn speed_index(speed: f64) -> usize {
    let distance = |stop: f64| {
        if stop.is_infinite() || speed.is_infinite() {
            if stop == speed { 0.0 } else { f64::MAX }
        } else {
            (libm::log(stop) - libm::log(speed.max(1e-9))).abs()
        }
    };
    (0..SPEEDS.len())
        .min_by(|a, b| distance(SPEEDS[*a]).total_cmp(&distance(SPEEDS[*b])))
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_stop_is_nearest_to_itself() {
        for (index, speed) in SPEEDS.iter().enumerate() {
            assert_eq!(speed_index(*speed), index);
        }
        assert_eq!(SPEEDS[speed_index(9.2)], 10.0);
    }
}
