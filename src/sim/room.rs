//! How much memory a table takes, on every machine alike.

/// Bytes of a vector of so many elements, which grows by doubling.
pub(in crate::sim) fn room<T>(len: usize) -> usize {
    match len {
        0 => 0,
        _ => len.next_power_of_two() * size_of::<T>(),
    }
}
