//! Numbers for a table: few digits, no noise.

/// `value` with `digits` significant digits and no trailing zeros; powers of ten outside of 1e-4 to 1e6.
///
/// ```
/// use widemargin::display::number;
/// assert_eq!([number(0.123456, 4), number(2.0, 4), number(1.5e-7, 4), number(f64::NAN, 4)], ["0.1235", "2", "1.5e-7", "NaN"]);
/// ```
pub fn number(value: f64, digits: usize) -> String {
    if value == 0.0 || !value.is_finite() {
        return format!("{value}");
    }
    let trimmed = |text: &str| match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text.to_owned(),
    };
    // Rounding first: 999.96 with four digits has the magnitude of 1000.
    let rounded = format!("{value:.*e}", digits.saturating_sub(1));
    let (mantissa, exponent) = rounded.split_once('e').unwrap_or((&rounded, "0"));
    match exponent.parse::<i32>() {
        Ok(exponent @ -4..6) => {
            trimmed(&format!("{value:.*}", usize::try_from(digits as i32 - 1 - exponent).unwrap_or(0)))
        }
        _ => format!("{}e{exponent}", trimmed(mantissa)),
    }
}
