//! The magic numbers that IDX files start with, and what they mark.

/// Marks a file of images.
pub(crate) const IDX_IMAGES: u32 = 0x0000_0803;
/// Marks a file of labels.
pub(crate) const IDX_LABELS: u32 = 0x0000_0801;

/// What kind of file a magic number marks.
pub(crate) fn meaning(magic: u32) -> String {
    let [zero, also_zero, kind, axes] = magic.to_be_bytes();
    let elements = match kind {
        0x08 => "unsigned bytes",
        0x09 => "signed bytes",
        0x0b => "16-bit integers",
        0x0c => "32-bit integers",
        0x0d => "32-bit floats",
        0x0e => "64-bit floats",
        _ => "",
    };
    match magic {
        IDX_IMAGES => "images of unsigned bytes".to_owned(),
        IDX_LABELS => "labels of unsigned bytes".to_owned(),
        _ if zero == 0 && also_zero == 0 && !elements.is_empty() => {
            format!("{elements} on {axes} axes")
        }
        _ => "no IDX file".to_owned(),
    }
}
