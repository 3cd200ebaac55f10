//! English.

mod page;

use super::{Catalogue, Counted, Sentences};

pub(super) static ENGLISH: Catalogue = Catalogue::new("en", "English", SENTENCES, page::PAGE);

const SENTENCES: Sentences = Sentences {
    // Why nothing flows.
    reason_constant: "a constant",
    reason_detached: "detached: gradients stop there",
    reason_untracked: "computed from constants or detached values only",
    reason_cut: "every path to the output passes a detached value",
    reason_zero_slope: "the derivative is 0 everywhere",
    nothing_reaches: "no gradient reaches it",

    // Both passes as text.
    forward_pass: "FORWARD: each value from those before it",
    backward_pass: "BACKWARD: each node, once all its uses have reported, passes its adjoint on",
    gradients: "GRADIENTS",
    step_forward: "step {number} of {all}, forward",
    step_backward: "step {number} of {all}, backward",
    given_as_variable: "variable, {place}",
    given_as_constant: "constant, {place}",
    given_as_detached: "detached, {place}",
    a_variable: "{name}, a variable",
    ready_output: "the output: the sweep starts here",
    ready_only: "ready: its only use has reported, {user}",
    ready_both: "ready: both its uses have reported, {users}",
    ready_all: Counted::always("ready: all its {count} uses have reported, {users}"),
    why_and_choice: "{why}; {choice}",
    choice_one: "{name} is ready too, and the last recorded goes first",
    choice_several: "{names} are ready too, and the last recorded goes first",
    names_and_more: Counted::always("{names} and {count} more"),
    named_twice: "{name} (twice)",
    named_times: Counted::always("{name} ({count} times)"),
    and_more: Counted::always("and {count} more"),
    nothing_to: "nothing to {name}: {reason}",
    no_gradient_for: "none for {name}: {reason}",
    complete: "{name} is complete",
    waits_for_only: "{name} waits for its only use, {users}",
    waits_for_both: "{name} waits for both its uses, {users}",
    waits_for_all: Counted::always("{name} waits for all its {count} uses, {users}"),
    waits_for_some: Counted::always("{name} waits for {missing} of its {all} uses, {users}"),
    more_wait: Counted::always("and {count} more wait"),

    // A large tensor on a line.
    large_tensor: "{shape} numbers {corner}",
    least: "min {number}",
    mean: "mean {number}",
    most: "max {number}",
    not_finite: Counted::always("{count} not finite"),

    // An element, opened.
    opened_given: "it was given",
    opened_output: "the sweep starts from it",
    operand_of: "operand {number} of {value}",
    only_operand_of: "the operand of {value}",
    from_its_use: "from its use as {operand}:",
    and_from_its_use: "and from its use as {operand}:",
    sum_of: Counted::always("the sum of {count} terms:"),
    more_together: Counted::always("and {count} more, together {sum}"),
    all_elements: "All elements, each in its place:",
    because: "{equation}: {why}.",
    product_of_matrices: "a product of matrices runs along the rows of the first and down the columns of the second",
    product_turned: "{name} is read the other way round, so it is transposed",
    product_of_vectors: "row i has the number {left}[i], column j the number {right}[j]: a column times a row, and ᵀ makes the row",

    // The sum over paths.
    paths_of: Counted::one_or_other(
        "{derivative}: the sum over {count} path from {from} to {to}",
        "{derivative}: the sum over {count} paths from {from} to {to}",
    ),
    paths_uncounted: "{derivative}: more paths than can be counted lead from {from} to {to}",
    and_more_paths: Counted::always("and {count} more paths"),
    paths_saved: "Path by path that is {factors} factors. The paths share {edges} edges, and the sweep walks each of them once.",

    // A run of training.
    training: Counted::always("TRAINING: the loss in each of {count} steps"),
    losses_after: "{first} {curve} {last} after",
    update: "UPDATE: the optimiser changes each parameter, by its gradient",
    is_updated: "{name} is updated",
    number_of_largest: "its number at {index}, which has the largest gradient:",
    loss_was: "{name} was {before}, and is {after} with the new parameters",
    remark_of_adam: "ηₜ · m is η · m̂, and sqrt(v) · cₜ is the root of v̂: ηₜ and cₜ are computed once for all weights",

    // Derivations and slides.
    gradient_of: "The gradient of {name}, step by step",
    title_forward: "Forward pass",
    title_backward: "Reverse sweep",
    bar_means: "A bar marks an adjoint: the derivative of the result by what is under it.",
    is_computed: "{name} is computed: {op}.",
    is_variable: "{name} is given, a variable.",
    is_constant: "{name} is given, a constant.",
    sweep_starts_at: "The sweep starts at the result, {name}.",
    used_once: "{name} is used once, and that use has reported.",
    used_times: Counted::always("{name} is used {count} times, and all uses have reported."),
    nothing_flows_to: "Nothing flows to {name}: {reason}.",
    values_and_steps: "{values} values, {steps} steps",
    step_of: "step {number} of {all}",
    column_value: "value",
    column_adjoint: "adjoint",

    // The screen.
    screen_title: "{pass} {number} of {all}",
    screen_title_in_training: "TRAINING {training} of {count} · {pass} {number} of {all}",
    screen_forward: "FORWARD",
    screen_backward: "BACKWARD",
    screen_update: "UPDATE",
    step_takes_update: "{name} takes the optimiser's step",
    step_after_update: "{name} after the update",
    step_has_gradient: "{name} has its gradient",
    step_passes_on: "{name} passes its adjoint on",
    step_is_given: "{name} is given",
    step_is_computed: "{name} is computed",
    step_why: "why: the gradient with respect to {name}; w or Esc closes",
    step_opened: "an element, opened: arrows go to another, Enter closes",
    in_scopes: "in {scopes}",
    your_line: "your line:",
    more_lines: Counted::always("↓ {count} more lines"),
    cell_none: "none",
    column_node: "node",
    derivative_by_node: "∂{output}/∂node",
    all_nodes: "all nodes",
    graph_with_values: "graph, with values",
    graph_with_adjoints: "graph, with adjoints so far",
    graph_in_part: "graph: the {drawn} nodes nearest to {name} of {all}, {left_out} left out",
    no_such_variable: "no such variable",
    jump_to: "jump to:",
    no_elements: "it has no elements",
    no_turn: "{name} has no turn in the backward pass",
    no_turn_because: "{name} has no turn in the backward pass: {reason}",
    no_such_name: "there is no {name}; there are {names}",
    no_such_name_but: "there is no {name}; did you mean {near}?",
    near_or: "{one} or {other}",
    no_such_training: "there is no such step of training",
    training_choice: "step {number} of {all}: loss {loss}, and {after} after it",
    training_keys: "← → one step  ↑ ↓ ten  Enter opens it  Esc goes back",
    training_title: "the loss in each step of training",
    key_on: "on",
    key_back: "back",
    key_first_last: "first, last",
    key_pass: "pass",
    key_pass_update: "pass, update",
    key_losses: "losses",
    key_training: "training",
    key_jump: "jump",
    key_help: "help",
    key_quit: "quit",
    keys_title: "keys",
    help: "\
→ space n     one step on            ← p       one step back
Home g        the first step         End G     the last step
f             the forward pass       b         the backward pass
Tab           the same node in the other pass
Enter         opens an element into the terms that it is the sum of: arrows
              go to another, Enter or Esc closes
/             jump to a variable: Tab completes, Enter jumps, Esc leaves
↑ ↓ PgUp PgDn scroll the step        H J K L   move the graph
d             four digits, or all    w         why a gradient is zero
?             this help              q Esc     quit

THE GRAPH     ▶ stands before the current node; its operands come in by
thick lines. Below a name stands its value in the forward pass, and in
the backward pass its adjoint so far: green when it is complete, yellow
while it waits for uses; ✕ stands where a gradient is stopped (w).

Any key goes back.",
    help_in_training: "\
u             the update            [ ]       another step of training
c             the losses: choose a step of training, Enter opens it
",
    too_small: "The steps need {columns} columns and {rows} rows; this terminal has {own_columns} and {own_rows}. Make it larger, or press q to quit.",

    // Why a gradient is missing, zero or not a number.
    origin: "recorded at {place}",
    origin_named: "{name}, recorded at {place}",
    origin_of_op: "result of {op}, recorded at {place}",
    op_at: "{op} (at {place})",
    why_of_gradient: "the gradient ({origin})",
    why_of_element: "the gradient at {index} ({origin})",
    why_empty: "{gradient} has no elements: the value has none",
    why_not_finite: "{gradient} is not finite in {bad} of {all} elements: {culprit}",
    why_no_culprit: "it was so from the start, or the adjoints on the way were not kept",
    why_not_zero: "{gradient} is not zero: its largest element is {largest}",
    why_some_zero: "{gradient} is not zero: its largest element is {largest}; {zeros} of its {all} elements are 0 (ask why_at of one)",
    why_zero: "{gradient} is zero: {reasons}",
    why_and: "{reasons}; and {reason}",
    why_more: Counted::always("{reasons}; and {count} more"),
    why_too_small: "the gradient that arrives at {op}, {largest} at most, is too small to go on",
    why_cancels: "the contributions that {op} adds up cancel exactly: what arrives there does not change its result",
    why_cancels_somewhere: "contributions to it cancel exactly",
    why_not_read: "{op} reads none of it: no element of its result depends on {origin}",
    why_no_slope: "{op} has slope 0 everywhere, so nothing passes it",
    why_stops_some: "{op} stops it in {stopped} of {all} places",
    why_unit_off: "the one unit of {op} is off: its operand ({origin}) is not above 0",
    why_units_off_there: "all {units} units of {op} that depend on it are off: its operand ({origin}) is not above 0 there",
    why_units_off: "all {units} units of {op} are off: its operand ({origin}) is nowhere above 0",
    why_masked_0: "{op} never takes this operand ({origin}): the mask is 0 there",
    why_masked_1: "{op} never takes this operand ({origin}): the mask is not 0 there",
    why_factor: "{op} multiplies by a factor that is 0 {places}",
    why_bounds: "{op} is at or beyond its bounds {places}",
    why_choice: "{op} never takes this operand ({origin})",
    why_saturated: "{op} is saturated: its slope rounds to 0 {places}",
    why_other_factor: "{op} multiplies by a factor ({other}) that is 0 wherever it meets this one",
    why_slope_0: "{op} passes on 0, its slope being 0 at these values",
    in_places: Counted::one_or_other("in the one place", "in all {count} places"),
};
