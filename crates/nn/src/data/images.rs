//! Images in folders, as PNG or JPEG files: a folder for each class.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use image::imageops::FilterType;
use image::{DynamicImage, ImageDecoder, ImageReader, Limits};
use ops::{Float, Tensor};

use super::dataset::{Dataset, tensor};
use super::idx::MAX_PIXELS;
use crate::ground::error::{DataError, ImageError};
use crate::ground::words::shown_list;

/// The most pixels that are read from one image: 2²⁶, 8,192 × 8,192.
pub const MAX_IMAGE_PIXELS: u64 = 1 << 26;

/// What a pixel is made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Channels {
    /// One number: its brightness, 0.2126 red + 0.7152 green + 0.0722 blue.
    Gray,
    /// Three numbers: red, green and blue.
    #[default]
    Rgb,
}

impl Channels {
    fn count(self) -> usize {
        match self {
            Self::Gray => 1,
            Self::Rgb => 3,
        }
    }
}

/// Images in folders, a folder for each class, as torchvision's `ImageFolder` takes them.
///
/// ```text
/// pets/cat/1.png
/// pets/cat/2.jpg
/// pets/dog/old/1.png
/// ```
///
/// The classes are the folders, in the order of their names; a class may have folders of its own.
/// Images are files that end in `.png`, `.jpg` or `.jpeg`, in the order of their paths. Names that
/// begin with a dot are passed over, and links to folders are not followed.
///
/// ```
/// use nn::data::{Channels, ImageFolder};
/// # let dir = tempfile::tempdir()?;
/// # let root = dir.path();
/// # for (class, ink) in [("cat", 0), ("dog", 255)] {
/// #     std::fs::create_dir(root.join(class))?;
/// #     image::GrayImage::from_pixel(3, 2, image::Luma([ink])).save(root.join(class).join("1.png"))?;
/// # }
///
/// let folder = ImageFolder::new(root)?.channels(Channels::Gray);
/// assert_eq!(folder.classes(), ["cat", "dog"]);
/// let data = folder.load::<f32>()?;
/// assert_eq!(data.inputs().shape(), [2, 1, 2, 3]);
/// assert_eq!(data.labels(), Some(&[0, 1][..]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ImageFolder {
    root: PathBuf,
    classes: Vec<String>,
    files: Vec<(PathBuf, usize)>,
    channels: Channels,
    size: Option<[usize; 2]>,
}

impl ImageFolder {
    /// Lists the images of a folder. None is read yet.
    ///
    /// # Errors
    /// If a folder cannot be read, there are no classes, a class has no images, or its name is not
    /// Unicode.
    pub fn new(root: impl AsRef<Path>) -> Result<Self, DataError> {
        let root = root.as_ref();
        let (mut classes, mut files) = (vec![], vec![]);
        for dir in entries(root)?.into_iter().filter(|entry| entry.is_dir) {
            let name = dir.path.file_name().and_then(|name| name.to_str());
            let Some(name) = name else {
                return Err(ImageError::ClassName { dir: dir.path }.into());
            };
            let own = images_below(&dir.path)?;
            if own.is_empty() {
                return Err(ImageError::NoImages { dir: dir.path }.into());
            }
            files.extend(own.into_iter().map(|path| (path, classes.len())));
            classes.push(name.to_owned());
        }
        if classes.is_empty() {
            return Err(ImageError::NoClasses { dir: root.to_owned() }.into());
        }
        let (channels, size) = (Channels::default(), None);
        Ok(Self { root: root.to_owned(), classes, files, channels, size })
    }

    /// The names of the classes, in the order of their labels.
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// The files and their labels, in the order in which they are loaded.
    pub fn files(&self) -> &[(PathBuf, usize)] {
        &self.files
    }

    /// Sets what a pixel is made of; without this, red, green and blue.
    pub fn channels(mut self, channels: Channels) -> Self {
        self.channels = channels;
        self
    }

    /// Stretches or shrinks every image to this many rows and columns.
    ///
    /// # Errors
    /// If one is 0, or an image would have more than [`MAX_IMAGE_PIXELS`].
    pub fn resize(mut self, rows: usize, columns: usize) -> Result<Self, DataError> {
        if pixels([rows, columns]).is_none() {
            return Err(DataError::Setting {
                of: "ImageFolder::resize",
                setting: if columns == 0 { "columns" } else { "rows" },
                given: if columns == 0 { 0.0 } else { rows as f64 },
                expected: format!("1 to {MAX_IMAGE_PIXELS} pixels in all"),
            });
        }
        self.size = Some([rows, columns]);
        Ok(self)
    }

    /// Reads all images: inputs of shape `[images, channels, rows, columns]` from 0 to 1, labels, and
    /// the names of the classes.
    ///
    /// # Errors
    /// If a file cannot be read, is no PNG or JPEG image, has another size than the first and there
    /// is no [`resize`](Self::resize), or all together are more than [`MAX_PIXELS`] numbers.
    pub fn load<A: Float>(&self) -> Result<Dataset<A>, DataError> {
        let mut elements = vec![];
        let mut first: Option<(&Path, [usize; 2])> = None;
        for (path, _) in &self.files {
            let image = self.resized(open(path)?);
            let size = size_of_image(&image);
            let (first, first_size) = *first.get_or_insert((path, size));
            if size != first_size {
                let (first, path) = (first.to_owned(), path.clone());
                return Err(ImageError::Sizes { first, first_size, path, size }.into());
            }
            self.check_room(size)?;
            push(image, self.channels, &mut elements);
        }
        let (_, [rows, columns]) = first.expect("a folder has at least one image");
        let shape = [self.files.len(), self.channels.count(), rows, columns];
        let labels = self.files.iter().map(|&(_, label)| label).collect();
        Dataset::classification(tensor(&shape, elements), labels, self.classes.len())?
            .with_class_names(&self.classes)
    }

    /// That another folder, such as that of the test images, has the same classes, so that its labels
    /// mean the same.
    ///
    /// # Errors
    /// If it has not.
    pub fn check_same_classes(&self, other: &Self) -> Result<(), DataError> {
        if self.classes == other.classes {
            return Ok(());
        }
        let [ours, theirs] = [self, other].map(|folder| shown_list(&folder.classes));
        let (dir, other) = (other.root.clone(), self.root.clone());
        Err(ImageError::Classes { dir, theirs, other, ours }.into())
    }

    fn resized(&self, image: DynamicImage) -> DynamicImage {
        match self.size {
            Some(size) if size != size_of_image(&image) => {
                image.resize_exact(size[1] as u32, size[0] as u32, FilterType::Triangle)
            }
            _ => image,
        }
    }

    /// That all images of this size are not too much.
    fn check_room(&self, size: [usize; 2]) -> Result<(), DataError> {
        let each = pixels(size).map(|pixels| pixels * self.channels.count() as u64);
        let all = each.and_then(|each| each.checked_mul(self.files.len() as u64));
        if all.is_some_and(|all| all <= MAX_PIXELS) {
            return Ok(());
        }
        let (dir, images, limit) = (self.root.clone(), self.files.len(), MAX_PIXELS);
        Err(ImageError::TooMany { dir, images, size, limit }.into())
    }
}

/// One PNG or JPEG image, as a tensor of shape `[channels, rows, columns]` from 0 to 1.
///
/// A pixel of 16 bits is rounded to 8; how transparent it is does not matter.
///
/// # Errors
/// If the file cannot be read, is no PNG or JPEG image, is damaged, or claims more than
/// [`MAX_IMAGE_PIXELS`].
pub fn read_image<A: Float>(
    path: impl AsRef<Path>,
    channels: Channels,
) -> Result<Tensor<A>, DataError> {
    let image = open(path.as_ref())?;
    let [rows, columns] = size_of_image(&image);
    let mut elements = vec![];
    push(image, channels, &mut elements);
    Ok(tensor(&[channels.count(), rows, columns], elements))
}

/// What a folder holds.
struct Entry {
    path: PathBuf,
    is_dir: bool,
}

/// The entries of a folder, by their names.
fn entries(dir: &Path) -> Result<Vec<Entry>, DataError> {
    let failed = |path: &Path, cause: io::Error| DataError::Io { path: path.to_owned(), cause };
    let mut entries = vec![];
    for entry in fs::read_dir(dir).map_err(|cause| failed(dir, cause))? {
        let entry = entry.map_err(|cause| failed(dir, cause))?;
        let path = entry.path();
        if entry.file_name().as_encoded_bytes().starts_with(b".") {
            continue;
        }
        let is_dir = entry.file_type().map_err(|cause| failed(&path, cause))?.is_dir();
        entries.push(Entry { path, is_dir });
    }
    entries.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(entries)
}

/// The images of a folder and of the folders in it, by their paths.
fn images_below(dir: &Path) -> Result<Vec<PathBuf>, DataError> {
    let (mut dirs, mut images) = (vec![dir.to_owned()], vec![]);
    while let Some(dir) = dirs.pop() {
        for Entry { path, is_dir } in entries(&dir)? {
            if is_dir {
                dirs.push(path);
            } else if is_image(&path) {
                images.push(path);
            }
        }
    }
    images.sort();
    Ok(images)
}

fn is_image(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    let is = |known: &&str| extension.is_some_and(|given| given.eq_ignore_ascii_case(known));
    ["png", "jpg", "jpeg"].iter().any(is)
}

fn size_of_image(image: &DynamicImage) -> [usize; 2] {
    [image.height() as usize, image.width() as usize]
}

/// The number of pixels of an image of this size, if it is within the limit.
fn pixels([rows, columns]: [usize; 2]) -> Option<u64> {
    let pixels = (rows as u64).checked_mul(columns as u64);
    pixels.filter(|pixels| (1..=MAX_IMAGE_PIXELS).contains(pixels))
}

/// Decodes a file, whose first bytes tell what it is, once its header has been looked at.
fn open(path: &Path) -> Result<DynamicImage, DataError> {
    let failed = |cause| DataError::Io { path: path.to_owned(), cause };
    let unreadable = |error: image::ImageError| match error {
        // The operating system's errors have a code; those of a decoder, which found the file too
        // short, have none.
        image::ImageError::IoError(cause) if cause.raw_os_error().is_some() => failed(cause),
        error => {
            let (path, problem) = (path.to_owned(), error.to_string());
            ImageError::Unreadable { path, problem }.into()
        }
    };
    let reader = ImageReader::open(path).map_err(failed)?;
    let mut reader = reader.with_guessed_format().map_err(failed)?;
    // The limit of pixels is ours; the decoder's is for what else a file may claim.
    let mut limits = Limits::default();
    limits.max_alloc = Some(8 * MAX_IMAGE_PIXELS);
    reader.limits(limits);
    let decoder = reader.into_decoder().map_err(unreadable)?;
    let (columns, rows) = decoder.dimensions();
    let size = [rows as usize, columns as usize];
    if pixels(size).is_none() {
        let (path, limit) = (path.to_owned(), MAX_IMAGE_PIXELS);
        return Err(ImageError::TooLarge { path, size, limit }.into());
    }
    DynamicImage::from_decoder(decoder).map_err(unreadable)
}

/// Appends an image, one channel after the other.
fn push<A: Float>(image: DynamicImage, channels: Channels, elements: &mut Vec<A>) {
    let number = |byte: u8| A::from_f64(f64::from(byte) / 255.0);
    match channels {
        Channels::Gray => elements.extend(image.into_luma8().iter().map(|&byte| number(byte))),
        Channels::Rgb => {
            let image = image.into_rgb8();
            for channel in 0..3 {
                elements.extend(image.pixels().map(|pixel| number(pixel.0[channel])));
            }
        }
    }
}
