//! Reading the kernel: all processes and the metrics, of this machine and of a fixture tree.

use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::thread::sleep;

use criterion::Criterion;
use socktop_bench::baseline_scan::{BaselineScan, Source};
use socktop_collect::{
    Collected, MIN_WINDOW, MetricsCollector, MetricsOptions, Now, ProcessesCollector, Root,
};

/// Processes of the machine made of files.
const PROCESSES: u32 = 300;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    processes(&mut criterion, "scan of this machine", &Root::default());
    let machine = machine_of_files();
    let name = format!("scan of {PROCESSES} processes in files");
    processes(&mut criterion, &name, &Root::new(machine.path()));
    for (name, source) in [
        ("floor of this machine, CPU clocks", Source::Clock),
        ("floor of this machine, schedstat", Source::Schedstat),
    ] {
        let mut floor = BaselineScan::open(source).expect("procfs");
        criterion.bench_function(name, |bencher| {
            bencher.iter(|| black_box(floor.scan().expect("procfs").len()));
        });
    }
    metrics(&mut criterion, "metrics of this machine", Root::default());
    let pi = Path::new(env!("CARGO_MANIFEST_DIR")).join("../collect/tests/fixtures/pi4");
    metrics(&mut criterion, "metrics of a Pi 4 in files", Root::new(pi));
    criterion.final_summary();
}

fn processes(criterion: &mut Criterion, name: &str, root: &Root) {
    let mut collector = ProcessesCollector::new(root.clone());
    // The first pass has nothing to compare with.
    collector.collect(&Now::read).expect("a sample");
    sleep(MIN_WINDOW);
    criterion.bench_function(name, |bencher| {
        bencher.iter(|| match collector.collect(&Now::read).expect("a sample") {
            Collected::Ready(sample) => sample,
            Collected::Wait(_) => panic!("it has to wait"),
        });
    });
}

fn metrics(criterion: &mut Criterion, name: &str, root: Root) {
    let mut collector = MetricsCollector::new(root, MetricsOptions::default());
    collector.collect(Now::read());
    sleep(MIN_WINDOW);
    criterion.bench_function(name, |bencher| {
        bencher.iter(|| match collector.collect(Now::read()) {
            Collected::Ready(sample) => sample,
            Collected::Wait(_) => panic!("it has to wait"),
        });
    });
}

/// A machine without CPU clocks: each process's `stat` is read every time.
fn machine_of_files() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let write = |file: String, text: String| {
        let path = folder.path().join(file);
        fs::create_dir_all(path.parent().expect("a file in a folder")).expect("a temporary folder");
        fs::write(path, text).expect("a temporary file");
    };
    write("proc/stat".into(), "cpu\ncpu0\ncpu1\ncpu2\ncpu3\n".into());
    for pid in 1..=PROCESSES {
        write(
            format!("proc/{pid}/stat"),
            format!(
                "{pid} (process-{pid}) S 1 1 1 0 -1 4194560 5 0 0 0 {pid} 7 0 0 20 0 1 0 100 8192 {pid} 4294967295 1\n"
            ),
        );
    }
    folder
}
