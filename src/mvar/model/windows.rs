//! Windows of states, put together to the runs that they were taken from.
//!
//! A window goes on with the run of the one before where it is that window moved by one state, bit for
//! bit.

use ndarray::{Array2, Array3, ArrayView1, ArrayView2, Axis, s};

/// The runs (states, d) of windows (n, lag, d), oldest state first, and of the states (n, d) after
/// them; in their order.
///
/// # Panics
///
/// If lag is 0, or the states after them have another number of components.
pub fn runs(windows: &Array3<f64>, after: &Array2<f64>) -> Vec<Array2<f64>> {
    let mut runs: Vec<Array2<f64>> = Vec::new();
    let mut before: Option<(ArrayView2<'_, f64>, ArrayView1<'_, f64>)> = None;
    for (window, next) in windows.outer_iter().zip(after.outer_iter()) {
        let goes_on = before.is_some_and(|(old, state)| {
            let (known, newest) = window.split_at(Axis(0), window.nrows() - 1);
            old.slice(s![1.., ..]) == known && newest.row(0) == state
        });
        if !goes_on {
            runs.push(window.to_owned());
        }
        let run = runs.last_mut().expect("the first window starts one");
        run.push_row(next).expect("a state of as many components");
        before = Some((window, next));
    }
    runs
}
