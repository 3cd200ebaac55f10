//! Export to ONNX.
/// Placeholder.
#[derive(Debug, thiserror::Error)]
#[error("x")]
pub struct ExportError;
