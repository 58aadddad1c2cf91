//! Icons as strokes on a 16 by 16 grid, drawn by us and never taken from a font, so they are crisp at every zoom.

use std::f32::consts::TAU;
use std::sync::LazyLock;

use egui::{Color32, Painter, Pos2, Rect, Shape, Stroke, Vec2, vec2};

use crate::app::theme::stroke;

/// An icon, by what it stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Icon {
    /// A node of clients.
    Clients,
    /// A load balancer.
    LoadBalancer,
    /// A service.
    Service,
    /// A Redis-like store.
    RedisLike,
    /// An SQL database.
    SqlDatabase,
    /// An object store.
    ObjectStore,
    /// State placement: none.
    Stateless,
    /// State placement: in memory; also a snapshot.
    Memory,
    /// State placement: on the local disk.
    Disk,
    /// State placement: in a local database.
    LocalDatabase,
    /// State placement: in an external store.
    External,
    /// Sessions: none; also "not possible".
    NoSessions,
    /// Sessions: a signed token.
    Jwt,
    /// Sessions: in a server-side store.
    ServerSide,
    /// Sessions: in memory on a sticky instance.
    Sticky,
    /// Run.
    Play,
    /// Pause; also a hang.
    Pause,
    /// One step forward.
    Step,
    /// Back to the start.
    Reset,
    /// Undo.
    Undo,
    /// Redo.
    Redo,
    /// More.
    Plus,
    /// Fewer.
    Minus,
    /// Close; also a crash.
    Cross,
    /// Opens a list.
    ChevronDown,
    /// A closed section.
    ChevronRight,
    /// Search.
    Search,
    /// Help.
    Help,
    /// Done, yes.
    Check,
    /// Needs attention.
    Warning,
    /// A machine is lost; faults.
    Bolt,
    /// Restart.
    Restart,
    /// Deployment.
    Deploy,
    /// Change the number of instances.
    Scale,
    /// What-if.
    WhatIf,
    /// Compare.
    Compare,
    /// Lessons.
    Lessons,
    /// The tool that selects.
    Select,
    /// The tool that pans.
    Pan,
    /// A failure domain.
    Zone,
    /// A note.
    Note,
    /// A link between nodes.
    Link,
    /// Nothing gets through.
    Cut,
    /// Nothing gets through one way.
    CutOneWay,
    /// Messages are lost on the way.
    Lossy,
    /// Save elsewhere.
    Export,
    /// A file.
    File,
    /// More actions.
    More,
    /// Taken out of rotation; drain.
    Eject,
    /// Time; slow.
    Clock,
    /// Users log in.
    Login,
    /// Fit to the window.
    Fit,
    /// Settings.
    Settings,
    /// Dark or light.
    Theme,
    /// Left edges on one line.
    AlignLeft,
    /// Middles on one upright line.
    AlignCentre,
    /// Right edges on one line.
    AlignRight,
    /// Upper edges on one line.
    AlignTop,
    /// Middles on one level line.
    AlignMiddle,
    /// Lower edges on one line.
    AlignBottom,
    /// Equal gaps from left to right.
    DistributeAcross,
    /// Equal gaps from top to bottom.
    DistributeDown,
    /// A copy beside it.
    Duplicate,
    /// Takes it away.
    Delete,
    /// Another name.
    Rename,
    /// Several of a kind.
    Several,
}

impl Icon {
    /// All icons, in the order of the enum.
    pub const ALL: [Self; 66] = [
        Self::Clients,
        Self::LoadBalancer,
        Self::Service,
        Self::RedisLike,
        Self::SqlDatabase,
        Self::ObjectStore,
        Self::Stateless,
        Self::Memory,
        Self::Disk,
        Self::LocalDatabase,
        Self::External,
        Self::NoSessions,
        Self::Jwt,
        Self::ServerSide,
        Self::Sticky,
        Self::Play,
        Self::Pause,
        Self::Step,
        Self::Reset,
        Self::Undo,
        Self::Redo,
        Self::Plus,
        Self::Minus,
        Self::Cross,
        Self::ChevronDown,
        Self::ChevronRight,
        Self::Search,
        Self::Help,
        Self::Check,
        Self::Warning,
        Self::Bolt,
        Self::Restart,
        Self::Deploy,
        Self::Scale,
        Self::WhatIf,
        Self::Compare,
        Self::Lessons,
        Self::Select,
        Self::Pan,
        Self::Zone,
        Self::Note,
        Self::Link,
        Self::Cut,
        Self::CutOneWay,
        Self::Lossy,
        Self::Export,
        Self::File,
        Self::More,
        Self::Eject,
        Self::Clock,
        Self::Login,
        Self::Fit,
        Self::Settings,
        Self::Theme,
        Self::AlignLeft,
        Self::AlignCentre,
        Self::AlignRight,
        Self::AlignTop,
        Self::AlignMiddle,
        Self::AlignBottom,
        Self::DistributeAcross,
        Self::DistributeDown,
        Self::Duplicate,
        Self::Delete,
        Self::Rename,
        Self::Several,
    ];

    /// The drawing as path data on a 16 by 16 grid.
    const fn path(self) -> &'static str {
        match self {
            Self::Clients => {
                "M5.5 7.2a2.2 2.2 0 1 0 0-4.4 2.2 2.2 0 0 0 0 4.4zM1.5 13c.3-2.4 1.8-3.6 4-3.6s3.7 1.2 4 3.6M10.6 3.2a2 2 0 0 1 0 3.8M11.8 9.8c1.6.4 2.5 1.5 2.7 3.2"
            }
            Self::LoadBalancer => {
                "M2 8h4M6 8l5-4.5M6 8h6M6 8l5 4.5M11 2.2l2.2 1-1 2.2M12 6.5L14 8l-2 1.5M13.2 12.8L11 13.8l-1-2"
            }
            Self::Service => "M8 1.8l5.4 3.1v6.2L8 14.2l-5.4-3.1V4.9zM2.8 5L8 8l5.2-3M8 8v6",
            Self::RedisLike => "M2 5l6-2.6L14 5 8 7.6zM2 8l6 2.6L14 8M2 11l6 2.6L14 11",
            Self::SqlDatabase => {
                "M3 4.2c0-1.2 2.2-2 5-2s5 .8 5 2-2.2 2-5 2-5-.8-5-2zM3 4.2v7.6c0 1.2 2.2 2 5 2s5-.8 5-2V4.2M3 8c0 1.2 2.2 2 5 2s5-.8 5-2"
            }
            Self::ObjectStore => "M2.5 4h11l-1.4 9.5H3.9zM2.5 4c0-1 2.4-1.7 5.5-1.7s5.5.7 5.5 1.7",
            Self::Stateless => "M8 13.2a5.2 5.2 0 1 0 0-10.4 5.2 5.2 0 0 0 0 10.4z",
            Self::Memory => {
                "M4.5 4.5h7v7h-7zM6.5 2v2.5M9.5 2v2.5M6.5 11.5V14M9.5 11.5V14M2 6.5h2.5M2 9.5h2.5M11.5 6.5H14M11.5 9.5H14"
            }
            Self::Disk => "M2.5 9.5h11v3.5h-11zM2.5 9.5l2-6.5h7l2 6.5M10.8 11.3h.9",
            Self::LocalDatabase => {
                "M4 4.6c0-1 1.8-1.6 4-1.6s4 .6 4 1.6-1.8 1.6-4 1.6-4-.6-4-1.6zM4 4.6v6.8c0 1 1.8 1.6 4 1.6s4-.6 4-1.6V4.6"
            }
            Self::External => "M9 3h4v4M13 3L7.5 8.5M7 3.5H3.5v9h9V9",
            Self::NoSessions => {
                "M8 13.2a5.2 5.2 0 1 0 0-10.4 5.2 5.2 0 0 0 0 10.4zM4.4 11.6l7.2-7.2"
            }
            Self::Jwt => {
                "M2.5 5h11v2a1.3 1.3 0 0 0 0 2.6V11.5h-11V9.6a1.3 1.3 0 0 0 0-2.6zM6.3 5v6.5"
            }
            Self::ServerSide => "M3 3h10v4H3zM3 9h10v4H3zM5.2 5h.6M5.2 11h.6M8 5h3M8 11h3",
            Self::Sticky => "M6 2.5h4M6.5 2.5v4L4.5 9h7L9.5 6.5v-4M8 9v4.5",
            Self::Play => "M5 3.2v9.6l7.5-4.8z",
            Self::Pause => "M5 3.5v9M11 3.5v9",
            Self::Step => "M4 3.2v9.6l6-4.8zM12 3.5v9",
            Self::Reset => "M4 3.5v9M12 3.2v9.6L6 8z",
            Self::Undo => "M3 6.5h6.5a3.2 3.2 0 0 1 0 6.5H6M3 6.5l3-3M3 6.5l3 3",
            Self::Redo => "M13 6.5H6.5a3.2 3.2 0 0 0 0 6.5H10M13 6.5l-3-3M13 6.5l-3 3",
            Self::Plus => "M8 3v10M3 8h10",
            Self::Minus => "M3 8h10",
            Self::Cross => "M4 4l8 8M12 4l-8 8",
            Self::ChevronDown => "M4 6l4 4 4-4",
            Self::ChevronRight => "M6 4l4 4-4 4",
            Self::Search => "M7 11.5a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9zM10.5 10.5L14 14",
            Self::Help => "M5.8 6a2.2 2.2 0 1 1 3.2 2c-.7.4-1 .8-1 1.6M8 12v.2",
            Self::Check => "M3 8.5l3.5 3.5L13 4.5",
            Self::Warning => "M8 3.5v5.5M8 12v.2",
            Self::Bolt => "M9 1.8L3.5 9H8l-1 5.2L12.5 7H8z",
            Self::Restart => "M13 8a5 5 0 1 1-1.6-3.7M13 2.5v3h-3",
            Self::Deploy => "M8 2.5V11M8 2.5L4.5 6M8 2.5L11.5 6M3 13.5h10",
            Self::Scale => "M2.5 5h5v8h-5zM10 8h3.5M11.7 6.2v3.6",
            Self::WhatIf => {
                "M6 2.5h4M6.8 2.5v4L3.5 12.2c-.4.7 0 1.3.8 1.3h7.4c.8 0 1.2-.6.8-1.3L9.2 6.5v-4M5.2 10h5.6"
            }
            Self::Compare => "M2.5 3h4.5v10H2.5zM9 3h4.5v10H9z",
            Self::Lessons => {
                "M8 4c-1.5-1-3.5-1.2-5.5-1v9.5c2-.2 4 0 5.5 1 1.5-1 3.5-1.2 5.5-1V3c-2-.2-4 0-5.5 1zM8 4v9.5"
            }
            Self::Select => "M3.5 2.5l9 4-4 1.4-1.6 4.1z",
            Self::Pan => {
                "M8 2v12M2 8h12M8 2L6.3 3.7M8 2l1.7 1.7M8 14l-1.7-1.7M8 14l1.7-1.7M2 8l1.7-1.7M2 8l1.7 1.7M14 8l-1.7-1.7M14 8l-1.7 1.7"
            }
            Self::Zone => "M2.5 5V2.5H5M11 2.5h2.5V5M13.5 11v2.5H11M5 13.5H2.5V11",
            Self::Note => "M3 3h10v7l-3 3H3zM13 10h-3v3",
            Self::Link => "M3 12.5C8 12.5 8 3.5 13 3.5M3 12.5h.1M13 3.5h.1",
            Self::Cut => "M1.5 8H5M11 8h3.5M5.2 12l2-8M8.8 12l2-8",
            Self::CutOneWay => {
                "M2 5h12M11.5 2.5L14 5l-2.5 2.5M2 11h4M9 8.8l4.4 4.4M13.4 8.8L9 13.2"
            }
            Self::Lossy => "M1.5 8H4M7 8h2M12 8h2.5M5.5 4.5v.1M10.5 11.5v.1",
            Self::Export => "M8 10.5V3M8 3L5 6M8 3l3 3M3 10.5V13h10v-2.5",
            Self::File => "M4 2h5l3 3v9H4zM9 2v3h3",
            Self::More => "M4 8h.1M8 8h.1M12 8h.1",
            Self::Eject => "M8 3.5L3.5 9h9zM3.5 12h9",
            Self::Clock => "M8 13.5a5.5 5.5 0 1 0 0-11 5.5 5.5 0 0 0 0 11zM8 5v3.2l2 1.3",
            Self::Login => "M6.5 3H13v10H6.5M2.5 8h7M7 5.5L9.5 8 7 10.5",
            Self::Fit => "M2.5 6V2.5H6M10 2.5h3.5V6M13.5 10v3.5H10M6 13.5H2.5V10",
            Self::Settings => {
                "M8 10a2 2 0 1 0 0-4 2 2 0 0 0 0 4zM8 2v2M8 12v2M2 8h2M12 8h2M3.8 3.8l1.4 1.4M10.8 10.8l1.4 1.4M12.2 3.8l-1.4 1.4M5.2 10.8l-1.4 1.4"
            }
            Self::Theme => "M8 11a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM8 1.5v1.5M8 13v1.5M1.5 8H3M13 8h1.5",
            Self::AlignLeft => "M2.5 2v12M5 4h8.5v3H5zM5 9.5h5.5v3H5z",
            Self::AlignCentre => "M8 2v2M8 7v2.5M8 12.5V14M3 4h10v3H3zM4.8 9.5h6.4v3H4.8z",
            Self::AlignRight => "M13.5 2v12M11 4H2.5v3H11zM11 9.5H5.5v3H11z",
            Self::AlignTop => "M2 2.5h12M4 5v8.5h3V5zM9.5 5v5.5h3V5z",
            Self::AlignMiddle => "M2 8h2M7 8h2.5M12.5 8H14M4 3v10h3V3zM9.5 4.8v6.4h3V4.8z",
            Self::AlignBottom => "M2 13.5h12M4 11V2.5h3V11zM9.5 11V5.5h3V11z",
            Self::DistributeAcross => "M2.5 2.5v11M13.5 2.5v11M6 4.5h4v7H6z",
            Self::DistributeDown => "M2.5 2.5h11M2.5 13.5h11M4.5 6h7v4h-7z",
            Self::Duplicate => "M5.5 5.5h8v8h-8zM3 10.5h-.5v-8h8V3",
            Self::Delete => "M3 4.5h10M6.5 4.5v-2h3v2M4.2 4.5l.6 9h6.4l.6-9M6.7 7v4M9.3 7v4",
            Self::Rename => {
                "M6 3h4M6 13h4M8 3v10M3 5.5h2.5M3 10.5h2.5M3 5.500v5M10.5 5.500H13v5h-2.5"
            }
            Self::Several => {
                "M8 1.8l3 1.7v3.4L8 8.6 5 6.900V3.500zM4.5 7.600l3 1.700v3.300l-3 1.700-3-1.700V9.300zM11.5 7.600l3 1.700v3.300l-3 1.700-3-1.700V9.300z"
            }
        }
    }

    /// Whether closed parts are filled with the stroke's colour.
    const fn is_solid(self) -> bool {
        matches!(self, Self::Play | Self::Step | Self::Reset | Self::Eject)
    }

    /// Paints the icon around a point; `size` is the side of its grid in points (16 is natural size).
    pub fn paint(self, painter: &Painter, centre: Pos2, size: f32, colour: Color32) {
        self.paint_stroked(painter, centre, size, stroke::ICON, colour);
    }

    /// Paints the icon in the middle of a rectangle.
    pub fn paint_in(self, painter: &Painter, rect: Rect, size: f32, colour: Color32) {
        self.paint(painter, rect.center(), size, colour);
    }

    /// Paints the icon with a stroke of its own width, in points.
    pub fn paint_stroked(
        self,
        painter: &Painter,
        centre: Pos2,
        size: f32,
        width: f32,
        colour: Color32,
    ) {
        let mut shapes = Vec::new();
        self.shapes(centre, size, width, colour, &mut shapes);
        painter.extend(shapes);
    }

    /// The icon as shapes, for those who collect shapes.
    pub fn shapes(
        self,
        centre: Pos2,
        size: f32,
        width: f32,
        colour: Color32,
        out: &mut Vec<Shape>,
    ) {
        let scale = size / 16.0;
        let stroke = Stroke::new(width, colour);
        for part in &GEOMETRY[self as usize] {
            let points: Vec<Pos2> = part
                .points
                .iter()
                .map(|&point| centre + point * scale)
                .collect();
            if part.closed {
                if self.is_solid() {
                    out.push(Shape::convex_polygon(points.clone(), colour, Stroke::NONE));
                }
                out.push(Shape::closed_line(points, stroke));
            } else {
                // Round ends, which epaint's lines do not have.
                if let (Some(&first), Some(&last)) = (points.first(), points.last()) {
                    out.push(Shape::circle_filled(first, width / 2.0, colour));
                    out.push(Shape::circle_filled(last, width / 2.0, colour));
                }
                out.push(Shape::line(points, stroke));
            }
        }
    }
}

/// One stroke of an icon, relative to the middle of the grid.
#[derive(Debug, PartialEq)]
struct Part {
    points: Vec<Vec2>,
    closed: bool,
}

static GEOMETRY: LazyLock<Vec<Vec<Part>>> =
    LazyLock::new(|| Icon::ALL.iter().map(|icon| parse(icon.path())).collect());

/// Splits path data into commands and numbers: "-.2.4" is two numbers, "zM" two commands.
fn tokens(path: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut number = String::new();
    for character in path.chars().chain([' ']) {
        let goes_on = character.is_ascii_digit()
            || character == '.' && !number.contains('.')
            || character == '-' && number.is_empty();
        if !goes_on {
            if let Ok(value) = number.parse() {
                tokens.push(Token::Number(value));
            }
            number.clear();
        }
        match character {
            '0'..='9' | '.' | '-' => number.push(character),
            letter if letter.is_ascii_alphabetic() => tokens.push(Token::Command(letter)),
            _ => {}
        }
    }
    tokens
}

#[derive(Debug, Clone, Copy)]
enum Token {
    Command(char),
    Number(f32),
}

/// Flattens path data (M L H V C S A Z, absolute and relative) into polylines.
fn parse(path: &str) -> Vec<Part> {
    let tokens = tokens(path);
    let mut pen = Pen::default();
    let mut at = 0;
    let mut command = 'M';
    while at < tokens.len() {
        if let Token::Command(letter) = tokens[at] {
            command = letter;
            at += 1;
        }
        let count = match command.to_ascii_uppercase() {
            'M' | 'L' => 2,
            'H' | 'V' => 1,
            'C' => 6,
            'S' => 4,
            'A' => 7,
            _ => 0,
        };
        let numbers: Vec<f32> = tokens[at..]
            .iter()
            .map_while(|token| match token {
                Token::Number(value) => Some(*value),
                Token::Command(_) => None,
            })
            .take(count)
            .collect();
        at += count;
        if numbers.len() < count {
            break;
        }
        pen.draw(command, &numbers);
        // Further pairs after a move are lines.
        match command {
            'M' => command = 'L',
            'm' => command = 'l',
            _ => {}
        }
    }
    pen.parts
}

#[derive(Default)]
struct Pen {
    parts: Vec<Part>,
    at: Vec2,
    start: Vec2,
    /// The second control point of the last curve, which S reflects.
    control: Option<Vec2>,
}

impl Pen {
    fn draw(&mut self, command: char, n: &[f32]) {
        let base = if command.is_ascii_lowercase() {
            self.at
        } else {
            Vec2::ZERO
        };
        let point = |i: usize| base + vec2(n[i], n[i + 1]);
        let mut control = None;
        match command.to_ascii_uppercase() {
            'M' => {
                self.at = point(0);
                self.start = self.at;
                self.parts.push(Part {
                    points: vec![on_grid(self.at)],
                    closed: false,
                });
            }
            'L' => self.line_to(point(0)),
            'H' => self.line_to(vec2(base.x + n[0], self.at.y)),
            'V' => self.line_to(vec2(self.at.x, base.y + n[0])),
            'C' => {
                control = Some(point(2));
                self.curve_to(point(0), point(2), point(4));
            }
            'S' => {
                let first = self.control.map_or(self.at, |last| 2.0 * self.at - last);
                control = Some(point(0));
                self.curve_to(first, point(0), point(2));
            }
            'A' => self.arc_to(vec2(n[0], n[1]), n[3] != 0.0, n[4] != 0.0, point(5)),
            _ => {
                if let Some(part) = self.parts.last_mut() {
                    part.closed = true;
                    // A last point on top of the first would make a spike at the join.
                    if part.points.len() > 1
                        && (part.points[0] - part.points[part.points.len() - 1]).length() < 0.02
                    {
                        part.points.pop();
                    }
                }
                self.at = self.start;
            }
        }
        self.control = control;
    }

    fn line_to(&mut self, to: Vec2) {
        // Drawing on after a close starts a new part where the closed one began.
        if self.parts.last().is_none_or(|part| part.closed) {
            self.parts.push(Part {
                points: vec![on_grid(self.at)],
                closed: false,
            });
        }
        if let Some(part) = self.parts.last_mut() {
            part.points.push(on_grid(to));
        }
        self.at = to;
    }

    fn curve_to(&mut self, b: Vec2, c: Vec2, d: Vec2) {
        const STEPS: u32 = 10;
        let a = self.at;
        for step in 1..=STEPS {
            let t = step as f32 / STEPS as f32;
            let u = 1.0 - t;
            self.line_to(u * u * u * a + 3.0 * u * u * t * b + 3.0 * u * t * t * c + t * t * t * d);
        }
    }

    /// From the end points to the centre, as in the implementation notes of the SVG specification (F.6.5); our ellipses
    /// are never rotated.
    fn arc_to(&mut self, mut radii: Vec2, large: bool, sweep: bool, to: Vec2) {
        let from = self.at;
        let half = (from - to) / 2.0;
        let unit = half / radii;
        let lambda = unit.length_sq();
        if lambda > 1.0 {
            radii *= lambda.sqrt();
        }
        let unit = half / radii;
        let factor = ((1.0 - unit.length_sq()).max(0.0) / unit.length_sq().max(1e-9)).sqrt();
        let sign = if large == sweep { -1.0 } else { 1.0 };
        let centre_unit = sign * factor * vec2(unit.y, -unit.x);
        let centre = (from + to) / 2.0 + centre_unit * radii;
        let start = ((from - centre) / radii).angle();
        let mut turn = ((to - centre) / radii).angle() - start;
        if sweep && turn < 0.0 {
            turn += TAU;
        } else if !sweep && turn > 0.0 {
            turn -= TAU;
        }
        let steps = (turn.abs() / (TAU / 28.0)).ceil().max(1.0) as u32;
        for step in 1..=steps {
            let angle = start + turn * step as f32 / steps as f32;
            self.line_to(if step == steps {
                to
            } else {
                centre + Vec2::angled(angle) * radii
            });
        }
    }
}

/// Relative to the middle of the grid.
fn on_grid(point: Vec2) -> Vec2 {
    point - Vec2::splat(8.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_icon_stays_on_its_grid() {
        for icon in Icon::ALL {
            let parts = &GEOMETRY[icon as usize];
            assert!(!parts.is_empty(), "{icon:?} is empty");
            for point in parts.iter().flat_map(|part| &part.points) {
                assert!(
                    point.x.abs() <= 8.0 && point.y.abs() <= 8.0,
                    "{icon:?} leaves its grid at {point:?}"
                );
            }
        }
    }

    #[test]
    fn packed_numbers_and_flags_are_read() {
        let parts = parse("M1-.5h1.5l0 1.5z");
        assert_eq!(parts.len(), 1);
        assert!(parts[0].closed);
        let points: Vec<Vec2> = parts[0]
            .points
            .iter()
            .map(|&point| point + Vec2::splat(8.0))
            .collect();
        assert_eq!(points, [vec2(1.0, -0.5), vec2(2.5, -0.5), vec2(2.5, 1.0)]);
    }

    #[test]
    fn a_circle_of_two_arcs_is_round() {
        for point in &GEOMETRY[Icon::Stateless as usize][0].points {
            assert!((point.length() - 5.2).abs() < 0.01, "{point:?}");
        }
    }
}
