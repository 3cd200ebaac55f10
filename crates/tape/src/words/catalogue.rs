//! The macro that declares the sentences of a program, and the templates that they are made of.

use std::fmt::{Display, Write};

/// The kind of number that a language tells apart, as the plural rules of Unicode name them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Form {
    /// None, where there is a form for it.
    Zero,
    /// One, and what is said as one.
    One,
    /// Two, where there is a form for it.
    Two,
    /// A few, where there is a form for it.
    Few,
    /// Many, where there is a form for it.
    Many,
    /// All other numbers.
    Other,
}

impl Form {
    /// All forms.
    pub const ALL: [Self; 6] =
        [Self::Zero, Self::One, Self::Two, Self::Few, Self::Many, Self::Other];

    /// Its name in the plural rules.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Zero => "zero",
            Self::One => "one",
            Self::Two => "two",
            Self::Few => "few",
            Self::Many => "many",
            Self::Other => "other",
        }
    }
}

/// The templates of a sentence: one, or one for each form of number.
pub type Forms = Vec<(Form, &'static str)>;

/// A sentence about a number, in the forms that the language has for it.
#[derive(Clone, Copy, Debug)]
pub struct Counted {
    rule: fn(u128) -> Form,
    forms: [Option<&'static str>; 6],
}

impl Counted {
    /// A sentence that is the same for all numbers.
    pub const fn always(text: &'static str) -> Self {
        Self::new(|_| Form::Other, text)
    }

    /// A sentence about one, and what is said of all other numbers, as English and German tell them
    /// apart.
    ///
    /// ```
    /// use tape::words::Counted;
    ///
    /// let files = Counted::one_or_other("one file", "{count} files");
    /// assert_eq!([0, 1, 2].map(|n| files.of(n)), ["{count} files", "one file", "{count} files"]);
    /// ```
    pub const fn one_or_other(one: &'static str, other: &'static str) -> Self {
        let rule = |count| if count == 1 { Form::One } else { Form::Other };
        Self::new(rule, other).with(Form::One, one)
    }

    /// A sentence that has no form of its own for any number yet: [`with`](Self::with) gives them.
    /// `rule` tells the form of a number in the language.
    pub const fn new(rule: fn(u128) -> Form, other: &'static str) -> Self {
        let mut forms = [None; 6];
        forms[Form::Other as usize] = Some(other);
        Self { rule, forms }
    }

    /// The same sentence, and what is said for a form.
    #[must_use]
    pub const fn with(mut self, form: Form, text: &'static str) -> Self {
        self.forms[form as usize] = Some(text);
        self
    }

    /// The template for a form, if it has one of its own.
    pub const fn form(&self, form: Form) -> Option<&'static str> {
        self.forms[form as usize]
    }

    /// The template for a number.
    pub fn of(&self, count: u128) -> &'static str {
        let own = self.form((self.rule)(count));
        own.or(self.form(Form::Other)).unwrap_or_default()
    }

    /// The templates that there are.
    pub fn forms(&self) -> Forms {
        Form::ALL.into_iter().filter_map(|form| Some((form, self.form(form)?))).collect()
    }

    /// The same forms with other templates.
    #[must_use]
    pub fn changed(&self, change: &dyn Fn(&'static str) -> &'static str) -> Self {
        Self { rule: self.rule, forms: self.forms.map(|form| form.map(change)) }
    }
}

/// A number, to be asked for its form; the largest stands for those that are larger.
#[doc(hidden)]
pub fn form(count: impl TryInto<u128>) -> u128 {
    count.try_into().unwrap_or(u128::MAX)
}

/// A part of a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Text as it stands.
    Text(&'static str),
    /// A gap, by its name.
    Gap(&'static str),
}

/// The parts of a template, in order.
///
/// ```
/// use tape::words::{Piece, pieces};
///
/// let parts: Vec<Piece> = pieces("{name} waits").collect();
/// assert_eq!(parts, [Piece::Gap("name"), Piece::Text(" waits")]);
/// ```
pub fn pieces(template: &'static str) -> impl Iterator<Item = Piece> {
    let mut rest = template;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        if let Some((name, after)) = rest.strip_prefix('{').and_then(|rest| rest.split_once('}')) {
            rest = after;
            return Some(Piece::Gap(name));
        }
        let (text, after) = rest.split_at(rest.find('{').unwrap_or(rest.len()));
        rest = after;
        Some(Piece::Text(text))
    })
}

/// A template with its gaps filled.
#[doc(hidden)]
pub fn fill(template: &'static str, gaps: &[(&str, &dyn Display)]) -> String {
    let mut text = String::new();
    for piece in pieces(template) {
        let _ = match piece {
            Piece::Text(part) => text.write_str(part),
            Piece::Gap(name) => match gaps.iter().find(|gap| gap.0 == name) {
                Some((_, value)) => write!(text, "{value}"),
                None => Ok(()), // A catalogue is checked before it speaks.
            },
        };
    }
    text
}

/// Stops with the complaint if a template has a gap that is not among `gaps`, or lacks one of them;
/// the last of them may be lacking if it is a number.
#[doc(hidden)]
pub const fn check(complaint: &str, template: &str, gaps: &[&str], counted: bool) {
    let bytes = template.as_bytes();
    let mut found = [false; 8];
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at] == b'{' {
            let start = at + 1;
            while at < bytes.len() && bytes[at] != b'}' {
                at += 1;
            }
            let mut gap = 0;
            while gap < gaps.len() && !is(bytes, start, at, gaps[gap].as_bytes()) {
                gap += 1;
            }
            assert!(gap < gaps.len(), "{}", complaint);
            found[gap] = true;
        }
        at += 1;
    }
    let mut gap = 0;
    while gap < gaps.len() {
        let may_lack = counted && gap + 1 == gaps.len();
        assert!(found[gap] || may_lack, "{}", complaint);
        gap += 1;
    }
}

/// Whether a part of a text is a name.
const fn is(text: &[u8], start: usize, end: usize, name: &[u8]) -> bool {
    if end - start != name.len() {
        return false;
    }
    let mut at = 0;
    while at < name.len() {
        if text[start + at] != name[at] {
            return false;
        }
        at += 1;
    }
    true
}

/// Declares the sentences of a program: a type with a field for each, its template, and a method of
/// the same name that fills the gaps.
///
/// A sentence is declared with the names of its gaps: `greeting(name)`. In square brackets the first
/// is a number, for which a language may have several forms: `files[count, folder]`. Such a field is
/// a [`Counted`](crate::words::Counted).
///
/// ```
/// use tape::words::Counted;
///
/// tape::catalogue! {
///     /// What the program says.
///     pub struct Words {
///         title();
///         greeting(name);
///         files[count, folder];
///     }
/// }
///
/// static ENGLISH: Words = Words {
///     title: "Files",
///     greeting: "Good morning, {name}.",
///     files: Counted::one_or_other("one file in {folder}", "{count} files in {folder}"),
/// }
/// .checked();
///
/// assert_eq!(ENGLISH.greeting("Ada"), "Good morning, Ada.");
/// assert_eq!((ENGLISH.title(), ENGLISH.files(1, "a")), ("Files", "one file in a".to_owned()));
/// assert_eq!(ENGLISH.files(2, "a"), "2 files in a");
/// ```
///
/// A template with other gaps does not compile:
///
/// ```compile_fail
/// # tape::catalogue! { pub struct Words { greeting(name); } }
/// static ENGLISH: Words = Words { greeting: "Good morning, {nmae}." }.checked();
/// ```
#[macro_export]
macro_rules! catalogue {
    (
        $(#[$about:meta])*
        $vis:vis struct $Name:ident {
            $($(#[$doc:meta])* $sentence:ident $gaps:tt;)*
        }
    ) => {
        $(#[$about])*
        #[allow(missing_docs)] // Each says in English what it is.
        #[derive(Clone, Copy, Debug)]
        $vis struct $Name {
            $($(#[$doc])* $vis $sentence: $crate::sentence!(type $gaps),)*
        }

        #[allow(missing_docs, dead_code, clippy::too_many_arguments)]
        impl $Name {
            $($crate::sentence!(method $vis $sentence $gaps);)*

            /// The same, if each has the gaps that it was declared with.
            ///
            /// # Panics
            /// If one lacks a gap or has one too many.
            #[must_use]
            #[allow(clippy::large_types_passed_by_value)]
            $vis const fn checked(self) -> Self {
                $($crate::sentence!(check self $sentence $gaps);)*
                self
            }

            /// The same sentences with other templates.
            #[must_use]
            $vis fn changed(&self, change: &dyn Fn(&'static str) -> &'static str) -> Self {
                Self { $($sentence: $crate::sentence!(changed self change $sentence $gaps),)* }
            }

            /// The templates by the names of the sentences.
            $vis fn entries(&self) -> ::std::vec::Vec<(&'static str, $crate::words::Forms)> {
                ::std::vec![$(
                    (stringify!($sentence), $crate::sentence!(forms self $sentence $gaps)),
                )*]
            }
        }
    };
}

/// What `catalogue` writes for one sentence.
#[doc(hidden)]
#[macro_export]
macro_rules! sentence {
    (type ($($gap:ident),*)) => { &'static str };
    (type [$($gap:ident),*]) => { $crate::words::Counted };

    (method $vis:vis $name:ident ()) => {
        $vis const fn $name(&self) -> &'static str {
            self.$name
        }
    };
    (method $vis:vis $name:ident ($($gap:ident),+)) => {
        $vis fn $name(&self, $($gap: impl ::std::fmt::Display),+) -> ::std::string::String {
            $crate::words::fill(self.$name, &[$((stringify!($gap), &$gap)),+])
        }
    };
    (method $vis:vis $name:ident [$count:ident $(, $gap:ident)*]) => {
        $vis fn $name(
            &self,
            $count: impl ::std::fmt::Display + ::std::marker::Copy + TryInto<u128>,
            $($gap: impl ::std::fmt::Display),*
        ) -> ::std::string::String {
            let template = self.$name.of($crate::words::form($count));
            let gaps: &[(&str, &dyn ::std::fmt::Display)] =
                &[(stringify!($count), &$count), $((stringify!($gap), &$gap)),*];
            $crate::words::fill(template, gaps)
        }
    };

    (check $self:ident $name:ident ($($gap:ident),*)) => {
        let gaps = &[$(stringify!($gap)),*];
        $crate::words::check($crate::sentence!(complaint $name), $self.$name, gaps, false);
    };
    (check $self:ident $name:ident [$count:ident $(, $gap:ident)*]) => {
        let mut at = 0;
        while at < $crate::words::Form::ALL.len() {
            if let Some(template) = $self.$name.form($crate::words::Form::ALL[at]) {
                let gaps = &[$(stringify!($gap),)* stringify!($count)];
                $crate::words::check($crate::sentence!(complaint $name), template, gaps, true);
            }
            at += 1;
        }
    };

    (complaint $name:ident) => {
        concat!("the sentence ", stringify!($name), " has other gaps than it was declared with")
    };

    (changed $self:ident $change:ident $name:ident ($($gap:ident),*)) => { $change($self.$name) };
    (changed $self:ident $change:ident $name:ident [$($gap:ident),*]) => {
        $self.$name.changed($change)
    };

    (forms $self:ident $name:ident ($($gap:ident),*)) => {
        ::std::vec![($crate::words::Form::Other, $self.$name)]
    };
    (forms $self:ident $name:ident [$($gap:ident),*]) => { $self.$name.forms() };
}
