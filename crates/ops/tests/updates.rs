//! Formulas of optimisers as lines: what is said of each number, in symbols and in numbers.

use ops::{
    Formula, Naming, Number, UpdateKind, UpdateLabels, UpdateRule, any_update, update_lines,
};

/// g ← g + λ w, m ← p m + (1 − p) g with p = 1 − 1/t, the mean of all gradients so far, w ← w − η m.
#[derive(Clone, Copy, Debug)]
struct Averaged {
    rate: f64,
    decay: f64,
    step: f64,
}

impl UpdateRule<3, 1> for Averaged {
    const KEPT: [&'static str; 1] = ["m"];
    fn constants<R: Number>(self, names: &mut impl Naming<R>) -> [R; 3] {
        let [rate, decay] = [names.setting("η", self.rate), names.setting("λ", self.decay)];
        let step = names.setting("t", self.step);
        [rate, decay, names.named("p", R::lit(1.0) - R::lit(1.0) / step)]
    }
    fn number<R: Number>(
        self,
        names: &mut impl Naming<R>,
        [rate, decay, past]: [R; 3],
        w: R,
        g: R,
        [m]: [R; 1],
    ) -> (R, [R; 1]) {
        let g = names.plus("g", g, decay, w);
        let m = names.named("m", past * m + (R::lit(1.0) - past) * g);
        names.aside("d", || g - m);
        (w - rate * m, [m])
    }
}

const LABELS: UpdateLabels<'_> = UpdateLabels { parameter: "w", gradient: "w̄", index: "[1]" };

/// A line: its kind, its symbol, its formula in symbols and in numbers, and its value.
type Line = (UpdateKind, String, String, String, f64);

/// The lines of a step of w = 2 with the gradient 1 and the kept number 4.
fn lines<const K: usize, const N: usize>(
    rule: impl UpdateRule<K, N>,
    labels: UpdateLabels<'_>,
) -> Vec<Line> {
    let number = |x: ops::UpdateNumber<f64>| Formula::number(x.to_f64());
    let lines = update_lines(rule, labels, [2.0, 1.0], [4.0; N], &number);
    let line = |line: ops::UpdateLine<f64>| {
        (line.kind, line.symbol, line.names, line.numbers, line.value.to_f64())
    };
    lines.into_iter().map(line).collect()
}

fn line(kind: UpdateKind, [symbol, names, numbers]: [&str; 3], value: f64) -> Line {
    (kind, symbol.to_owned(), names.to_owned(), numbers.to_owned(), value)
}

#[test]
fn every_number_of_a_step_has_its_line() {
    use UpdateKind::{Aside, Between, Kept, Once, Parameter, Setting};

    // p = 1 − 1/2, g = 1 + ¼ · 2, m = ½ · 4 + ½ · 1½, d = 1½ − 2¾, w = 2 − ½ · 2¾.
    assert_eq!(
        lines(Averaged { rate: 0.5, decay: 0.25, step: 2.0 }, LABELS),
        [
            line(Setting, ["η", "", ""], 0.5),
            line(Setting, ["λ", "", ""], 0.25),
            line(Setting, ["t", "", ""], 2.0),
            line(Once, ["p", "1 - 1 / t", "1 - 1 / 2"], 0.5),
            line(Between, ["g[1]", "w̄[1] + λ · w[1]", "1 + 0.25 · 2"], 1.5),
            line(Kept, ["m[1]", "p · m[1] + (1 - p) · g[1]", "0.5 · 4 + (1 - 0.5) · 1.5"], 2.75),
            line(Aside, ["d[1]", "g[1] - m[1]", "1.5 - 2.75"], -1.25),
            line(Parameter, ["w[1]", "w[1] - η · m[1]", "2 - 0.5 · 2.75"], 0.625),
        ]
    );
}

/// A weight decay of 0 is not spoken of, but a number that comes out as 0 is.
#[test]
fn a_setting_of_0_has_no_line_and_no_place_in_a_formula() {
    use UpdateKind::{Aside, Kept, Once, Parameter, Setting};

    // p = 1 − 1/1, g as it came, m = 0 · 4 + 1 · 1, d = 1 − 1, w = 2 − ½ · 1.
    assert_eq!(
        lines(Averaged { rate: 0.5, decay: 0.0, step: 1.0 }, LABELS),
        [
            line(Setting, ["η", "", ""], 0.5),
            line(Setting, ["t", "", ""], 1.0),
            line(Once, ["p", "1 - 1 / t", "1 - 1 / 1"], 0.0),
            line(Kept, ["m[1]", "p · m[1] + (1 - p) · w̄[1]", "0 · 4 + (1 - 0) · 1"], 1.0),
            line(Aside, ["d[1]", "w̄[1] - m[1]", "1 - 1"], 0.0),
            line(Parameter, ["w[1]", "w[1] - η · m[1]", "2 - 0.5 · 1"], 1.5),
        ]
    );
}

/// A factor of 1 is no factor of 0: the sum is written.
#[test]
fn a_sum_with_a_factor_of_1_has_its_line() {
    let lines = lines(Averaged { rate: 0.5, decay: 1.0, step: 1.0 }, LABELS);
    assert_eq!(lines[4], line(UpdateKind::Between, ["g[1]", "w̄[1] + λ · w[1]", "1 + 1 · 2"], 3.0));
}

/// w ← w − η g, where η is said for each number.
#[derive(Clone, Copy, Debug)]
struct OwnRate(f64);

impl UpdateRule<0, 0> for OwnRate {
    const KEPT: [&'static str; 0] = [];
    const REMARK: &'static str = "η could be another for each number";
    fn constants<R: Number>(self, _: &mut impl Naming<R>) -> [R; 0] {
        []
    }
    fn number<R: Number>(
        self,
        names: &mut impl Naming<R>,
        []: [R; 0],
        w: R,
        g: R,
        []: [R; 0],
    ) -> (R, [R; 0]) {
        let rate = names.setting("η", self.0);
        (w - rate * g, [])
    }
}

/// A setting may also be said where each number is computed.
#[test]
fn a_setting_of_one_number_has_its_line() {
    let labels = UpdateLabels { index: "", ..LABELS };
    assert_eq!(
        lines(OwnRate(0.5), labels),
        [
            line(UpdateKind::Setting, ["η", "", ""], 0.5),
            line(UpdateKind::Parameter, ["w", "w - η · w̄", "2 - 0.5 · 1"], 1.5),
        ]
    );
}

#[test]
fn a_rule_of_any_kind_says_the_same() {
    let rule = Averaged { rate: 0.5, decay: 0.25, step: 2.0 };
    let any = any_update::<f64, _, 3, 1>(rule);
    let number = |x: ops::UpdateNumber<f64>| Formula::number(x.to_f64());
    assert_eq!(
        any.lines(LABELS, [2.0, 1.0], &[4.0], &number),
        update_lines(rule, LABELS, [2.0, 1.0], [4.0], &number)
    );
    assert_eq!((any.kept(), any.remark()), (&["m"][..], ""));
    assert_eq!(any_update::<f64, _, 0, 0>(OwnRate(0.5)).remark(), OwnRate::REMARK);
}
