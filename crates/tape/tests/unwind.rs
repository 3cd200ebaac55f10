//! What is set aside for a while is restored also when a function panics.

use std::panic::{AssertUnwindSafe, catch_unwind};

use ops::Tensor;
use tape::prelude::*;
use tape::{checkpoint, custom_vjp};

/// Runs what panics.
fn caught(run: impl FnOnce()) -> String {
    let payload = catch_unwind(AssertUnwindSafe(run)).expect_err("it should panic");
    match payload.downcast::<String>() {
        Ok(message) => *message,
        Err(payload) => (*payload.downcast::<&str>().expect("a message")).to_owned(),
    }
}

#[test]
fn after_a_caught_panic_values_carry_their_own_lines_and_scopes() {
    let tape = Tape::<f64>::new();
    let x = tape.var([1.0, 2.0]);
    let sine = || custom_vjp("f", |x| x[0].sin(), |_, _, _| panic!("in the gradient"), &[x]);
    let y = tape.scope("outer", || sine().sum());
    assert_eq!(caught(|| drop(y.backward_recorded())), "in the gradient");
    let (z, here) = (x.exp(), line!());
    assert_eq!((z.location().line(), z.location().file()), (here, file!()));
    assert!(z.scope_path().is_empty());
    caught(|| tape.scope("inner", || panic!("in a scope")));
    assert!(x.exp().scope_path().is_empty());
    // A sum of contributions of other shapes than the value, by hand.
    assert_eq!(z.sum().backward().wrt(x), z.value());
}

#[test]
fn after_a_caught_panic_a_program_runs_as_before() {
    let tape = Tape::<f64>::new();
    let (x, w) = (tape.var([1.0, 2.0, 3.0]), tape.var([0.5, 1.0, 1.5]));
    // Values on both sides of the function, so that buffers are used again.
    let before = (x * w).exp().tanh();
    let y = checkpoint(
        |v| {
            assert!(v[0].value().to_vec()[0] < 100.0, "too large");
            v[0].sin()
        },
        &[before * x],
    );
    let loss = (y * w).square().sum();
    let mut program = tape.compile(&[loss, loss.backward_recorded().wrt(x)]);
    let fresh = |program: &mut tape::Program<f64>| {
        program.run().unwrap();
        (program.value(0).clone(), program.value(1).clone())
    };
    let expected = fresh(&mut program);
    let large = Tensor::from([1e3, 1.0, 1.0]);
    for _ in 0..2 {
        let failed = caught(|| drop(program.run_with(&[(x.position(), &large)])));
        assert!(failed.contains("too large"), "{failed}");
        assert_eq!(fresh(&mut program), expected, "the leaf came back");
    }
}
