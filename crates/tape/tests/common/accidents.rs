//! What a panic says that nobody wrote for its reader.

/// Words of accidents: of arithmetic, indices, borrows and libraries.
pub const ACCIDENTS: [&str; 24] = [
    "internal error",
    "index out of bounds",
    "attempt to",
    "with overflow",
    "unwrap",
    "capacity overflow",
    "ShapeError",
    "called `",
    "assertion",
    "slice index",
    "range start",
    "range end",
    "already borrowed",
    "already mutably",
    "divide by zero",
    "chunk size",
    "unreachable",
    "memory allocation",
    "not implemented",
    "explicit panic",
    "ndarray",
    ": Setting {",
    "out of range for slice",
    "RefCell",
];
