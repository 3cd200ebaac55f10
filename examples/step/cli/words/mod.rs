//! What the program says, in the language of the reader. The views speak the same one.

mod en;

use std::ops::Deref;

use tape::words::Language;

use super::Failure;

tape::catalogue! {
    /// What the program says.
    pub struct Words {
        code();
        help(programs, languages);
        about_three_layers();
        about_neuron();
        about_order();
        about_shared_weight();
        about_cross_entropy();
        about_digits();
        shown_unless_told(about);
        of_one_operand();
        of_two();
        of_three();
        wrote(file);
        trained_title(name);
        step_of_training(number);

        see_help(problem);
        expression_twice();
        one_program(before, name);
        expression_or_program(program);
        let_without_expression(name);
        let_form(text);
        let_twice(name);
        let_value(text, error);
        add_let(name);
        open_0();
        open_beyond(number, steps);
        options_of_run();
        train_expression();
        train_alone();
        train_views();
        no_option(option);
        no_option_but(option, near);
        no_program(name, list);
        no_program_but(name, near, list);
        no_optimizer(name, list);
        no_optimizer_but(name, near, list);
        no_language(code, list);
        no_value(option, name, known);
        no_element(element, error);
        no_paths(name, error);
        no_screen(error);
        no_output(error);
        no_file(file, error);
    }
}

/// What the program says in every language.
static ALL: [&Words; 1] = [&en::ENGLISH];

/// A language: the sentences of this program, and those of the views.
#[derive(Clone, Copy)]
pub struct Speech {
    pub words: &'static Words,
    pub views: Language,
}

impl Deref for Speech {
    type Target = Words;

    fn deref(&self) -> &Words {
        self.words
    }
}

impl Default for Speech {
    fn default() -> Self {
        Self { words: &en::ENGLISH, views: Language::ENGLISH }
    }
}

impl Speech {
    /// The languages that both the program and the views have.
    fn all() -> Vec<Self> {
        let both =
            |words: &&'static Words| Some(Self { words, views: Language::find(words.code())? });
        ALL.iter().filter_map(both).collect()
    }

    /// The languages with their codes.
    pub fn list() -> String {
        let all = Self::all();
        let names = all.iter().map(|speech| format!("{} ({})", speech.code(), speech.views.name()));
        names.collect::<Vec<_>>().join(", ")
    }

    /// The language of a code.
    pub fn find(code: &str) -> Result<Self, Failure> {
        #[cfg(test)]
        if code == MARKED {
            return Ok(Self::marked());
        }
        Self::all().into_iter().find(|speech| speech.code() == code).ok_or_else(|| {
            let english = Self::default();
            english.misuse(english.no_language(code, Self::list()))
        })
    }

    /// A failure of the command line.
    pub fn misuse(self, problem: impl std::fmt::Display) -> Failure {
        Failure::Misuse(self.see_help(problem))
    }
}

/// The code of a language for tests, in which every sentence is in brackets.
#[cfg(test)]
pub const MARKED: &str = "en-x-marked";

#[cfg(test)]
impl Speech {
    fn marked() -> Self {
        let mark = |text: &'static str| &*format!("⟦{text}⟧").leak();
        let views = Language::ENGLISH.catalogue().changed(MARKED, "Marked", &mark);
        let words = Box::leak(Box::new(en::ENGLISH.changed(&mark)));
        Self { words, views: Language::of(Box::leak(Box::new(views))) }
    }
}
