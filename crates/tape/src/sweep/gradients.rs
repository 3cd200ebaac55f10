//! What a sweep returns.

use ops::{Float, Reading, Tensor};

use super::adjoints::Adjoints;
use crate::graph::error::{NoGradient, Origin};
use crate::graph::node::Source;
use crate::graph::var::Var;

/// The gradient of one value with respect to everything it was computed from: a value that
/// [`Var::backward`] returns, not a field that must be zeroed.
#[derive(Clone, Debug)]
pub struct Gradients<'t, A: Float, T> {
    output: Var<'t, A>,
    adjoints: Adjoints<T>,
    /// Of which nodes the adjoints were kept, if not of all.
    marked: Option<Vec<bool>>,
}

impl<'t, A: Float, T: FromTape<'t, A>> Gradients<'t, A, T> {
    pub(crate) fn new(output: Var<'t, A>, adjoints: Adjoints<T>) -> Self {
        Self { output, adjoints, marked: None }
    }

    /// Those of the marked nodes alone.
    pub(crate) fn of_marked(output: Var<'t, A>, adjoints: Adjoints<T>, marked: Vec<bool>) -> Self {
        Self { output, adjoints, marked: Some(marked) }
    }

    /// The gradient with respect to `x`, in the shape of `x`.
    ///
    /// It is zero where every path from `x` to the output passes an op whose derivative is zero,
    /// such as a step.
    ///
    /// # Panics
    /// If there is none: `x` is a constant, detached, or not among what the output was computed
    /// from. The message says which.
    #[track_caller]
    pub fn wrt(&self, x: Var<'t, A>) -> T {
        match self.try_wrt(x) {
            Ok(value) => value,
            Err(error) => panic!("{error}"),
        }
    }

    /// [`wrt`](Gradients::wrt), with an error in place of a panic.
    ///
    /// # Errors
    /// If there is no gradient with respect to `x`, and why.
    pub fn try_wrt(&self, x: Var<'t, A>) -> Result<T, NoGradient> {
        let tape = self.output.tape();
        let [origin, output] = [x, self.output].map(Origin::of);
        if !std::ptr::eq(tape, x.tape()) {
            return Err(NoGradient::OtherTape { x: origin, output });
        }
        if let Some(marked) = &self.marked
            && marked.get(x.position()) == Some(&false)
        {
            return Err(NoGradient::NotAsked { x: origin });
        }
        if let Some(adjoint) = self.adjoints.get(x.position()) {
            return Ok(adjoint.clone());
        }
        match tape.graph()[x.index()].source {
            Source::Constant => return Err(NoGradient::Constant { x: origin }),
            Source::Detached => return Err(NoGradient::Detached { x: origin }),
            _ if !x.is_tracked() => return Err(NoGradient::FromConstants { x: origin }),
            _ => {}
        }
        match self.path_from(x) {
            Path::Open => Ok(T::zeros(x)),
            Path::Detached(at) => Err(NoGradient::Cut { x: origin, output, at: Origin::of(at) }),
            Path::None => Err(NoGradient::NotAncestor { x: origin, output }),
        }
    }

    /// The value that was differentiated.
    pub(crate) fn output(&self) -> Var<'t, A> {
        self.output
    }

    /// The detached value on the way from `x` to the output, if one cuts every such way.
    pub(super) fn cut_of(&self, x: Var<'t, A>) -> Option<Var<'t, A>> {
        match self.path_from(x) {
            Path::Detached(at) => Some(at),
            Path::Open | Path::None => None,
        }
    }

    /// The position of the value that was differentiated.
    pub(crate) fn position(&self) -> usize {
        self.output.position()
    }

    /// The adjoint of a node, if anything reached it.
    pub(crate) fn adjoint(&self, position: usize) -> Option<&T> {
        self.adjoints.get(position)
    }

    /// Whether a path leads from `x` to the output, and whether a `detach` cuts every such path.
    fn path_from(&self, x: Var<'t, A>) -> Path<'t, A> {
        let tape = self.output.tape();
        let graph = tape.graph();
        // Depth first, each node with the detach nearest to the output on the way to it. Open
        // ways are followed before cut ones, so an open path is found if there is one.
        let mut seen = vec![false; self.output.position() + 1];
        let mut open = vec![self.output.index()];
        let mut cut = Vec::new();
        while let Some((node, detach)) = open.pop().map(|n| (n, None)).or_else(|| cut.pop()) {
            if std::mem::replace(&mut seen[node.index()], true) {
                continue;
            }
            if node == x.index() {
                return detach.map_or(Path::Open, |at| Path::Detached(Var::new(tape, at)));
            }
            let is_detach = matches!(graph[node].source, Source::Detached);
            let detach = detach.or(is_detach.then_some(node));
            for operand in graph.operands(node) {
                match detach {
                    None => open.push(operand),
                    Some(_) => cut.push((operand, detach)),
                }
            }
        }
        Path::None
    }
}

enum Path<'t, A: Float> {
    Open,
    Detached(Var<'t, A>),
    None,
}

/// The two kinds of gradient: numbers, or variables that can be differentiated again.
pub trait FromTape<'t, A: Float>: Reading {
    /// Zeros in the shape of `x`.
    fn zeros(x: Var<'t, A>) -> Self;
}

impl<'t, A: Float> FromTape<'t, A> for Tensor<A> {
    fn zeros(x: Var<'t, A>) -> Self {
        Self::zeros(&x.shape())
    }
}

impl<'t, A: Float> FromTape<'t, A> for Var<'t, A> {
    fn zeros(x: Var<'t, A>) -> Self {
        x.tape().constant(Tensor::zeros(&x.shape()))
    }
}
