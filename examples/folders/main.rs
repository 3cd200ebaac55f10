//! A network trained on images in folders, a folder for each class, PNG or JPEG files.
//!
//! `cargo run --release -p folders -- pets --size 32`
//!
//! trains on four fifths of the images and tests on the rest. Without a folder it writes the digits
//! of the crate as PNG files into folders `0` to `9` of a temporary one, reads them back, and ends
//! with exit code 1 if fewer than 80 of 100 digits are read right.

use std::error::Error;
use std::path::{Path, PathBuf};

use nn::data::{Channels, ImageFolder};
use nn::prelude::*;

const USAGE: &str = "usage: folders [FOLDER] [--size PIXELS] [--epochs N]";

/// What the digits must reach.
const LEAST: f64 = 0.8;

struct Args {
    folder: Option<PathBuf>,
    size: Option<usize>,
    epochs: usize,
}

fn arguments() -> Result<Args, Box<dyn Error>> {
    use lexopt::prelude::{Long, Value, ValueExt};
    let mut args = Args { folder: None, size: None, epochs: 10 };
    let mut parser = lexopt::Parser::from_env();
    while let Some(arg) = parser.next()? {
        match arg {
            Long("size") => args.size = Some(parser.value()?.parse()?),
            Long("epochs") => args.epochs = parser.value()?.parse()?,
            Value(folder) if args.folder.is_none() => args.folder = Some(folder.into()),
            other => return Err(format!("{}\n{USAGE}", other.unexpected()).into()),
        }
    }
    Ok(args)
}

/// Writes each digit as an image of 8×8 pixels in the folder of its class.
fn write_digits(root: &Path) -> Result<(), Box<dyn Error>> {
    let digits = nn::data::digits::<f32>();
    let labels = digits.labels().expect("digits are classes");
    for digit in 0..10 {
        std::fs::create_dir(root.join(digit.to_string()))?;
    }
    let rows = digits.inputs().view();
    for (number, (pixels, label)) in rows.outer_iter().zip(labels).enumerate() {
        let bytes = pixels.iter().map(|&ink| (ink * 255.0).round() as u8).collect();
        let picture = image::GrayImage::from_raw(8, 8, bytes).expect("8 by 8 pixels");
        picture.save(root.join(label.to_string()).join(format!("{number:04}.png")))?;
    }
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let args = arguments()?;
    let written = tempfile::tempdir()?;
    if args.folder.is_none() {
        write_digits(written.path())?;
    }
    let mut folder = ImageFolder::new(args.folder.as_deref().unwrap_or(written.path()))?
        .channels(Channels::Gray);
    if let Some(size) = args.size {
        folder = folder.resize(size, size)?;
    }
    println!("{} images, classes: {}", folder.files().len(), folder.classes().join(", "));
    let classes = folder.classes().len();
    let (train, test) = folder.load::<f32>()?.split(0.2, 0)?;

    let rng = &mut nn::rng(0);
    let model = Sequential::new()
        .then(Conv2d::new(1, 16, 3, rng).padding(1))
        .then(Relu)
        .then(Conv2d::new(16, 32, 3, rng).stride(2).padding(1))
        .then(Relu)
        .then(GlobalAvgPool);
    let mut model = model.then(Dense::new(32, classes, rng));
    Fit::new().epochs(args.epochs).batch_size(32).validation(&test).run(
        &mut model,
        &train,
        &CrossEntropy,
        &mut Adam::new(0.01)?,
    )?;
    let accuracy = evaluate(&model, &test, &CrossEntropy)?.accuracy.unwrap_or_default();
    println!("test accuracy {accuracy:.4}");
    if args.folder.is_none() && accuracy < LEAST {
        return Err(format!("{accuracy:.4} of the digits, but {LEAST} were to be reached").into());
    }
    Ok(())
}
