//! Figures of panels: data, and how they are drawn.
//!
//! A figure is data: titles, axes, series. It is drawn on any [`Surface`]. The bitmap is drawn at
//! twice its size and averaged down, so that every edge is smooth; its font is embedded, so that it
//! looks the same on every machine. The colours are those of M. Okabe and K. Ito, "Color universal
//! design" (2008), which readers with any colour vision can tell apart; markers differ too.

mod axis;
#[cfg(feature = "figures")]
mod bitmap;
mod panel;
mod surface;

pub use axis::{Axis, Scale, Unit};
pub use surface::{Ink, Point, Rgb, Side, Surface};

/// A grid of panels under a title.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// Its title.
    pub title: String,
    /// Machine and date of the measurement.
    pub subtitle: String,
    /// The panels, row by row, two in each; one alone is as wide as two.
    pub panels: Vec<Panel>,
}

/// Series in one pair of axes.
#[derive(Debug, Clone, PartialEq)]
pub struct Panel {
    /// Its title.
    pub title: String,
    /// The horizontal axis.
    pub x: Axis,
    /// The vertical axis.
    pub y: Axis,
    /// The series, the last on top.
    pub series: Vec<Series>,
    /// Lines of text in a box at the top right.
    pub note: Vec<String>,
}

/// Points of one kind.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// Its name in the legend; an empty one keeps it out.
    pub label: String,
    /// Its colour and marker.
    pub colour: Colour,
    /// How it is drawn.
    pub shape: Shape,
    /// The points, along the horizontal axis.
    pub points: Vec<(f64, f64)>,
    /// Text at the points, one each; may be empty.
    pub texts: Vec<String>,
}

impl Series {
    /// A series without texts.
    pub fn new(
        label: impl Into<String>,
        colour: Colour,
        shape: Shape,
        points: Vec<(f64, f64)>,
    ) -> Self {
        Self { label: label.into(), colour, shape, points, texts: Vec::new() }
    }

    /// The series with text at its points.
    #[must_use]
    pub fn with_texts(mut self, texts: Vec<String>) -> Self {
        self.texts = texts;
        self
    }
}

/// How a series is drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Shape {
    /// A line through the points.
    Line,
    /// A thin line through the points, for what is many.
    Thin,
    /// A dashed line through the points.
    Dashes,
    /// A line with a marker at every point.
    Markers,
    /// A marker at every point.
    Dots,
    /// A bar of this width, centred at every point.
    Bars(f64),
    /// A rectangle centred at every point.
    Cells {
        /// Its width, along the horizontal axis.
        wide: f64,
        /// Its height, along the vertical axis.
        high: f64,
        /// From 0, which is not seen, to 1.
        opacity: f64,
    },
    /// A dashed line across the panel at the x of every point.
    Verticals,
    /// A dashed line across the panel at the y of every point.
    Horizontals,
}

/// A colour that can be told from all others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colour {
    /// For what everything is compared with.
    Grey,
    /// The first of a group.
    Blue,
    /// The second.
    Orange,
    /// The third.
    Green,
    /// The fourth.
    Purple,
    /// For limits.
    Black,
}

const WIDTH: i32 = 2400;
const ROW: i32 = 860;
const HEAD: i32 = 150;

impl Figure {
    /// Width and height in pixels.
    ///
    /// # Panics
    ///
    /// If there are millions of panels.
    pub fn size(&self) -> (i32, i32) {
        let rows = i32::try_from(self.panels.len().div_ceil(2)).expect("few panels");
        (WIDTH, HEAD + rows * ROW + 30)
    }

    /// Draws the figure on a surface of its size.
    pub fn draw(&self, on: &mut dyn Surface) {
        on.text((60, 36), &self.title, Ink::Bold(46), Side::Left);
        on.text((60, 98), &self.subtitle, Ink::Faint(28), Side::Left);
        let wide = if self.panels.len() == 1 { WIDTH } else { WIDTH / 2 };
        for (panel, at) in self.panels.iter().zip(0_i32..) {
            let corner = (at % 2 * wide, HEAD + at / 2 * ROW);
            panel::draw(on, panel, corner, (wide, ROW));
        }
    }

    /// The figure as the bytes of a PNG file, 2400 pixels wide.
    ///
    /// # Panics
    ///
    /// If there are millions of panels.
    #[cfg(feature = "figures")]
    pub fn png(&self) -> Vec<u8> {
        let (width, height) = self.size();
        let mut bitmap = bitmap::Bitmap::new(width, height);
        self.draw(&mut bitmap);
        bitmap.png()
    }
}

#[cfg(all(test, feature = "figures"))]
mod tests {
    use super::*;

    fn panel(scale: Scale, shape: Shape, points: Vec<(f64, f64)>) -> Panel {
        Panel {
            title: "panel".into(),
            x: Axis::new("x", scale, Unit::Count),
            y: Axis::new("y", scale, Unit::Seconds),
            series: vec![Series::new("series", Colour::Blue, shape, points)],
            note: vec!["a note".into()],
        }
    }

    fn figure(panels: Vec<Panel>) -> Figure {
        Figure { title: "title".into(), subtitle: "subtitle".into(), panels }
    }

    /// Width and height of the picture, and the columns of its blue pixels.
    fn places_of_blue(figure: &Figure) -> ((u32, u32), Vec<usize>) {
        let decoder = png::Decoder::new(std::io::Cursor::new(figure.png()));
        let mut reader = decoder.read_info().expect("a PNG");
        let mut image = vec![0; reader.output_buffer_size().expect("a size")];
        let info = reader.next_frame(&mut image).expect("an image");
        let blue = image.chunks(3).enumerate().filter(|(_, rgb)| **rgb == [0, 114, 178]);
        let columns = blue.map(|(at, _)| at % info.width as usize).collect();
        ((info.width, info.height), columns)
    }

    #[test]
    fn a_panel_alone_is_as_wide_as_the_figure() {
        let one = panel(Scale::Log, Shape::Line, vec![(1.0, 2.0), (1000.0, 5.0)]);
        let (size, places) = places_of_blue(&figure(vec![one]));
        assert_eq!(size, (2400, 150 + 860 + 30), "size");
        assert!(places.iter().any(|column| *column > 1800), "{:?}", places.iter().max());
    }

    #[test]
    fn a_figure_is_a_png_that_shows_its_points() {
        let shapes = [
            Shape::Line,
            Shape::Thin,
            Shape::Dashes,
            Shape::Markers,
            Shape::Dots,
            Shape::Bars(0.5),
            Shape::Verticals,
            Shape::Horizontals,
        ];
        let blue = |points| {
            let panels = shapes.map(|shape| panel(Scale::Log, shape, Vec::clone(&points))).to_vec();
            let (size, places) = places_of_blue(&figure(panels));
            assert_eq!(size, (2400, 150 + 4 * 860 + 30), "size");
            places.len()
        };
        let legend = blue(vec![]);
        assert!(blue(vec![(1.0, 2.0), (10.0, 20.0), (1000.0, 5.0)]) > legend + 1000, "points");
    }

    #[test]
    fn what_has_no_place_on_an_axis_is_left_out() {
        let odd = vec![(1.0, f64::NAN), (f64::INFINITY, 1.0), (-1.0, 0.0), (0.0, 1.0)];
        for scale in [Scale::Linear, Scale::Log] {
            let panels = vec![panel(scale, Shape::Markers, odd.clone()); 2];
            assert!(!figure(panels).png().is_empty(), "{scale:?}");
        }
    }
}
