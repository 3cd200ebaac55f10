//! What the program says, in the language of the reader. The views speak the same one.

mod en;

use std::ffi::OsString;
use std::fmt::Display;

use tape::words::{Language, codes_asked_for};

use super::Failure;
use super::command_line::{MARKED, mark, marked_views, typed};

tape::catalogue! {
    /// What the program says.
    pub struct Words {
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
        no_program(name, list);
        no_program_but(name, near, list);
        no_optimizer(name, list);
        no_optimizer_but(name, near, list);
        no_rate(rate);
        no_language(code, list);
        no_value(option, name, known);
        no_element(element, error);
        no_paths(name, error);
        no_screen(error);
        no_output(error);
        no_file(file, error);
    }
}

/// A language: the sentences of this program, and those of the views.
pub type Speech = tape::words::Speech<Words>;

/// English.
pub const ENGLISH: Speech = Speech::new(&en::ENGLISH, Language::ENGLISH);

/// The languages that there are.
pub const ALL: [Speech; 1] = [ENGLISH];

/// The language that a command line asks for, or English.
pub fn asked_for(arguments: &[OsString]) -> Result<Speech, Failure> {
    codes_asked_for(arguments).try_fold(ENGLISH, |_, code| {
        if code == MARKED {
            return Ok(marked());
        }
        let list = Speech::list(&ALL);
        let unknown = || misuse(ENGLISH, ENGLISH.no_language(typed(code), list));
        Speech::find(&ALL, code).ok_or_else(unknown)
    })
}

/// A failure of the command line.
pub fn misuse(speech: Speech, problem: impl Display) -> Failure {
    Failure::Misuse(speech.see_help(problem))
}

fn marked() -> Speech {
    Speech::new(Box::leak(Box::new(en::ENGLISH.changed(&mark))), marked_views())
}
