//! The learning curve: loss and validation accuracy over the epochs, as SVG.

use plotters::prelude::*;

use crate::summary::Logged;

const SIZE: (u32, u32) = (800, 480);

/// The picture of `log`, with a line where a phase begins.
pub(super) fn draw(title: &str, log: &[Logged]) -> Result<String, String> {
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
        plot(&area, title, log).map_err(|error| error.to_string())?;
        area.present().map_err(|error| error.to_string())?;
    }
    Ok(svg)
}

type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;

fn plot(area: &Area<'_>, title: &str, log: &[Logged]) -> Result<(), Box<dyn std::error::Error>> {
    area.fill(&WHITE)?;
    let epochs = log.len().max(1) as f64;
    let wrong: Vec<f64> = log.iter().map(|epoch| 100.0 * (1.0 - epoch.validation_accuracy)).collect();
    let losses: Vec<f64> = log.iter().map(|epoch| epoch.loss.max(1e-6)).collect();
    let (error_range, loss_range) = (decades(&wrong, 0.1), decades(&losses, 0.01));
    let mut chart = ChartBuilder::on(area)
        .caption(title, ("sans-serif", 18))
        .margin(12)
        .x_label_area_size(36)
        .y_label_area_size(48)
        .right_y_label_area_size(48)
        .build_cartesian_2d(0.0..epochs, error_range.log_scale())?
        .set_secondary_coord(0.0..epochs, loss_range.log_scale());
    let short = |value: &f64| format!("{value}");
    let mesh = &mut chart.configure_mesh();
    mesh.x_desc("epoch").y_desc("validation error, %").y_label_formatter(&short).light_line_style(WHITE).draw()?;
    chart.configure_secondary_axes().y_desc("training loss").y_label_formatter(&short).draw()?;
    let (low, high) = (wrong.iter().copied().fold(f64::MAX, f64::min), wrong.iter().copied().fold(0.0, f64::max));
    for (index, epoch) in log.iter().enumerate().skip(1).filter(|(_, epoch)| epoch.epoch == 1) {
        let x = index as f64;
        let line = [(x, low.max(1e-3)), (x, high.max(1e-2))];
        chart.draw_series(LineSeries::new(line, BLACK.mix(0.3)))?;
        chart.draw_series([Text::new(epoch.phase.clone(), (x, high.max(1e-2)), ("sans-serif", 12))])?;
    }
    let points = |values: &[f64]| {
        values.iter().enumerate().map(|(index, &value)| ((index + 1) as f64, value.max(1e-6))).collect::<Vec<_>>()
    };
    chart
        .draw_series(LineSeries::new(points(&wrong), &BLUE))?
        .label("validation error")
        .legend(|(x, y)| PathElement::new([(x, y), (x + 16, y)], BLUE));
    chart
        .draw_secondary_series(LineSeries::new(points(&losses), &RED))?
        .label("training loss")
        .legend(|(x, y)| PathElement::new([(x, y), (x + 16, y)], RED));
    let labels = &mut chart.configure_series_labels();
    labels.position(SeriesLabelPosition::UpperRight).background_style(WHITE.mix(0.8)).border_style(BLACK).draw()?;
    Ok(())
}

/// A range of whole powers of ten around `values`, of which none is below `floor`.
fn decades(values: &[f64], floor: f64) -> std::ops::Range<f64> {
    let high = values.iter().copied().fold(floor, f64::max).min(1e9);
    let low = values.iter().copied().fold(high, f64::min).max(floor);
    10f64.powf(low.log10().floor())..10f64.powf(high.log10().floor() + 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_of_any_length_is_drawn() {
        let epoch = |epoch| Logged {
            phase: "soft".to_owned(),
            epoch,
            epochs: 3,
            loss: 1.0 / epoch as f64,
            validation_accuracy: 1.0 - 0.1 / epoch as f64,
            validation_cross_entropy: 0.5,
            seconds: 1.0,
        };
        for log in [vec![], vec![epoch(1)], (1..=3).chain(1..=3).map(epoch).collect()] {
            let picture = draw("a title", &log).expect("drawn");
            assert!(picture.starts_with("<svg") && picture.trim_end().ends_with("</svg>"), "{picture}");
            assert!(picture.contains("a title"));
            assert_eq!(picture.matches("soft").count(), usize::from(log.len() > 3), "a line where a phase begins");
        }
    }
}
