//! How the window looks: colours, type, measures, and egui's style made from them.
//!
//! The chrome has no hue: selection, focus and primary buttons are drawn in the colour of the text ("ink"). So every
//! colour on the screen is an outcome, and shape or text always says the same as the colour does.

use std::sync::{Arc, LazyLock};

use egui::epaint::{Shadow, StrokeKind};
use egui::style::{ScrollStyle, Selection, TextCursorStyle, WidgetVisuals};
use egui::text::{FontData, FontDefinitions};
use egui::{
    Color32, Context, CornerRadius, FontFamily, FontId, Id, Margin, Pos2, Rect, RichText, Shape,
    Stroke, Style, TextStyle, Theme, Visuals, vec2,
};

/// Distances between things, in points: the only ones used.
pub mod space {
    /// 4 points: between an icon and its word, or things that belong to one another.
    pub const XS: f32 = 4.0;
    /// 8 points: between controls.
    pub const S: f32 = 8.0;
    /// 12 points: inset of panes and cards.
    pub const M: f32 = 12.0;
    /// 16 points: between groups.
    pub const L: f32 = 16.0;
    /// 24 points: between sections, and the canvas grid.
    pub const XL: f32 = 24.0;
}

/// Corner radii, in points.
pub mod radius {
    /// Cards and floating panes.
    pub const CARD: f32 = 8.0;
    /// Buttons, fields, toggles.
    pub const CONTROL: f32 = 6.0;
    /// Badges, tags, shortcut chips.
    pub const TAG: f32 = 4.0;
    /// Bars that show an amount.
    pub const BAR: f32 = 2.0;
}

/// Stroke widths, in points.
pub mod stroke {
    /// Separators and outlines at rest.
    pub const HAIR: f32 = 1.0;
    /// Icons.
    pub const ICON: f32 = 1.4;
    /// A control that has the keyboard.
    pub const FOCUS: f32 = 1.5;
    /// A selected card.
    pub const SELECTED: f32 = 2.0;
}

/// Heights of controls and panes, in points.
pub mod height {
    /// A button.
    pub const BUTTON: f32 = 28.0;
    /// A text field, a choice, a stepper.
    pub const FIELD: f32 = 26.0;
    /// A button of the floating tool bar.
    pub const TOOL: f32 = 34.0;
    /// The bar at the top of the window.
    pub const TOP_BAR: f32 = 44.0;
    /// The bar with play, pause and speed.
    pub const TRANSPORT: f32 = 36.0;
    /// A segmented toggle.
    pub const TOGGLE: f32 = 60.0;
    /// A section header.
    pub const SECTION: f32 = 28.0;
    /// A row with one setting.
    pub const SETTING: f32 = 32.0;
    /// A row with one figure, or one event of the log.
    pub const ROW: f32 = 26.0;
    /// A badge or tag.
    pub const BADGE: f32 = 20.0;
    /// The least side of anything that can be clicked.
    pub const HIT: f32 = 24.0;
}

/// Type sizes, in points.
pub mod size {
    /// 11: units, hints, captions. Nothing is smaller.
    pub const SMALL: f32 = 11.0;
    /// 13: everything else.
    pub const BODY: f32 = 13.0;
    /// 15: figures, names of nodes in the inspector.
    pub const FIGURE: f32 = 15.0;
    /// 18: titles.
    pub const TITLE: f32 = 18.0;
    /// 24: the one line of the gallery that invites.
    pub const HERO: f32 = 24.0;
}

/// The colours of one theme, by what they mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Palette {
    /// Whether this is the dark theme.
    pub dark: bool,
    /// Behind the topology.
    pub canvas: Color32,
    /// Bars and panes.
    pub panel: Color32,
    /// Node cards and menus.
    pub card: Color32,
    /// Hovered and pressed things, tracks, filled badges.
    pub raised: Color32,
    /// Separators and outlines that only decorate (with high contrast: the same as `edge`).
    pub hair: Color32,
    /// Outlines that mean something, and links.
    pub edge: Color32,
    /// Text, and the ink of selection, focus and primary buttons.
    pub text: Color32,
    /// Secondary text and icons.
    pub text2: Color32,
    /// Captions, units, hints.
    pub text3: Color32,
    /// Text on an ink surface.
    pub on_ink: Color32,
    /// Completed operations.
    pub completed: Color32,
    /// Slow, retried, queued. In the light theme for graphics only, never for text.
    pub slow: Color32,
    /// Failed operations and errors. In the dark theme never as text on `raised`.
    pub failed: Color32,
    /// Acknowledged writes and sessions that are lost: nothing else has this colour.
    pub lost: Color32,
    /// The ground of a row that lost something, and under the hatch of what exists only here.
    pub lost_tint: Color32,
    /// Text on `lost`.
    pub on_lost: Color32,
    /// A loss written on an ink surface.
    pub lost_on_ink: Color32,
    /// Healthy: outlines of instances and dots of the load balancer only.
    pub health: Color32,
    /// Down, always with a cross.
    pub down: Color32,
    /// Variant B of a comparison, always dashed (A is ink).
    pub variant_b: Color32,
    /// Under cards and floating bars.
    pub shadow: Color32,
}

const fn rgb(hex: u32) -> Color32 {
    Color32::from_rgb((hex >> 16) as u8, (hex >> 8) as u8, hex as u8)
}

const DARK: Palette = Palette {
    dark: true,
    canvas: rgb(0x0F1216),
    panel: rgb(0x15191F),
    card: rgb(0x1C2129),
    raised: rgb(0x272E38),
    hair: rgb(0x2C343F),
    edge: rgb(0x6F7B8B),
    text: rgb(0xE9EDF2),
    text2: rgb(0xAAB4C1),
    text3: rgb(0x8F9AA9),
    on_ink: rgb(0x0F1216),
    completed: rgb(0x35A2F0),
    slow: rgb(0xF2C14E),
    failed: rgb(0xE8662A),
    lost: rgb(0xF79BD8),
    lost_tint: rgb(0x38202F),
    on_lost: rgb(0x2A0A1F),
    lost_on_ink: rgb(0xA0216E),
    health: rgb(0x2CC795),
    down: rgb(0x7D8897),
    variant_b: rgb(0xF0E442),
    shadow: Color32::from_black_alpha(46),
};

const LIGHT: Palette = Palette {
    dark: false,
    canvas: rgb(0xF4F5F7),
    panel: rgb(0xFFFFFF),
    card: rgb(0xFFFFFF),
    raised: rgb(0xECEEF2),
    hair: rgb(0xDCE0E6),
    edge: rgb(0x7B8694),
    text: rgb(0x14181E),
    text2: rgb(0x47505C),
    text3: rgb(0x5E6875),
    on_ink: rgb(0xFFFFFF),
    completed: rgb(0x0064C0),
    slow: rgb(0xA77B00),
    failed: rgb(0xB83A00),
    lost: rgb(0xA0216E),
    lost_tint: rgb(0xF9E4F0),
    on_lost: rgb(0xFFFFFF),
    lost_on_ink: rgb(0xF79BD8),
    health: rgb(0x008A63),
    down: rgb(0x7B8694),
    variant_b: rgb(0x7A6A00),
    shadow: Color32::from_black_alpha(46),
};

const fn with_contrast(mut palette: Palette) -> Palette {
    palette.hair = palette.edge;
    palette
}

/// By `[dark][high contrast]`.
static PALETTES: [[Palette; 2]; 2] = [[LIGHT, with_contrast(LIGHT)], [DARK, with_contrast(DARK)]];

impl Palette {
    /// The palette of a theme.
    pub fn of(dark: bool, high_contrast: bool) -> &'static Self {
        &PALETTES[usize::from(dark)][usize::from(high_contrast)]
    }
}

/// What a user may choose about the look, besides dark or light (which is egui's [`egui::ThemePreference`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Outlines that only decorate become as strong as those that mean something (3:1).
    pub high_contrast: bool,
    /// Dots on links stand, everything else changes at once.
    pub reduced_motion: bool,
}

/// The palette in use. Cheap: call it wherever a colour is needed (a `&Ui` will do for the context).
pub fn palette(ctx: &Context) -> &'static Palette {
    Palette::of(ctx.theme() == Theme::Dark, settings(ctx).high_contrast)
}

/// The settings given to the last [`install`] or [`apply`].
pub fn settings(ctx: &Context) -> Settings {
    ctx.data(|data| data.get_temp(Id::NULL)).unwrap_or_default()
}

/// Loads the fonts and sets both styles; once, before the first frame.
pub fn install(ctx: &Context, settings: Settings) {
    ctx.set_fonts(fonts());
    apply(ctx, settings);
}

/// Dark or light from now on, whatever the system has.
pub fn set(ctx: &Context, dark: bool) {
    ctx.set_theme(if dark { Theme::Dark } else { Theme::Light });
}

/// Sets both styles again, after a change of the settings.
pub fn apply(ctx: &Context, settings: Settings) {
    ctx.data_mut(|data| data.insert_temp(Id::NULL, settings));
    for theme in [Theme::Dark, Theme::Light] {
        let palette = Palette::of(theme == Theme::Dark, settings.high_contrast);
        ctx.set_style_of(theme, style(palette, settings));
    }
}

/// Weights of the one typeface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    /// 400.
    Regular,
    /// 500.
    Medium,
    /// 600.
    Semibold,
}

static MEDIUM: LazyLock<FontFamily> = LazyLock::new(|| FontFamily::Name("medium".into()));
static SEMIBOLD: LazyLock<FontFamily> = LazyLock::new(|| FontFamily::Name("semibold".into()));

/// IBM Plex Sans at a size in points. All weights have digits of one width.
pub fn font(size: f32, weight: Weight) -> FontId {
    let family = match weight {
        Weight::Regular => FontFamily::Proportional,
        Weight::Medium => MEDIUM.clone(),
        Weight::Semibold => SEMIBOLD.clone(),
    };
    FontId::new(size, family)
}

/// The weight of one of these families, as style sheets number them.
pub fn number_of(family: &FontFamily) -> u32 {
    if *family == *SEMIBOLD {
        600
    } else if *family == *MEDIUM {
        500
    } else {
        400
    }
}

/// The height of a line of text at one of the sizes of [`size`], in points.
pub fn line_height(size: f32) -> f32 {
    match size {
        s if s <= size::SMALL => 16.0,
        s if s <= size::BODY => 18.0,
        s if s <= size::FIGURE => 22.0,
        s if s <= size::TITLE => 24.0,
        s => (s * 4.0 / 3.0).round(),
    }
}

/// Text for a label, with its line height.
pub fn text(text: impl Into<String>, size: f32, weight: Weight, colour: Color32) -> RichText {
    RichText::new(text)
        .font(font(size, weight))
        .line_height(Some(line_height(size)))
        .color(colour)
}

/// The shadow under cards and floating bars, at a zoom, to be painted before the thing itself.
pub fn shadow(rect: Rect, palette: &Palette, zoom: f32) -> Shape {
    Shadow {
        offset: [0, (2.0 * zoom).round() as i8],
        blur: (10.0 * zoom).round().clamp(1.0, 60.0) as u8,
        spread: 0,
        color: palette.shadow,
    }
    .as_shape(
        rect,
        CornerRadius::same((radius::CARD * zoom).round() as u8),
    )
    .into()
}

/// The surface of a floating pane or card: shadow, fill and hair outline.
pub fn surface(
    rect: Rect,
    fill: Color32,
    outline: Stroke,
    palette: &Palette,
    zoom: f32,
) -> [Shape; 2] {
    [
        shadow(rect, palette, zoom),
        egui::epaint::RectShape::new(
            rect,
            CornerRadius::same((radius::CARD * zoom).round().min(255.0) as u8),
            fill,
            outline,
            StrokeKind::Inside,
        )
        .into(),
    ]
}

/// The frame of a bar or pane that floats above the canvas.
pub fn floating_frame(palette: &Palette) -> egui::Frame {
    egui::Frame::new()
        .fill(palette.panel)
        .stroke(Stroke::new(stroke::HAIR, palette.hair))
        .corner_radius(radius::CARD)
        .inner_margin(Margin::same(4))
        .shadow(Shadow {
            offset: [0, 2],
            blur: 10,
            spread: 0,
            color: palette.shadow,
        })
}

/// A dashed outline of a rounded rectangle, with dashes and gaps in points.
pub fn dashed_rect(rect: Rect, radius: f32, stroke: Stroke, dash: f32, gap: f32) -> Vec<Shape> {
    let mut points = rounded_rect_points(rect, radius);
    points.extend(points.first().copied());
    Shape::dashed_line(&points, stroke, dash, gap)
}

/// The outline of a rounded rectangle as points, clockwise from the top left.
pub fn rounded_rect_points(rect: Rect, radius: f32) -> Vec<Pos2> {
    let radius = radius.clamp(0.0, rect.width().min(rect.height()).max(0.0) / 2.0);
    let inner = rect.shrink(radius);
    let corners = [
        (inner.left_top(), 180.0_f32),
        (inner.right_top(), 270.0),
        (inner.right_bottom(), 0.0),
        (inner.left_bottom(), 90.0),
    ];
    // A corner that small is a cut edge to the eye.
    let steps = match radius {
        r if r <= 0.0 => 0,
        r if r < 3.0 => 1,
        _ => 6,
    };
    let mut points = Vec::with_capacity(4 * (steps + 1));
    for (centre, from) in corners {
        for step in 0..=steps {
            let angle = (from + 90.0 * step as f32 / steps.max(1) as f32).to_radians();
            points.push(centre + radius * vec2(angle.cos(), angle.sin()));
        }
    }
    points
}

fn fonts() -> FontDefinitions {
    let faces: [(&str, &'static [u8], FontFamily); 3] = [
        (
            "IBM Plex Sans",
            include_bytes!("../../assets/fonts/IBMPlexSans-Regular.ttf"),
            FontFamily::Proportional,
        ),
        (
            "IBM Plex Sans Medium",
            include_bytes!("../../assets/fonts/IBMPlexSans-Medium.ttf"),
            MEDIUM.clone(),
        ),
        (
            "IBM Plex Sans SemiBold",
            include_bytes!("../../assets/fonts/IBMPlexSans-SemiBold.ttf"),
            SEMIBOLD.clone(),
        ),
    ];
    let mut fonts = FontDefinitions::empty();
    for (name, bytes, family) in faces {
        fonts
            .font_data
            .insert(name.into(), Arc::new(FontData::from_static(bytes)));
        fonts.families.insert(family, vec![name.into()]);
    }
    // Digits are tabular anyway, so one typeface does.
    fonts
        .families
        .insert(FontFamily::Monospace, vec!["IBM Plex Sans".into()]);
    fonts
}

fn style(palette: &Palette, settings: Settings) -> Style {
    let mut style = Style {
        text_styles: [
            (TextStyle::Small, font(size::SMALL, Weight::Regular)),
            (TextStyle::Body, font(size::BODY, Weight::Regular)),
            (TextStyle::Monospace, font(size::BODY, Weight::Regular)),
            (TextStyle::Button, font(size::BODY, Weight::Medium)),
            (TextStyle::Heading, font(size::TITLE, Weight::Semibold)),
        ]
        .into(),
        visuals: visuals(palette),
        animation_time: if settings.reduced_motion { 0.0 } else { 0.12 },
        ..Style::default()
    };
    if settings.reduced_motion {
        style.scroll_animation = egui::style::ScrollAnimation::none();
    }
    #[cfg(debug_assertions)]
    {
        style.debug.show_unaligned = false;
    }

    let spacing = &mut style.spacing;
    spacing.item_spacing = vec2(space::S, space::XS);
    spacing.button_padding = vec2(10.0, 5.0);
    spacing.menu_margin = Margin::same(4);
    spacing.window_margin = Margin::same(space::M as i8);
    spacing.interact_size = vec2(height::BUTTON, height::BUTTON);
    spacing.indent = space::L;
    spacing.combo_width = 104.0;
    spacing.text_edit_width = 104.0;
    spacing.slider_width = 112.0;
    spacing.slider_rail_height = 3.0;
    spacing.icon_width = 16.0;
    spacing.icon_width_inner = 8.0;
    spacing.icon_spacing = 6.0;
    spacing.menu_width = 320.0;
    spacing.tooltip_width = 320.0;
    spacing.scroll = ScrollStyle {
        bar_width: 8.0,
        floating_width: 3.0,
        ..ScrollStyle::floating()
    };

    // Reading comes first: labels are selected only where a pane asks for it.
    style.interaction.selectable_labels = false;
    style.interaction.tooltip_delay = 0.4;
    style
}

fn visuals(palette: &Palette) -> Visuals {
    let base = if palette.dark {
        Visuals::dark()
    } else {
        Visuals::light()
    };
    let control = CornerRadius::same(radius::CONTROL as u8);
    let widget = |fill: Color32, outline: Stroke, ink: Color32| WidgetVisuals {
        bg_fill: fill,
        weak_bg_fill: fill,
        bg_stroke: outline,
        corner_radius: control,
        fg_stroke: Stroke::new(stroke::ICON, ink),
        expansion: 0.0,
    };
    let hair = Stroke::new(stroke::HAIR, palette.hair);
    let edge = Stroke::new(stroke::HAIR, palette.edge);
    let focus = Stroke::new(stroke::FOCUS, palette.text);
    let shadow = Shadow {
        offset: [0, 2],
        blur: 10,
        spread: 0,
        color: palette.shadow,
    };
    let mut visuals = Visuals {
        override_text_color: None,
        weak_text_color: Some(palette.text3),
        hyperlink_color: palette.text,
        faint_bg_color: palette.raised,
        extreme_bg_color: palette.canvas,
        text_edit_bg_color: Some(palette.canvas),
        code_bg_color: palette.raised,
        warn_fg_color: palette.slow,
        error_fg_color: palette.failed,
        window_corner_radius: CornerRadius::same(radius::CARD as u8),
        menu_corner_radius: CornerRadius::same(radius::CARD as u8),
        window_fill: palette.card,
        panel_fill: palette.panel,
        window_stroke: hair,
        window_shadow: shadow,
        popup_shadow: shadow,
        selection: Selection {
            bg_fill: palette.text.gamma_multiply(0.28),
            stroke: focus,
        },
        text_cursor: TextCursorStyle {
            stroke: Stroke::new(stroke::FOCUS, palette.text),
            blink: false,
            ..base.text_cursor.clone()
        },
        striped: false,
        slider_trailing_fill: true,
        indent_has_left_vline: false,
        ..base
    };
    let widgets = &mut visuals.widgets;
    widgets.noninteractive = widget(palette.panel, hair, palette.text);
    widgets.inactive = widget(palette.panel, hair, palette.text);
    widgets.hovered = widget(palette.raised, edge, palette.text);
    widgets.active = widget(palette.raised, focus, palette.text);
    widgets.open = widget(palette.raised, edge, palette.text);
    visuals
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every character the window writes must exist in every weight: a missing glyph is a box on the screen.
    #[test]
    fn fonts_have_every_character_we_write() {
        let ctx = Context::default();
        install(&ctx, Settings::default());
        ctx.run_ui(Default::default(), |_| {})
            .drop_without_applying_deltas();
        let characters = "\u{2212}×÷→←↓↑·…±%µ–—≥≤≈=“”’•$€/0123456789";
        for weight in [Weight::Regular, Weight::Medium, Weight::Semibold] {
            let id = font(size::BODY, weight);
            for character in characters.chars() {
                assert!(
                    ctx.fonts_mut(|fonts| fonts.has_glyph(&id, character)),
                    "{weight:?} lacks {character:?} (U+{:04X})",
                    u32::from(character)
                );
            }
            let widths: Vec<f32> = ('0'..='9')
                .map(|digit| ctx.fonts_mut(|fonts| fonts.glyph_width(&id, digit)))
                .collect();
            assert!(
                widths.iter().all(|width| (width - widths[0]).abs() < 1e-3),
                "{widths:?}"
            );
        }
    }

    /// WCAG contrast of two opaque colours.
    fn contrast(a: Color32, b: Color32) -> f32 {
        let luminance = |colour: Color32| {
            let linear = egui::Rgba::from(colour);
            0.2126 * linear.r() + 0.7152 * linear.g() + 0.0722 * linear.b()
        };
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn text_can_be_read_on_every_ground_it_stands_on() {
        for palette in PALETTES.iter().flatten() {
            for ground in [palette.canvas, palette.panel, palette.card] {
                for ink in [
                    palette.text,
                    palette.text2,
                    palette.text3,
                    palette.failed,
                    palette.lost,
                ] {
                    assert!(contrast(ink, ground) >= 4.5, "{ink:?} on {ground:?}");
                }
                assert!(contrast(palette.edge, ground) >= 3.0, "edge on {ground:?}");
            }
            assert!(contrast(palette.text3, palette.raised) >= 4.5);
            assert!(contrast(palette.on_lost, palette.lost) >= 4.5);
            assert!(contrast(palette.lost_on_ink, palette.text) >= 4.5);
            assert!(contrast(palette.lost, palette.lost_tint) >= 4.5);
            assert!(contrast(palette.on_ink, palette.text) >= 4.5);
        }
    }

    #[test]
    fn high_contrast_strengthens_outlines_in_both_themes() {
        let ctx = Context::default();
        let settings = Settings {
            high_contrast: true,
            reduced_motion: true,
        };
        apply(&ctx, settings);
        for theme in [Theme::Dark, Theme::Light] {
            ctx.set_theme(theme);
            assert_eq!(palette(&ctx).hair, palette(&ctx).edge);
            assert_eq!(ctx.style_of(theme).animation_time, 0.0);
        }
    }
}
