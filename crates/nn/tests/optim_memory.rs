//! After its first step an optimiser allocates nothing.

use std::alloc::System;

use nn::ops::Shape;
use nn::prelude::*;
use nn::{Error, Gradients};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static GLOBAL: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// A layer that names its parameters without making a string.
struct Layer {
    weight: Parameter<f32>,
    bias: Parameter<f32>,
}

impl Module<f32> for Layer {
    fn forward<'t>(&self, _: &Pass<'t, f32>, x: Var<'t, f32>) -> Var<'t, f32> {
        x
    }
    fn output_shape(&self, input: &[usize]) -> Result<Shape, Error> {
        Ok(Shape::from_slice(input))
    }
    fn visit<'m>(&'m self, visit: &mut dyn FnMut(&str, &'m Parameter<f32>)) {
        visit("weight", &self.weight);
        visit("bias", &self.bias);
    }
    fn visit_mut(&mut self, visit: &mut dyn FnMut(&str, &mut Parameter<f32>)) {
        visit("weight", &mut self.weight);
        visit("bias", &mut self.bias);
    }
}

/// A name and an optimiser.
type Named = (&'static str, Box<dyn Optimizer<f32>>);

fn optimizers() -> Result<Vec<Named>, Error> {
    Ok(vec![
        ("Sgd", Box::new(Sgd::new(0.1)?)),
        ("momentum", Box::new(Sgd::momentum(0.1, 0.9)?)),
        ("AdaGrad", Box::new(AdaGrad::new(0.1)?)),
        ("RmsProp", Box::new(RmsProp::new(0.1)?.centered().momentum(0.5)?)),
        ("AdaDelta", Box::new(AdaDelta::new(1.0)?)),
        ("Adam", Box::new(Adam::new(0.1)?.amsgrad())),
        ("AdamW", Box::new(AdamW::new(0.1)?.group(|path| path == "bias", Group::new())?)),
        ("NAdam", Box::new(NAdam::new(0.1)?)),
        ("Lion", Box::new(Lion::new(0.1)?)),
    ])
}

// Not a #[test]: those run beside the harness, which allocates as well.
fn main() -> Result<(), Error> {
    for (name, mut optimizer) in optimizers()? {
        let mut layer = Layer {
            weight: Parameter::new(Tensor::ones(&[30, 20])),
            bias: Parameter::new(Tensor::ones(&[30])),
        };
        let mut gradients = Gradients::default();
        // As the sweep gives it for a weight that was used transposed.
        let transposed = ndarray::Array2::<f32>::ones((20, 30)).reversed_axes();
        gradients.insert(&layer.weight, transposed);
        gradients.insert(&layer.bias, Tensor::ones(&[30]));
        optimizer.step(&mut layer, &gradients)?;
        let region = Region::new(GLOBAL);
        for _ in 0..10 {
            optimizer.step(&mut layer, &gradients)?;
        }
        let change = region.change();
        assert_eq!(change.allocations + change.reallocations, 0, "{name}: {change:?}");
    }
    println!("no optimiser allocates after its first step");
    Ok(())
}
