//! A training run as a picture.

use std::error::Error as StdError;
use std::path::Path;

use plotters::coord::Shift;
use plotters::prelude::*;

use ops::visible;

use crate::ground::{Error, History};

/// The size of one panel, in pixels.
const PANEL: (u32, u32) = (520, 360);
/// Above this, values are drawn as if they were this: the range of an axis has to be finite.
const LARGEST: f64 = 1e300;
const TRAINING: RGBColor = RGBColor(31, 119, 180);
const VALIDATION: RGBColor = RGBColor(214, 95, 14);

/// One value over the epochs, with its counterpart on validation data.
struct Panel<'h> {
    name: &'h str,
    training: Vec<(usize, f64)>,
    validation: Vec<(usize, f64)>,
}

impl History {
    /// A plot of every value over the epochs, as an SVG picture: one panel each, with training and
    /// validation in the same panel.
    ///
    /// ```
    /// use nn::train::{EpochLog, History};
    ///
    /// let log = |epoch, loss| EpochLog { epoch, values: vec![("loss".into(), loss)] };
    /// let history = History { epochs: vec![log(1, 0.9), log(2, 0.4)], stopped: None };
    /// assert!(history.to_svg().starts_with("<svg"));
    /// ```
    pub fn to_svg(&self) -> String {
        let panels = self.panels();
        let columns = if panels.len() > 1 { 2 } else { 1 };
        let rows = panels.len().div_ceil(columns).max(1);
        let mut svg = String::new();
        {
            let size = (PANEL.0 * columns as u32, PANEL.1 * rows as u32);
            let root = SVGBackend::with_string(&mut svg, size).into_drawing_area();
            root.fill(&WHITE).expect("an SVG in memory");
            for (area, panel) in root.split_evenly((rows, columns)).iter().zip(&panels) {
                draw(area, panel).expect("an SVG in memory");
            }
            root.present().expect("an SVG in memory");
        }
        svg
    }

    /// Writes [`to_svg`](History::to_svg) to a file.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn write_svg(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        let path = path.as_ref();
        std::fs::write(path, self.to_svg()).map_err(|error| Error::file("write", path, &error))
    }

    fn panels(&self) -> Vec<Panel<'_>> {
        let columns = self.columns();
        let finite = |name: &str| {
            let points = self.column(name).into_iter().filter(|(_, value)| value.is_finite());
            points.map(|(epoch, value)| (epoch, value.clamp(-LARGEST, LARGEST))).collect()
        };
        let names = columns.iter().filter(|name| !name.starts_with("validation "));
        names
            .map(|name| Panel {
                name,
                training: finite(name),
                validation: finite(&format!("validation {name}")),
            })
            .filter(|panel| !panel.training.is_empty())
            .collect()
    }
}

fn draw<'a>(
    area: &DrawingArea<SVGBackend<'a>, Shift>,
    panel: &Panel<'_>,
) -> Result<(), Box<dyn StdError + 'a>> {
    let points = || panel.training.iter().chain(&panel.validation);
    let last = points().map(|&(epoch, _)| epoch).max().unwrap_or(1).max(2);
    let first = points().map(|&(epoch, _)| epoch).min().unwrap_or(1).min(last - 1);
    let low = points().map(|&(_, value)| value).fold(f64::INFINITY, f64::min);
    let high = points().map(|&(_, value)| value).fold(f64::NEG_INFINITY, f64::max);
    let margin = if high > low { 0.05 * (high - low) } else { 0.05 * high.abs().max(1.0) };
    let mut chart = ChartBuilder::on(area)
        .caption(visible(panel.name), ("sans-serif", 18))
        .margin(12)
        .x_label_area_size(36)
        .y_label_area_size(58)
        .build_cartesian_2d(first..last, low - margin..high + margin)?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .label_style(("sans-serif", 13))
        .x_desc("epoch")
        .draw()?;
    for (series, name, color) in
        [(&panel.training, "training", TRAINING), (&panel.validation, "validation", VALIDATION)]
    {
        if series.is_empty() {
            continue;
        }
        chart
            .draw_series(LineSeries::new(series.iter().copied(), color.stroke_width(2)))?
            .label(name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], color.stroke_width(2)));
        if series.len() == 1 {
            chart.draw_series(series.iter().map(|&point| Circle::new(point, 3, color.filled())))?;
        }
    }
    if !panel.validation.is_empty() {
        chart
            .configure_series_labels()
            .label_font(("sans-serif", 13))
            .background_style(WHITE.mix(0.8))
            .border_style(BLACK.mix(0.2))
            .draw()?;
    }
    Ok(())
}
