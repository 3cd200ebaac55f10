//! English.

use super::Words;

pub static ENGLISH: Words = Words {
    help: "\
Shows both passes of a program step by step: each value forwards, each
gradient backwards, with every number, the formula it comes from, and why it
comes then.

Usage: step [PROGRAM] [--of NAME] [VIEW]...
       step [PROGRAM] --train STEPS [--optimizer NAME] [--rate RATE] [VIEW]...
       step --expr EXPRESSION [--let NAME=VALUE]... [--of NAME] [VIEW]...

Programs:
{programs}
Expressions:
  --expr \"tanh(w*x + b)\"       one statement, or several: \"z = w*x; y = sin(z)\"
  --let NAME=VALUE             a value for a name: 0.5, 1/3 or [1, 2, 3]; one
                               --let for each name
  --functions                  lists the functions that an expression can call

Views, of which each FILE may be - for the standard output:
  --text                       text, as without a terminal
  --plan FILE                  how both passes are replayed with other numbers:
                               which ops share a pass over the data, and which
                               buffer each value lives in
  --html FILE                  a page for a browser, with a scrubber
  --json FILE                  all steps as data
  --dot FILE                   the graph for Graphviz
  --mermaid FILE               the graph for Markdown on GitHub
  --svg FILE                   the graph as a picture
  --tikz FILE                  the graph as a picture for LaTeX
  --latex FILE                 the derivation as a LaTeX document
  --slides FILE                slides for a browser, a step a slide
Without a view: a screen in the terminal; ? lists its keys.

Options:
  --of NAME                    differentiates the variable NAME, and shows only
                               what it was computed from
  --element ELEMENT            opens an element into the terms that it is the
                               sum of: \"z[1]\", or of an adjoint \"grad W[1,0]\"
  --paths NAME                 the gradient with respect to NAME as the sum over
                               the paths from it to the result
  --train STEPS                a run of training: the loss of each step, and of
                               any both passes, the optimiser's step for each
                               weight, and the loss after it (text, HTML, JSON,
                               or the screen)
  --open N                     the step of training that is opened first, 1
                               unless told
  --optimizer NAME             sgd unless told; momentum, nesterov, adagrad,
                               rmsprop, adadelta, adam, adamw, nadam, lion
  --rate RATE                  its learning rate
  --digits N                   significant digits in text and pictures, 4 unless
                               told; from 17 on all
  --language CODE              the language of all that is said, en unless told;
                               there is {languages}
  -h, --help                   this text
",
    about_three_layers: "the textbook's network of three layers",
    about_neuron: "one neuron and its error",
    about_order: "b = a + a; c = b + b: why the order matters",
    about_shared_weight: "one weight used at three places",
    about_cross_entropy: "softmax and cross-entropy, op by op",
    about_digits: "one training step of a network that reads digits",
    shown_unless_told: "{about}; shown unless told",
    of_one_operand: "of one operand",
    of_two: "of two",
    of_three: "of three",
    wrote: "wrote {file}",
    trained_title: "{name}, trained step by step",
    step_of_training: "Step {number} of training:",

    // What is wrong with a command line.
    see_help: "{problem}\n`--help` tells what there is.",
    expression_twice: "--expr is given twice; statements of one expression are separated by `;`",
    one_program: "one program is shown, not {before} and {name}",
    expression_or_program: "--expr or the program {program}: one of them is shown",
    let_without_expression: "--let {name}=… is for an expression; --expr gives that",
    let_form: "--let {text}: it should read NAME=VALUE, such as w=0.5",
    let_twice: "--let {name}=… is given twice",
    let_value: "--let {text}\n{error}",
    add_let: "add --let {name}=NUMBER",
    open_0: "--open 0: the steps of a run are counted from 1",
    open_beyond: "--open {number}: the run has the steps 1 to {steps}",
    options_of_run: "--open, --optimizer and --rate are for a run; --train N makes one",
    train_expression: "--train is for a program; an expression does not say which of its names learn",
    train_alone: "--of, --element and --paths are for both passes alone, without --train",
    train_views: "with --train there are the views --text, --html and --json",
    no_program: "there is no program {name}. The programs are:\n{list}",
    no_program_but: "there is no program {name}. Did you mean {near}? The programs are:\n{list}",
    no_optimizer: "there is no optimiser {name}. There are {list}",
    no_optimizer_but: "there is no optimiser {name}. Did you mean {near}? There are {list}",
    no_rate: "--rate {rate}: a learning rate is more than 0, and finite",
    no_language: "there is no language {code}. There is {list}",
    no_value: "{option} {name}: there is no such value. Known: {known}",
    no_element: "--element {element}: {error}",
    no_paths: "--paths {name}: {error}",
    no_screen: "the screen cannot be shown: {error}",
    no_output: "the output cannot be written: {error}",
    no_file: "{file} cannot be written: {error}",
}
.checked();
