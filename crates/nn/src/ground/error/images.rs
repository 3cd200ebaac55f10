//! What can be wrong with images in folders, in sentences.

use std::path::PathBuf;

use ops::visible_lines;
use thiserror::Error;

use crate::ground::words::shown_path;

/// Images that are refused, or folders that hold none.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ImageError {
    /// A file that is no image, or is damaged.
    #[error("{} is no PNG or JPEG image that can be read: {problem}", shown_path(path), problem = visible_lines(problem))]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the decoder says.
        problem: String,
    },
    /// An image that is too large, by what its header says.
    #[error(
        "{} claims to have {} × {} pixels; 1 to {limit} are read from one image",
        shown_path(path), size[0], size[1]
    )]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its rows and columns.
        size: [usize; 2],
        /// How many pixels are read from one image.
        limit: u64,
    },
    /// More numbers than are read into one data set.
    #[error(
        "{}: {images} images of {} × {} pixels are more than {limit} numbers; resize them to fewer \
         pixels, or load fewer",
        shown_path(dir), size[0], size[1]
    )]
    TooMany {
        /// The folder.
        dir: PathBuf,
        /// How many images it holds.
        images: usize,
        /// Their rows and columns.
        size: [usize; 2],
        /// How many numbers are read.
        limit: u64,
    },
    /// Images of different sizes.
    #[error(
        "{} has {} × {} pixels but {} has {} × {}; all images of a data set need the same size, \
         which `resize` gives them",
        shown_path(first), first_size[0], first_size[1], shown_path(path), size[0], size[1]
    )]
    Sizes {
        /// The first image.
        first: PathBuf,
        /// Its rows and columns.
        first_size: [usize; 2],
        /// The first image of another size.
        path: PathBuf,
        /// Its rows and columns.
        size: [usize; 2],
    },
    /// A folder without folders in it.
    #[error(
        "{} holds no folders; the images of each class belong in a folder with the name of the \
         class",
        shown_path(dir)
    )]
    NoClasses {
        /// The folder.
        dir: PathBuf,
    },
    /// A class without images.
    #[error(
        "{} holds no images, which are files that end in .png, .jpg or .jpeg; a class needs at \
         least one",
        shown_path(dir)
    )]
    NoImages {
        /// The folder of the class.
        dir: PathBuf,
    },
    /// A folder whose name is not text.
    #[error("the name of the folder {} is not Unicode, so it cannot name a class", shown_path(dir))]
    ClassName {
        /// The folder.
        dir: PathBuf,
    },
    /// Classes of a second folder that the first does not have, or the other way round.
    #[error("{} has the classes {theirs}, but {} has {ours}", shown_path(dir), shown_path(other))]
    Classes {
        /// The second folder.
        dir: PathBuf,
        /// Its classes.
        theirs: String,
        /// The first folder.
        other: PathBuf,
        /// Its classes.
        ours: String,
    },
}
