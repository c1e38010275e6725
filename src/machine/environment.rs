//! The machine and toolchain that a number belongs to.
//!
//! An [`Environment`] holds only facts that survive a reboot: never clock rates, load or host
//! names. Two records are comparable when their environments are equal, field by field.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use super::isa::Isa;
use super::source;

/// Named facts; two records with equal ones may be compared.
pub type Environment = BTreeMap<String, String>;

/// The compiler that built this crate, without its `rustc` prefix.
pub const RUSTC: &str = env!("STEPMARK_RUSTC");
/// The target triple that this crate was built for.
pub const TARGET: &str = env!("STEPMARK_TARGET");
/// Digest of the sources that this crate was built from.
pub const SOURCE: &str = env!("STEPMARK_SOURCE");

/// Whether the sources have changed since this executable was built from them.
///
/// False where they are gone: an executable that was moved has nothing to compare with.
pub fn is_outdated() -> bool {
    let root = Path::new(env!("STEPMARK_ROOT"));
    root.join("src").is_dir() && source::digest(root, &[], &[]) != SOURCE
}

/// The value of a fact that cannot be found out.
const UNKNOWN: &str = "unknown";

/// The facts that a wall time depends on: processor, operating system, C library, compiler.
///
/// A fact that cannot be found out is `unknown`.
pub fn wall() -> Environment {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let field = |name: &str| cpu_field(&cpu, name).unwrap_or(UNKNOWN).to_owned();
    let mut all = environment(&[
        ("cpu_vendor", field("vendor_id")),
        ("cpu_name", field("model name")),
        ("cpu_family", field("cpu family")),
        ("cpu_model", field("model")),
        ("cpu_stepping", field("stepping")),
        ("cpu_cores", std::thread::available_parallelism().map_or(0, usize::from).to_string()),
        ("caches", caches(Path::new("/sys/devices/system/cpu/cpu0/cache"))),
        ("virtualised", cpu_flags(&cpu).contains("hypervisor").to_string()),
        ("dispatch", dispatch().to_owned()),
        ("kernel", kernel()),
        ("libc", libc()),
    ]);
    all.extend(toolchain());
    all
}

/// Whether such a field of [`wall()`] leaves open which processor it is: two that nothing is known
/// of are not the same.
pub fn hides_processor(field: &str, value: &str) -> bool {
    let tell = ["cpu_vendor", "cpu_name", "cpu_family", "cpu_model", "cpu_stepping"];
    value == UNKNOWN && tell.contains(&field)
}

/// The facts that an instruction count depends on: the machine is none, as Valgrind simulates one.
///
/// The dispatch level seen under Valgrind is not known here; the bench adds it.
pub fn instructions(iai_callgrind: &str) -> Environment {
    let mut all = environment(&[
        ("libc", libc()),
        ("valgrind", said(Command::new("valgrind").arg("--version"))),
        ("iai_callgrind", iai_callgrind.to_owned()),
    ]);
    all.extend(toolchain());
    all
}

/// The compiler and options that built this crate.
pub fn toolchain() -> Environment {
    environment(&[
        ("target", TARGET.to_owned()),
        ("rustc", RUSTC.to_owned()),
        ("llvm", env!("STEPMARK_LLVM").to_owned()),
        ("rustflags", env!("STEPMARK_RUSTFLAGS").to_owned()),
    ])
}

/// The folder of `baselines/` that holds wall times of such a machine: `amd-epyc-25-17-1-vm`.
pub fn folder(wall: &Environment) -> String {
    let get = |name: &str| wall.get(name).map_or(UNKNOWN, String::as_str);
    let vm = if get("virtualised") == "true" { "-vm" } else { "" };
    plain(&(["cpu_name", "cpu_family", "cpu_model", "cpu_stepping"].map(get).join("-") + vm))
}

/// A name as a folder has it: `NVIDIA H200` as `nvidia-h200`.
pub fn plain(name: &str) -> String {
    let words = name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("-").to_lowercase()
}

/// The best instruction set that kernels may choose on this processor.
pub fn dispatch() -> &'static str {
    Isa::best().name()
}

/// The same with the bits that it follows from, which the C library chooses its code by, too: those of
/// the leaves 1 and 7 of CPUID, as `avx2, cpuid 1 7ffafbff bfebfbff, 7 000427aa 00000000 00000000`.
///
/// Valgrind shows its guest a processor of its own. Of the one below it shows whether that has AVX2,
/// F16C, RDRAND and RDSEED.
pub fn dispatch_bits() -> String {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{__cpuid, __cpuid_count};
        #[expect(unused_unsafe, reason = "only newer versions of Rust know that it is safe")]
        // SAFETY: every processor of this target has the instruction.
        let features = unsafe { __cpuid(1) };
        #[expect(unused_unsafe, reason = "only newer versions of Rust know that it is safe")]
        // SAFETY: every processor of this target has the instruction.
        let more = unsafe { __cpuid_count(7, 0) };
        // The rest of leaf 1 tells which core this is.
        let (ecx, edx) = (features.ecx, features.edx);
        let bits = [more.ebx, more.ecx, more.edx].map(|bits| format!("{bits:08x}")).join(" ");
        format!("{}, cpuid 1 {ecx:08x} {edx:08x}, 7 {bits}", dispatch())
    }
    #[cfg(not(target_arch = "x86_64"))]
    dispatch().to_owned()
}

fn environment(fields: &[(&str, String)]) -> Environment {
    let mut all = Environment::new();
    for (name, value) in fields {
        all.insert((*name).to_owned(), value.clone());
    }
    all
}

fn cpu_field<'a>(cpuinfo: &'a str, name: &str) -> Option<&'a str> {
    cpuinfo.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        (key.trim() == name).then_some(value.trim())
    })
}

fn cpu_flags(cpuinfo: &str) -> BTreeSet<&str> {
    cpu_field(cpuinfo, "flags").unwrap_or_default().split_whitespace().collect()
}

/// `L1d 32K, L1i 32K, L2 1024K, L3 32768K`, of the first processor.
fn caches(dir: &Path) -> String {
    let read = |index: usize, file: &str| {
        let text = fs::read_to_string(dir.join(format!("index{index}")).join(file)).ok()?;
        Some(text.trim().to_owned())
    };
    let cache = |index| {
        let kind = match read(index, "type")?.as_str() {
            "Data" => "d",
            "Instruction" => "i",
            _ => "",
        };
        Some(format!("L{}{kind} {}", read(index, "level")?, read(index, "size")?))
    };
    let list: Vec<String> = (0..).map_while(cache).collect();
    if list.is_empty() { UNKNOWN.to_owned() } else { list.join(", ") }
}

/// Major and minor version only: a patch release does not move a kernel's time.
fn kernel() -> String {
    let release = said(Command::new("uname").arg("-sr"));
    release.splitn(3, '.').take(2).collect::<Vec<_>>().join(".")
}

fn libc() -> String {
    said(Command::new("getconf").arg("GNU_LIBC_VERSION"))
}

/// The first line that a command prints, or `unknown`.
fn said(command: &mut Command) -> String {
    let out = command.output().ok().filter(|out| out.status.success());
    let text = out.map(|out| String::from_utf8_lossy(&out.stdout).into_owned()).unwrap_or_default();
    match text.lines().next().map(str::trim) {
        Some(line) if !line.is_empty() => line.to_owned(),
        _ => UNKNOWN.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CPUINFO: &str = "processor\t: 0\nvendor_id\t: GenuineIntel\ncpu family\t: 6\n\
        model\t\t: 143\nmodel name\t: Intel(R) Xeon(R)\nstepping\t: 8\nflags\t\t: fpu hypervisor\n";

    #[test]
    fn a_field_is_found_by_its_whole_name() {
        assert_eq!(cpu_field(CPUINFO, "model"), Some("143"), "not `model name`");
        assert_eq!(cpu_field(CPUINFO, "model name"), Some("Intel(R) Xeon(R)"), "with blanks");
        assert!(cpu_flags(CPUINFO).contains("hypervisor"), "flags");
        assert!(!cpu_flags(CPUINFO).contains("hyper"), "whole words");
    }

    #[test]
    fn the_folder_is_a_plain_name() {
        let env = environment(&[
            ("cpu_name", "Intel(R) Xeon(R) @ 2.0GHz".to_owned()),
            ("cpu_family", "6".to_owned()),
            ("cpu_model", "143".to_owned()),
            ("cpu_stepping", "8".to_owned()),
            ("virtualised", "true".to_owned()),
        ]);
        assert_eq!(folder(&env), "intel-r-xeon-r-2-0ghz-6-143-8-vm", "folder");
    }

    #[test]
    fn the_environment_is_the_same_twice() {
        assert_eq!(wall(), wall(), "wall");
        assert_eq!(dispatch_bits(), dispatch_bits(), "on whatever core");
        assert!(dispatch_bits().starts_with(dispatch()), "{}", dispatch_bits());
        assert_eq!(wall()["rustc"], RUSTC, "rustc");
        assert!(RUSTC.starts_with("1."), "{RUSTC}");
        assert_eq!(SOURCE.len(), 16, "{SOURCE}");
    }

    #[test]
    fn a_command_that_is_missing_is_unknown() {
        assert_eq!(said(&mut Command::new("stepmark-no-such-command")), "unknown", "missing");
    }
}
