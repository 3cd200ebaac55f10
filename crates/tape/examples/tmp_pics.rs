//! Scratch.
use tape::{Picture, Tape, Trace, prelude::*};
fn save(name: &str, p: &Picture<'_, f64>) {
    std::fs::write(format!("/tmp/pic-views/{name}.svg"), p.to_svg()).unwrap();
    std::fs::write(format!("/tmp/pic-views/{name}.dot"), p.to_dot()).unwrap();
    std::fs::write(format!("/tmp/pic-views/{name}.mmd"), p.to_mermaid()).unwrap();
}
fn main() {
    std::fs::create_dir_all("/tmp/pic-views").unwrap();
    let tape = Tape::new();
    let w = tape.var(0.5).named("w");
    let x = tape.constant(2.0).named("x");
    let b = tape.var(0.1).named("b");
    let y = ((w * x) + b).tanh().named("y");
    save("neuron", &Picture::of(y).values().gradients(&y.backward()));
    let tape = Tape::new();
    let x = tape.constant([[0.5, -1.0, 0.25], [2.0, 0.125, -0.75]]).named("x");
    let net = || {
        let w = tape.var([[0.1, 0.3], [-0.2, 0.7], [0.9, -0.4]]).named("w1");
        let b = tape.var([0.05, -0.15]).named("b1");
        let h =
            tape.scope("layer 1", || tape.scope("Linear", || x.matmul(w) + b).tanh()).named("h");
        let v = tape.var([[0.3], [0.2]]).named("w2");
        let c = tape.var([0.5]).named("b2");
        let o = tape
            .scope("layer 2 <\"&'>", || {
                tape.scope("Linear", || h.matmul(v) + c).sigmoid() + h.sum()
            })
            .named("out");
        (h, o)
    };
    let (h, o) = tape.scope("model", net);
    let loss = ((o - 1.0).square().sum() + (h * h).sum() * 0.01).named("loss");
    save("net", &Picture::of(loss).shapes().values().gradients(&loss.backward()));
    println!("{}", Trace::of(loss).unwrap());
    let tape = Tape::new();
    let xs: Vec<_> = (0..3).map(|i| tape.var(0.3 * i as f64)).collect();
    let mut layer = xs.clone();
    for k in 0..2 {
        layer = tape.scope(format!("layer {k}"), || {
            (0..4)
                .map(|j| {
                    tape.scope(format!("unit {j}"), || {
                        let z = layer
                            .iter()
                            .map(|&x| x * tape.var(0.1 * j as f64).named("w"))
                            .reduce(|a, b| a + b)
                            .unwrap();
                        z.tanh()
                    })
                })
                .collect()
        });
    }
    let s = layer.into_iter().reduce(|a, b| a + b).unwrap().named("s");
    save("mlp", &Picture::of(s).values());
    save("mlp_limit", &Picture::of(s).values().limit(14));
    let odd = tape.var(1.0).named("a\"<&>\nb\\ 😀 - ∂ `x` $y$ #1;");
    let z = (odd * odd).named("<script>alert(1)</script>");
    save("odd", &Picture::of(z).values());
}
