//! The guides' programs: their gradients on random networks.

use ndarray::Array2;
use rand::Rng;
use rand_distr::{Distribution, StandardNormal};

/// The programs, for their networks.
#[allow(dead_code, clippy::duplicate_mod)]
#[path = "../../../examples/guides"]
mod programs {
    #[path = "guide_class.rs"]
    pub mod class;
    #[path = "guide_derivation.rs"]
    pub mod derivation;
    #[path = "guide_fifty.rs"]
    pub mod fifty;
    #[path = "guide_network.rs"]
    pub mod network;
}

fn normal(shape: [usize; 2], rng: &mut impl Rng) -> Array2<f64> {
    Array2::from_shape_simple_fn(shape, || StandardNormal.sample(rng))
}

/// A line of the derivation, to be spoiled.
type Line = fn(&mut programs::derivation::Derivatives) -> &mut Array2<f64>;

#[test]
fn the_derivation_is_the_sweep_and_a_slip_in_it_is_seen() {
    use programs::derivation::{Parameters, backward, beside_the_sweep, forward};
    let mut rng = nn::rng(1);
    let [x, y] = [normal([4, 1], &mut rng), normal([3, 1], &mut rng)];
    let p = Parameters {
        w1: normal([5, 4], &mut rng),
        b1: normal([5, 1], &mut rng),
        w2: normal([3, 5], &mut rng),
        b2: normal([3, 1], &mut rng),
    };
    let hand = || backward(&p, &forward(&p, &x, &y), &x, &y);
    assert!(beside_the_sweep(&p, &hand(), &x, &y).is_ok());
    let lines: [(&str, Line); 8] = [
        ("∂L/∂a₂", |d| &mut d.a2),
        ("∂L/∂z₂", |d| &mut d.z2),
        ("∂L/∂W₂", |d| &mut d.w2),
        ("∂L/∂b₂", |d| &mut d.b2),
        ("∂L/∂a₁", |d| &mut d.a1),
        ("∂L/∂z₁", |d| &mut d.z1),
        ("∂L/∂W₁", |d| &mut d.w1),
        ("∂L/∂b₁", |d| &mut d.b1),
    ];
    for (name, line) in lines {
        let mut wrong = hand();
        line(&mut wrong)[[0, 0]] *= 1.0 + 1e-3;
        let told = beside_the_sweep(&p, &wrong, &x, &y).unwrap_err();
        assert!(told.starts_with(&format!("{name}: by hand")), "{told}");
    }
}

#[test]
fn the_class_of_the_first_guide_is_the_sweep_for_both_costs() {
    use programs::class::{Cost, NeuralNetwork, beside_the_sweep};
    let mut rng = nn::rng(2);
    let mut network = NeuralNetwork::new(&[6, 5, 4, 3], &mut rng);
    // Away from the start, where all biases are zero and no unit is far from it.
    network.weights.iter_mut().for_each(|w| *w *= 10.0);
    let shapes: Vec<_> = network.biases.iter().map(|b| [b.nrows(), 1]).collect();
    network.biases = shapes.into_iter().map(|shape| normal(shape, &mut rng)).collect();
    let x = normal([6, 1], &mut rng);
    let y = Array2::from_shape_vec((3, 1), vec![0.0, 1.0, 0.0]).unwrap();
    let (activations, zs) = network.forward(&x);
    let told = |by: Cost, held: Cost| {
        let gradients = network.backward(&activations, &zs, &y, by);
        beside_the_sweep(&network, &gradients, &x, &y, held)
    };
    for cost in [Cost::HalfSquaredError, Cost::CrossEntropy] {
        told(cost, cost).unwrap();
    }
    // The guide prints the one and descends the other: they are not the same.
    let error = told(Cost::HalfSquaredError, Cost::CrossEntropy).unwrap_err();
    assert!(error.starts_with("δ of layer 4: by hand"), "{error}");
}

#[test]
fn the_fifty_units_of_the_second_guide_are_the_sweep() {
    use programs::fifty::{NeuralNetwork, beside_the_sweep};
    let mut rng = nn::rng(3);
    let network = NeuralNetwork { w1: normal([6, 5], &mut rng), w2: normal([5, 10], &mut rng) };
    let (x, y) = (normal([7, 6], &mut rng), normal([7, 10], &mut rng));
    let mut hand = network.backward(&x, &y, &network.forward(&x));
    beside_the_sweep(&network, &hand, &x, &y).unwrap();
    hand.w1 /= 7.0; // The gradient of the mean.
    let error = beside_the_sweep(&network, &hand, &x, &y).unwrap_err();
    assert!(error.starts_with("∂W₁: by hand"), "{error}");
}

#[test]
fn the_network_of_the_last_guide_is_the_sweep() {
    let mut rng = nn::rng(4);
    let network = programs::network::Network::new(&[6, 5, 4, 3], &mut rng);
    let samples: Vec<_> =
        (0..10).map(|_| (normal([6, 1], &mut rng), normal([3, 1], &mut rng))).collect();
    let names = network.beside_the_sweep(&samples).unwrap();
    assert_eq!(names.matches("δ of layer").count(), 3, "{names}");
}
