//! The cases of inner products.

use super::{Batch, Plan, vectors};
use crate::case::{Case, Step};
use crate::close;
use crate::lattice::{Codec, DotTable, Encoded};
use crate::machine::isa::Isa;

pub(super) fn case_dot(plan: Plan) -> Case {
    let bytes = 2 * plan.code_bytes() + 8;
    plan.case("dot", bytes, |batch| Dot::new(batch, None))
}

pub(super) fn case_dot_table(plan: Plan) -> Case {
    let bytes = 2 * plan.code_bytes() + 8;
    let mut case = plan.case("dot-table", bytes, |batch| {
        let table = batch.codec.dot_table().expect("q^(2d) is at most 2^20");
        Dot::new(batch, Some(table))
    });
    // An `i16` for every two of the q^d leaders.
    let leaders = (0..plan.lattice.dim()).fold(1, |count, _| u64::from(plan.q) * count);
    case.work.resident_bytes += 2 * leaders * leaders;
    case
}

struct Dot {
    batch: Batch,
    table: Option<DotTable>,
    a: Encoded,
    b: Encoded,
    out: Vec<i64>,
}

impl Dot {
    /// Products of the first half of the vectors with the second.
    fn new(batch: &Batch, table: Option<DotTable>) -> Self {
        assert_eq!(batch.calls, 1, "a step is one call");
        let x = vectors(batch.codec.lattice(), 2 * batch.n);
        let [a, b] = [0, 1].map(|half| {
            let mut codes = Encoded::new(&batch.codec, batch.form, batch.n);
            let x = &x[half * x.len() / 2..][..x.len() / 2];
            batch.codec.encode(x, batch.layout, &mut codes).expect("in the domain");
            codes
        });
        Self { batch: batch.clone(), table, a, b, out: vec![0; batch.n] }
    }
}

impl Step for Dot {
    fn run(&mut self) {
        let done = match &self.table {
            Some(table) => table.dot(&self.a, &self.b, &mut self.out),
            None => self.batch.codec.dot(&self.a, &self.b, &mut self.out),
        };
        done.expect("codes of the codec");
    }

    fn spoil(&mut self) {
        self.out.fill(i64::MAX);
    }

    fn digest(&self) -> u64 {
        close::digest(self.out.iter().copied())
    }

    /// Multiplies the decoded points, which are exact with steps of 2.
    fn check(&self) -> Result<(), String> {
        let Batch { codec, layout, n, .. } = &self.batch;
        let doubled = Codec::new(codec.lattice(), codec.q(), codec.levels(), 2.0, false)
            .map_err(|e| e.to_string())?
            .with_isa(Isa::Scalar);
        let decoded = |codes: &Encoded| {
            let mut x = vec![0.0; codec.lattice().dim() * n];
            doubled.decode(codes, &mut x, *layout).map_err(|e| e.to_string())?;
            Ok::<_, String>(x)
        };
        let (a, b) = (decoded(&self.a)?, decoded(&self.b)?);
        let d = codec.lattice().dim();
        #[expect(clippy::cast_possible_truncation, reason = "integers")]
        let dot = |(a, b): (&[f32], &[f32])| {
            a.iter().zip(b).map(|(a, b)| *a as i64 * *b as i64).sum::<i64>()
        };
        let want: Vec<i64> = a.chunks(d).zip(b.chunks(d)).map(dot).collect();
        close::bits("products", &self.out, &want)
    }
}
