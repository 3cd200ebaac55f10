//! Images in folders: what is read, in which order, and how what cannot be is refused.

use std::fs;
use std::path::Path;

use image::{DynamicImage, GrayImage, ImageFormat, Luma, Rgb, RgbImage};
use nn::data::{Channels, DataError, ImageError, ImageFolder, read_image};
use ops::Tensor;

/// Writes a picture, with the folders that it is in.
fn write(path: &Path, image: impl Into<DynamicImage>) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    image.into().save(path).unwrap();
}

fn gray(columns: u32, rows: u32, ink: u8) -> GrayImage {
    GrayImage::from_pixel(columns, rows, Luma([ink]))
}

fn refused(result: Result<impl Sized, DataError>) -> String {
    result.err().expect("an error").to_string()
}

#[test]
fn classes_are_folders_and_samples_come_in_the_order_of_their_paths() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    // Written in another order than they are read in.
    write(&root.join("dog/b.png"), gray(3, 2, 51));
    write(&root.join("dog/a.PNG"), gray(3, 2, 102));
    write(&root.join("cat/new/z.png"), gray(3, 2, 255));
    write(&root.join("cat/b.png"), gray(3, 2, 0));
    fs::write(root.join("cat/notes.txt"), "no image").unwrap();
    fs::write(root.join("README"), "no folder").unwrap();
    fs::create_dir(root.join(".cache")).unwrap();

    let folder = ImageFolder::new(root).unwrap().channels(Channels::Gray);
    assert_eq!(folder.classes(), ["cat", "dog"]);
    let names: Vec<_> =
        folder.files().iter().map(|(p, label)| (p.strip_prefix(root).unwrap(), *label)).collect();
    let wanted = [("cat/b.png", 0), ("cat/new/z.png", 0), ("dog/a.PNG", 1), ("dog/b.png", 1)];
    assert_eq!(names, wanted.map(|(path, label)| (Path::new(path), label)));
    let data = folder.load::<f64>().unwrap();
    assert_eq!((data.inputs().shape(), data.classes()), (&[4, 1, 2, 3][..], Some(2)));
    assert_eq!(data.labels().unwrap(), [0, 0, 1, 1]);
    assert_eq!(data.class_names().unwrap(), ["cat", "dog"]);
    let firsts: Vec<f64> = data.inputs().to_vec().into_iter().step_by(6).collect();
    assert_eq!(firsts, [0.0, 1.0, 0.4, 0.2]);
}

#[test]
fn colours_are_channels_and_brightness_is_their_weighted_sum() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.png");
    let mut image = RgbImage::new(2, 1);
    image.put_pixel(0, 0, Rgb([255, 0, 51]));
    image.put_pixel(1, 0, Rgb([0, 255, 102]));
    write(&path, image);
    let read = read_image::<f64>(&path, Channels::Rgb).unwrap();
    assert_eq!(read, Tensor::from([[[1.0, 0.0]], [[0.0, 1.0]], [[0.2, 0.4]]]));
    let gray = read_image::<f64>(&path, Channels::Gray).unwrap();
    assert_eq!(gray.shape(), [1, 1, 2]);
    let [red, green] = [0.2126 + 0.0722 * 0.2, 0.7152 + 0.0722 * 0.4];
    let apart =
        gray.to_vec().iter().zip([red, green]).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    assert!(apart < 1.0 / 255.0, "{gray}");
    // A gray image has three equal channels.
    write(&path, self::gray(2, 1, 51));
    assert_eq!(read_image::<f32>(&path, Channels::Rgb).unwrap(), Tensor::full(&[3, 1, 2], 0.2));
}

#[test]
fn jpeg_is_read_whatever_the_file_is_called() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a/x.png");
    fs::create_dir(dir.path().join("a")).unwrap();
    DynamicImage::from(gray(16, 8, 128)).save_with_format(&path, ImageFormat::Jpeg).unwrap();
    let data = ImageFolder::new(dir.path()).unwrap().load::<f64>().unwrap();
    assert_eq!(data.inputs().shape(), [1, 3, 8, 16]);
    assert!(data.inputs().to_vec().iter().all(|x| (x - 128.0 / 255.0).abs() < 0.02));
}

#[test]
fn images_of_another_size_are_refused_or_resized() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    write(&root.join("a/1.png"), gray(4, 2, 255));
    write(&root.join("b/1.png"), gray(2, 4, 51));
    let folder = ImageFolder::new(root).unwrap().channels(Channels::Gray);
    let text = refused(folder.load::<f64>());
    let [first, second] =
        ["a", "b"].map(|class| root.join(class).join("1.png").display().to_string());
    let wanted = format!(
        "{first} has 2 × 4 pixels but {second} has 4 × 2; all images of a data set need the same \
         size, which `resize` gives them"
    );
    assert_eq!(text, wanted);
    let data = folder.clone().resize(3, 5).unwrap().load::<f64>().unwrap();
    assert_eq!(data.inputs().shape(), [2, 1, 3, 5]);
    // An even ground stays even.
    let pixels = data.inputs().to_vec();
    assert!(pixels[..15].iter().all(|&x| x == 1.0) && pixels[15..].iter().all(|&x| x == 0.2));
    for (rows, columns, setting) in
        [(0, 3, "rows = 0"), (3, 0, "columns = 0"), (usize::MAX, 2, "rows = ")]
    {
        let text = refused(folder.clone().resize(rows, columns));
        assert!(text.contains(setting) && text.contains("1 to 67108864 pixels in all"), "{text}");
    }
}

#[test]
fn a_file_that_is_no_image_is_refused_with_its_name() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a/x.png");
    write(&path, gray(9, 7, 3));
    let whole = fs::read(&path).unwrap();
    let read = || read_image::<f64>(&path, Channels::Gray);
    assert!(read().is_ok());
    let start = format!("{} is no PNG or JPEG image that can be read: ", path.display());
    for cut in 0..whole.len() - 12 {
        fs::write(&path, &whole[..cut]).unwrap();
        let text = refused(read());
        assert!(text.starts_with(&start) && text.len() > start.len(), "{cut}: {text}");
        assert!(refused(ImageFolder::new(dir.path()).unwrap().load::<f64>()).starts_with(&start));
    }
    // A GIF under another name.
    fs::write(&path, b"GIF89a\x01\x00\x01\x00\x00\x00\x00;").unwrap();
    assert!(refused(read()).starts_with(&start));
    // A header that claims a gigapixel costs no memory.
    let mut large = whole.clone();
    large[16..24].copy_from_slice(&[0, 0, 0x80, 0, 0, 0, 0x80, 0]);
    let mut crc = flate2::Crc::new();
    crc.update(&large[12..29]);
    large[29..33].copy_from_slice(&crc.sum().to_be_bytes());
    fs::write(&path, &large).unwrap();
    let text = refused(read());
    let wanted = "claims to have 32768 × 32768 pixels; 1 to 67108864 are read from one image";
    assert!(text.ends_with(wanted), "{text}");
    fs::remove_file(&path).unwrap();
    assert!(refused(read()).contains("cannot be read: "));
}

#[test]
fn a_folder_without_classes_or_images_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    write(&root.join("x.png"), gray(1, 1, 0));
    let text = refused(ImageFolder::new(root));
    assert!(
        text.contains("holds no folders; the images of each class belong in a folder"),
        "{text}"
    );
    fs::create_dir(root.join("empty")).unwrap();
    let text = refused(ImageFolder::new(root));
    let named = root.join("empty").display().to_string();
    assert!(text.starts_with(&named) && text.contains("a class needs at least one"), "{text}");
    assert!(refused(ImageFolder::new(root.join("absent"))).contains("cannot be read"));
}

#[test]
fn training_and_test_folders_need_the_same_classes() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    for path in ["train/a/1.png", "train/b/1.png", "test/a/1.png", "test/c/1.png"] {
        write(&root.join(path), gray(1, 1, 0));
    }
    let [train, test] = ["train", "test"].map(|part| ImageFolder::new(root.join(part)).unwrap());
    train.check_same_classes(&train).unwrap();
    let error = train.check_same_classes(&test).unwrap_err();
    assert!(matches!(error, DataError::Images(ImageError::Classes { .. })));
    assert!(error.to_string().contains("has the classes a, c, but"), "{error}");
}

#[cfg(unix)]
#[test]
fn hostile_names_are_made_visible_and_links_are_not_followed() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    let class = root.join("a\u{1b}[2J\nb");
    write(&class.join("1.png"), gray(1, 1, 0));
    write(&class.join("2\u{202e}.png"), gray(2, 1, 0));
    // A link back to the root would never end.
    std::os::unix::fs::symlink(root, class.join("round")).unwrap();
    std::os::unix::fs::symlink(root, root.join("link")).unwrap();
    let folder = ImageFolder::new(root).unwrap();
    assert_eq!((folder.classes(), folder.files().len()), (&["a\u{1b}[2J\nb".to_owned()][..], 2));
    let text = refused(folder.load::<f64>());
    assert!(text.contains(r"a\u{1b}[2J\nb") && text.contains(r"2\u{202e}.png"), "{text}");
    assert!(!text.contains(['\u{1b}', '\n', '\u{202e}']), "{text}");
    fs::write(class.join("1.png"), "no image").unwrap();
    assert!(!refused(folder.load::<f64>()).contains(['\u{1b}', '\n']));

    let raw = root.join(OsStr::from_bytes(b"\xff"));
    if fs::create_dir(&raw).is_ok() {
        assert!(refused(ImageFolder::new(root)).contains("is not Unicode"));
    }
}
