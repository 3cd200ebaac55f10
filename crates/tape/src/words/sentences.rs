//! The sentences of text, screens, slides and derivations, and what stands in their gaps.

crate::catalogue! {
    /// The sentences of text, screens, slides and derivations, each a template or, where a number is
    /// spoken of, the forms of one.
    pub struct Sentences {
        // Why nothing flows.
        reason_constant();
        reason_detached();
        reason_untracked();
        reason_cut();
        reason_zero_slope();
        nothing_reaches();

        // Both passes as text.
        forward_pass();
        backward_pass();
        gradients();
        step_forward(number, all);
        step_backward(number, all);
        given_as_variable(place);
        given_as_constant(place);
        given_as_detached(place);
        a_variable(name);
        ready_output();
        ready_only(user);
        ready_both(users);
        ready_all[count, users];
        why_and_choice(why, choice);
        choice_one(name);
        choice_several(names);
        names_and_more[count, names];
        named_twice(name);
        named_times[count, name];
        and_more[count];
        nothing_to(name, reason);
        no_gradient_for(name, reason);
        complete(name);
        waits_for_only(name, users);
        waits_for_both(name, users);
        waits_for_all[count, name, users];
        waits_for_some[missing, name, all, users];
        more_wait[count];

        // A large tensor on a line.
        large_tensor(shape, corner);
        least(number);
        mean(number);
        most(number);
        not_finite[count];

        // An element, opened.
        opened_given();
        opened_output();
        operand_of(number, value);
        only_operand_of(value);
        from_its_use(operand);
        and_from_its_use(operand);
        sum_of[count];
        more_together[count, sum];
        all_elements();
        because(equation, why);
        product_of_matrices();
        product_turned(name);
        product_of_vectors(left, right);

        // The sum over paths.
        paths_of[count, derivative, from, to];
        paths_uncounted(derivative, from, to);
        and_more_paths[count];
        paths_saved(factors, edges);

        // A run of training.
        training[count];
        losses_after(first, curve, last);
        update();
        is_updated(name);
        number_of_largest(index);
        loss_was(name, before, after);
        remark_of_adam();

        // Derivations and slides.
        gradient_of(name);
        title_forward();
        title_backward();
        bar_means();
        is_computed(name, op);
        is_variable(name);
        is_constant(name);
        sweep_starts_at(name);
        used_once(name);
        used_times[count, name];
        nothing_flows_to(name, reason);
        values_and_steps(values, steps);
        step_of(number, all);
        column_value();
        column_adjoint();

        // The screen.
        screen_title(pass, number, all);
        screen_title_in_training(training, count, pass, number, all);
        screen_forward();
        screen_backward();
        screen_update();
        step_takes_update(name);
        step_after_update(name);
        step_has_gradient(name);
        step_passes_on(name);
        step_is_given(name);
        step_is_computed(name);
        step_opened();
        step_why(name);
        in_scopes(scopes);
        your_line();
        more_lines[count];
        cell_none();
        column_node();
        derivative_by_node(output);
        all_nodes();
        graph_with_values();
        graph_with_adjoints();
        graph_in_part(drawn, name, all, left_out);
        no_such_variable();
        jump_to();
        no_elements();
        no_turn(name);
        no_turn_because(name, reason);
        no_such_name(name, names);
        no_such_name_but(name, near);
        near_or(one, other);
        no_such_training();
        training_choice(number, all, loss, after);
        training_keys();
        training_title();
        key_on();
        key_back();
        key_first_last();
        key_pass();
        key_pass_update();
        key_losses();
        key_training();
        key_jump();
        key_help();
        key_quit();
        keys_title();
        help();
        help_in_training();
        too_small(columns, rows, own_columns, own_rows);

        // Why a gradient is missing, zero or not a number.
        origin(place);
        origin_named(name, place);
        origin_of_op(op, place);
        op_at(op, place);
        why_of_gradient(origin);
        why_of_element(index, origin);
        why_empty(gradient);
        why_not_finite(gradient, bad, all, culprit);
        why_no_culprit();
        why_not_zero(gradient, largest);
        why_some_zero(gradient, largest, zeros, all);
        why_zero(gradient, reasons);
        why_and(reasons, reason);
        why_more[count, reasons];
        why_too_small(op, largest);
        why_cancels(op);
        why_cancels_somewhere();
        why_not_read(op, origin);
        why_no_slope(op);
        why_stops_some(op, stopped, all);
        why_unit_off(op, origin);
        why_units_off_there(op, units, origin);
        why_units_off(op, units, origin);
        why_masked_0(op, origin);
        why_masked_1(op, origin);
        why_factor(op, places);
        why_bounds(op, places);
        why_choice(op, origin);
        why_saturated(op, places);
        why_other_factor(op, other);
        why_slope_0(op);
        in_places[count];
    }
}
