//! The same engine with its gaps filled.

#[path = "../checks/mod.rs"]
pub mod checks;
#[path = "../matrix.rs"]
pub mod matrix;
pub mod stage_1;
pub mod stage_2;
pub mod stage_3;
pub mod stage_4;
pub mod stage_5;
pub mod stage_6;
pub mod stage_7;
pub mod stage_8;
