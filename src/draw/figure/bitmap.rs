//! The six primitives on a bitmap with smooth edges and an embedded font.

use std::sync::Once;

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{FontTransform, register_font};

use super::Colour;
use super::surface::{Ink, Point, Rgb, Side, Surface, rounded};

/// How much larger the surface is than the picture.
const OVER: i32 = 2;
const DOTS_PER_METRE: u32 = 200 * 10_000 / 254;
const FONT: &str = "DejaVu Sans";

/// A white picture to draw on.
pub(super) struct Bitmap {
    size: (i32, i32),
    pixels: Vec<u8>,
}

impl Bitmap {
    pub(super) fn new(width: i32, height: i32) -> Self {
        static FONTS: Once = Once::new();
        FONTS.call_once(|| {
            for (style, bytes) in [
                (FontStyle::Normal, dejavu::sans::regular()),
                (FontStyle::Bold, dejavu::sans::bold()),
            ] {
                assert!(register_font(FONT, style, bytes).is_ok(), "the embedded font is a font");
            }
        });
        let len = usize::try_from(3 * OVER * width * OVER * height).expect("a positive size");
        Self { size: (width, height), pixels: vec![255; len] }
    }

    fn with(&mut self, draw: impl FnOnce(&DrawingArea<BitMapBackend<'_>, plotters::coord::Shift>)) {
        let side = |len: i32| u32::try_from(OVER * len).expect("a positive size");
        let size = (side(self.size.0), side(self.size.1));
        draw(&BitMapBackend::with_buffer(&mut self.pixels, size).into_drawing_area());
    }

    /// The picture as the bytes of a PNG file.
    pub(super) fn png(self) -> Vec<u8> {
        let side = |len: i32| usize::try_from(len).expect("a positive size");
        let (width, height, over) = (side(self.size.0), side(self.size.1), side(OVER));
        let mut picture = Vec::with_capacity(3 * width * height);
        for y in 0..height {
            for at in 0..3 * width {
                let (x, channel) = (at / 3, at % 3);
                let mut sum = 0_u32;
                for dy in 0..over {
                    let row = 3 * over * width * (over * y + dy);
                    for dx in 0..over {
                        sum += u32::from(self.pixels[row + 3 * (over * x + dx) + channel]);
                    }
                }
                let count = OVER.unsigned_abs().pow(2);
                picture.push(u8::try_from((sum + count / 2) / count).expect("a mean of bytes"));
            }
        }
        let mut file = Vec::new();
        let size = (self.size.0.unsigned_abs(), self.size.1.unsigned_abs());
        let mut encoder = png::Encoder::new(&mut file, size.0, size.1);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_pixel_dims(Some(png::PixelDimensions {
            xppu: DOTS_PER_METRE,
            yppu: DOTS_PER_METRE,
            unit: png::Unit::Meter,
        }));
        let mut writer = encoder.write_header().expect("memory can be written");
        writer.write_image_data(&picture).expect("memory can be written");
        writer.finish().expect("memory can be written");
        file
    }
}

impl Surface for Bitmap {
    fn text(&mut self, at: Point, text: &str, ink: Ink, side: Side) {
        let h_pos = match side {
            Side::Left => HPos::Left,
            Side::Middle => HPos::Center,
            Side::Right => HPos::Right,
        };
        let (Ink::Plain(size) | Ink::Bold(size) | Ink::Faint(size)) = ink;
        // The top by the font is well above its capitals.
        let at = (at.0, at.1 + size * 3 / 8);
        let style = style(ink).pos(Pos::new(h_pos, VPos::Top));
        self.with(|area| area.draw_text(text, &style, scaled(at)).expect("memory can be drawn on"));
    }

    fn width(&mut self, text: &str, ink: Ink) -> i32 {
        let mut width = 0;
        self.with(|area| {
            width = area.estimate_text_size(text, &style(ink)).expect("the font is embedded").0;
        });
        i32::try_from(width).expect("a text is short") / OVER
    }

    fn line(&mut self, points: &[Point], colour: Rgb, alpha: f64, width: i32) {
        let points: Vec<_> = points.iter().copied().map(scaled).collect();
        let style =
            rgb(colour).mix(alpha).stroke_width(u32::try_from(OVER * width).expect("positive"));
        self.with(|area| {
            for part in without_spikes(&points) {
                area.draw(&PathElement::new(part, style)).expect("memory can be drawn on");
            }
        });
    }

    fn dashes(&mut self, points: &[Point], colour: Rgb, width: i32) {
        let (dash, gap) = (14.0_f64, 10.0_f64);
        let mut walked = 0.0_f64;
        for ends in points.windows(2) {
            let (x, y) = (f64::from(ends[0].0), f64::from(ends[0].1));
            let (dx, dy) = (f64::from(ends[1].0) - x, f64::from(ends[1].1) - y);
            let len = dx.hypot(dy);
            let mut at = 0.0;
            while at < len {
                let phase = walked % (dash + gap);
                let rest = if phase < dash { dash - phase } else { dash + gap - phase };
                let to = (at + rest.max(0.1)).min(len);
                if phase < dash {
                    let on = |s: f64| rounded(x + dx * s / len, y + dy * s / len);
                    self.line(&[on(at), on(to)], colour, 1.0, width);
                }
                walked += to - at;
                at = to;
            }
        }
    }

    fn fill(&mut self, from: Point, to: Point, colour: Rgb, alpha: f64) {
        self.with(|area| {
            let style = rgb(colour).mix(alpha).filled();
            let (from, to) = (scaled(from), scaled(to));
            // The far corner is drawn too.
            area.draw(&Rectangle::new([from, (to.0 - 1, to.1 - 1)], style))
                .expect("memory can be drawn on");
        });
    }

    fn marker(&mut self, at: Point, colour: Colour) {
        let (x, y) = scaled(at);
        let r = 10 * OVER;
        let style = rgb(colour.rgb()).filled();
        self.with(|area| {
            let polygon = |points: &[Point]| {
                let points = points.iter().map(|(dx, dy)| (x + dx, y + dy)).collect::<Vec<_>>();
                area.draw(&Polygon::new(points, style)).map(drop)
            };
            match colour {
                Colour::Blue | Colour::Black => area.draw(&Circle::new((x, y), r, style)).map(drop),
                Colour::Grey => polygon(&[(-r, -r), (r, -r), (r, r), (-r, r)]),
                Colour::Orange => polygon(&[(-r, r), (r, r), (0, -r)]),
                Colour::Green => polygon(&[(-r, 0), (0, -r), (r, 0), (0, r)]),
                Colour::Purple => polygon(&[(-r, -r), (r, -r), (0, r)]),
            }
            .expect("memory can be drawn on");
        });
    }
}

/// The line through `points`, parted wherever it turns back by more than a right angle: a wide line
/// is mitred there, and the tip would reach far beyond the point.
fn without_spikes(points: &[Point]) -> Vec<Vec<Point>> {
    let mut parts: Vec<Vec<Point>> = Vec::new();
    for &point in points {
        let Some(part) = parts.last_mut() else {
            parts.push(vec![point]);
            continue;
        };
        let last = part[part.len() - 1];
        let turns_back = part.len() > 1 && {
            let before = part[part.len() - 2];
            let along = |from: i32, at: i32, to: i32| i64::from(at - from) * i64::from(to - at);
            along(before.0, last.0, point.0) + along(before.1, last.1, point.1) < 0
        };
        if turns_back {
            parts.push(vec![last, point]);
        } else if point != last {
            part.push(point);
        }
    }
    parts
}

fn rgb(Rgb(red, green, blue): Rgb) -> RGBColor {
    RGBColor(red, green, blue)
}

fn style(ink: Ink) -> TextStyle<'static> {
    let (size, style, colour) = match ink {
        Ink::Plain(size) => (size, FontStyle::Normal, RGBColor(40, 40, 40)),
        Ink::Bold(size) => (size, FontStyle::Bold, RGBColor(20, 20, 20)),
        Ink::Faint(size) => (size, FontStyle::Normal, RGBColor(95, 95, 95)),
    };
    (FONT, OVER * size, style).into_font().transform(FontTransform::None).color(&colour)
}

fn scaled((x, y): Point) -> Point {
    (OVER * x, OVER * y)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_turns_back_is_parted_and_reaches_no_further_than_its_points() {
        let points = [(0, 9), (5, 9), (5, 9), (9, 5), (9, 90), (10, 9), (20, 9)];
        let parts = without_spikes(&points);
        let want =
            [vec![(0, 9), (5, 9), (9, 5)], vec![(9, 5), (9, 90)], vec![(9, 90), (10, 9), (20, 9)]];
        assert_eq!(parts, want, "parts");
        // A peak between two pixels, whose mitred tip would be hundreds of pixels long.
        let mut bitmap = Bitmap::new(40, 100);
        bitmap.line(&[(18, 90), (20, 40), (22, 90)], Rgb(0, 0, 0), 1.0, 5);
        let above = &bitmap.pixels[..3 * usize::try_from(OVER * 40 * OVER * 35).unwrap()];
        assert!(above.iter().all(|value| *value == 255), "drawn above the peak");
    }
}
