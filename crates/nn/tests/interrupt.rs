//! Ctrl-C, in a process of its own.
#![cfg(unix)]

use std::process::Command;

use nn::prelude::*;

#[test]
fn ctrl_c_ends_the_run_with_the_history_so_far() {
    let data = nn::data::digits::<f32>().first_rows(200).unwrap();
    let mut model = Sequential::new().then(Dense::new(64, 10, &mut nn::rng(0)));
    let mut ends = 0;
    let history = Fit::new()
        .epochs(1_000_000)
        .progress(false)
        .stop_on_ctrl_c()
        .callback(on_epoch_end(|run| {
            if run.epoch == 2 {
                let signal = ["-INT", &std::process::id().to_string()].map(str::to_owned);
                assert!(Command::new("kill").args(signal).status().unwrap().success());
            }
            ends += 1;
            Ok(())
        }))
        .run(&mut model, &data, &CrossEntropy, &mut Sgd::new(0.01).unwrap())
        .unwrap();
    assert!(history.epochs.len() >= 2);
    let epoch = history.epochs.len() + 1;
    let reason = history.stopped.unwrap();
    assert!(reason.starts_with(&format!("interrupted in epoch {epoch}, batch ")), "{reason}");
    assert_eq!(ends + 1, epoch);
}
