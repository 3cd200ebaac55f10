//! One rule read with five kinds of numbers.

use ops::prelude::*;
use ops::probe::SlopeReads;
use ops::rules::{Add, Matmul, Tanh};
use ops::{Dual, Formula, Lift, Tensor, gradient_formulas};
use tape::Tape;

fn main() {
    println!("numbers  {:.6}", Tensor::from([0.5, -1.25]).tanh().view());

    let x = Formula::symbol("x", &[]);
    let [slope] = &gradient_formulas(&Lift::unary(Tanh), &[x])[..] else { unreachable!() };
    println!("text     x̄ = {}", slope.as_ref().expect("a gradient"));
    let (a, b) = (Formula::symbol("a", &[2, 3]), Formula::symbol("b", &[3, 4]));
    for (name, formula) in ["ā", "b̄"].iter().zip(gradient_formulas(&Matmul, &[a, b])) {
        println!("         {name} = {}", formula.expect("a gradient"));
    }

    let x = Dual::new(Tensor::scalar(0.5), Tensor::scalar(1.0));
    println!("dual     dy/dx = {:.6}", x.tanh().tangent().expect("a tangent").item());

    let tape = Tape::new();
    let x = tape.var(0.5);
    let slope = x.tanh().backward_recorded().wrt(x);
    let curvature = slope.backward().wrt(x);
    println!("recorded dy/dx = {:.6}, d²y/dx² = {:.6}", slope.item(), curvature.item());

    let tanh = SlopeReads::of(Tanh, 0);
    println!("probe    tanh′ reads x: {}, reads y: {}", tanh.operand(0), tanh.output());
    println!("         ∂(a + b)/∂a is {:?} everywhere", SlopeReads::of(Add, 0).literal());
}
