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
        why_some_zero(gradient, largest, zeros, all, how);
        why_ask_of_one();
        why_open_one();
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
        sweep_from_tensor(shape, output);
        sweep_without_variable(output);
        no_gradient_other_tape(x, output);
        no_gradient_constant(x);
        no_gradient_detached(x);
        no_gradient_from_constants(x);
        no_gradient_cut(x, output, at);
        no_gradient_not_asked(x);
        no_gradient_not_ancestor(x, output);

        // An element or a path that was asked for and is not there.
        element_no_value(name, known);
        element_no_part(name);
        element_no_index(name, shape, index);
        element_of_number(name, shape, index);
        element_first(name, shape, index, first);
        paths_no_gradient(name, reason);
        paths_through_tensor(name, tensor);

        // What is wrong with an expression: what it is, the mark under the place, and help.
        typed_error();
        typed_help();
        typed_too_deep(levels);
        typed_level_too_many();
        typed_name_a_part();
        typed_too_large();
        typed_largest();
        typed_empty();
        typed_open_bracket();
        typed_too_early();
        typed_line_too_early();
        typed_unexpected(sign);
        typed_expected(what);
        typed_an_operand();
        typed_operator_or_end();
        typed_operator_or(bracket);
        typed_operator_comma_or(bracket);
        typed_product();
        typed_never_opened();
        typed_name_alone();
        typed_list_shapes(shape, first);
        typed_not_a_number(text);
        typed_expected_number();
        typed_one_expression();
        typed_nothing_to_differentiate();
        typed_put_a_name();
        typed_refused(op, problem);
        typed_no_broadcast(axis, left, right);
        typed_no_product(left, right, fitting);
        typed_no_product_with_vector(left, right, fitting);
        typed_is_a_number(operand);
        typed_number_has_no_axes();
        typed_other_shape(operand, shape);
        typed_of_nothing(axis);
        typed_not_scalar(shape);
        typed_reduce_it();
        typed_setting(setting, function);
        typed_takes[count, name, given];
        typed_takes_settings[count, name, settings, given];
        typed_and(settings, setting);
        typed_are_given[count];
        typed_no_function(name);
        typed_not_a_function();
        typed_product_with(name);
        typed_some_functions();
        typed_did_you_mean(near);
        typed_two_values(name);
        typed_has_a_value(name);
        typed_one_value_a_name();
        typed_other_name(name);
        typed_without_name();
        typed_nothing_can_use();
        typed_give_a_name();
        typed_not_used(name);
        typed_no_part();
        typed_given_not_used(name);
        typed_no_value(name);
        typed_given_no_value();
        typed_named_later(name);
        typed_call_it(name);

        // What is wrong with a command line.
        no_option(option);
        no_option_but(option, near);
        option_without_value(option);
        value_missing();
        option_takes_no_value(option, value);
        neither_option_nor_value(text);
        not_a_whole_number(text);
        too_large_a_number(text);
        not_a_decimal(text);
        unreadable(text, error);
        not_unicode(text);

        // Pictures of the graph.
        picture_title(name);
        picture_shape(lengths);
        picture_left_out[count, drawn, all, name];
        picture_operands_left_out[count];

        // The plan of a program.
        plan_values(values, steps, buffers, numbers, bytes, recorded);
        plan_bytes[count];
        plan_of_values[count];
        plan_buffers[count];
        plan_numbers[count];
        plan_ops[count, shape];
        plan_scalars[count, runs];
        plan_steps[count];
        plan_runs[count];
        plan_more_runs[count];
        plan_copied(name);
        plan_buffer(number);
        plan_row();
        plan_view();
        plan_number();
    }
}
