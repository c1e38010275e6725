//! Traces are read again, as viewers read them.

use proptest::prelude::*;
use serde_json::Value as Json;

use super::*;

fn ns(ns: u64) -> Duration {
    Duration::from_nanos(ns)
}

fn trace() -> Trace<Vec<u8>> {
    Trace::new(Vec::new(), &BTreeMap::from([("cpu".to_owned(), "a \"b\"".to_owned())])).unwrap()
}

fn read(trace: Trace<Vec<u8>>) -> Json {
    serde_json::from_slice(&trace.finish().unwrap()).unwrap()
}

/// A time in microseconds as a reader has it that cuts off what is below a nanosecond.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "as readers do")]
fn cut_off(microseconds: f64) -> u64 {
    (microseconds * 1000.0) as u64
}

fn cut(event: &Json, key: &str) -> u64 {
    cut_off(event[key].as_f64().unwrap())
}

/// Requires that the spans of each thread are in order and nest; returns how many there are, and how
/// deep the deepest lies.
fn nested(trace: &Json) -> (usize, usize) {
    let mut threads = BTreeMap::<(u64, u64), Vec<(u64, u64)>>::new();
    for event in trace["traceEvents"].as_array().unwrap() {
        if event["ph"] == "X" {
            let id = |key: &str| event[key].as_u64().unwrap();
            let (start, len) = (cut(event, "ts"), cut(event, "dur"));
            threads.entry((id("pid"), id("tid"))).or_default().push((start, start + len));
        }
    }
    let (mut count, mut deepest) = (0, 0);
    for spans in threads.values() {
        assert!(spans.windows(2).all(|pair| pair[0].0 <= pair[1].0), "{spans:?}");
        for (nth, (start, end)) in spans.iter().enumerate() {
            let around: Vec<_> = spans[..nth].iter().filter(|outer| outer.1 > *start).collect();
            assert!(around.iter().all(|outer| end <= &outer.1), "{start} to {end} in {around:?}");
            deepest = deepest.max(around.len());
            count += 1;
        }
    }
    (count, deepest)
}

#[test]
fn steps_with_their_phases_are_read_again() {
    let mut trace = trace();
    let process = trace.process("md \\ \"sw\"\n").unwrap();
    let (main, other) =
        (trace.thread(process, "steps").unwrap(), trace.thread(process, "\u{7}").unwrap());
    for step in 0..50_u64 {
        let at = 8001 * step;
        let args = [("step", Value::from(step)), ("rebuilt", Value::from(step % 7 == 0))];
        trace.span(main, ("step", "md"), ns(at), ns(8001), &args).unwrap();
        trace.span(main, ("neighbours", "md"), ns(at), ns(1333), &[]).unwrap();
        trace.span(main, ("forces", "md"), ns(at + 1333), ns(6668), &[]).unwrap();
        trace.span(other, ("overlaps only others", "md"), ns(at + 5000), ns(8001), &[]).unwrap();
        let held = [("resident", 1e6 + step as f64), ("heap", 0.5)];
        trace.counter(process, "bytes", ns(at), &held).unwrap();
    }
    let got = read(trace);
    assert_eq!(nested(&got), (200, 1), "spans");
    assert_eq!(got["otherData"]["cpu"], "a \"b\"", "what it is of");
    let events = got["traceEvents"].as_array().unwrap();
    let of = |kind: &str| events.iter().filter(|event| event["ph"] == kind).collect::<Vec<_>>();
    let names: Vec<_> = of("M").iter().map(|e| (&e["name"], &e["args"]["name"])).collect();
    let name = |kind: &str| {
        let (_, name) = names.iter().find(|(what, _)| *what == kind).unwrap();
        name.as_str().unwrap()
    };
    assert_eq!((name("process_name"), name("thread_name")), ("md \\ \"sw\"\n", "steps"), "names");
    let step = &of("X")[4];
    assert_eq!((&step["args"]["step"], &step["args"]["rebuilt"]), (&1.into(), &false.into()));
    assert_eq!((cut(step, "ts"), cut(step, "dur")), (8001, 8001), "{step}");
    let held = &of("C")[49];
    assert_eq!((&held["args"]["resident"], cut(held, "ts")), (&1_000_049.0.into(), 49 * 8001));
}

#[test]
fn spans_that_are_out_of_order_or_overlap_are_refused() {
    let mut trace = trace();
    let process = trace.process("p").unwrap();
    let thread = trace.thread(process, "t").unwrap();
    let mut span = |name, start, len| trace.span(thread, (name, "c"), ns(start), ns(len), &[]);
    span("outer", 100, 100).unwrap();
    span("same", 100, 100).unwrap();
    span("inner", 150, 50).unwrap();
    let why = span("earlier", 149, 1).unwrap_err().to_string();
    assert!(
        why.contains("span earlier: starts at 149ns, before") && why.contains("150ns"),
        "{why}"
    );
    let why = span("across", 199, 2).unwrap_err().to_string();
    assert!(why.contains("span across: ends at 201ns") && why.contains("200ns"), "{why}");
    span("behind", 200, 5).unwrap();
    span("of no length", 205, 0).unwrap();
    span("after", 205, 1).unwrap();
    let why = trace.counter(process, "bytes", ns(1), &[("a", 1.0), ("b", f64::NAN)]).unwrap_err();
    assert!(why.to_string().contains("counter bytes: b is NaN"), "{why}");
    assert_eq!(nested(&read(trace)), (6, 2), "what was refused is not written");
}

#[test]
fn an_empty_trace_is_one() {
    assert_eq!(read(trace())["traceEvents"], Json::Array(Vec::new()), "no event");
}

#[test]
fn a_fourth_decimal_keeps_readers_from_cutting_off_a_nanosecond() {
    assert_eq!(1.001_f64 * 1000.0, 1_000.999_999_999_999_9, "as such readers multiply");
    assert_eq!(
        [0, 1, 1001, 1500].map(|t| microseconds(ns(t))),
        ["0.000", "0.001", "1.0011", "1.500"]
    );
}

proptest! {
    #[test]
    fn any_time_is_read_to_the_nanosecond(small in 0..10_000_000_u64, large in 0..1_u64 << 49) {
        for time in [small, large] {
            let value: f64 = microseconds(ns(time)).parse().unwrap();
            prop_assert_eq!(cut_off(value), time, "cut off");
            prop_assert_eq!((value * 1000.0).round(), time as f64, "rounded");
        }
    }

    #[test]
    fn whatever_is_not_refused_nests(
        spans in prop::collection::vec((0..40_u64, 0..40_u64), 0..40),
    ) {
        let mut trace = trace();
        let process = trace.process("p").unwrap();
        let thread = trace.thread(process, "t").unwrap();
        let mut written = 0;
        let mut at = 0;
        for (gap, len) in spans {
            let start = at + gap / 8;
            if trace.span(thread, ("s", "c"), ns(start), ns(len), &[]).is_ok() {
                (at, written) = (start, written + 1);
            }
        }
        prop_assert_eq!(nested(&read(trace)).0, written);
    }
}
