//! English.

use tape::words::Counted;

use super::Words;

pub(super) static ENGLISH: Words = Words {
    // The levels.
    scalars: "scalars",
    about_scalars: "one op, one local derivative",
    chains: "chains",
    about_chains: "local derivatives multiply along a chain",
    diamonds: "diamonds",
    about_diamonds: "a value used twice: contributions add",
    products: "products",
    about_products: "products of matrices, and where the transpose comes from",
    broadcasting: "broadcasting",
    about_broadcasting: "what was spread in the forward pass is summed in the sweep",
    cross_entropy: "cross-entropy",
    about_cross_entropy: "softmax and cross-entropy: p - y",
    convolution: "convolution",
    about_convolution: "one kernel, used at every place",
    lstm: "lstm",
    about_lstm: "one step of an LSTM cell",
    attention: "attention",
    about_attention: "one query looks at three words",

    // Problems.
    title: "Practice, level {level}: {name}",
    problem: "Problem {number}",
    problem_of: "Problem {number} of {all}",
    program_of: "Program of problem {number}",
    problems_and_seed: Counted::always("{count} problems, seed {seed}"),
    constant: "constant",
    adjoint_of: "the adjoint of {value}: ∂{output}/∂{value}",
    local_at: "the local derivative at {name} = {formula}",

    // Hints.
    goes_into_one: "{name} goes into one value, which contributes its adjoint times the local derivative.",
    goes_into: Counted::always("{name} goes into {count} values. Each contributes its adjoint times the local derivative, and contributions are added."),
    passes_to: "What {from} passes to {to}: {formula}",
    alone: "Take {name} = {formula} by itself: how does it change when {by} alone changes a little?",
    passes_of_one: "What {name} passes to {by} is {formula}; put 1 for the element of {adjoint} that is asked about, {symbol}, and 0 for the others.",
    no_more_hints: "There are no more hints; `show` shows the answer.",

    // What is said of an answer.
    right: "Right: {answer}.",
    right_alone: "Right.",
    wrong: "No: {why}.",
    unreadable: "{why}.",
    the_answer: "The answer is {answer}.",
    score: Counted::one_or_other(
        "Score: {right} of {asked} question right, {first} at the first try without a hint, {shown} shown.",
        "Score: {right} of {asked} questions right, {first} at the first try without a hint, {shown} shown.",
    ),
    score_so_far: "{right} of {all} right, {first} at the first try without a hint, {shown} shown",
    right_here_only: "`{answer}` gives the right number here, but with other numbers in the program it does not: write names for all that depends on them, or one number",
    not_it: "{answer} is not it",
    is_not_it: "`{answer}` is {number} here, which is not it",
    not_comparable: "that is {number}, and not a number that can be compared",
    write_something: "write a number, such as -0.25 or 1/3, or a formula, such as 1 - y^2",
    too_long: Counted::always("that is longer than {count} characters"),
    one_number: "one number is asked for, and that is {count}",
    not_known: "no value {name} is known here: write the names of the program, and adjoints that are asked for before this one",
    too_deep: Counted::always("brackets, signs and powers are nested more than {count} levels deep"),
    unexpected: "unexpected `{character}`",
    ends_early: "the expression ends too early",
    too_large: "this number is too large",
    no_function: "there is no function {name}",
    factor_missing: "the factor {name} is missing",
    factor_wrong: "the first wrong factor is {name}: in its place is {others}",
    factor_too_many: "there is a factor too many: {others}",
    sign_of_product: "all factors are there, but the sign is the wrong way round",
    contribution_missing: "the contribution {name} is missing",
    in_contribution: "in the contribution {name}: {why}",

    // Mistakes that are often made.
    slip_sign: "the sign is the wrong way round",
    slip_alone: "that is {name} alone: the factor {missing} is missing",
    slip_added: "{one} and {other} are multiplied, not added",
    slip_twice: "the factor {name} is there twice",
    slip_contribution_alone: "that is the contribution {name} alone: the others are to be added",
    slip_adjoints: "that is the sum of the adjoints: the local derivatives are missing",
    slip_element: "that is another element, {name}",
    slip_value_of: "that is the value of {name}, not its adjoint",
    slip_times_adjoint: "that is the local derivative times the adjoint: asked is the local one alone",
    slip_upside_down: "that is the derivative the other way round",
    slip_value: "that is the value, not the derivative",
    slip_operand: "that is the derivative by the other operand, {name}",

    // The terminal.
    keys: "\
Answer with a number (-0.25, 1/3, 0.224*0.07) or a formula in the names of the
program (1 - y^2, ā*w). A bar over a letter may be left to `bar`: zbar for z̄.
hint: the next hint   show: the answer   quit: the score   help: this again
",

    // The page, of which this is HTML.
    how_in_html: "\
Answer with a number (<code>-0.25</code>, <code>1/3</code>, <code>0.224*0.07</code>) or with a
  formula in the names of the program (<code>1 - y^2</code>, <code>2*e*x</code>). An adjoint such as z̄ may be written
  <code>zbar</code>; numbers count within 1 %, formulas are compared at random points.",
    no_script: "This page checks answers with a script of its own, and scripts are turned off.",
    button_check: "Check",
    button_hint: "Hint",
    button_show: "Show",

    // The worksheet.
    your_name: "Name",
    seed: "seed {seed}",
    bar_means: "A bar marks an adjoint: z̄ is the derivative of the result by z. A local derivative takes one line of the program by itself.",
    key: "Key",

    // The quiz.
    category: "Chain rule/{title}, seed {seed}",
    question: "Problem {problem}, question {question}",

    // The command line.
    help: "\
Problems in the chain rule, made from a seed. Each is a small program on the
tape; asked are its local derivatives and adjoints, answered with numbers or
formulas. The key is the sweep's own gradient.

Usage: practice [--level N] [--seed N] [--problems N] [FORM]...

Levels:
{levels}
Forms, of which each FILE may be - for the standard output:
  --html FILE                  a page for a browser
  --worksheet FILE             a page to print, with the key on a page of its own
  --moodle FILE                questions for Moodle, as XML
Without a form: questions in the terminal.

Options:
  --level N                    1 unless told
  --seed N                     the same seed makes the same problems; 1 unless told
  --problems N                 5 unless told, at most 50
  --language CODE              the language of all that is said, en unless told;
                               there is {languages}
  -h, --help                   this text
",
    see_help: "{problem}\n`--help` tells what there is.",
    no_seed: "--seed {text}: a seed is a whole number, such as 7",
    no_number: "--{option} {text}: it is a whole number from {least} to {most}",
    no_language: "there is no language {code}. There is {list}",
    wrote: "wrote {file}",
    no_file: "{file} cannot be written: {error}",
    no_output: "the output cannot be written: {error}",
}
.checked();
