//! Explanations drawn: each plot with its numbers in words, as a table, and as files to take away.
//!
//! A plot borrows what it shows and is a plain value: it says itself in words, draws itself for a wide and for a narrow place
//! and lists its numbers. [`figure`] puts it into a page, [`standalone`] into an SVG file, [`csv`] and [`json`] hand out its
//! numbers. Nothing here fetches, and nothing needs JavaScript.

mod axis;
mod beeswarm;
mod calibration;
mod chain;
mod comparison;
mod dependence;
mod figure;
mod force;
mod log_growth;
mod magnitude;
pub mod number;
mod over_time;
mod paths;
mod scale;
mod sensitivity;
mod stability;
#[cfg(feature = "ssr")]
mod standalone;
mod svg;
mod table;
mod text;
mod waterfall;

pub use beeswarm::{Beeswarm, BeeswarmPlot};
pub use calibration::{Calibration, CalibrationPlot};
pub use chain::{Chain, ChainPlot};
pub use comparison::{ComparisonPlot, SideBySide};
pub use dependence::{Dependence, DependencePlot};
pub use figure::{Frame, Plot, figure};
pub use force::{Force, ForcePlot};
pub use log_growth::{LogGrowth, LogGrowthPlot};
pub use magnitude::{MagnitudePlot, Magnitudes};
pub use over_time::{OverTime, OverTimePlot};
pub use paths::{Paths, PathsPlot};
pub use sensitivity::{Sensitivity, SensitivityPlot};
pub use stability::{Stability, StabilityPlot};
#[cfg(feature = "ssr")]
pub use standalone::{csv, json, standalone};
pub use svg::{Layout, Svg};
pub use table::{Cell, Table};
pub use waterfall::{Contributions, Waterfall, WaterfallPlot};

#[cfg(all(test, feature = "ssr"))]
mod samples;
#[cfg(all(test, feature = "ssr"))]
mod tests;
