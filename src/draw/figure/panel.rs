//! Drawing one panel: title, legend, grid, series, note.

use super::axis::Fitted;
use super::surface::{Ink, Point, Rgb, Side, Surface, rounded};
use super::{Panel, Series, Shape};

const GRID: Rgb = Rgb(223, 223, 223);
const FRAME: Rgb = Rgb(150, 150, 150);
const WHITE: Rgb = Rgb(255, 255, 255);
const TICK: Ink = Ink::Plain(26);
const LABEL: Ink = Ink::Faint(26);
const LINE: i32 = 38;

/// Axes laid out on a rectangle of the picture.
struct Frame<'a> {
    x: Fitted<'a>,
    y: Fitted<'a>,
    left: i32,
    top: i32,
    right: i32,
    bottom: i32,
}

impl Frame<'_> {
    fn across(&self, place: f64) -> i32 {
        let (left, right) = (f64::from(self.left), f64::from(self.right));
        rounded(left + place.clamp(-0.01, 1.01) * (right - left), 0.0).0
    }

    fn down(&self, place: f64) -> i32 {
        let (top, bottom) = (f64::from(self.top), f64::from(self.bottom));
        rounded(0.0, bottom - place.clamp(-0.01, 1.01) * (bottom - top)).1
    }

    fn point(&self, (x, y): (f64, f64)) -> Point {
        (self.across(self.x.place(x)), self.down(self.y.place(y)))
    }
}

/// Draws `panel` into the rectangle of `size` at `corner`.
pub(super) fn draw(on: &mut dyn Surface, panel: &Panel, corner: Point, size: (i32, i32)) {
    let (left, top) = (corner.0 + 60, corner.1 + 20);
    on.text((left, top), &panel.title, Ink::Bold(32), Side::Left);
    let below = legend(on, panel, (left, top + 54), corner.0 + size.0 - 30);
    on.text((left, below), &panel.y.label, LABEL, Side::Left);

    let shown = |series: &'_ &Series| !series.points.is_empty();
    let seen = |across: bool| {
        panel.series.iter().filter(shown).flat_map(move |series| {
            let (x, y) = (series.shape != Shape::Horizontals, series.shape != Shape::Verticals);
            let points = series.points.iter().map(move |p| if across { p.0 } else { p.1 });
            points.filter(move |_| if across { x } else { y })
        })
    };
    let (x, y) = (panel.x.fit(seen(true)), panel.y.fit(seen(false)));
    let widest = y.ticks().iter().map(|(_, label)| on.width(label, TICK)).max().unwrap_or_default();
    let frame = Frame {
        x,
        y,
        left: left + widest + 16,
        top: below + 46,
        right: corner.0 + size.0 - 50,
        bottom: corner.1 + size.1 - 110,
    };
    grid(on, panel, &frame);
    for series in &panel.series {
        plot(on, panel, series, &frame);
    }
    note(on, &panel.note, &frame);
}

/// Draws the legend in rows from `at`, and returns where the next row would start.
fn legend(on: &mut dyn Surface, panel: &Panel, at: Point, right: i32) -> i32 {
    let (mut x, mut y) = at;
    let labelled = panel.series.iter().filter(|series| !series.label.is_empty());
    let mut drawn = false;
    for series in labelled {
        let width = 66 + on.width(&series.label, TICK);
        if x > at.0 && x + width > right {
            (x, y) = (at.0, y + LINE);
        }
        let middle = y + 16;
        let swatch = [(x, middle), (x + 50, middle)];
        let colour = series.colour.rgb();
        match series.shape {
            Shape::Line => on.line(&swatch, colour, 1.0, 5),
            Shape::Thin => on.line(&swatch, colour, 1.0, 2),
            Shape::Dashes | Shape::Verticals | Shape::Horizontals => {
                on.dashes(&swatch, colour, 4);
            }
            Shape::Bars(_) => on.fill((x + 8, middle - 12), (x + 42, middle + 12), colour, 0.8),
            Shape::Cells { opacity, .. } => {
                on.fill((x + 8, middle - 12), (x + 42, middle + 12), colour, opacity);
            }
            Shape::Markers | Shape::Dots => {
                if series.shape == Shape::Markers {
                    on.line(&swatch, colour, 1.0, 4);
                }
                on.marker((x + 25, middle), series.colour);
            }
        }
        on.text((x + 62, y), &series.label, TICK, Side::Left);
        x += width + 36;
        drawn = true;
    }
    if drawn { y + LINE + 8 } else { y }
}

fn grid(on: &mut dyn Surface, panel: &Panel, frame: &Frame<'_>) {
    let &Frame { left, top, right, bottom, .. } = frame;
    for place in frame.x.minor() {
        let x = frame.across(place);
        on.line(&[(x, top), (x, bottom)], GRID, 0.55, 1);
    }
    for place in frame.y.minor() {
        let y = frame.down(place);
        on.line(&[(left, y), (right, y)], GRID, 0.55, 1);
    }
    let mut free = Vec::new();
    for (place, label) in frame.x.ticks() {
        let x = frame.across(place);
        if panel.x.names.is_empty() {
            on.line(&[(x, top), (x, bottom)], GRID, 1.0, 2);
        }
        // A label is left out where a line of it would touch one of the labels before.
        let lines: Vec<_> = label.lines().map(|line| (line, on.width(line, TICK) / 2)).collect();
        free.resize(free.len().max(lines.len()), i32::MIN);
        let fits = |((line, half), free): (&(&str, i32), &i32)| line.is_empty() || x - half > *free;
        if lines.iter().zip(&free).all(fits) {
            for (((line, half), free), nth) in lines.iter().zip(&mut free).zip(0_i32..) {
                let y = bottom + 14 + nth * (LINE - 6);
                on.text((x, y), line, TICK, Side::Middle);
                *free = if line.is_empty() { *free } else { x + half + 14 };
            }
        }
    }
    for (place, label) in frame.y.ticks() {
        let y = frame.down(place);
        on.line(&[(left, y), (right, y)], GRID, 1.0, 2);
        on.text((left - 14, y - 15), &label, TICK, Side::Right);
    }
    on.line(&[(left, top), (left, bottom), (right, bottom)], FRAME, 1.0, 3);
    on.text(((left + right) / 2, bottom + 56), &panel.x.label, LABEL, Side::Middle);
}

fn plot(on: &mut dyn Surface, panel: &Panel, series: &Series, frame: &Frame<'_>) {
    let colour = series.colour.rgb();
    let (across, down) = (series.shape != Shape::Horizontals, series.shape != Shape::Verticals);
    let on_axes = |&&(x, y): &&(f64, f64)| {
        (!across || panel.x.shows(x)) && (!down || panel.y.shows(y) || y == 0.0)
    };
    let visible: Vec<(f64, f64)> = series.points.iter().filter(on_axes).copied().collect();
    let at: Vec<Point> = visible.iter().map(|p| frame.point(*p)).collect();
    match series.shape {
        Shape::Line => on.line(&at, colour, 1.0, 5),
        Shape::Thin => on.line(&at, colour, 1.0, 2),
        Shape::Dashes => match at[..] {
            [(x, y)] => on.dashes(&[(x - 25, y), (x + 25, y)], colour, 4),
            _ => on.dashes(&at, colour, 4),
        },
        Shape::Markers | Shape::Dots => {
            if series.shape == Shape::Markers {
                on.line(&at, colour, 1.0, 4);
            }
            for point in &at {
                on.marker(*point, series.colour);
            }
            for (point, text) in at.iter().zip(&series.texts) {
                let place = free_place(on, panel, frame, *point, text);
                label(on, frame, place, text);
            }
        }
        Shape::Bars(width) => {
            for ((x, y), text) in
                visible.iter().zip(series.texts.iter().map(Some).chain(std::iter::repeat(None)))
            {
                let from = frame.point((x - width / 2.0, *y));
                let to = frame.point((x + width / 2.0, *y)).0;
                on.fill(from, ((to - 1).max(from.0 + 1), frame.bottom), colour, 0.8);
                if let Some(text) = text {
                    on.text(((from.0 + to) / 2, from.1 - 38), text, TICK, Side::Middle);
                }
            }
        }
        Shape::Cells { wide, high, opacity } => {
            for (x, y) in visible {
                let from = frame.point((x - 0.5 * wide, y + 0.5 * high));
                let to = frame.point((x + 0.5 * wide, y - 0.5 * high));
                // Cells beside each other share no pixel.
                let to = ((to.0 - 1).max(from.0), (to.1 - 1).max(from.1));
                on.fill(from, to, colour, opacity);
            }
        }
        Shape::Verticals => {
            for (x, _) in &at {
                on.dashes(&[(*x, frame.top), (*x, frame.bottom)], colour, 3);
            }
            // No line crosses a label.
            for (nth, ((x, _), text)) in (0..).zip(at.iter().zip(&series.texts)) {
                label(on, frame, (x + 12, frame.bottom - 60 - nth * 52), text);
            }
        }
        Shape::Horizontals => {
            for (_, y) in &at {
                on.dashes(&[(frame.left, *y), (frame.right, *y)], colour, 4);
            }
        }
    }
}

/// Of the four places around `point`, the one where `text` hides the fewest points.
fn free_place(
    on: &mut dyn Surface,
    panel: &Panel,
    frame: &Frame<'_>,
    point: Point,
    text: &str,
) -> Point {
    let width = on.width(text, TICK);
    let curves = panel
        .series
        .iter()
        .filter(|s| !matches!(s.shape, Shape::Verticals | Shape::Horizontals | Shape::Bars(_)));
    let points: Vec<Point> =
        curves.flat_map(|series| series.points.iter().map(|p| frame.point(*p))).collect();
    let hidden = |&(x, y): &Point| {
        let inside =
            |p: &&Point| (x - 12..x + width + 12).contains(&p.0) && (y - 12..y + 48).contains(&p.1);
        let out = x < frame.left || x + width > frame.right || y + 40 > frame.bottom;
        points.iter().filter(inside).count() + if out { 1000 } else { 0 }
    };
    let (left, right) = (point.0 - 22 - width, point.0 + 22);
    let (above, below) = (point.1 - 52, point.1 + 16);
    let places = [(right, above), (right, below), (left, above), (left, below)];
    places.into_iter().min_by_key(hidden).expect("there are four")
}

/// Text on white at `at`, moved left where it would leave the panel.
fn label(on: &mut dyn Surface, frame: &Frame<'_>, at: Point, text: &str) {
    let width = on.width(text, TICK);
    let x = at.0.min(frame.right - width - 10);
    on.fill((x - 6, at.1 - 4), (x + width + 6, at.1 + 36), WHITE, 0.85);
    on.text((x, at.1), text, TICK, Side::Left);
}

fn note(on: &mut dyn Surface, lines: &[String], frame: &Frame<'_>) {
    let Some(width) = lines.iter().map(|line| on.width(line, TICK)).max() else { return };
    let height = LINE * i32::try_from(lines.len()).expect("few lines");
    let (left, top) = (frame.right - width - 44, frame.top + 14);
    on.fill((left, top), (frame.right - 14, top + height + 24), WHITE, 0.88);
    let (right, bottom) = (frame.right - 14, top + height + 24);
    let corners = [(left, top), (right, top), (right, bottom), (left, bottom), (left, top)];
    on.line(&corners, GRID, 1.0, 2);
    for (line, text) in (0..).zip(lines) {
        on.text((left + 15, top + 14 + LINE * line), text, TICK, Side::Left);
    }
}
