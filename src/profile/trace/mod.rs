//! Traces that `chrome://tracing` and Perfetto open: JSON of the Trace Event Format.
//!
//! A file is one object: `traceEvents` holds spans (`"ph": "X"`, a start and a length), counters
//! (`"C"`) and the names of processes and threads (`"M"`); `otherData` holds what the trace is of.
//! Events are written one by one, and only the spans that are open are kept.
//!
//! Readers refuse spans of a thread that overlap and do not nest, so they are an error here: a span
//! begins where the one before did or later, and ends within every span that it begins in. A span
//! comes before those within it.
//!
//! Times are in microseconds, with three decimals. Some readers multiply them by 1000 in floating
//! point and cut the rest off, which turns 1.001 into 1000 ns; there a fourth decimal, 1, makes up
//! for it. The unit of `displayTimeUnit` is ms, for such readers take ns for the unit of all times.
//!
//! Source: N. Duca, D. Sinclair, "Trace Event Format" (2013), and the importer of Perfetto for JSON.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::time::Duration;

use serde::Serialize;

use super::files::Value;

/// Why an event is not written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The trace cannot be written.
    #[error("trace: {0}")]
    Io(#[from] io::Error),
    /// A text or number is no JSON.
    #[error("trace: {0}")]
    Json(#[from] serde_json::Error),
    /// A span begins before one that is written.
    #[error(
        "span {name}: starts at {start:?}, before the span written last, at {last:?}; write spans \
         in the order in which they start"
    )]
    Order {
        /// The span.
        name: String,
        /// Its start.
        start: Duration,
        /// The start of the last one.
        last: Duration,
    },
    /// A span ends outside the one that it begins in.
    #[error(
        "span {name}: ends at {end:?}, after the span that it begins in, at {outer:?}; end it before, \
         or write it on a thread of its own"
    )]
    Overlap {
        /// The span.
        name: String,
        /// Its end.
        end: Duration,
        /// The end of the outer one.
        outer: Duration,
    },
    /// A counter is not a number.
    #[error("counter {name}: {series} is {value}, expected a finite number")]
    NotFinite {
        /// The counter.
        name: String,
        /// The series.
        series: String,
        /// Its value.
        value: f64,
    },
}

/// A process of a trace: a group of threads and counters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Process(usize);

/// A thread of a trace: a row of spans.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Thread {
    process: Process,
    nth: usize,
}

/// The spans of a thread as far as they are written.
#[derive(Debug, Default)]
struct Row {
    last: Duration,
    /// The ends of those that are open, the outermost first.
    open: Vec<Duration>,
}

/// A trace that is being written.
#[derive(Debug)]
pub struct Trace<W> {
    to: W,
    events: u64,
    processes: usize,
    rows: Vec<Row>,
}

impl<W: Write> Trace<W> {
    /// Begins a trace; `other` says what it is of.
    ///
    /// # Errors
    ///
    /// If it cannot be written.
    pub fn new(mut to: W, other: &BTreeMap<String, String>) -> Result<Self, Error> {
        to.write_all(b"{\"displayTimeUnit\":\"ms\",\"otherData\":")?;
        serde_json::to_writer(&mut to, other)?;
        to.write_all(b",\"traceEvents\":[")?;
        Ok(Self { to, events: 0, processes: 0, rows: Vec::new() })
    }

    /// Adds a process, below those before.
    ///
    /// # Errors
    ///
    /// If it cannot be written.
    pub fn process(&mut self, name: &str) -> Result<Process, Error> {
        self.processes += 1;
        let process = Process(self.processes);
        self.named("process_name", process, 0, name)?;
        Ok(process)
    }

    /// Adds a thread to a process, below those before.
    ///
    /// # Errors
    ///
    /// If it cannot be written.
    pub fn thread(&mut self, process: Process, name: &str) -> Result<Thread, Error> {
        self.rows.push(Row::default());
        let thread = Thread { process, nth: self.rows.len() };
        self.named("thread_name", process, thread.nth, name)?;
        self.begin("M", process, thread.nth, "thread_sort_index")?;
        write!(self.to, ",\"args\":{{\"sort_index\":{}}}}}", thread.nth)?;
        Ok(thread)
    }

    fn named(
        &mut self,
        what: &str,
        process: Process,
        thread: usize,
        name: &str,
    ) -> Result<(), Error> {
        self.begin("M", process, thread, what)?;
        self.member("args", &BTreeMap::from([("name", name)]))?;
        self.end()
    }

    /// Writes a span of so long from `start` on, both since the trace began.
    ///
    /// # Errors
    ///
    /// If it begins before the last span of the thread, or overlaps one and does not lie in it, or
    /// if it cannot be written.
    ///
    /// # Panics
    ///
    /// If the thread is of another trace.
    pub fn span(
        &mut self,
        thread: Thread,
        (name, category): (&str, &str),
        start: Duration,
        len: Duration,
        args: &[(&str, Value)],
    ) -> Result<(), Error> {
        let (end, row) = (start + len, &mut self.rows[thread.nth - 1]);
        let name_of = || name.to_owned();
        if start < row.last {
            return Err(Error::Order { name: name_of(), start, last: row.last });
        }
        // The innermost ends first.
        let open = row.open.iter().take_while(|open| **open > start).count();
        if let Some(outer) = row.open[..open].last().copied().filter(|outer| *outer < end) {
            return Err(Error::Overlap { name: name_of(), end, outer });
        }
        row.last = start;
        row.open.truncate(open);
        row.open.push(end);
        self.begin("X", thread.process, thread.nth, name)?;
        let (start, len) = (microseconds(start), microseconds(len));
        write!(self.to, ",\"ts\":{start},\"dur\":{len}")?;
        self.member("cat", &category)?;
        if !args.is_empty() {
            let args: Vec<_> = args.iter().map(|(k, v)| ((*k).to_owned(), v.clone())).collect();
            self.member("args", &Value::Object(args))?;
        }
        self.end()
    }

    /// Writes the values that the series of a counter have from `at` on.
    ///
    /// # Errors
    ///
    /// If a value is not finite, or it cannot be written.
    pub fn counter(
        &mut self,
        process: Process,
        name: &str,
        at: Duration,
        series: &[(&str, f64)],
    ) -> Result<(), Error> {
        if let Some((series, value)) = series.iter().find(|(_, value)| !value.is_finite()) {
            let (name, series) = (name.to_owned(), (*series).to_owned());
            return Err(Error::NotFinite { name, series, value: *value });
        }
        self.begin("C", process, 0, name)?;
        write!(self.to, ",\"ts\":{}", microseconds(at))?;
        let args = series.iter().map(|(k, v)| ((*k).to_owned(), Value::Real(*v))).collect();
        self.member("args", &Value::Object(args))?;
        self.end()
    }

    /// Ends the trace, without which it is no JSON.
    ///
    /// # Errors
    ///
    /// If it cannot be written.
    pub fn finish(mut self) -> Result<W, Error> {
        self.to.write_all(b"\n]}\n")?;
        self.to.flush()?;
        Ok(self.to)
    }

    /// Begins an event: a line of its own.
    fn begin(
        &mut self,
        kind: &str,
        process: Process,
        thread: usize,
        name: &str,
    ) -> Result<(), Error> {
        let comma = if self.events == 0 { "" } else { "," };
        self.events += 1;
        let pid = process.0;
        write!(self.to, "{comma}\n{{\"ph\":\"{kind}\",\"pid\":{pid},\"tid\":{thread}")?;
        self.member("name", &name)
    }

    fn member(&mut self, key: &str, value: &impl Serialize) -> Result<(), Error> {
        write!(self.to, ",\"{key}\":")?;
        Ok(serde_json::to_writer(&mut self.to, value)?)
    }

    fn end(&mut self) -> Result<(), Error> {
        Ok(self.to.write_all(b"}")?)
    }
}

/// A time in microseconds, which readers that cut off below a nanosecond read right, too.
fn microseconds(time: Duration) -> String {
    let ns = time.as_nanos();
    let text = format!("{}.{:03}", ns / 1000, ns % 1000);
    let value: f64 = text.parse().expect("a decimal");
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "as readers do")]
    let read = (value * 1000.0) as u128;
    if read == ns { text } else { text + "1" }
}
