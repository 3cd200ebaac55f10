//! Criterion benches of the workloads of `examples/workloads.rs`: one step each, on all threads, as
//! it comes and with every step recorded anew.
//!
//! `cargo bench --manifest-path benches/Cargo.toml --bench workloads -- W2`

#[allow(dead_code)] // Its own command line.
#[path = "../examples/workloads.rs"]
mod workloads;

use criterion::{Criterion, Throughput};

fn step(name: &str, parts: usize, step: &mut dyn FnMut()) {
    bench("step", name, parts, step);
}

fn recorded(name: &str, parts: usize, step: &mut dyn FnMut()) {
    bench("step, recorded", name, parts, step);
}

fn bench(group: &str, name: &str, parts: usize, step: &mut dyn FnMut()) {
    let mut criterion = Criterion::default().configure_from_args();
    let mut group = criterion.benchmark_group(group);
    if parts > 1 {
        group.throughput(Throughput::Elements(parts as u64));
    }
    group.bench_function(name, |b| b.iter(&mut *step));
    group.finish();
}

fn main() {
    let names = (1..=21).map(|number| format!("W{number}"));
    for workload in names.chain(["W2b".into(), "W6s".into()]) {
        workloads::measure(&workload, false, step).expect("a workload");
        workloads::measure(&workload, true, recorded).expect("a workload");
    }
    Criterion::default().configure_from_args().final_summary();
}
