//! The sentences of the page, and what stands in their gaps.

crate::catalogue! {
    /// What the page says: each a template or, where a number is spoken of, the forms of one. The
    /// page holds them, and its script fills their gaps.
    pub struct PageSentences {
        steps_title(name);
    }
}
