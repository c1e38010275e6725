//! Who may use whom: the arrows between rooms, and no circle inside a room, kept true.
//!
//! A kernel never knows that it is timed. The gate never knows what a lattice is. A chapter never
//! knows another chapter. Arrows are transitive, and `#[cfg(test)]` is exempt. The plan is in
//! `layers/house.rs`.

mod circles;
mod house;
mod source;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use circles::{Circle, circles};
use house::{EXCEPTIONS, House};
use source::Tree;

fn read(dir: &Path, into: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read(&path, into);
        } else if path.extension().is_some_and(|ext| ext == "rs") {
            let name = path.strip_prefix("src").unwrap().to_str().unwrap().to_owned();
            into.insert(name, fs::read_to_string(&path).unwrap());
        }
    }
}

/// The crates that this one may use, those of some targets included.
fn dependencies() -> Vec<String> {
    let manifest = fs::read_to_string("Cargo.toml").unwrap();
    let sections = manifest.split("\n[").filter_map(|section| section.split_once("]\n"));
    let used = sections.filter(|(head, _)| {
        *head == "dependencies" || head.starts_with("target.") && head.ends_with(".dependencies")
    });
    let names = used.flat_map(|(_, lines)| lines.lines()).filter_map(|line| line.split_once(" = "));
    names.map(|(name, _)| name.trim().replace('-', "_")).collect()
}

fn this_crate() -> Tree {
    let mut sources = BTreeMap::new();
    read(Path::new("src"), &mut sources);
    let crates = dependencies();
    assert!(crates.contains(&"serde_json".to_owned()), "{crates:?}");
    Tree::new(&sources, &crates)
}

#[test]
fn nobody_uses_what_the_layers_forbid() {
    let tree = this_crate();
    let bad = House::new(&tree, &EXCEPTIONS).violations();
    assert!(bad.is_empty(), "\n{}", Vec::from_iter(bad).join("\n"));
}

#[test]
fn the_plan_has_no_room_that_is_gone_no_needless_exception_and_no_knot() {
    let tree = this_crate();
    let house = House::new(&tree, &EXCEPTIONS);
    let mut bad = house.stale();
    bad.extend(house.knot().map(|(a, b)| format!("{a} and {b} may use each other")));
    for (i, entry) in EXCEPTIONS.iter().enumerate() {
        let others = [&EXCEPTIONS[..i], &EXCEPTIONS[i + 1..]].concat();
        if House::new(&tree, &others).violations().is_empty() {
            bad.push(format!("nothing needs the entry {entry:?} any more"));
        }
    }
    assert!(bad.is_empty(), "\n{}", bad.join("\n"));
}

#[test]
fn the_harness_reaches_no_chapter_and_a_profile_no_other_one() {
    let tree = this_crate();
    let house = House::new(&tree, &[]);
    let chapters = house.chapters();
    assert!(chapters.len() >= 5, "{chapters:?}");
    for room in ["gate", "gate/duet", "record", "collect", "report", "draw", "sweep", "cli", "wall"]
    {
        let is_profile = |layer: &String| layer.split('/').next() == Some("profile");
        let is_chapter = |layer: &String| chapters.contains(layer.split('/').next().unwrap());
        let reached = house.allowed(room);
        let bad: Vec<_> = reached.iter().filter(|to| is_profile(to) || is_chapter(to)).collect();
        assert!(bad.is_empty(), "{room} -> {bad:?}");
    }
    for chapter in chapters {
        let reached = house.allowed(&format!("profile/{chapter}"));
        let bad =
            |other: &&String| *other != chapter && reached.contains(&format!("profile/{other}"));
        assert_eq!(chapters.iter().find(bad), None, "profile/{chapter} reaches that of another");
    }
}

fn said(circle: &Circle) -> String {
    let files = Vec::from_iter(circle.files.clone()).join(" ");
    format!("a circle of {files}:\n{}", circle.ties.join("\n"))
}

#[test]
fn no_files_of_a_room_use_each_other() {
    let circles: Vec<String> = circles(&this_crate()).iter().map(said).collect();
    assert!(circles.is_empty(), "\n{}", circles.join("\n"));
}

/// A small house, in which files are planted over what lies there.
fn planted(files: &[(&str, &str)]) -> Tree {
    let lies = [
        ("lattice/mod.rs", "mod cases;\npub mod d4;\npub use cases::cases;\npub use d4::D4;"),
        ("mvar/mod.rs", "pub use cases::cases; pub use model::Model; use step::Packed as Small;"),
        ("md/integrate.rs", "fn step() { super::system::System::default() }"),
        ("gate/mod.rs", "pub use verdict::{Finding, State as Verdict};"),
        ("rom/pod.rs", "use faer::Mat;"),
    ];
    let empty = "lattice/d4.rs lattice/z2.rs lattice/cases.rs lattice/cuda/mod.rs \
        lattice/cuda/launch.rs mvar/model.rs mvar/step.rs mvar/cases.rs mvar/train.rs \
        lstm/mod.rs lstm/cases.rs lstm/model.rs md/mod.rs md/cases.rs md/system.rs \
        md/files/mod.rs md/files/sw.rs stream/mod.rs stream/cases.rs rom/mod.rs gate/verdict.rs \
        gate/comparable.rs gate/duet/mod.rs record/mod.rs record/row.rs case.rs close.rs input.rs \
        stats/mod.rs file.rs run.rs wall.rs gpu/mod.rs machine/mod.rs machine/isa.rs draw/mod.rs \
        collect/mod.rs report/mod.rs sweep/mod.rs registry.rs cli/mod.rs cli/gate.rs \
        cli/chapters/md.rs profile/mod.rs profile/md/mod.rs profile/lattice/mod.rs \
        profile/rom/mod.rs lib.rs";
    let all = empty.split_whitespace().map(|path| (path, "")).chain(lies);
    let all = all.chain(files.iter().copied());
    let crates = ["serde_json", "ndarray", "anyhow", "thiserror", "faer"].map(str::to_owned);
    let sources = all.map(|(path, text)| (path.to_owned(), text.to_owned())).collect();
    Tree::new(&sources, &crates)
}

fn violations(path: &str, text: &str) -> Vec<String> {
    House::new(&planted(&[(path, text)]), &[]).violations().into_iter().collect()
}

#[test]
fn a_forbidden_use_is_seen_however_it_is_written() {
    let kernel = "lattice/d4.rs";
    for (path, text, why) in [
        (kernel, "use crate::gate::Finding;", "uses crate::gate::Finding: lattice/kernel -> gate"),
        (kernel, "use crate::{close, lattice::z2};", "uses crate::close: "),
        (kernel, "use {super::z2, crate::case::{Case as C, Step}};", "uses crate::case::Case: "),
        (kernel, "fn f() { crate::case::Case::chapter }", "lattice/kernel -> case"),
        (kernel, "use super::cases::cases;", "lattice/kernel -> lattice/cases"),
        (kernel, "use super::cases;", "lattice/kernel -> lattice/cases"),
        (kernel, "use super::super::record;", "lattice/kernel -> record"),
        (kernel, "mod inner { use super::super::super::record::row; }", "-> record"),
        (kernel, "use crate::mvar::step::Packed;", "lattice/kernel -> mvar/kernel"),
        (kernel, "use crate::machine::Environment;", "lattice/kernel -> machine"),
        (kernel, "use serde_json::Value;", "lattice/kernel -> serde_json"),
        (kernel, "use ::serde_json::Value;", "lattice/kernel -> serde_json"),
        (kernel, "use serde_json as j;", "lattice/kernel -> serde_json"),
        (kernel, "extern crate serde_json as j;", "lattice/kernel -> serde_json"),
        (kernel, "#[derive(thiserror::Error)] struct E;", "lattice/kernel -> thiserror"),
        (kernel, "fn f() -> ::serde_json::Value {}", "lattice/kernel -> serde_json"),
        (kernel, "use crate::gate::*;", "all of a module"),
        (kernel, "use super::*;", "all of a module"),
        (kernel, "use crate::*;", "all of a module"),
        (kernel, "use crate as root;", "the whole crate"),
        (kernel, "use crate::{self as root};", "the whole crate"),
        (kernel, "use super::super as root;", "the whole crate"),
        (kernel, "extern crate self as root;", "the whole crate"),
        (kernel, "use crate :: gate::Finding;", "lattice/kernel -> gate"),
        (kernel, "const U: &str = \"http://x\"; use crate::gate::Finding;", "-> gate"),
        (kernel, "const Q: [char; 2] = ['\"', '\\'']; use crate::record;", "-> record"),
        (kernel, "const R: &str = r#\"a\"b\"#; use crate::record;", "-> record"),
        (kernel, "fn f<'a>(x: &'a str) { crate::close::bits(x) }", "-> close"),
        (kernel, "macro_rules! m { () => { $crate::record::row() } }", "-> record"),
        (kernel, "#[cfg(test)]\nmod tests {\n}\nuse crate::gate::Finding;", "-> gate"),
        (kernel, "#[cfg(test)]\nuse crate::input;\nuse crate::gate::Finding;", "-> gate"),
        (kernel, "#[cfg(not(test))]\nuse crate::gate::Finding;", "-> gate"),
        // A name that `mod.rs` hands out is of the file that defines it.
        ("mvar/step.rs", "use super::Model;", "uses super::Model: mvar/kernel -> mvar/model"),
        ("lattice/d4.rs", "use super::cases as all; fn f() { all() }", "lattice/cases"),
        ("record/mod.rs", "use crate::gate::Verdict;", "uses crate::gate::Verdict: record -> gate"),
        ("mvar/mod.rs", "use model::Model;", "mvar/kernel -> mvar/model"),
        ("mvar/mod.rs", "pub use model::*;", "all of a module"),
        ("lattice/cuda/launch.rs", "use crate::lattice::cases;", "lattice/cuda -> lattice/cases"),
        ("mvar/model.rs", "use crate::stats::mean;", "mvar/model -> stats"),
        ("mvar/train.rs", "use crate::case::Case;", "mvar/train -> case"),
        ("mvar/cases.rs", "use crate::lstm::Model;", "mvar/cases -> lstm/kernel"),
        ("rom/pod.rs", "use crate::md::system::System;", "rom/kernel -> md/kernel"),
        ("md/files/sw.rs", "use crate::input::gaussian;", "md/model -> input"),
        ("gate/comparable.rs", "use crate::lattice;", "gate -> lattice/kernel"),
        ("gate/comparable.rs", "use crate::gpu::Device;", "gate -> gpu"),
        ("gate/comparable.rs", "use super::duet::Plan;", "gate -> gate/duet"),
        ("gate/mod.rs", "use crate::registry::cases;", "gate -> registry"),
        ("gate/mod.rs", "pub use crate::registry::cases;", "gate -> registry"),
        ("record/mod.rs", "use crate::gate;", "record -> gate"),
        ("case.rs", "use crate::close;", "case -> close"),
        ("cli/gate.rs", "use anyhow::anyhow;", "cli -> anyhow"),
        ("cli/gate.rs", "use crate::registry;", "cli -> registry"),
        ("cli/gate.rs", "use super::chapters::md;", "cli -> cli/chapters"),
        ("wall.rs", "use crate::registry::cases;", "wall -> registry"),
        ("sweep/mod.rs", "use crate::profile::trace;", "sweep -> profile"),
        ("profile/mod.rs", "use crate::md::System;", "profile -> md/kernel"),
        ("profile/md/mod.rs", "use crate::profile::lattice::Row;", "profile/md -> profile/lattice"),
        ("profile/md/mod.rs", "use crate::rom::pod;", "profile/md -> rom/kernel"),
        ("attic.rs", "", "src/attic.rs is in no room of the plan"),
    ] {
        let bad = violations(path, text);
        assert!(bad.iter().any(|bad| bad.contains(why)), "{path}: {text}: {bad:?}");
    }
}

#[test]
fn what_the_layers_allow_is_no_violation() {
    for (path, text) in [
        ("case.rs", ""),
        ("lattice/d4.rs", "use super::z2; // crate::gate"),
        ("lattice/d4.rs", "/// [`crate::gate`]\nuse ndarray::Array1; /* crate::record */"),
        ("lattice/d4.rs", "use crate::machine::isa::Isa;"),
        (
            "lattice/d4.rs",
            "pub(in crate::lattice) fn f() { let s = \"crate::gate\"; s.close::<u8>() }",
        ),
        ("lattice/d4.rs", "fn f() -> Self { Self { a: 1, ..Self::new() } }"),
        (
            "lattice/d4.rs",
            "use ndarray::Array1;\n#[cfg(test)]\nmod tests {\nuse crate::input;\n}\n",
        ),
        (
            "lattice/d4.rs",
            "#[cfg(test)]\n#[expect(x)]\nfn f(x: [u8; 3]) { crate::input::uniform() }",
        ),
        ("lattice/mod.rs", "#[cfg(test)]\nmod z2;\npub use cases::cases;\nuse thiserror::Error;"),
        ("lattice/cases.rs", "use crate::{case::{Case, Step}, close, input}; use super::cuda;"),
        ("mvar/cases.rs", "use super::Model;"),
        ("mvar/train.rs", "use super::Model; use crate::stats; use faer::Mat;"),
        ("rom/pod.rs", "use crate::{file, lstm, mvar::{Model, step}, stats};"),
        ("cli/gate.rs", "use crate::record::row; use crate::gate::duet; use super::Exit;"),
        ("cli/mod.rs", "use anyhow::Context;"),
        ("cli/chapters/md.rs", "use crate::{cli::Context, draw, md, profile::{md as p, rom}};"),
        ("registry.rs", "use crate::{lattice, mvar}; fn f() { lattice::cases() }"),
        ("gate/duet/mod.rs", "use crate::gate::Verdict; use crate::gpu::Device;"),
        ("profile/rom/mod.rs", "use crate::{draw, lstm, mvar, profile, rom};"),
        ("lib.rs", "use crate::gate::Finding;"),
    ] {
        assert_eq!(violations(path, text), [""; 0], "{path}: {text}");
    }
    // A file that only tests have is exempt, and all below it.
    let tests = [("gate/mod.rs", "#[cfg(test)]\nmod t;"), ("gate/t/x.rs", "use crate::registry;")];
    assert!(House::new(&planted(&tests), &[]).violations().is_empty(), "{tests:?}");
}

#[test]
fn an_exception_is_for_its_file() {
    let uses = "use crate::{close, input};";
    let tree = planted(&[("run.rs", uses)]);
    let bad = |exceptions: &[_]| {
        let bad = House::new(&tree, exceptions).violations();
        bad.iter().map(|line| line.split(": ").nth(1).unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(bad(&[]), ["run -> close", "run -> input"], "as planned");
    assert_eq!(bad(&[("run.rs", "close")]), ["run -> input"], "one is excepted");
    assert_eq!(bad(&[("wall.rs", "close")]).len(), 2, "of another file");
}

#[test]
fn a_room_that_is_gone_or_has_come_is_told() {
    let tree = planted(&[]);
    let stale = House::new(&tree, &[]).stale();
    let told = |line: &str| stale.iter().any(|stale| stale == line);
    assert!(told("src/ has no pad: take it out of `ARROWS`"), "{stale:?}");
    assert!(told("src/ has sweep: take it off `PLANNED`"), "{stale:?}");
    assert!(!stale.iter().any(|line| line.contains(" gate:")), "{stale:?}");
}

/// The circles of a small house, as the names of their files without `.rs`.
fn circles_of(files: &[(&str, &str)]) -> Vec<String> {
    let name = |file: &String| file.trim_end_matches(".rs").to_owned();
    let names = |circle: &Circle| circle.files.iter().map(name).collect::<Vec<_>>().join(" ");
    circles(&planted(files)).iter().map(names).collect()
}

#[test]
fn a_circle_is_seen_however_it_is_tied() {
    let back = ("stats/b.rs", "fn f() { super::a::f() }");
    for tie in [
        "use super::b::B;",
        "use crate::stats::b::B;",
        "use crate::{stats::{b::{B}}};",
        "fn f() { crate::stats::b::f() }",
        "use super::b; fn f() { b::f() }",
        "use super::{self as all, b as c}; fn f() { c::f() }",
        "use super as all; fn f() { all::b::f() }",
        "fn f() -> super::B {}",
        "use super::B;",
        "use super::Renamed;",
        "mod inner { use super::super::b::B; }",
        "use self::inner::B; mod inner { pub use crate::stats::B; }",
    ] {
        let border = ("stats/mod.rs", "mod a; mod b; pub use b::B; pub use b::B as Renamed;");
        assert_eq!(circles_of(&[border, back, ("stats/a.rs", tie)]), ["stats/a stats/b"], "{tie}");
    }
    let three = [
        ("md/system.rs", "use super::integrate::step;"),
        ("md/integrate.rs", "use super::files::sw::read;"),
        ("md/files/sw.rs", "use crate::md::system::System;"),
    ];
    assert_eq!(circles_of(&three), ["md/files/sw md/integrate md/system"], "three files");
    let tree = planted(&three);
    let tie = "  src/md/system.rs uses super::integrate::step of src/md/integrate.rs";
    assert!(said(&circles(&tree)[0]).contains(tie), "{}", said(&circles(&tree)[0]));
}

#[test]
fn the_border_of_a_folder_makes_no_circle_unless_one_leads_around_it() {
    let border = ("gate/duet/mod.rs", "mod a; pub struct D; fn f() { a::f(); self::a::g() }");
    let inside = ("gate/duet/a.rs", "use super::D; use crate::gate::duet::D as E;");
    assert_eq!(circles_of(&[border, inside]), [""; 0], "the border and what lies inside");
    let around = [border, ("gate/duet/a.rs", "use crate::gate::verdict::V;")];
    let verdict = ("gate/verdict.rs", "use super::duet::D;");
    assert_eq!(
        circles_of(&[around[0], around[1], verdict]),
        ["gate/duet/a gate/duet/mod gate/verdict"],
        "in through the border, and out elsewhere"
    );
    let handed = ("gate/duet/mod.rs", "mod a; mod b; pub use a::A; pub struct D;");
    assert_eq!(circles_of(&[handed, around[1], verdict]), [""; 0], "handing out is no use");
    for text in [
        "#[cfg(test)]\nmod tests {\nuse super::super::b::B;\n}",
        "#[cfg(test)]\nuse super::b::B;",
        "// super::b::B",
        "pub(in crate::stats) struct A;",
        "use super::b;",
    ] {
        let files = [("stats/a.rs", text), ("stats/b.rs", "use super::a::A;")];
        assert_eq!(circles_of(&files), [""; 0], "{text}");
    }
}
