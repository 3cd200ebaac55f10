//! The reader's engine.

#[path = "checks/mod.rs"]
pub mod checks;
#[path = "matrix.rs"]
mod matrix;
#[path = "stage_1.rs"]
mod stage_1;
#[path = "stage_2.rs"]
mod stage_2;
#[path = "stage_3.rs"]
mod stage_3;
#[path = "stage_4.rs"]
mod stage_4;
#[path = "stage_5.rs"]
mod stage_5;
#[path = "stage_6.rs"]
mod stage_6;
#[path = "stage_7.rs"]
mod stage_7;
#[path = "stage_8.rs"]
mod stage_8;
