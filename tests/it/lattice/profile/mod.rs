//! `stepmark profile lattice` as its users meet it: files, keys, columns, messages.

mod resume;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use stepmark::cli::{self, Exit, Suite};

/// The output of a command, and how it ended.
struct Said {
    exit: Exit,
    out: String,
    err: String,
}

fn run(dir: &Path, args: &str) -> Said {
    let mut line = vec!["stepmark".to_owned(), "profile".to_owned(), "lattice".to_owned()];
    line.extend(args.split_whitespace().map(str::to_owned));
    line.extend(["--output-dir".to_owned(), dir.to_str().unwrap().to_owned()]);
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let suite = Suite { commands: vec![cli::chapters::profile()], ..Suite::default() };
    let exit = cli::run(&suite, line, &mut out, &mut err);
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Said { exit, out: text(out), err: text(err) }
}

#[track_caller]
fn pass(dir: &Path, args: &str) -> String {
    let Said { exit, out, err } = run(dir, args);
    assert_eq!(exit, Exit::Pass, "{args}: {err}");
    assert_eq!(err, "", "nothing but the results");
    out
}

fn names(dir: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(dir).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

fn text(dir: &Path, name: &str) -> String {
    fs::read_to_string(dir.join(name)).unwrap()
}

fn json(dir: &Path, name: &str) -> Value {
    serde_json::from_str(&text(dir, name)).unwrap()
}

/// The keys of an object of a pretty-printed file, in the order in which they are written.
fn keys(text: &str, indent: usize) -> Vec<&str> {
    let margin = " ".repeat(indent) + "\"";
    let mut seen = Vec::new();
    for line in text.lines().filter_map(|line| line.strip_prefix(&margin)) {
        let (key, _) = line.split_once("\":").unwrap();
        if seen.first() == Some(&key) {
            break;
        }
        seen.push(key);
    }
    seen
}

const TIMES: [&str; 6] =
    ["mean_time", "std_time", "min_time", "max_time", "throughput", "all_times"];

/// Whether a GPU was measured; if not, there must be a reason, and no number anywhere.
fn has_cuda(row: &Value) -> bool {
    let cuda = &row["cuda_optimized"];
    let reason = &row["extension"]["cuda_reason"];
    assert_eq!(cuda.is_null(), reason.is_string(), "a number or a reason: {row}");
    assert_eq!(cuda.is_null(), row["extension"]["cuda"].is_null(), "a number or a reason");
    assert_eq!(cuda.is_null(), row["device"] == "cpu", "the device is that of the GPU times");
    !cuda.is_null()
}

#[test]
fn a_full_run_writes_every_file_and_a_reader_of_coset_can_load_them() {
    let dir = tempfile::tempdir().unwrap();
    let dir = &dir.path().join("made/on demand");
    let args = "--lattice Z2 --batch-sizes 1,70 --batch-size 20 --matrix-size 33";
    let printed = pass(dir, args);
    let code = "Z2_q4_M2";
    let mut want = BTreeSet::from([
        format!("comprehensive_profile_{code}.png"),
        format!("summary_report_{code}.md"),
        format!("quantization_error_results_{code}_B20_N33.json"),
        format!("quantization_error_summary_{code}_B20_N33.csv"),
        format!("quantization_error_histogram_{code}_B20_N33.png"),
    ]);
    for operation in ["encoding", "decoding", "combined"] {
        want.insert(format!("{operation}_results_{code}.json"));
        want.insert(format!("{operation}_summary_{code}.csv"));
        want.insert(format!("{operation}_profile_{code}.png"));
    }
    for kind in ["json", "csv", "png"] {
        want.insert(format!("rate_distortion_{code}.{kind}"));
    }
    assert_eq!(names(dir), want, "files");
    for name in &want {
        assert!(printed.contains(name.as_str()), "`{name}` in {printed}");
        if name.ends_with(".png") {
            let bytes = fs::read(dir.join(name)).unwrap();
            assert!(bytes.starts_with(b"\x89PNG\r\n\x1a\n") && bytes.len() > 20_000, "{name}");
        }
    }
    times(dir, code);
    matrix(dir, code);
    sweep(dir, code);
    report(dir, code, &want);
}

fn times(dir: &Path, code: &str) {
    let key = ["batch_size", "lattice_type", "q", "M", "device"];
    for operation in ["encoding", "decoding", "combined"] {
        let name = format!("{operation}_results_{code}.json");
        let baselines: &[&str] = match operation {
            "combined" => &["baseline_quantize", "baseline_encode_decode"],
            _ => &["baseline"],
        };
        let speedups: &[&str] = match operation {
            "combined" => &["speedup_vs_quantize", "speedup_vs_encode_decode"],
            _ => &["speedup"],
        };
        let want = [&key[..], baselines, &["cuda_optimized"], speedups, &["extension"]].concat();
        assert_eq!(keys(&text(dir, &name), 4), want, "{name}");
        let rows = json(dir, &name);
        for (row, batch) in rows.as_array().unwrap().iter().zip([1, 70]) {
            assert_eq!((&row["batch_size"], &row["M"]), (&batch.into(), &2.into()), "{name}");
            let cuda = has_cuda(row);
            for speedup in speedups {
                assert_eq!(row[speedup].is_f64(), cuda, "{speedup} without a GPU");
            }
            for baseline in baselines {
                let times = &row[baseline];
                assert_eq!(times.as_object().unwrap().len(), TIMES.len(), "{times}");
                assert_eq!(times["all_times"].as_array().unwrap().len(), 20, "{times}");
                for key in TIMES.iter().filter(|key| **key != "all_times") {
                    assert!(times[key].as_f64().unwrap() > 0.0, "{key}: {times}");
                }
            }
            let more = &row["extension"];
            assert_eq!(more["rates"]["stored_bits"], 4.0, "{more}");
            assert_eq!(more["rates"]["compression"], 8.0, "{more}");
            assert_eq!(more["quality"]["overload_probability"], 0.0, "{more}");
            assert!(more["cpu_simd"]["speedup"].as_f64().unwrap() > 0.0, "{more}");
            assert!(more["cpu_simd"]["roof_share"].as_f64().unwrap() > 0.0, "{more}");
        }
        assert_eq!(rows.as_array().unwrap().len(), 2, "{name}");
    }
    let head = |operation: &str| {
        let csv = text(dir, &format!("{operation}_summary_{code}.csv"));
        assert_eq!(csv.lines().count(), 3, "{csv}");
        csv.lines().next().unwrap().to_owned()
    };
    let single = "batch_size,lattice_type,q,M,device,baseline_time_ms,baseline_std_ms,\
                  baseline_throughput,cuda_time_ms,cuda_std_ms,cuda_throughput,speedup,";
    assert!(head("encoding").starts_with(single), "{}", head("encoding"));
    assert_eq!(head("decoding"), head("encoding"), "columns");
    let combined = "batch_size,lattice_type,q,M,device,baseline_quantize_time_ms,\
                    baseline_quantize_std_ms,baseline_quantize_throughput,\
                    baseline_encode_decode_time_ms,baseline_encode_decode_std_ms,\
                    baseline_encode_decode_throughput,cuda_time_ms,cuda_std_ms,cuda_throughput,\
                    speedup_vs_quantize,speedup_vs_encode_decode,";
    assert!(head("combined").starts_with(combined), "{}", head("combined"));
    let more = "baseline_median_ms,baseline_p5_ms,baseline_p95_ms,baseline_roof_share,\
                cpu_simd_implementation,cpu_simd_time_ms,cpu_simd_std_ms,cpu_simd_throughput,\
                cpu_simd_speedup,cpu_simd_median_ms,cpu_simd_p5_ms,cpu_simd_p95_ms,\
                cpu_simd_roof_share,cuda_median_ms,cuda_p5_ms,cuda_p95_ms,cuda_roof_share,cuda_gpu,\
                cuda_reason,bytes_moved,roof,roof_bytes_per_s,beta,protected,\
                overload_probability,information_bits,stored_bits,stored_bits_with_scaling,\
                compression,nsm,mse";
    assert!(head("encoding").ends_with(more), "{}", head("encoding"));
    assert!(head("combined").ends_with(more), "{}", head("combined"));
    let csv = text(dir, &format!("encoding_summary_{code}.csv"));
    let fields = csv.lines().nth(1).unwrap().split(',');
    let fields: BTreeMap<_, _> = csv.lines().next().unwrap().split(',').zip(fields).collect();
    let row = &json(dir, &format!("encoding_results_{code}.json"))[0];
    for (name, seconds) in [
        ("baseline_time_ms", &row["baseline"]["mean_time"]),
        ("baseline_std_ms", &row["baseline"]["std_time"]),
        ("baseline_median_ms", &row["extension"]["baseline"]["median_time"]),
        ("cpu_simd_time_ms", &row["extension"]["cpu_simd"]["mean_time"]),
    ] {
        let (ms, seconds) = (fields[name].parse::<f64>().unwrap(), seconds.as_f64().unwrap());
        assert!((ms / seconds - 1e3).abs() < 1e-9, "{name}: {ms} for {seconds}");
    }
    assert_eq!(fields["baseline_throughput"], row["baseline"]["throughput"].to_string(), "{row}");
}

fn matrix(dir: &Path, code: &str) {
    let name = format!("quantization_error_results_{code}_B20_N33.json");
    let row = json(dir, &name);
    let want = [
        "lattice_type",
        "q",
        "M",
        "batch_size",
        "matrix_size",
        "device",
        "cuda_available",
        "quantization_time",
        "throughput",
        "tiling_info",
        "error_stats",
        "tile_distances",
        "row_distances",
        "extension",
    ];
    assert_eq!(keys(&text(dir, &name), 2), want, "{name}");
    let tiling = &row["tiling_info"];
    let want = serde_json::json!({
        "original_shape": [20, 33],
        "lattice_dim": 2,
        "num_tiles": 17,
        "tiled_shape": [340, 2],
        "padded_size": 34,
        "scaling_factor": 17,
    });
    assert_eq!(*tiling, want, "tiling");
    assert_eq!(row["tile_distances"].as_array().unwrap().len(), 20 * 17, "tiles");
    assert_eq!(row["row_distances"].as_array().unwrap().len(), 20, "rows");
    assert_eq!(row["error_stats"]["tiling_info"], *tiling, "twice");
    for key in ["mean", "std", "min", "max", "median", "q25", "q75", "q90", "q95", "q99"] {
        for of in ["tile_distances", "row_distances"] {
            assert!(row["error_stats"][of][key].is_f64(), "{of} {key}");
        }
    }
    let more = &row["extension"];
    assert!(more["snr_db"].is_f64() && more["roof_share"].is_f64(), "{more}");
    assert_eq!(
        (&more["bytes_moved"], &more["roof"]["name"]),
        (&5440.into(), &"copy".into()),
        "{more}"
    );
    for (of, count) in [("tile_distances", 340), ("row_distances", 20)] {
        assert_eq!(row["error_stats"][of]["num_samples"], count, "{of}");
    }
    let csv = text(dir, &format!("quantization_error_summary_{code}_B20_N33.csv"));
    let head = "lattice_type,q,M,batch_size,matrix_size,device,cuda_available,\
                quantization_time_ms,throughput_vectors_per_sec,tile_mean_distance,\
                tile_std_distance,tile_min_distance,tile_max_distance,tile_median_distance,\
                tile_q25_distance,tile_q75_distance,tile_q90_distance,tile_q95_distance,\
                tile_q99_distance,tile_num_samples,row_mean_distance,row_std_distance,\
                row_min_distance,row_max_distance,row_median_distance,row_q25_distance,\
                row_q75_distance,row_q90_distance,row_q95_distance,row_q99_distance,\
                row_num_samples,num_tiles_per_row,lattice_dim,";
    assert!(csv.starts_with(head), "{csv}");
    let values = csv.lines().nth(1).unwrap();
    assert!(!values.split(',').any(|v| v == "NaN" || v.ends_with("inf")), "{csv}");
}

fn sweep(dir: &Path, code: &str) {
    let sweep = json(dir, &format!("rate_distortion_{code}.json"));
    let best = &sweep["best"];
    // 0.257 and 5.14 dB by another implementation; the gap is flat there.
    assert!((best["beta"].as_f64().unwrap() / 0.257 - 1.0).abs() < 0.07, "{best}");
    assert!((best["gap_db"].as_f64().unwrap() - 5.14).abs() < 0.08, "{best}");
    let csv = text(dir, &format!("rate_distortion_{code}.csv"));
    let points = sweep["points"].as_array().unwrap();
    assert_eq!(csv.lines().count(), 1 + points.len(), "a line for each step");
}

fn report(dir: &Path, code: &str, files: &BTreeSet<String>) {
    let report = text(dir, &format!("summary_report_{code}.md"));
    for heading in [
        "# Performance Profiling Summary Report",
        "## Overview",
        "## Results Summary",
        "### Encoding",
        "### Decoding",
        "### Combined",
        "## Key Findings",
        "## Recommendations",
        "## Files Generated",
    ] {
        assert!(report.lines().any(|line| line == heading), "`{heading}` in {report}");
    }
    let table =
        "| Batch Size | Baseline Time (ms) | CUDA Time (ms) | Speedup | Throughput (vec/s) |";
    assert_eq!(report.matches(table).count(), 3, "{report}");
    for name in files.iter().filter(|name| !name.starts_with("summary")) {
        assert!(report.contains(&format!("`{name}`")), "`{name}` in {report}");
    }
    let encoding = json(dir, &format!("encoding_results_{code}.json"));
    if !has_cuda(&encoding[0]) {
        assert_eq!(report.matches("**CUDA:** not measured: ").count(), 3, "{report}");
    }
}

#[test]
fn one_operation_without_plots_writes_two_files() {
    let dir = tempfile::tempdir().unwrap();
    let args = "--operation decoding --batch-sizes 3 --no-plot --q 3 --M 3 --protected";
    let printed = pass(dir.path(), args);
    let want = ["decoding_results_D4_q3_M3.json", "decoding_summary_D4_q3_M3.csv"];
    assert_eq!(names(dir.path()), want.map(str::to_owned).into(), "D4 by default");
    assert!(printed.contains("decoding") && !printed.contains("encoding"), "{printed}");
    let row = &json(dir.path(), want[0])[0];
    assert_eq!(row["extension"]["protected"], true, "{row}");
    // Of each vector 12 digits of 2 bits, a scaling, 4 floats.
    assert_eq!(row["extension"]["bytes_moved"], 60, "{row}");
}

#[test]
fn no_progress_is_drawn_without_a_terminal() {
    let dir = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_stepmark"));
    command.args(["profile", "lattice", "--operation", "encoding", "--batch-sizes", "1"]);
    let out = command.arg("--no-plot").current_dir(dir.path()).output().unwrap();
    assert!(out.status.success() && out.stderr.is_empty(), "{out:?}");
    assert_eq!(names(&dir.path().join("benchmarks/results")).len(), 2, "in the default folder");
}

#[test]
fn where_one_file_cannot_be_replaced_none_is() {
    let dir = tempfile::tempdir().unwrap();
    let last = dir.path().join("decoding_summary_D4_q4_M2.csv");
    fs::create_dir(&last).unwrap();
    let Said { exit, err, .. } = run(dir.path(), "--operation decoding --batch-sizes 1 --no-plot");
    assert_eq!(exit, Exit::Failure, "{err}");
    assert!(err.contains("cannot write") && err.contains("decoding_summary"), "{err}");
    let points = "decoding_points_D4_q4_M2.jsonl".to_owned();
    let want = BTreeSet::from(["decoding_summary_D4_q4_M2.csv".to_owned(), points]);
    assert_eq!(names(dir.path()), want, "what was there, and what was measured");
    fs::remove_dir(&last).unwrap();
    pass(dir.path(), "--operation decoding --batch-sizes 1 --no-plot");
    assert_eq!(names(dir.path()).len(), 2, "both files, and no points");
}

#[test]
fn the_error_profile_alone_is_of_e8() {
    let dir = tempfile::tempdir().unwrap();
    pass(dir.path(), "--operation error --batch-size 3 --matrix-size 20 --no-plot");
    let names = names(dir.path());
    assert!(names.contains("quantization_error_results_E8_q4_M2_B3_N20.json"), "{names:?}");
    assert_eq!(names.len(), 2, "{names:?}");
}

#[test]
fn bad_options_are_refused_and_nothing_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let missing = dir.path().join("not/made");
    for (args, why) in [
        ("--batch-sizes 0", "from 1 to 16777216"),
        ("--batch-sizes 1,,2", "from 1 to 16777216"),
        ("--batch-sizes 1,ten", "from 1 to 16777216"),
        ("--batch-sizes -5", "from 1 to 16777216"),
        ("--batch-sizes 99999999999999999999999", "from 1 to 16777216"),
        ("--batch-sizes 16777217", "from 1 to 16777216"),
        ("--q 1", "from 2 to 16"),
        ("--q 17", "from 2 to 16"),
        ("--q -1", "from 2 to 16"),
        ("--q four", "from 2 to 16"),
        ("--M 0", "from 1 to 8"),
        ("--M 9", "from 1 to 8"),
        ("--lattice A2", "expected Z2, D4 or E8"),
        ("--operation all-of-it", "possible values"),
        ("--beta 0", "beta is 0.0, expected a number from 2^-100"),
        ("--beta -1", "beta is -1.0"),
        ("--beta small", "expected a number from 2^-100"),
        ("--seed -1", "from 0 to"),
        ("--beta nan", "beta is NaN"),
        ("--beta 1e-9 --operation encoding --batch-sizes 1", "2^22 steps"),
        ("--operation error --batch-size 0", "from 1 to"),
        ("--operation error --batch-size 100000 --matrix-size 100000", "exceeds"),
        ("--operation error --batch-size 100000000 --matrix-size 1", "in vectors of 8, exceeds"),
    ] {
        let Said { exit, out, err } = run(&missing, args);
        assert_eq!((exit, out.as_str()), (Exit::Usage, ""), "{args}: {err}");
        assert!(err.contains(why), "`{why}` in {args}: {err}");
        assert!(names(dir.path()).is_empty(), "{args}");
    }
}

#[test]
fn a_folder_that_cannot_be_written_is_said_before_anything_is_measured() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "kept").unwrap();
    for place in [file.clone(), file.join("below")] {
        let Said { exit, out, err } = run(&place, "--batch-sizes 1");
        assert_eq!((exit, out.as_str()), (Exit::Failure, ""), "{err}");
        assert!(err.contains("cannot write") && err.contains("file"), "{err}");
    }
    assert_eq!(fs::read_to_string(&file).unwrap(), "kept", "the file stays");
}
