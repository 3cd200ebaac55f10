//! The sentences of the page for a browser, and what stands in their gaps.

crate::catalogue! {
    /// The sentences of the page for a browser. Its script takes those along that it says, and fills
    /// their gaps; in a sentence about a number, `count` is the number.
    pub struct PageSentences {
        // The file, and what it says without its script.
        page_title(name);
        page_title_of_training();
        no_steps();
        no_script();
        tools();
        button_find();
        button_exercise();
        button_theme();
        button_help();
        run_of_training();
        steps_of_training();
        training_step();
        training_before();
        training_after();
        button_open();
        the_graph();
        drawing();
        drawing_keys();
        view();
        zoom_in();
        zoom_out();
        button_fit();
        fit_graph();
        button_turn();
        turn_graph();
        open_or_close_all();
        this_step();
        heading_program();
        heading_legend();
        heading_all();
        steps();
        step();
        first_step();
        last_step();
        step_back();
        step_on();
        speed();
        to_forward();
        to_backward();
        to_update();
        pass_forward();
        pass_backward();
        pass_update();
        find_value();
        values_found();
        none_found();
        heading_keys();
        button_close();

        // Steps, groups and the switches.
        size(values, steps, element);
        count_values[count];
        count_steps[count];
        left_out(all, shown, left_out);
        step_count(number, all);
        step_of_pass(number, all, pass);
        button_play();
        button_pause();
        group_part(name, part);
        group_is_open(name);
        group_is_closed(name);
        all_are_open();
        all_are_closed();
        button_open_all();
        button_close_all();
        theme_auto();
        theme_light();
        theme_dark();
        find_for_value();
        find_for_gradient();

        // The list of keys.
        name_home();
        name_end();
        name_escape();
        names_find();
        names_graph();
        press_on();
        press_back();
        press_first();
        press_last();
        press_forward();
        press_backward();
        press_update();
        press_training();
        press_play();
        press_find();
        press_gradient();
        press_group();
        press_groups();
        press_why();
        press_exercise();
        press_zoom();
        press_fit();
        press_turn();
        press_theme();
        press_graph();
        press_escape();
        press_help();

        // The legend.
        sign_box();
        sign_arrow();
        sign_current();
        sign_no_flow();
        sign_waits();
        sign_ready();
        sign_done();
        sign_zero();
        sign_stop();
        sign_detached();
        sign_group();
        sign_heat();
        sign_update();
        sign_adjoint();

        // The graph.
        kind_variable();
        kind_constant();
        badge_stops();
        badge_next();
        ways[count];
        group_open(name);
        group_closed[count, name, done, all];
        group_closed_here[count, name, done, all];
        status_ahead();
        status_computed();
        status_current();
        status_done();
        status_next();
        status_ready();
        status_waiting();
        status_none();
        spoken_value(number);
        spoken_adjoint(number);
        spoken_stop();
        uses_reported[count, all];
        caption_weights();
        caption_output();
        caption_gradient();

        // Tensors.
        button_terms();
        shape_and_size[count, shape];
        range(min, mean, max);
        infinite_or_nan[count];
        at_index(index);
        first_elements();
        elements_open();
        note_product(element, why, product);
        picture_rows[count, size];
        picture_planes[count, all, size];
        picture_whole();
        picture_of_blocks(what);
        picture_image(what, most);
        picture_heat(what, most);

        // The step.
        computed_by(name, op);
        given_variable(name);
        given_constant(name);
        passes_on(name, op);
        has_gradient(name);
        inside_group(name);
        button_open_it();
        computed_from_left_out();
        no_gradient_will(reason);
        use_as_operand(name, number);
        why_now_output();
        why_now_only(uses);
        why_now_all[count, uses];
        ready_too(names);
        ready_too_more[count, names];
        operand_number(number, all);
        nothing_flows(reason);
        heading_local();
        heading_local_map();
        heading_contribution();
        heading_sum();
        shown_with_answer();
        rest_left_out();
        have_reported[count, all];
        all_reported();
        first_contribution();
        before_and_contribution();
        sum_before(value);
        cannot_take();
        sweep_done();
        is_next();
        is_ready();
        waits_for[count, all, users];
        button_take();
        still_to_come[count];

        // One value, and all of them.
        kind_and_shape(kind, shape);
        row_formula();
        row_value();
        row_adjoint();
        row_gradient();
        row_group();
        column_name();
        column_op();
        to_be_found();
        not_yet();
        none_because(reason);
        so_far(reported);
        selected(name);
        button_forward_step();
        button_backward_step();

        // The step, for those who hear the page.
        spoken_where(number, all, pass);
        spoken_forward(name, value);
        spoken_backward(name, value);
        spoken_passes(what);
        spoken_complete();
        passes_nothing(name);
        passes(value, name);
        passes_to_be_found(name);

        // Exercise.
        exercise_open[count];
        exercise_none_open();
        exercise_score(right, first, shown);
        asked_value();
        asked_local();
        asked_contribution();
        asked_sum();
        asked_of_element(asked, index);
        its_element(index);
        button_check();
        button_hint();
        button_show();
        mark_right();
        mark_shown();
        answer_right(answer);
        is_not_it(answer);
        not_a_number();
        sum_and_contribution();

        // The sum over paths.
        as_sum_over_paths[count, number];
        more_paths[count, number];
        count_factors[count, number];
        count_edges[count, number];
        paths_share(factors, edges);

        // Why a gradient is missing or zero.
        why_no_gradient();
        why_gradient_zero();
        why_elements_zero();
        why_reason(reason);
        why_reason_of(elements, reason);
        elements_and_more[count, elements];
        spoken_why(title, reasons);
        stop_is_marked();
        no_single_stop();
        nothing_missing();

        // A run of training.
        losses_spoken[count, first, last];
        training_chosen(number, all, loss);
        takes_step(name);
        loss_with_new();
        with_settings(settings);
        remark(text);
        was_and_becomes(change);
        gradient_of_sweep(gradient);
        heading_largest();
        loss_before(name);
        loss_after(name);
        loss_lower();
        loss_not_lower();
        open_step_of_training(number);
        spoken_loss(name, before, after);
        spoken_takes_step(name, before, after);
    }
}
