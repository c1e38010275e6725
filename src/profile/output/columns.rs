//! The times of an operation as named columns.

use super::super::Setup;
use super::super::codec::Measurement;
use super::super::quality::{Quality, Rates};
use super::super::timing::Timing;
use super::{Columns, Key, Run};

impl Measurement {
    /// The columns of this measurement.
    pub fn columns(&self, run: &Run) -> Columns {
        let Key { batch_size, lattice_type, q, levels, device } = self.key(run);
        let mut row = vec![
            column("batch_size", batch_size),
            column("lattice_type", lattice_type),
            column("q", q),
            column("M", levels),
            column("device", device),
        ];
        let cuda = self.cuda_timing();
        let speedup = |from: &Timing| cuda.map(|to| from.mean_time / to.mean_time);
        match &self.scalar_two_calls {
            None => {
                row.extend(means("baseline", Some(&self.scalar)));
                row.extend(means("cuda", cuda));
                row.push(maybe("speedup", speedup(&self.scalar)));
            }
            Some(two) => {
                row.extend(means("baseline_quantize", Some(&self.scalar)));
                row.extend(means("baseline_encode_decode", Some(two)));
                row.extend(means("cuda", cuda));
                row.push(maybe("speedup_vs_quantize", speedup(&self.scalar)));
                row.push(maybe("speedup_vs_encode_decode", speedup(two)));
            }
        }
        row.extend(self.spread_columns("baseline", &self.scalar, run));
        row.push(column("cpu_simd_implementation", self.isa.name()));
        row.extend(means("cpu_simd", Some(&self.best)));
        row.push(column("cpu_simd_speedup", self.speedup(&self.best)));
        row.extend(self.spread_columns("cpu_simd", &self.best, run));
        row.extend(quantiles("cuda", cuda));
        row.push(maybe(
            "cuda_roof_share",
            self.cuda.as_ref().ok().and_then(|c| self.gpu_roof_share(c)),
        ));
        row.push(column("cuda_gpu", self.cuda.as_ref().map_or("", |cuda| &cuda.gpu)));
        row.push(column("cuda_reason", self.cuda.as_ref().err().map_or("", String::as_str)));
        let (name, bytes_per_second) = self.operation.roof(&run.roofs);
        row.push(column("bytes_moved", self.bytes));
        row.push(column("roof", name));
        row.push(column("roof_bytes_per_s", bytes_per_second));
        row.extend(codec_columns(&run.setup, &run.rates, &run.quality));
        row.push(column("mse", run.quality.mse));
        row
    }

    fn spread_columns(&self, of: &str, timing: &Timing, run: &Run) -> Columns {
        let mut row = quantiles(of, Some(timing));
        row.push(column(&format!("{of}_roof_share"), self.roof_share(timing, &run.roofs)));
        row
    }
}

pub(super) fn codec_columns(setup: &Setup, rates: &Rates, quality: &Quality) -> Columns {
    vec![
        column("beta", setup.beta),
        column("protected", setup.protected),
        column("overload_probability", quality.overload_probability),
        column("information_bits", rates.information_bits),
        column("stored_bits", rates.stored_bits),
        column("stored_bits_with_scaling", rates.stored_bits_with_scaling),
        column("compression", rates.compression),
        maybe("nsm", quality.nsm),
    ]
}

fn quantiles(of: &str, timing: Option<&Timing>) -> Columns {
    let ms = |p| timing.map(|timing| 1e3 * timing.quantile(p));
    vec![
        maybe(&format!("{of}_median_ms"), ms(0.5)),
        maybe(&format!("{of}_p5_ms"), ms(0.05)),
        maybe(&format!("{of}_p95_ms"), ms(0.95)),
    ]
}

fn means(of: &str, timing: Option<&Timing>) -> Columns {
    vec![
        maybe(&format!("{of}_time_ms"), timing.map(|t| 1e3 * t.mean_time)),
        maybe(&format!("{of}_std_ms"), timing.map(|t| 1e3 * t.std_time)),
        maybe(&format!("{of}_throughput"), timing.map(|t| t.throughput)),
    ]
}

pub(super) fn column(name: &str, value: impl ToString) -> (String, String) {
    (name.to_owned(), value.to_string())
}

/// An empty field where there is no value.
pub(super) fn maybe(name: &str, value: Option<f64>) -> (String, String) {
    (name.to_owned(), value.map(|v| v.to_string()).unwrap_or_default())
}
