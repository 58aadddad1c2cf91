//! What can be taken away from the window, and how pictures of it are to look.

/// Something that can be taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Take {
    /// The whole topology as pixels.
    CanvasPng,
    /// The whole topology as a drawing.
    CanvasSvg,
    /// The window as it is seen.
    WindowPng,
    /// The charts over the time that is seen, as pixels.
    ChartsPng,
    /// The same as a drawing.
    ChartsSvg,
    /// All samples of the charts as a table.
    ChartsCsv,
    /// What happened and what it cost.
    LogText,
    /// All figures so far, in the shape of `run --json`.
    ResultsJson,
}

impl Take {
    /// What it is, at the start of a sentence.
    pub fn name(self) -> &'static str {
        match self {
            Self::CanvasPng => "Picture of the canvas",
            Self::CanvasSvg => "Drawing of the canvas",
            Self::WindowPng => "Picture of the window",
            Self::ChartsPng => "Picture of the charts",
            Self::ChartsSvg => "Drawing of the charts",
            Self::ChartsCsv => "Samples of the charts",
            Self::LogText => "Log",
            Self::ResultsJson => "Results",
        }
    }

    /// Title of the dialog that asks for its file.
    pub fn title(self) -> &'static str {
        match self {
            Self::CanvasPng => "Save the picture of the canvas as",
            Self::CanvasSvg => "Save the drawing of the canvas as",
            Self::WindowPng => "Save the picture of the window as",
            Self::ChartsPng => "Save the picture of the charts as",
            Self::ChartsSvg => "Save the drawing of the charts as",
            Self::ChartsCsv => "Save the samples of the charts as",
            Self::LogText => "Save the log as",
            Self::ResultsJson => "Save the results as",
        }
    }

    /// What its file's name ends with, after the topology's and before the dot.
    pub fn part(self) -> &'static str {
        match self {
            Self::CanvasPng | Self::CanvasSvg => "",
            Self::WindowPng => "-window",
            Self::ChartsPng | Self::ChartsSvg | Self::ChartsCsv => "-charts",
            Self::LogText => "-log",
            Self::ResultsJson => "-results",
        }
    }

    /// The kind of file, for dialogs, and the ending of its name.
    pub fn format(self) -> (&'static str, &'static str) {
        match self {
            Self::CanvasPng | Self::WindowPng | Self::ChartsPng => ("PNG picture", "png"),
            Self::CanvasSvg | Self::ChartsSvg => ("SVG drawing", "svg"),
            Self::ChartsCsv => ("CSV table", "csv"),
            Self::LogText => ("Text", "txt"),
            Self::ResultsJson => ("JSON", "json"),
        }
    }
}

/// How pictures are to look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct TakeOptions {
    /// Dark or light; `None`: as the window.
    pub dark: Option<bool>,
    /// The canvas shows the topology alone and nothing of the run.
    pub without_figures: bool,
}
