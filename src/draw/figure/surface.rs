//! The six primitives that every figure is drawn by.

use super::Colour;

/// A position, in pixels of the picture, from its top left corner.
pub type Point = (i32, i32);

/// Red, green and blue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rgb(pub u8, pub u8, pub u8);

/// The look of a text, with its height in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ink {
    /// Dark text.
    Plain(i32),
    /// Dark text of bold letters.
    Bold(i32),
    /// Grey text.
    Faint(i32),
}

/// Which end of a text lies at its position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The left end.
    Left,
    /// The middle.
    Middle,
    /// The right end.
    Right,
}

/// A white picture to draw on.
pub trait Surface {
    /// Draws `text` with its top left, top middle or top right at `at`.
    fn text(&mut self, at: Point, text: &str, ink: Ink, side: Side);

    /// The width of `text` in pixels.
    fn width(&mut self, text: &str, ink: Ink) -> i32;

    /// Draws a line through `points`.
    fn line(&mut self, points: &[Point], colour: Rgb, alpha: f64, width: i32);

    /// Draws a dashed line through `points`.
    fn dashes(&mut self, points: &[Point], colour: Rgb, width: i32);

    /// Fills the rectangle between two corners.
    fn fill(&mut self, from: Point, to: Point, colour: Rgb, alpha: f64);

    /// Draws the marker of `colour`: a circle, square, triangle or diamond.
    fn marker(&mut self, at: Point, colour: Colour);
}

impl Colour {
    /// The colour as red, green and blue.
    pub fn rgb(self) -> Rgb {
        match self {
            Self::Grey => Rgb(130, 130, 130),
            Self::Blue => Rgb(0, 114, 178),
            Self::Orange => Rgb(213, 94, 0),
            Self::Green => Rgb(0, 158, 115),
            Self::Purple => Rgb(204, 121, 167),
            Self::Black => Rgb(0, 0, 0),
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "pixels of a picture")]
pub(super) fn rounded(x: f64, y: f64) -> Point {
    (x.round() as i32, y.round() as i32)
}
