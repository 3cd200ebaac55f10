//! Whether a bench is measured, or only tried.

/// Whether this program runs under `cargo bench`. `cargo test --benches` runs it once, unoptimised, to
/// see that it works: then whatever is large is left out or made smaller.
pub fn is_measured() -> bool {
    std::env::args().any(|argument| argument == "--bench")
}
