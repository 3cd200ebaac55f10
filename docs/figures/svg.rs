//! A drawing in SVG: lines, boxes and words at places.

use std::fmt::Write;

/// A figure: its name, and what draws it.
pub type Figure = (&'static str, fn() -> String);

pub const BLUE: &str = "#1f5fa8";
pub const ORANGE: &str = "#c25700";
pub const GREY: &str = "#777777";
pub const BLACK: &str = "#222222";

/// A drawing on a white ground.
#[derive(Debug)]
pub struct Drawing {
    width: f64,
    height: f64,
    body: String,
}

impl Drawing {
    pub fn new(width: f64, height: f64) -> Self {
        Self { width, height, body: String::new() }
    }

    pub fn line(&mut self, (x1, y1): (f64, f64), (x2, y2): (f64, f64), color: &str, wide: f64) {
        let _ = writeln!(
            self.body,
            "<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" stroke=\"{color}\" \
             stroke-width=\"{wide}\"/>"
        );
    }

    /// A line with a head at its end.
    pub fn arrow(&mut self, from: (f64, f64), to: (f64, f64), color: &str) {
        self.line(from, to, color, 1.6);
        let (dx, dy) = (to.0 - from.0, to.1 - from.1);
        let length = dx.hypot(dy);
        let (ux, uy) = (dx / length, dy / length);
        let corner =
            |side: f64| (to.0 - 9.0 * ux - 4.0 * side * uy, to.1 - 9.0 * uy + 4.0 * side * ux);
        let ((ax, ay), (bx, by)) = (corner(1.0), corner(-1.0));
        let _ = writeln!(
            self.body,
            "<path d=\"M{:.1} {:.1}L{ax:.1} {ay:.1}L{bx:.1} {by:.1}Z\" fill=\"{color}\"/>",
            to.0, to.1
        );
    }

    pub fn path(&mut self, points: &[(f64, f64)], color: &str, wide: f64) {
        let places: Vec<String> = points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        let _ = writeln!(
            self.body,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{color}\" stroke-width=\"{wide}\"/>",
            places.join(" ")
        );
    }

    pub fn rectangle(&mut self, (x, y): (f64, f64), (w, h): (f64, f64), fill: &str, stroke: &str) {
        let _ = writeln!(
            self.body,
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{w:.1}\" height=\"{h:.1}\" fill=\"{fill}\" \
             stroke=\"{stroke}\"/>"
        );
    }

    /// Squares of one size and colour, by their upper left corners.
    pub fn squares(&mut self, corners: &[(f64, f64)], size: f64, fill: &str) {
        let mut outline = String::new();
        for (x, y) in corners {
            let _ = write!(outline, "M{x:.1} {y:.1}h{size}v{size}h-{size}z");
        }
        let _ = writeln!(self.body, "<path d=\"{outline}\" fill=\"{fill}\"/>");
    }

    pub fn dot(&mut self, (x, y): (f64, f64), radius: f64, fill: &str) {
        let _ = writeln!(
            self.body,
            "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius}\" fill=\"{fill}\" \
             stroke=\"#ffffff\" stroke-width=\"0.8\"/>"
        );
    }

    /// Words around a place.
    pub fn words(&mut self, (x, y): (f64, f64), words: &str, color: &str) {
        self.write((x, y), words, color, "middle");
    }

    /// Words that begin at a place.
    pub fn words_from(&mut self, (x, y): (f64, f64), words: &str, color: &str) {
        self.write((x, y), words, color, "start");
    }

    fn write(&mut self, (x, y): (f64, f64), words: &str, color: &str, anchor: &str) {
        let words = words.replace('&', "&amp;").replace('<', "&lt;");
        let _ = writeln!(
            self.body,
            "<text x=\"{x:.1}\" y=\"{y:.1}\" fill=\"{color}\" text-anchor=\"{anchor}\">{words}</text>"
        );
    }

    /// A box with words in it.
    pub fn labelled(&mut self, (x, y): (f64, f64), (w, h): (f64, f64), words: &str, color: &str) {
        let _ = writeln!(
            self.body,
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{w:.1}\" height=\"{h:.1}\" rx=\"6\" \
             fill=\"#f4f6f8\" stroke=\"{color}\" stroke-width=\"1.4\"/>"
        );
        self.words((x + w / 2.0, y + h / 2.0 + 5.0), words, color);
    }

    pub fn finish(self, title: &str) -> String {
        let Self { width, height, body } = self;
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" \
             width=\"{width}\" height=\"{height}\" role=\"img\" font-family=\"sans-serif\" \
             font-size=\"14\">\n<title>{title}</title>\n<rect width=\"{width}\" \
             height=\"{height}\" fill=\"#ffffff\"/>\n{body}</svg>\n"
        )
    }
}

/// A plot: numbers to places in a frame with its axes.
#[derive(Clone, Copy, Debug)]
pub struct Plot {
    /// Left, top, width and height of the frame.
    pub frame: (f64, f64, f64, f64),
    pub x: (f64, f64),
    pub y: (f64, f64),
}

impl Plot {
    pub fn at(&self, x: f64, y: f64) -> (f64, f64) {
        let (left, top, width, height) = self.frame;
        let part = |v: f64, (low, high): (f64, f64)| (v - low) / (high - low);
        (left + width * part(x, self.x), top + height * (1.0 - part(y, self.y)))
    }

    /// The frame, numbers along it, and what they are numbers of.
    pub fn axes(&self, drawing: &mut Drawing, xs: &[f64], ys: &[f64], names: [&str; 2]) {
        let (left, top, width, height) = self.frame;
        drawing.rectangle((left, top), (width, height), "none", GREY);
        for &x in xs {
            let (px, _) = self.at(x, self.y.0);
            drawing.line((px, top + height), (px, top + height + 4.0), GREY, 1.0);
            drawing.words((px, top + height + 19.0), &format!("{x}"), GREY);
        }
        for &y in ys {
            let (_, py) = self.at(self.x.0, y);
            drawing.line((left - 4.0, py), (left, py), GREY, 1.0);
            drawing.words((left - 18.0, py + 5.0), &format!("{y}"), GREY);
        }
        drawing.words((left + width / 2.0, top + height + 38.0), names[0], BLACK);
        drawing.words((left + 16.0, top - 8.0), names[1], BLACK);
    }

    pub fn curve(&self, drawing: &mut Drawing, f: impl Fn(f64) -> f64, color: &str) {
        let points: Vec<(f64, f64)> = (0..=100)
            .map(|i| self.x.0 + (self.x.1 - self.x.0) * f64::from(i) / 100.0)
            .map(|x| (x, f(x)))
            .filter(|&(_, y)| y >= self.y.0 && y <= self.y.1)
            .map(|(x, y)| self.at(x, y))
            .collect();
        drawing.path(&points, color, 2.0);
    }
}

/// Whether two drawings are the same but for what another processor's last bits can do: a pixel and a
/// half, or a shade.
pub fn look_alike(shown: &str, drawn: &str) -> bool {
    let parts = |text: &str| -> Vec<String> {
        text.split(|c: char| c.is_whitespace() || "\"',<>=".contains(c))
            .map(str::to_owned)
            .collect()
    };
    let shade = |part: &str| {
        let digits = part.strip_prefix('#').filter(|digits| digits.len() == 6)?;
        u32::from_str_radix(digits, 16).ok().map(u32::to_be_bytes)
    };
    let close = |a: &str, b: &str| {
        if let (Some(a), Some(b)) = (shade(a), shade(b)) {
            return a.iter().zip(b).all(|(&a, b)| a.abs_diff(b) <= 8);
        }
        let (Ok(a), Ok(b)) = (a.parse::<f64>(), b.parse::<f64>()) else { return false };
        (a - b).abs() <= 1.5
    };
    let (shown, drawn) = (parts(shown), parts(drawn));
    shown.len() == drawn.len() && shown.iter().zip(&drawn).all(|(a, b)| a == b || close(a, b))
}
