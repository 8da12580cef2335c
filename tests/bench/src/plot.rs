//! The growth of cost as a picture: three panels, logarithmic, as SVG.

use std::error::Error;
use std::ops::Range;

use plotters::coord::Shift;
use plotters::coord::ranged1d::ValueFormatter;
use plotters::prelude::*;

use crate::BenchError;
use crate::growth::{MACHINE, Point, Series};

const SIZE: (u32, u32) = (1260, 440);
const BLUE: RGBColor = RGBColor(0x1f, 0x5f, 0xa8);
const ORANGE: RGBColor = RGBColor(0xc2, 0x5a, 0x0a);
const INK: RGBColor = RGBColor(0x22, 0x22, 0x22);
const GRID: RGBColor = RGBColor(0xdd, 0xdd, 0xdd);
const FONT: &str = "sans-serif";

/// Instructions, the same in all panels, so that they can be compared.
const INSNS: Range<f64> = 1e3..1e7;

/// How the sizes lie on their axis.
#[derive(Clone, Copy)]
enum Scale {
    /// Evenly. A level of depth doubles the leaves: it is already a logarithm.
    Linear,
    /// By their logarithm to a base, whose powers are labelled.
    Log(f64),
}

/// A panel: its words, its axes and what is drawn in it.
struct Panel {
    title: &'static str,
    x: &'static str,
    sizes: Range<f64>,
    scale: Scale,
    ticks: usize,
    lines: &'static [(Series, &'static str, RGBColor)],
}

const PANELS: [Panel; 3] = [
    Panel {
        title: "Fast feedforward, leaves of 8 neurons",
        x: "depth of the tree",
        sizes: 0.9..10.5,
        scale: Scale::Linear,
        ticks: 10,
        lines: &[(Series::EveryLeaf, "every leaf", ORANGE), (Series::Tree, "the leaf that the tree picks", BLUE)],
    },
    Panel {
        title: "Logic gates, word wiring, 4 layers",
        x: "gates",
        sizes: 800.0..170_000.0,
        scale: Scale::Log(10.0),
        ticks: 6,
        lines: &[(Series::Gates, "every gate", BLUE)],
    },
    Panel {
        title: "Routed experts of 16 neurons",
        x: "experts",
        sizes: 3.6..72.0,
        scale: Scale::Log(2.0),
        ticks: 6,
        lines: &[(Series::EveryExpert, "every expert", ORANGE), (Series::Experts, "router and its best two", BLUE)],
    },
];

/// Draws the points.
///
/// # Errors
/// If the drawing fails.
pub fn svg(points: &[Point]) -> Result<String, BenchError> {
    let mut text = String::new();
    draw(&mut text, points).map_err(|error| BenchError::Plot(error.to_string()))?;
    Ok(text)
}

fn draw(text: &mut String, points: &[Point]) -> Result<(), Box<dyn Error>> {
    let area = SVGBackend::with_string(text, SIZE).into_drawing_area();
    area.fill(&WHITE)?;
    let title = format!("Executed instructions of a run on {MACHINE} (Cortex-M4)");
    let area = area.titled(&title, (FONT, 19).into_font().color(&INK))?;
    for (panel, area) in PANELS.iter().zip(area.split_evenly((1, 3))) {
        let (mut chart, sizes, insns) = (frame(&area, panel), panel.sizes.clone(), INSNS.log_scale());
        match panel.scale {
            Scale::Linear => fill(chart.build_cartesian_2d(sizes, insns)?, panel, points)?,
            Scale::Log(base) => {
                fill(chart.build_cartesian_2d(sizes.log_scale().base(base), insns)?, panel, points)?;
            }
        }
    }
    area.present()?;
    Ok(())
}

fn frame<'a, 'b>(area: &'a DrawingArea<SVGBackend<'b>, Shift>, panel: &Panel) -> ChartBuilder<'a, 'b, SVGBackend<'b>> {
    let mut builder = ChartBuilder::on(area);
    builder
        .margin(10)
        .margin_right(18)
        .caption(panel.title, (FONT, 16).into_font().color(&INK))
        .x_label_area_size(44)
        .y_label_area_size(66);
    builder
}

fn fill<'a, 'b: 'a, X>(
    mut chart: ChartContext<'a, SVGBackend<'b>, Cartesian2d<X, LogCoord<f64>>>,
    panel: &Panel,
    points: &[Point],
) -> Result<(), Box<dyn Error>>
where
    X: Ranged<ValueType = f64> + ValueFormatter<f64> + 'a,
{
    chart
        .configure_mesh()
        .x_desc(panel.x)
        .y_desc("instructions of a run")
        .x_labels(panel.ticks)
        .x_label_formatter(&|x| short(*x))
        .y_label_formatter(&|y| short(*y))
        .label_style((FONT, 13).into_font().color(&INK))
        .axis_desc_style((FONT, 14).into_font().color(&INK))
        .bold_line_style(GRID)
        .light_line_style(TRANSPARENT)
        .draw()?;
    for &(series, label, colour) in panel.lines {
        let line = || points.iter().filter(move |p| p.series == series).map(|p| (p.size as f64, p.insns as f64));
        let style = colour.stroke_width(2);
        chart
            .draw_series(LineSeries::new(line(), style))?
            .label(label)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], style));
        chart.draw_series(line().map(|point| Circle::new(point, 3, colour.filled())))?;
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .label_font((FONT, 13).into_font().color(&INK))
        .background_style(WHITE.mix(0.9))
        .border_style(GRID)
        .draw()?;
    Ok(())
}

/// 1000 as 1k.
fn short(number: f64) -> String {
    match number {
        n if n >= 1e6 => format!("{}M", (n / 1e4).round() / 100.0),
        n if n >= 1e3 => format!("{}k", (n / 10.0).round() / 100.0),
        n => format!("{}", (n * 100.0).round() / 100.0),
    }
}
