//! Named parts of what is recorded: a layer, a block, a model.

use std::sync::Arc;

/// A named part of what is recorded, opened by [`Tape::scope`](crate::Tape::scope).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// The name it was opened with.
    pub name: Arc<str>,
    /// The index of the scope around it in [`Tape::scopes`](crate::Tape::scopes).
    pub parent: Option<usize>,
}

/// The number of a scope from 1, in the order of entering; 0 stands for none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ScopeId(u32);

impl ScopeId {
    pub fn index(self) -> Option<usize> {
        (self.0 as usize).checked_sub(1)
    }
}

/// All scopes of a tape, and the one that is open.
#[derive(Debug, Default)]
pub(crate) struct Scopes {
    pub list: Vec<Scope>,
    pub open: ScopeId,
}

impl Scopes {
    pub fn open(&self) -> ScopeId {
        self.open
    }

    /// A new scope inside the open one.
    pub fn enter(&mut self, name: Arc<str>) -> ScopeId {
        self.list.push(Scope { name, parent: self.open.index() });
        ScopeId(self.list.len() as u32)
    }

    pub fn clear(&mut self) {
        self.list.clear();
        self.open = ScopeId::default();
    }

    /// The names of a scope and of those around it, the outermost first.
    pub fn path(&self, scope: ScopeId) -> Vec<String> {
        let inside_out = std::iter::successors(scope.index(), |&scope| self.list[scope].parent);
        let mut path: Vec<String> =
            inside_out.map(|scope| self.list[scope].name.to_string()).collect();
        path.reverse();
        path
    }
}
