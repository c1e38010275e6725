//! Numbers as a reader wants them.

/// A time in nanoseconds: three significant digits and the unit that fits.
pub fn time(ns: f64) -> String {
    let (value, unit) = match ns {
        ns if ns < 1e3 => (ns, "ns"),
        ns if ns < 1e6 => (ns / 1e3, "us"),
        ns if ns < 1e9 => (ns / 1e6, "ms"),
        ns => (ns / 1e9, "s"),
    };
    format!("{} {unit}", three_digits(value))
}

/// A rate or count with three significant digits: `12.3 M`.
pub fn count(value: f64) -> String {
    let prefixes = [(1e12, " T"), (1e9, " G"), (1e6, " M"), (1e3, " k")];
    let found = prefixes.into_iter().find(|(size, _)| value >= *size);
    let (size, prefix) = found.unwrap_or((1.0, ""));
    format!("{}{prefix}", three_digits(value / size))
}

/// A value below 1000 to three digits, or two decimals.
pub fn three_digits(value: f64) -> String {
    let digits = if value < 10.0 { 2 } else { usize::from(value < 100.0) };
    format!("{value:.digits$}")
}

/// A whole number in groups of three digits: `1,234,567`.
///
/// # Panics
///
/// Never: digits are ASCII.
pub fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let groups: Vec<&str> = digits
        .as_bytes()
        .rchunks(3)
        .rev()
        .map(|g| std::str::from_utf8(g).expect("ASCII"))
        .collect();
    groups.join(",")
}

/// A share in percent, two decimals or one significant: `2.50 %`, `1.0e-3 %`.
pub fn percent(share: f64) -> String {
    match share {
        0.0 => "0 %".to_owned(),
        share if share < 1e-3 => format!("{:.1e} %", 100.0 * share),
        share => format!("{:.2} %", 100.0 * share),
    }
}

/// Up to four significant digits, without zeros at the end.
pub fn short(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return "0".to_owned();
    }
    if !(1e-4..1e6).contains(&value.abs()) {
        let text = format!("{value:.2e}");
        return text.replace(".00e", "e");
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 8")]
    let digits = (3.0 - value.abs().log10().floor()).clamp(0.0, 8.0) as usize;
    trimmed(&format!("{value:.digits$}"))
}

/// A decimal without zeros at the end.
pub fn trimmed(text: &str) -> String {
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_digits_and_the_unit_that_fits() {
        let got = [0.5, 9.994, 12.34, 999.0, 1234.0, 5.678e6, 2e9].map(time);
        assert_eq!(
            got,
            ["0.50 ns", "9.99 ns", "12.3 ns", "999 ns", "1.23 us", "5.68 ms", "2.00 s"],
            "times"
        );
        assert_eq!([0.5, 999.0, 1234.0, 5.67e9].map(count), ["0.50", "999", "1.23 k", "5.67 G"]);
        assert_eq!([7, 1234, 1_000_000].map(thousands), ["7", "1,234", "1,000,000"], "groups");
    }

    #[test]
    fn shares_are_in_percent() {
        assert_eq!([0.0, 0.025, 1e-5].map(percent), ["0 %", "2.50 %", "1.0e-3 %"], "shares");
    }

    #[test]
    fn numbers_are_short() {
        let got = [0.0, 0.25, 2.5, 1234.0, 0.001_234_5, 1e-7, 123_456.0].map(short);
        assert_eq!(got, ["0", "0.25", "2.5", "1234", "0.001234", "1e-7", "123456"], "numbers");
        assert_eq!(["2.500", "3.000", "100"].map(trimmed), ["2.5", "3", "100"], "decimals");
    }
}
