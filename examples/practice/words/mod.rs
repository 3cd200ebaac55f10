//! What the practice says, in the language of the reader.

mod en;

use std::ffi::OsString;
use std::fmt::Display;

use tape::words::{Language, codes_asked_for};

use crate::cli::Failure;
use crate::command_line::{MARKED, mark, marked_views, typed};

tape::catalogue! {
    /// What the practice says: each sentence a template, or the forms of one where a number is spoken
    /// of. The page holds those that its script says.
    pub struct Words {
        // The levels.
        scalars();
        about_scalars();
        chains();
        about_chains();
        diamonds();
        about_diamonds();
        products();
        about_products();
        broadcasting();
        about_broadcasting();
        cross_entropy();
        about_cross_entropy();
        convolution();
        about_convolution();
        lstm();
        about_lstm();
        attention();
        about_attention();

        // Problems.
        title(level, name);
        problem(number);
        problem_of(number, all);
        program_of(number);
        problems_and_seed[count, seed];
        constant();
        adjoint_of(value, output);
        local_at(name, formula);

        // Hints.
        goes_into_one(name);
        goes_into[count, name];
        passes_to(from, to, formula);
        alone(name, formula, by);
        passes_of_one(name, by, formula, adjoint, symbol);
        no_more_hints();

        // What is said of an answer.
        right(answer);
        right_alone();
        wrong(why);
        unreadable(why);
        the_answer(answer);
        score[asked, right, first, shown];
        score_so_far(right, all, first, shown);
        right_here_only(answer);
        not_it(answer);
        is_not_it(answer, number);
        not_comparable(number);
        write_something();
        too_long[count];
        one_number(count);
        not_known(name);
        too_deep[count];
        unexpected(character);
        ends_early();
        too_large();
        no_function(name);
        factor_missing(name);
        factor_wrong(name, others);
        factor_too_many(others);
        sign_of_product();
        contribution_missing(name);
        in_contribution(name, why);

        // Mistakes that are often made.
        slip_sign();
        slip_alone(name, missing);
        slip_added(one, other);
        slip_twice(name);
        slip_contribution_alone(name);
        slip_adjoints();
        slip_element(name);
        slip_value_of(name);
        slip_times_adjoint();
        slip_upside_down();
        slip_value();
        slip_operand(name);

        // The terminal.
        keys();

        // The page, of which this is HTML.
        how_in_html();
        no_script();
        button_check();
        button_hint();
        button_show();

        // The worksheet.
        your_name();
        seed(seed);
        bar_means();
        key();

        // The quiz.
        category(title, seed);
        question(problem, question);

        // The command line.
        help(levels, languages);
        see_help(problem);
        no_seed(text);
        no_number(option, text, least, most);
        no_language(code, list);
        wrote(file);
        no_file(file, error);
        no_output(error);
    }
}

/// A language: the sentences of the practice, and those of the views of `tape` that it quotes.
pub type Speech = tape::words::Speech<Words>;

/// English.
pub const ENGLISH: Speech = Speech::new(&en::ENGLISH, Language::ENGLISH);

/// The languages that there are.
pub const ALL: [Speech; 1] = [ENGLISH];

/// The language that a command line asks for, or English.
///
/// # Errors
/// If there is none of that code.
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

fn marked() -> Speech {
    Speech::new(Box::leak(Box::new(en::ENGLISH.changed(&mark))), marked_views())
}

/// A failure of the command line.
pub(crate) fn misuse(speech: Speech, problem: impl Display) -> Failure {
    Failure::Misuse(speech.see_help(problem))
}
